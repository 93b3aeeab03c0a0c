//! The challenge of a login by passkey keeps nothing (WebAuthn 13.4.3): it is sealed for one browser and five minutes, and used up in
//! the transaction of the login. What visitors ask for makes no row.

use writ_jose::seal::SealedFor;
use writ_passkey::software::Misbehaviour;
use writ_testkit::{Cast, Phone, WebPage, World, both};

async fn signed_out(world: &World) -> Phone {
    Cast::of(world).await;
    let enrolled = world.enrolled_phone("alice", 1).await;
    let mut phone = Phone::new(world.browser(), enrolled.device);
    phone.browser.open("/login").await;
    phone
}

fn came_in(shown: &WebPage) {
    assert_eq!(shown.url.path(), "/app", "{}", shown.reply.text());
}

fn stayed_out(shown: &WebPage) {
    assert_eq!(shown.reply.status, 422, "{}", shown.reply.text());
}

fn bytes(challenge: &str) -> Vec<u8> {
    use base64::Engine;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    engine.decode(challenge).unwrap()
}

/// A challenge that the login page gives to this browser now.
async fn given(phone: &mut Phone) -> Vec<u8> {
    let options = phone.post("/login/passkey/options", &[]).await.reply;
    bytes(options.json()["challenge"].as_str().unwrap())
}

/// The honest device, which signs this challenge instead of what it is asked.
async fn send(phone: &mut Phone, challenge: Vec<u8>) -> WebPage {
    let honest = phone.device.clone();
    phone.device = honest.clone().with(Misbehaviour::Challenge(challenge));
    let assertion = phone.assertion().await;
    phone.device = honest;
    phone.send_assertion(&assertion, &[]).await
}

both!(what_a_visitor_asks_for_makes_no_row, |world| async {
    let mut phone = signed_out(&world).await;
    let before = world.database.dump().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        assert!(seen.insert(given(&mut phone).await), "each another one");
    }
    assert_eq!(world.database.dump().await, before);
    // Nor what a passkey that nobody has sends back: it is counted by the minute.
    let stranger = Misbehaviour::CredentialId(vec![7; 32]);
    let mut stranger = Phone::new(world.browser(), phone.device.clone().with(stranger));
    stranger.browser.open("/login").await;
    let assertion = stranger.assertion().await;
    stayed_out(&stranger.send_assertion(&assertion, &[]).await);
    let counted = world.database.dump().await.lines().count();
    for _ in 0..5 {
        let assertion = stranger.assertion().await;
        stayed_out(&stranger.send_assertion(&assertion, &[]).await);
    }
    assert_eq!(world.database.dump().await.lines().count(), counted);
});

both!(
    webauthn_13_4_3_a_challenge_that_was_changed_is_none_of_ours,
    |world| async {
        let mut phone = signed_out(&world).await;
        let good = given(&mut phone).await;
        assert!(good.len() >= 32, "{} bytes", good.len());
        for place in [0, 11, 12, 30, good.len() - 9, good.len() - 1] {
            let mut changed = good.clone();
            changed[place] ^= 1;
            stayed_out(&send(&mut phone, changed).await);
        }
        for other in [
            Vec::new(),
            vec![7; 32],
            vec![7; good.len()],
            good[1..].to_vec(),
        ] {
            stayed_out(&send(&mut phone, other).await);
        }
        came_in(&send(&mut phone, good).await);
    }
);

both!(
    webauthn_13_4_3_nothing_else_that_is_sealed_is_a_challenge,
    |world| async {
        let mut phone = signed_out(&world).await;
        let master = &world.app.config.master;
        let plain = [[7; 16].as_slice(), &i64::MAX.to_be_bytes()].concat();
        // Sealed by the same key for another place, and for another browser.
        let elsewhere = ["passkey-login", "default", "another browser"].join("\0");
        for place in ["", "signing-key default x", &elsewhere] {
            for sealed_for in [SealedFor::LoginChallenge, SealedFor::Storage] {
                let sealed = master.seal(sealed_for, place.as_bytes(), &plain).unwrap();
                stayed_out(&send(&mut phone, sealed).await);
            }
        }
        // What the page gives to another browser is good there alone.
        let mut thief = Phone::new(world.browser(), phone.device.clone());
        thief.browser.open("/login").await;
        let theirs = given(&mut thief).await;
        stayed_out(&send(&mut phone, theirs.clone()).await);
        came_in(&send(&mut thief, theirs).await);
    }
);

both!(
    webauthn_13_4_3_a_failed_answer_uses_the_challenge_up,
    |world| async {
        let mut phone = signed_out(&world).await;
        let good = given(&mut phone).await;
        let honest = phone.device.clone();
        phone.device = honest.clone().with(Misbehaviour::NoUserVerification);
        stayed_out(&send(&mut phone, good.clone()).await);
        phone.device = honest;
        stayed_out(&send(&mut phone, good).await);
        let failed = world.events_named("login.failed").await;
        assert_eq!(failed.len(), 1, "the second is only counted");
        // Somebody whose passkey is nobody's uses nothing up.
        let good = given(&mut phone).await;
        let mine = phone.device.clone();
        let mut asked = phone.post("/login/passkey/options", &[]).await.reply.json();
        asked["challenge"] = serde_json::json!(base64url(&good));
        let mut stranger = mine.clone().with(Misbehaviour::CredentialId(vec![7; 32]));
        let forged = stranger.get(&asked, &phone.origin).unwrap();
        stayed_out(&phone.send_assertion(&forged, &[]).await);
        came_in(&send(&mut phone, good).await);
    }
);

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
