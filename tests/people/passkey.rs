//! Login with a passkey (WebAuthn 7.2), through the HTTP door: who comes in, who does not, and what is recorded.

use serde_json::{Value, json};
use writ_core::id::UserId;
use writ_passkey::software::{Misbehaviour, SoftwareAuthenticator};
use writ_testkit::{
    Cast, ISSUER, PASSWORD, Phone, Ready, WebPage, World, at_once, authorize_url, both, both_with,
    claims,
};

async fn user(world: &World, name: &str) -> UserId {
    let mut transaction = world.begin().await;
    transaction
        .user_by_name(name)
        .await
        .unwrap()
        .unwrap()
        .user
        .id
}

/// A phone that begins with this device's passkeys, signed out.
async fn signed_out(world: &World, name: &str, number: u8) -> Phone {
    let enrolled = world.enrolled_phone(name, number).await;
    Phone::new(world.browser(), enrolled.device)
}

fn came_in(shown: &WebPage) {
    assert_eq!(shown.url.path(), "/app", "{}", shown.reply.text());
}

/// Refused with the one answer that says nothing.
fn stayed_out(shown: &WebPage) -> String {
    assert_eq!(shown.reply.status, 422, "{}", shown.reply.text());
    let text = shown.reply.text();
    let csrf = text.split("name=\"csrf\" value=\"").nth(1).unwrap();
    text.replace(csrf.split('"').next().unwrap(), "CSRF")
}

both!(a_phone_never_needs_a_password, |world| async {
    let cast = Cast::of(&world).await;
    let mut phone = signed_out(&world, "alice", 1).await;
    world.advance(60);
    came_in(&phone.sign_in_with_passkey(&[]).await);
    let events = world.events_named("login.succeeded").await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].data, json!({ "method": "password" }));
    assert_eq!(events[1].data, json!({ "method": "passkey" }));
    assert_eq!(events[1].subject.as_deref(), Some(cast.alice.as_str()));
    let alice = user(&world, "alice").await;
    let mut transaction = world.begin().await;
    let stored = transaction.passkeys_of(&alice).await;
    assert_eq!(stored.unwrap()[0].used_at, Some(world.now()));
});

both!(several_passkeys_of_one_person_all_work, |world| async {
    Cast::of(&world).await;
    let mut tablet = signed_out(&world, "alice", 1).await;
    let mut phone = world.phone(2);
    phone.sign_in("alice").await;
    phone.enrol_with(&mut tablet.device, "Phone").await;
    for _ in 0..2 {
        came_in(&tablet.sign_in_with_passkey(&[]).await);
        came_in(&phone.sign_in_with_passkey(&[]).await);
    }
});

both!(a_removed_passkey_is_dead, |world| async {
    Cast::of(&world).await;
    let mut phone = world.enrolled_phone("alice", 1).await;
    let id = phone.device.credential_ids()[0].clone();
    let mut other = world.enrolled_phone("mallory", 2).await;
    other.remove(&id).await;
    came_in(&phone.sign_in_with_passkey(&[]).await);
    // Events of one moment have no order.
    world.advance(1);
    let shown = phone.remove(&id).await;
    assert_eq!(shown.reply.status, 200);
    let dead = phone.sign_in_with_passkey(&[]).await;
    stayed_out(&dead);
    let changes = world.events_named("user.changed").await;
    assert_eq!(
        changes.last().unwrap().data,
        json!({ "passkey": "removed", "credential_id": id, "by": { "passkey": id } })
    );
    assert_eq!(
        changes.len(),
        5,
        "two codes, two passkeys, one removal: another person's attempt changed nothing"
    );
});

