//! What ends a remembered consent: a stop, a theft, a revocation, a changed credential, and the person's own word. Each is done through
//! its own door, and the next silent request must be told to ask. What concerns the client is in `remembered_client.rs`.

use serde_json::json;
use writ_core::id::TaskId;
use writ_server::operate::disable::{UserSwitch, switch_user};
use writ_server::operate::stop::stop_task;
use writ_testkit::{
    BANK, Cast, Change, Fields, PASSWORD, Phone, TestReply, Web, World, both, front_url, payment,
};

use super::oidc_consent::{agree, logged_in, remembering, silent, silently};
use crate::client::device::types;
use crate::operate::suspend::writ;

/// The next silent request is told to ask.
pub(crate) async fn assert_asked(world: &World, form: &Fields, why: &str) {
    let error = silently(world, form).await;
    assert_eq!(error.as_deref(), Some("consent_required"), "{why}");
}

/// The next silent request gets a code.
pub(crate) async fn assert_silent(world: &World, form: &Fields, why: &str) {
    assert_eq!(silently(world, form).await, None, "{why}");
}

/// A grant without a question, redeemed.
async fn granted(world: &World, web: &Web, form: &Fields) -> (String, TestReply) {
    let page = logged_in(world).await.open(&front_url(form)).await;
    let code = page.query("code").expect("no question");
    let reply = redeem(world, web, &code).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    (code, reply)
}

async fn redeem(world: &World, web: &Web, code: &str) -> TestReply {
    web.send(world, "/token", &web.redeem_form(code), &[]).await
}

both!(
    rfc_6749_4_1_2_it_ends_with_a_code_that_is_used_twice,
    |world| async {
        Cast::of(&world).await;
        let web = remembering(&world).await;
        let form = silent(&web);
        agree(&world, &form).await;
        let (code, _) = granted(&world, &web, &form).await;
        assert_silent(&world, &form, "before the theft").await;
        assert_eq!(redeem(&world, &web, &code).await.status, 400);
        assert_asked(&world, &form, "the code was used twice").await;
    }
);

both!(
    rfc_7009_2_1_it_ends_with_a_grant_that_its_client_revokes,
    |world| async {
        Cast::of(&world).await;
        let web = remembering(&world).await;
        let form = silent(&web);
        for member in ["access_token", "refresh_token"] {
            agree(&world, &form).await;
            let (_, reply) = granted(&world, &web, &form).await;
            let token = vec![("token", reply.member(member))];
            assert_eq!(web.send(&world, "/revoke", &token, &[]).await.status, 200);
            assert_asked(&world, &form, member).await;
        }
        agree(&world, &form).await;
        let (_, reply) = granted(&world, &web, &form).await;
        let unknown = vec![("token", format!("{}x", reply.member("refresh_token")))];
        assert_eq!(web.send(&world, "/revoke", &unknown, &[]).await.status, 200);
        assert_silent(&world, &form, "nothing was revoked").await;
    }
);

both!(it_ends_with_a_stop_or_by_its_person, |world| async {
    Cast::of(&world).await;
    let web = remembering(&world).await;
    let form = silent(&web);
    let mut browser = logged_in(&world).await;
    for (button, why) in [
        ("task-stop", "a task was stopped"),
        ("agent-stop", "the app was stopped"),
    ] {
        agree(&world, &form).await;
        let page = browser.open("/app/agents").await;
        browser.submit(&page, button, &[]).await;
        assert_asked(&world, &form, why).await;
    }
    agree(&world, &form).await;
    let page = browser.open("/app/agents").await;
    page.says("Not asked again");
    let page = browser.submit(&page, "consent-forget", &[]).await;
    page.says("From now on that app asks you again.");
    assert_asked(&world, &form, "the person said so").await;
    assert_eq!(world.events_named("consent.forgotten").await.len(), 1);
});

both!(it_ends_with_a_stop_of_an_operator, |world| async {
    Cast::of(&world).await;
    let web = remembering(&world).await;
    let form = silent(&web);
    agree(&world, &form).await;
    let given = world.events_named("consent.given").await;
    let task = TaskId::from_text(given.last().unwrap().task.clone().unwrap());
    let mut transaction = world.begin().await;
    let change = world.change();
    let stopped = stop_task(&world.app.outbox(), &mut transaction, &task, change).await;
    transaction.commit().await.unwrap();
    stopped.unwrap().unwrap().announce(&world.app);
    assert_asked(&world, &form, "an operator stopped a task").await;
});

both!(
    it_ends_with_a_no_and_with_what_a_yes_leaves_out,
    |world| async {
        Cast::of(&world).await;
        let web = remembering(&world).await;
        let both = silent(&web).with("scope", "openid accounts:read accounts:write");
        let asking = both.clone().with("prompt", "consent");
        agree(&world, &both).await;
        let mut browser = logged_in(&world).await;
        let page = browser.open(&front_url(&asking)).await;
        let mut fields = page.fields("consent-approve");
        fields.retain(|(name, value)| name != "grant" || !value.contains("accounts:write"));
        fields.push(("consent-approve".to_owned(), "1".to_owned()));
        let page = browser.send_form(&page, "consent-approve", &fields).await;
        assert!(page.query("code").is_some(), "{}", page.reply.text());
        assert_asked(&world, &both, "a part was left out").await;
        assert_silent(&world, &silent(&web), "the rest").await;
        let page = browser.open(&front_url(&asking)).await;
        let page = browser.submit(&page, "consent-deny", &[]).await;
        assert_eq!(page.query("error").as_deref(), Some("access_denied"));
        assert_asked(&world, &silent(&web), "the person said no").await;
    }
);

