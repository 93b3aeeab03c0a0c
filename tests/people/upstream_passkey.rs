//! A first passkey by a login at a provider: of now, in that session, where it counts as `passkey` and the operator says so. Everybody else
//! needs the operator's code.

use serde_json::{Value, json};
use writ_testkit::{Cast, PASSWORD, Phone, TestProvider, WebPage, World, both_upstream, merge};

const OPTIONS: &str = "/app/devices/passkeys/options";

/// A phone of this `sub`, signed in at the provider with these changes of its claims.
async fn came(world: &World, acme: &TestProvider, number: u8, changes: Value) -> Phone {
    let mut phone = world.phone(number);
    let mut all = json!({ "sub": format!("person-{number}"), "acr": "phr" });
    merge(&mut all, changes);
    let page = super::upstream::sign_in_as(world, acme, &mut phone.browser, all).await;
    assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
    phone
}

/// What the script is told that asks for options without a code.
async fn refusal(phone: &mut Phone) -> Value {
    let reply = phone.post(OPTIONS, &[]).await.reply;
    assert_eq!(reply.status, 403, "{}", reply.text());
    reply.json()["error"].clone()
}

async fn devices(phone: &mut Phone) -> WebPage {
    phone.browser.open("/app/devices").await
}

both_upstream!(
    a_login_of_now_that_counts_enrols_the_first_passkey_once,
    [
        ("ANYONE", "true"),
        ("PASSKEY_ACR", "phr"),
        ("FIRST_PASSKEY", "true")
    ],
    |world, acme| async {
        let mut phone = came(&world, &acme, 1, json!({})).await;
        devices(&mut phone).await.says("needs no code");
        let credential = phone.created(&[]).await;
        let done = phone.send_credential(&credential, "Phone").await;
        assert_eq!(done.reply.status, 200, "{}", done.words());
        let changed = world.events_named("user.changed").await;
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].data["passkey"], "added");
        assert_eq!(changed[0].data["by"], json!({ "upstream": acme.origin }));
        // The next one needs that one.
        assert_eq!(refusal(&mut phone).await, "needs_passkey");
        // Two ceremonies at once: the second finds a passkey.
        let mut phone = came(&world, &acme, 2, json!({})).await;
        let mut other = world.phone(20).device;
        let first = phone.created(&[]).await;
        std::mem::swap(&mut phone.device, &mut other);
        let second = phone.created(&[]).await;
        assert_eq!(phone.send_credential(&first, "One").await.reply.status, 200);
        let late = phone.send_credential(&second, "Two").await;
        assert_eq!(late.reply.status, 422, "{}", late.words());
    }
);

both_upstream!(
    what_does_not_count_or_is_over_needs_the_code,
    [
        ("ANYONE", "true"),
        ("PASSKEY_ACR", "phr"),
        ("FIRST_PASSKEY", "true")
    ],
    |world, acme| async {
        for (number, changes) in [(1, json!({ "acr": null })), (2, json!({ "acr": "0" }))] {
            let mut phone = came(&world, &acme, number, changes.clone()).await;
            devices(&mut phone).await.does_not_say("needs no code");
            assert_eq!(refusal(&mut phone).await, "needs_code", "{changes}");
        }
        // Too late, also for what was begun in time.
        let mut phone = came(&world, &acme, 5, json!({})).await;
        world.advance(899);
        let begun = phone.created(&[]).await;
        world.advance(1);
        let late = phone.send_credential(&begun, "Phone").await;
        assert_eq!(late.reply.status, 422, "{}", late.words());
        assert_eq!(refusal(&mut phone).await, "needs_code");
        devices(&mut phone).await.does_not_say("needs no code");
        // A login by password is none, and a wrong code stays one.
        Cast::of(&world).await;
        let mut alice = world.phone(6);
        alice.sign_in("alice").await;
        assert_eq!(refusal(&mut alice).await, "needs_code");
        let mut phone = came(&world, &acme, 7, json!({})).await;
        let wrong = [("code", "BBBB-BBBB".to_owned())];
        let reply = phone.post(OPTIONS, &wrong).await.reply;
        assert_eq!(reply.json()["error"], "wrong_code");
    }
);

both_upstream!(
    /// Whoever has her password could link an account of their own, and come by that.
    what_somebody_linked_enrols_nothing,
    [("PASSKEY_ACR", "phr"), ("FIRST_PASSKEY", "true")],
    |world, acme| async {
        Cast::of(&world).await;
        let mut browser = world.browser();
        let page = browser.open("/app/upstream").await;
        let page = browser.log_in(&page, "alice", PASSWORD).await;
        let fill = [("password", PASSWORD)];
        let asked = browser.submit(&page, "link-acme", &fill).await;
        let mut claims = acme.claims(&world, &asked);
        claims["sub"] = json!("person-1");
        let page = browser.open(&acme.answer(&asked, &claims)).await;
        page.says("Linked on");
        let mut phone = came(&world, &acme, 1, json!({})).await;
        devices(&mut phone).await.does_not_say("needs no code");
        assert_eq!(refusal(&mut phone).await, "needs_code");
    }
);

both_upstream!(
    without_the_setting_it_is_the_code,
    [("ANYONE", "true"), ("PASSKEY_ACR", "phr")],
    |world, acme| async {
        let mut phone = came(&world, &acme, 1, json!({})).await;
        assert_eq!(refusal(&mut phone).await, "needs_code");
        phone.code = Some(world.passkey_code("noor@acme").await);
        let done = phone.enrol("Phone").await;
        assert_eq!(done.reply.status, 200, "{}", done.words());
    }
);