both!(webauthn_13_4_3_an_assertion_is_good_once, |world| async {
    Cast::of(&world).await;
    let mut phone = signed_out(&world, "alice", 1).await;
    phone.browser.open("/login").await;
    let before = phone.browser.cookies.clone();
    let assertion = phone.assertion().await;
    came_in(&phone.send_assertion(&assertion, &[]).await);
    let again = phone.send_assertion(&assertion, &[]).await;
    stayed_out(&again);
    let mut thief = Phone::new(world.browser(), SoftwareAuthenticator::new([9; 32]));
    thief.browser.cookies = before;
    stayed_out(&thief.send_assertion(&assertion, &[]).await);
    assert_eq!(world.events_named("login.succeeded").await.len(), 2);
});

both!(
    webauthn_13_4_3_the_same_assertion_at_once_on_two_nodes,
    |world| async {
        Cast::of(&world).await;
        let mut phone = signed_out(&world, "alice", 1).await;
        phone.browser.open("/login").await;
        let assertion = phone.assertion().await.to_string();
        let (name, value) = phone
            .browser
            .cookies
            .get_key_value("writ-loopback-default")
            .unwrap();
        let form = [("csrf", phone.browser.csrf()), ("assertion", assertion)];
        let ready =
            Ready::new("/login/passkey", &form).header("cookie", &format!("{name}={value}"));
        let doors = [world.door(), world.node().await.door()];
        let racers = (0..8).map(|at| {
            let (door, ready) = (doors[at % 2].clone(), ready.clone());
            async move { door.send(&ready).await.status }
        });
        let mut statuses = at_once(racers.collect()).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 422, 422, 422, 422, 422, 422, 422]);
        assert_eq!(world.events_named("login.succeeded").await.len(), 2);
    }
);

both!(
    webauthn_7_2_what_a_device_does_wrong_looks_the_same,
    |world| async {
        Cast::of(&world).await;
        let honest = signed_out(&world, "alice", 1).await;
        let attempt = async |trick: Misbehaviour| {
            let mut phone = Phone::new(world.browser(), honest.device.clone().with(trick));
            stayed_out(&phone.sign_in_with_passkey(&[]).await)
        };
        let unknown = attempt(Misbehaviour::CredentialId(vec![7; 32])).await;
        for (trick, reason) in [
            (
                Misbehaviour::NoUserVerification,
                "the device did not verify its person",
            ),
            (
                Misbehaviour::NoUserPresence,
                "nobody was present at the device",
            ),
            (
                Misbehaviour::RelyingParty("evil.example".to_owned()),
                "`rpIdHash` is of another relying party",
            ),
            (
                Misbehaviour::OtherKey,
                "the signature is not by this passkey",
            ),
            (
                Misbehaviour::Type("webauthn.create".to_owned()),
                "`type` of the client data is of another ceremony",
            ),
            (
                Misbehaviour::CrossOrigin,
                "the answer was made inside another site's frame",
            ),
            (
                Misbehaviour::OldCounter,
                "the signature counter did not move forward: the passkey may have been copied",
            ),
            (
                Misbehaviour::UserHandle(vec![1; 16]),
                "`userHandle` is of another person",
            ),
        ] {
            // Events of one moment have no order.
            world.advance(1);
            assert_eq!(attempt(trick.clone()).await, unknown, "{trick:?}");
            let failed = world.events_named("login.failed").await;
            let expected = json!({ "method": "passkey", "reason": reason });
            assert_eq!(failed.last().unwrap().data, expected);
        }
        assert_eq!(attempt(Misbehaviour::NoUserHandle).await, unknown);
        assert_eq!(attempt(Misbehaviour::Challenge(vec![1; 32])).await, unknown);
        assert_eq!(world.events_named("login.succeeded").await.len(), 1);
    }
);

both!(webauthn_7_2_12_another_origin_at_the_door, |world| async {
    Cast::of(&world).await;
    let mut phone = signed_out(&world, "alice", 1).await;
    for origin in [
        "https://evil.example",
        "http://localhost:10",
        "http://127.0.0.1:9",
    ] {
        phone.origin = origin.to_owned();
        stayed_out(&phone.sign_in_with_passkey(&[]).await);
    }
    phone.origin = ISSUER.to_owned();
    came_in(&phone.sign_in_with_passkey(&[]).await);
});