both!(
    a_no_and_what_is_left_out_count_whatever_else_was_asked,
    |world| async {
        Cast::of(&world).await;
        let paying = json!({
            "remember_consent": true, "authorization_details_types": ["payment"]
        });
        let web = Web::register(&world, paying).await;
        let form = silent(&web);
        let details = json!([payment("12.00")]).to_string();
        let asked = form.clone().without("prompt");
        let mixed = asked.clone().with("authorization_details", details);
        let bare = asked.with("scope", "openid").with("resource", BANK);
        for request in [&mixed, &bare] {
            agree(&world, &form).await;
            let (mut browser, page) = world.consent_page(&front_url(request)).await;
            browser.submit(&page, "consent-deny", &[]).await;
            assert_asked(&world, &form, "the person said no").await;
        }
        agree(&world, &form).await;
        let (mut browser, page) = world.consent_page(&front_url(&mixed)).await;
        let mut fields = page.fields("consent-approve");
        fields.retain(|(name, value)| name != "grant" || !value.contains("accounts:read"));
        fields.push(("consent-approve".to_owned(), "1".to_owned()));
        let done = browser.send_form(&page, "consent-approve", &fields).await;
        assert!(done.query("code").is_some(), "{}", done.reply.text());
        assert_asked(&world, &form, "the person left it out").await;
    }
);

both!(a_no_to_a_device_of_the_client_counts_too, |world| async {
    Cast::of(&world).await;
    let both = json!({
        "remember_consent": true, "bearer": true,
        "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]
    });
    let web = Web::register(&world, both).await;
    let form = silent(&web);
    agree(&world, &form).await;
    let scope = vec![("scope", "accounts:read".to_owned())];
    let asked = web.send(&world, "/device_authorization", &scope, &[]).await;
    let mut alice = world.phone_of("alice").await;
    let page = types(&mut alice, &asked.member("user_code")).await;
    alice.refuse(&page, "deny").await;
    assert_asked(&world, &form, "the person said no to its device").await;
});

both!(it_ends_with_every_change_of_a_passkey, |world| async {
    Cast::of(&world).await;
    let web = remembering(&world).await;
    let form = silent(&web);
    agree(&world, &form).await;
    let mut phone = world.enrolled_phone("alice", 1).await;
    assert_asked(&world, &form, "a passkey was added").await;
    agree(&world, &form).await;
    let id = phone.device.credential_ids()[0].clone();
    phone.remove(&id).await;
    assert_asked(&world, &form, "its person removed a passkey").await;
    let mut second = world.enrolled_phone("alice", 2).await;
    agree(&world, &form).await;
    second.device = second.device.synced();
    let mut synced = Phone::new(world.browser(), second.device);
    assert_eq!(synced.sign_in_with_passkey(&[]).await.reply.status, 422);
    assert_asked(&world, &form, "a passkey was retired").await;
    world.enrolled_phone("alice", 3).await;
    agree(&world, &form).await;
    let removed = writ(&world, &["user", "passkeys", "alice", "--remove-all"]);
    assert_eq!(removed.status.code(), Some(0));
    assert_asked(&world, &form, "an operator removed the passkeys").await;
});

both!(
    it_ends_when_its_person_is_disabled_or_gets_a_password,
    |world| async {
        Cast::of(&world).await;
        let web = remembering(&world).await;
        let form = silent(&web);
        agree(&world, &form).await;
        for switch in [UserSwitch::Disable, UserSwitch::Enable] {
            let mut transaction = world.begin().await;
            let change = world.change();
            let switched = switch_user(&mut transaction, "alice", switch, change);
            assert!(switched.await.unwrap().is_some());
            transaction.commit().await.unwrap();
        }
        assert_asked(&world, &form, "the person was disabled").await;
        agree(&world, &form).await;
        let catalogue = world.app.catalogue().await.unwrap();
        let registrar = world.registry(&catalogue.types);
        let changed = registrar.change_password("alice", PASSWORD, &world.app.config);
        changed.await.unwrap();
        assert_asked(&world, &form, "an operator set a password").await;
    }
);

both!(a_yes_that_was_clicked_counts_as_one, |world| async {
    Cast::of(&world).await;
    let web = remembering(&world).await;
    let form = silent(&web).without("prompt");
    let mut browser = logged_in(&world).await;
    let page = browser.open(&front_url(&form)).await;
    agree(&world, &silent(&web)).await;
    world.advance(60);
    // By now the same is remembered: the click is a yes all the same.
    let page = browser.submit(&page, "consent-approve", &[]).await;
    assert!(page.query("code").is_some(), "{}", page.reply.text());
    let given = world.events_named("consent.given").await;
    assert_eq!(given.last().unwrap().data["method"], json!("password"));
    world.advance(90 * 24 * 3600 - 30);
    assert_silent(&world, &silent(&web), "from the later yes on").await;
});
