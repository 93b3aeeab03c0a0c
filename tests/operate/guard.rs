//! Addresses that others name are called only where that is harmless.

use writ_testkit::{PASSWORD, both, both_heard};

use crate::people::webpush::Phone;

both!(
    a_browser_names_only_push_services_that_are_known,
    |world| async {
        world.add_user("alice", PASSWORD).await;
        let phone = Phone::logged_in(&world, "alice").await;
        for endpoint in [
            "http://fcm.googleapis.com/x",
            "https://evil.example/x",
            "https://fcm.googleapis.com.evil.example/x",
            "https://fcm.googleapis.com:8443/x",
            "https://user@fcm.googleapis.com/x",
            "https://notify.windows.com/x",
            "https://evilnotify.windows.com/x",
            "https://127.0.0.1/x",
            "https://2130706433/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://169.254.169.254/x",
            "https://10.0.0.1/x",
            "https://localhost/x",
            "file:///etc/passwd",
            "",
        ] {
            let reply = phone.subscribe(&world, endpoint).await;
            assert_eq!(reply.status, 400, "{endpoint}");
        }
        for endpoint in [
            "https://fcm.googleapis.com/fcm/send/x",
            "https://updates.push.services.mozilla.com/wpush/v2/x",
            "https://db5p.notify.windows.com/w/?token=x",
            "https://web.push.apple.com/x",
        ] {
            let reply = phone.subscribe(&world, endpoint).await;
            assert_eq!(reply.status, 204, "{endpoint}");
        }
    }
);

both_heard!(a_trusted_origin_is_trusted_alone, |world, receiver| async {
    world.add_user("alice", PASSWORD).await;
    let phone = Phone::logged_in(&world, "alice").await;
    assert_eq!(
        phone.subscribe(&world, &receiver.url("/push")).await.status,
        204
    );
    let other = writ_testkit::HttpReceiver::start().await;
    assert_eq!(
        phone.subscribe(&world, &other.url("/push")).await.status,
        400
    );
});
