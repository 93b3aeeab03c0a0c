//! `levels.passkey = "device_bound"`: a passkey that a provider copies between devices proves nothing here.

use serde_json::json;
use writ_testkit::{Cast, Phone, both_with};

const BOUND: &[(&str, &str)] = &[("LEVELS__PASSKEY", "device_bound")];

both_with!(
    a_passkey_that_is_copied_is_not_enrolled,
    BOUND,
    |world| async {
        Cast::of(&world).await;
        let mut phone = world.phone(1);
        phone.sign_in("alice").await;
        phone.code = Some(world.passkey_code("alice").await);
        let bound = phone.device.clone();
        phone.device = phone.device.synced();
        let refused = phone.enrol("Copied").await;
        assert_eq!(refused.reply.status, 422);
        refused.says("This server takes only passkeys that stay on one device");
        // The code is still good for one that counts.
        phone.device = bound;
        assert_eq!(phone.enrol("Phone").await.reply.status, 200);
        let mut again = Phone::new(world.browser(), phone.device);
        assert_eq!(again.sign_in_with_passkey(&[]).await.url.path(), "/app");
    }
);

both_with!(one_of_before_proves_nothing_any_more, &[], |world| async {
    Cast::of(&world).await;
    let mut phone = world.phone(1);
    phone.device = phone.device.synced();
    phone.sign_in("alice").await;
    phone.code = Some(world.passkey_code("alice").await);
    assert_eq!(phone.enrol("Copied").await.reply.status, 200);
    let strict = world.node_with(BOUND).await;
    phone.browser.move_to(strict.network.clone());
    // Neither signs in, nor adds another, nor removes one.
    let mut login = Phone::new(strict.browser(), phone.device.clone());
    let refused = login.sign_in_with_passkey(&[]).await;
    assert_eq!(refused.reply.status, 422);
    let asked = phone.post("/app/devices/passkeys/prove", &[]).await.reply;
    assert_eq!(
        (asked.status, asked.json()),
        (409, json!({ "error": "no_passkey" }))
    );
    let listed = phone.browser.open("/app/devices").await;
    listed.says("This one does not count");
    // The next one is a first one.
    let options = phone.post("/app/devices/passkeys/options", &[]).await.reply;
    assert_eq!(options.json(), json!({ "error": "needs_code" }));
});
