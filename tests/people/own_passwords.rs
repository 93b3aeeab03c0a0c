//! Right passwords cost a hash as wrong ones do, and others wait for it: those that one person proves are counted too, for that person alone.

use writ_core::password::MAX_PASSWORD_PROOFS_OF_PERSON;
use writ_server::node::password_limits::{PasswordLimits, PasswordTrier};
use writ_store::attempts::Admission;
use writ_testkit::{Cast, PASSWORD, Phone, TestReply, World, both};

/// The password is right, and nothing changes: the new one was typed twice differently.
async fn proves(phone: &mut Phone) -> TestReply {
    let fields = [
        ("setting", "password".to_owned()),
        ("password", PASSWORD.to_owned()),
        ("new_password", "seven green kettles sing".to_owned()),
        ("new_password_again", "seven green kettles sang".to_owned()),
    ];
    phone.post("/app/settings", &fields).await.reply
}

/// As if so many right ones were proved, each in a session of its own.
async fn proved(world: &World, name: &str, times: u32) {
    let mut reading = world.app.read().await.unwrap();
    let person = reading.user_by_name(name).await.unwrap().unwrap().user.id;
    drop(reading);
    for at in 0..times {
        let digest = &format!("session-{at}");
        let person = &person;
        let limits = PasswordLimits::of(PasswordTrier::Session { digest, person }, world.now());
        let admitted = world.app.admit_password(&limits).await.unwrap();
        assert_eq!(admitted, Admission::Admitted, "{at}");
        world.app.forget_failures(&limits).await;
    }
}

both!(
    right_passwords_of_one_person_are_counted_too_and_pause_nobody_else,
    |world| async {
        Cast::of(&world).await;
        let (mut hers, mut again, mut mallory) = (world.phone(1), world.phone(2), world.phone(3));
        hers.sign_in("alice").await;
        again.sign_in("alice").await;
        mallory.sign_in("mallory").await;
        proved(&world, "alice", MAX_PASSWORD_PROOFS_OF_PERSON - 1).await;
        assert_eq!(proves(&mut hers).await.status, 422, "looked at");
        for phone in [&mut hers, &mut again] {
            let paused = proves(phone).await;
            assert_eq!(paused.status, 429);
            // It is 800 seconds past the hour.
            assert_eq!(paused.header("retry-after"), Some("2800"));
        }
        assert_eq!(proves(&mut mallory).await.status, 422);
        let mut browser = world.browser();
        let page = browser.open("/login").await;
        let page = browser.log_in(&page, "alice", PASSWORD).await;
        assert_eq!(
            page.url.path(),
            "/app",
            "a new browser is counted otherwise"
        );
        world.advance(2800);
        assert_eq!(proves(&mut again).await.status, 422);
    }
);
