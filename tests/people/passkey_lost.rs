//! Who lost the only device: an operator removes its passkey, and the person begins again with a code.

use serde_json::{Value, json};
use writ_passkey::software::Misbehaviour;
use writ_testkit::{Cast, Phone, both};

use crate::operate::suspend::writ;

both!(an_operator_helps_who_lost_the_only_device, |world| async {
    Cast::of(&world).await;
    let phone = world.enrolled_phone("alice", 1).await;
    let id = phone.device.credential_ids()[0].clone();
    let mut thief = Phone::new(world.browser(), phone.device);
    thief.sign_in_with_passkey(&[]).await;
    let listed = writ(&world, &["user", "passkeys", "alice"]);
    let complained = String::from_utf8(listed.stderr).unwrap();
    assert_eq!(listed.status.code(), Some(0), "{complained}");
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["credential_id"], json!(id));
    assert_eq!(listed["name"], json!("Phone"));
    for bad in [
        ["user", "passkeys", "nobody", "--remove-all"].as_slice(),
        &["user", "passkeys", "alice", "--remove", "other"],
        &["user", "passkeys", "mallory", "--remove", &id],
    ] {
        assert_eq!(writ(&world, bad).status.code(), Some(1), "{bad:?}");
    }
    assert_eq!(thief.browser.open("/app").await.url.path(), "/app");
    world.advance(1);
    let one = ["user", "passkeys", "alice", "--remove", &id];
    assert_eq!(writ(&world, &one).status.code(), Some(0));
    assert_eq!(thief.browser.open("/app").await.url.path(), "/login");
    assert_eq!(thief.sign_in_with_passkey(&[]).await.reply.status, 422);
    let events = world.events_named("user.changed").await;
    let removed = events.iter().find(|e| e.data["passkey"] == "removed");
    let removed = removed.unwrap();
    assert_eq!(removed.data["by"], json!("operator"));
    assert_eq!(removed.data["credential_id"], json!(id));
    let mut fresh = world.phone(2);
    fresh.sign_in("alice").await;
    fresh.code = Some(world.passkey_code("alice").await);
    assert_eq!(fresh.enrol("New").await.reply.status, 200);
});

both!(
    webauthn_7_2_a_passkey_that_its_device_changed_is_added_again,
    |world| async {
        Cast::of(&world).await;
        let mut phone = world.enrolled_phone("alice", 1).await;
        let old = phone.device.credential_ids()[0].clone();
        phone.device = phone.device.synced();
        let mut synced = Phone::new(world.browser(), phone.device);
        let refused = synced.sign_in_with_passkey(&[]).await;
        assert_eq!(refused.reply.status, 422);
        refused.says("Your device changed that passkey");
        let failed = world.events_named("login.failed").await;
        let reason = failed[0].data["reason"].as_str().unwrap();
        assert!(reason.contains("backup eligibility"), "{reason}");
        let events = world.events_named("user.changed").await;
        let removed = events.iter().find(|e| e.data["passkey"] == "removed");
        let removed = removed.unwrap();
        assert_eq!(removed.data["by"], json!("backup_eligibility"));
        assert_eq!(removed.data["credential_id"], json!(old));
        // The passkey itself proved that it goes; the next one is a first one again.
        synced.sign_in("alice").await;
        synced.code = Some(world.passkey_code("alice").await);
        assert_eq!(synced.enrol("Phone again").await.reply.status, 200);
        let mut later = Phone::new(world.browser(), synced.device);
        let entered = later.sign_in_with_passkey(&[]).await;
        assert_eq!(entered.url.path(), "/app", "{}", entered.reply.text());
    }
);

both!(
    webauthn_7_2_without_the_key_a_changed_flag_removes_nothing,
    |world| async {
        Cast::of(&world).await;
        let phone = world.enrolled_phone("alice", 1).await;
        let forged = phone.device.clone().synced().with(Misbehaviour::OtherKey);
        let mut thief = Phone::new(world.browser(), forged);
        let refused = thief.sign_in_with_passkey(&[]).await;
        assert_eq!(refused.reply.status, 422);
        refused.says("That passkey did not work here");
        let mut honest = Phone::new(world.browser(), phone.device);
        assert_eq!(
            honest.sign_in_with_passkey(&[]).await.url.path(),
            "/app",
            "still hers"
        );
    }
);