both!(webauthn_7_2_22_a_copied_device_is_noticed, |world| async {
    Cast::of(&world).await;
    let mut phone = signed_out(&world, "alice", 1).await;
    let mut copy = Phone::new(world.browser(), phone.device.clone());
    came_in(&phone.sign_in_with_passkey(&[]).await);
    stayed_out(&copy.sign_in_with_passkey(&[]).await);
});

both!(
    webauthn_13_4_3_a_challenge_is_for_one_browser_and_five_minutes,
    |world| async {
        Cast::of(&world).await;
        let mut phone = signed_out(&world, "alice", 1).await;
        phone.browser.open("/login").await;
        let assertion = phone.assertion().await;
        let mut other = Phone::new(world.browser(), SoftwareAuthenticator::new([9; 32]));
        other.browser.open("/login").await;
        stayed_out(&other.send_assertion(&assertion, &[]).await);
        world.advance(300);
        stayed_out(&phone.send_assertion(&assertion, &[]).await);
        let assertion = phone.assertion().await;
        world.advance(299);
        came_in(&phone.send_assertion(&assertion, &[]).await);
    }
);

both!(
    a_disabled_person_gets_the_answer_of_an_unknown_passkey,
    |world| async {
        Cast::of(&world).await;
        let mut phone = signed_out(&world, "alice", 1).await;
        let stranger = phone.device.clone();
        let stranger = stranger.with(Misbehaviour::CredentialId(vec![7; 32]));
        let mut stranger = Phone::new(world.browser(), stranger);
        let unknown = stayed_out(&stranger.sign_in_with_passkey(&[]).await);
        let alice = user(&world, "alice").await;
        let mut transaction = world.begin().await;
        assert!(transaction.disable_user(&alice, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        let refused = phone.sign_in_with_passkey(&[]).await;
        assert_eq!(stayed_out(&refused), unknown);
        let failed = world.events_named("login.failed").await;
        assert_eq!(failed.len(), 1, "what nobody has is only counted");
        assert_eq!(failed[0].data["reason"], "the person is disabled");
    }
);

both!(
    rfc_9700_4_7_a_forged_passkey_login_is_refused,
    |world| async {
        Cast::of(&world).await;
        let mut phone = signed_out(&world, "alice", 1).await;
        let cold = phone.browser.post("/login/passkey/options", &[]).await;
        assert_eq!(cold.reply.status, 403, "no page was opened before");
        phone.browser.open("/login").await;
        let assertion = phone.assertion().await.to_string();
        for csrf in ["", "x"] {
            let asked = [("csrf", csrf.to_owned())];
            let refused = phone.browser.post("/login/passkey/options", &asked).await;
            assert_eq!(refused.reply.status, 403);
            let sent = [("csrf", csrf.to_owned()), ("assertion", assertion.clone())];
            let refused = phone.browser.post("/login/passkey", &sent).await;
            assert_eq!(refused.reply.status, 403);
        }
        for broken in [json!({}), json!([]), json!("x"), json!({ "response": {} })] {
            stayed_out(&phone.send_assertion(&broken, &[]).await);
        }
        let nothing: Value = Value::Null;
        stayed_out(&phone.send_assertion(&nothing, &[]).await);
    }
);

both!(
    rfc_9700_4_7_a_login_by_passkey_gives_a_new_cookie,
    |world| async {
        Cast::of(&world).await;
        let mut phone = world.enrolled_phone("alice", 1).await;
        let old = phone.browser.cookies.clone();
        came_in(&phone.sign_in_with_passkey(&[]).await);
        assert_ne!(phone.browser.cookies, old);
        let mut thief = world.browser();
        thief.cookies = old;
        assert_eq!(thief.open("/app").await.url.path(), "/login");
    }
);

both!(rfc_9470_a_stronger_login_is_a_step_up, |world| async {
    let cast = Cast::of(&world).await;
    let mut phone = world.enrolled_phone("alice", 1).await;
    came_in(&phone.sign_in_with_passkey(&[]).await);
    let stepped = world.events_named("login.stepped_up").await;
    assert_eq!(stepped.len(), 1);
    assert_eq!(stepped[0].subject.as_deref(), Some(cast.alice.as_str()));
    assert_eq!(stepped[0].data, json!({ "method": "passkey" }));
    came_in(&phone.sign_in_with_passkey(&[]).await);
    phone.sign_in("alice").await;
    assert_eq!(world.events_named("login.stepped_up").await.len(), 1);
    let mut theirs = world.enrolled_phone("mallory", 2).await;
    theirs.sign_in("alice").await;
    came_in(&theirs.sign_in_with_passkey(&[]).await);
    assert_eq!(
        world.events_named("login.stepped_up").await.len(),
        1,
        "another person before"
    );
});

both!(
    rfc_9470_a_token_says_that_a_passkey_was_used,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut phone = signed_out(&world, "alice", 1).await;
        let pushed = cast.pushed(&world, &cast.request()).await;
        let page = phone
            .browser
            .open(&authorize_url("agt_planner", &pushed))
            .await;
        assert_eq!(page.url.path(), "/login");
        let handle = page.query("request").unwrap();
        let consent = phone.sign_in_with_passkey(&[("request", &handle)]).await;
        assert_eq!(consent.url.path(), "/consent", "{}", consent.reply.text());
        let back = phone.browser.submit(&consent, "consent-approve", &[]).await;
        let code = back.query("code").unwrap();
        let token = cast.redeem(&world, &code).await.access_token();
        let claims = claims(&token);
        assert_eq!(claims["acr"], "urn:writ:acr:passkey");
        assert_eq!(claims["amr"], json!(["pop", "user", "mfa"]));
        assert_eq!(claims["auth_time"], world.now().seconds());
    }
);

both!(
    rfc_9700_4_11_a_login_leads_back_and_nowhere_else,
    |world| async {
        Cast::of(&world).await;
        let mut phone = signed_out(&world, "alice", 1).await;
        let page = phone.browser.open("/app/devices").await;
        assert_eq!(page.url.path(), "/login");
        assert_eq!(page.query("next").as_deref(), Some("/app/devices"));
        let back = phone.browser.log_in(&page, "alice", PASSWORD).await;
        assert_eq!(back.url.path(), "/app/devices", "by password");
        let page = phone.browser.open("/login?next=%2Fapp%2Fdevices").await;
        let text = page.reply.text();
        assert_eq!(
            text.matches(r#"name="next" value="/app/devices""#).count(),
            2
        );
        assert!(text.contains(r#"action="/login/passkey""#));
        let next = [("next", "/app/settings?x=1")];
        let back = phone.sign_in_with_passkey(&next).await;
        assert_eq!(back.url.as_str(), format!("{ISSUER}/app/settings?x=1"));
        for elsewhere in ["https://evil.example/app", "//evil.example/app", "/logout"] {
            came_in(&phone.sign_in_with_passkey(&[("next", elsewhere)]).await);
        }
    }
);

both_with!(
    without_a_host_name_passwords_keep_working,
    &[("SERVER__ISSUER", "http://127.0.0.1:9")],
    |world| async {
        world.add_user("alice", PASSWORD).await;
        let mut phone = world.phone(1);
        came_in(&phone.sign_in("alice").await);
        for path in ["/login/passkey/options", "/app/devices/passkeys/options"] {
            let refused = phone.post(path, &[]).await;
            assert_eq!(refused.reply.status, 404);
            assert_eq!(refused.reply.json(), json!({ "error": "impossible" }));
        }
        let devices = phone.browser.open("/app/devices").await.reply;
        assert!(
            devices.text().contains("or localhost"),
            "{}",
            devices.text()
        );
        let login = phone.browser.open("/login").await.reply.text();
        assert!(!login.contains("/login/passkey"), "nothing is offered");
    }
);
