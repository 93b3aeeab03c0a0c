//! What adds or removes a passkey: a passkey that the person has, with user verification, in that very
//! ceremony; for the first one an operator's code (`passkey_code.rs`). A login of before opens nothing, however young it is.

use serde_json::{Value, json};
use writ_core::id::UserId;
use writ_passkey::software::Misbehaviour;
use writ_testkit::{Cast, PASSWORD, Phone, Ready, World, at_once, both};

const OPTIONS: &str = "/app/devices/passkeys/options";
const PROVE: &str = "/app/devices/passkeys/prove";

async fn passkeys(world: &World, name: &str) -> Vec<String> {
    let mut transaction = world.begin().await;
    let user: UserId = transaction
        .user_by_name(name)
        .await
        .unwrap()
        .unwrap()
        .user
        .id;
    let stored = transaction.passkeys_of(&user).await.unwrap();
    stored.into_iter().map(|one| one.credential_id).collect()
}

/// Alice's phone with a passkey, and another browser that knows her password and nothing else.
async fn two(world: &World) -> (Phone, Phone) {
    Cast::of(world).await;
    let phone = world.enrolled_phone("alice", 1).await;
    let mut second = world.phone(2);
    second.sign_in("alice").await;
    (phone, second)
}

async fn refused(phone: &mut Phone, fields: &[(&str, String)]) -> Value {
    let reply = phone.post(OPTIONS, fields).await.reply;
    assert_eq!(reply.status, 403, "{}", reply.text());
    reply.json()["error"].clone()
}

fn assertion(proof: &Value) -> [(&'static str, String); 1] {
    [("assertion", proof.to_string())]
}

fn code(text: &str) -> [(&'static str, String); 1] {
    [("code", text.to_owned())]
}

both!(a_password_never_becomes_a_passkey, |world| async {
    let (mut phone, mut second) = two(&world).await;
    assert_eq!(refused(&mut second, &[]).await, "needs_passkey");
    let password = [("password", PASSWORD.to_owned())];
    assert_eq!(refused(&mut second, &password).await, "needs_passkey");
    // Nor does a code, where there is a passkey.
    let late = code(&world.passkey_code("alice").await);
    assert_eq!(refused(&mut second, &late).await, "needs_passkey");
    let id = phone.device.credential_ids()[0].clone();
    for proof in [json!(null), json!({}), json!("x")] {
        let shown = second.send_removal(&id, &proof).await;
        assert_eq!(shown.reply.status, 422, "{proof}");
    }
    assert_eq!(passkeys(&world, "alice").await, [id]);
    let shown = second.enrol_with(&mut phone.device, "Laptop").await;
    assert_eq!(shown.reply.status, 200);
    assert_eq!(passkeys(&world, "alice").await.len(), 2);
});

both!(a_proof_is_for_one_act, |world| async {
    let (mut phone, mut second) = two(&world).await;
    let id = phone.device.credential_ids()[0].clone();
    let other = second.enrol_with(&mut phone.device, "Laptop").await;
    assert_eq!(other.reply.status, 200);
    let other = second.device.credential_ids()[0].clone();
    // For adding, not for removing.
    let proof = second.proof(&mut phone.device, &[]).await;
    assert_eq!(second.send_removal(&id, &proof).await.reply.status, 422);
    assert_eq!(
        refused(&mut second, &assertion(&proof)).await,
        "needs_passkey"
    );
    // For removing one, neither for another one nor for adding.
    let act = [("passkey", id.clone())];
    let proof = second.proof(&mut phone.device, &act).await;
    assert_eq!(second.send_removal(&other, &proof).await.reply.status, 422);
    let proof = second.proof(&mut phone.device, &act).await;
    assert_eq!(
        refused(&mut second, &assertion(&proof)).await,
        "needs_passkey"
    );
    // A login is a login.
    let login = phone.assertion().await;
    assert_eq!(
        refused(&mut phone, &assertion(&login)).await,
        "needs_passkey"
    );
    assert_eq!(passkeys(&world, "alice").await.len(), 2);
});

both!(
    a_proof_is_good_once_in_its_browser_and_for_minutes,
    |world| async {
        let (mut phone, mut second) = two(&world).await;
        let mut held = phone.device.clone();
        let proof = phone.proof(&mut held, &[]).await;
        assert_eq!(
            refused(&mut second, &assertion(&proof)).await,
            "needs_passkey"
        );
        let mut theirs = world.phone(3);
        theirs.sign_in("mallory").await;
        assert_eq!(refused(&mut theirs, &assertion(&proof)).await, "needs_code");
        assert_eq!(
            phone.post(OPTIONS, &assertion(&proof)).await.reply.status,
            200
        );
        assert_eq!(
            refused(&mut phone, &assertion(&proof)).await,
            "needs_passkey"
        );
        let proof = phone.proof(&mut held, &[]).await;
        world.advance(300);
        assert_eq!(
            refused(&mut phone, &assertion(&proof)).await,
            "needs_passkey"
        );
        // What a proof opened is as short-lived, and dies with the passkey that proved it.
        let proof = second.proof(&mut held, &[]).await;
        let made = second.created(&assertion(&proof)).await;
        let id = held.credential_ids()[0].clone();
        phone.device = held;
        phone.remove(&id).await;
        assert_eq!(
            second.send_credential(&made, "Late").await.reply.status,
            422
        );
        assert!(passkeys(&world, "alice").await.is_empty());
    }
);

both!(
    what_a_code_opened_ends_with_the_first_passkey,
    |world| async {
        Cast::of(&world).await;
        let mut thief = world.phone(2);
        thief.sign_in("alice").await;
        let made = thief
            .created(&code(&world.passkey_code("alice").await))
            .await;
        world.enrolled_phone("alice", 1).await;
        let late = thief.send_credential(&made, "Mine").await;
        assert_eq!(late.reply.status, 422, "she has one by now");
        assert_eq!(passkeys(&world, "alice").await.len(), 1);
    }
);

both!(
    webauthn_7_2_a_proof_is_by_the_person_with_their_own_passkey,
    |world| async {
        let (phone, mut second) = two(&world).await;
        for trick in [
            Misbehaviour::NoUserVerification,
            Misbehaviour::NoUserPresence,
            Misbehaviour::Challenge(vec![1; 32]),
            Misbehaviour::Type("webauthn.create".to_owned()),
            Misbehaviour::CrossOrigin,
            Misbehaviour::RelyingParty("evil.example".to_owned()),
        ] {
            let mut bad = phone.device.clone().with(trick.clone());
            let proof = second.proof(&mut bad, &[]).await;
            let error = refused(&mut second, &assertion(&proof)).await;
            assert_eq!(error, "needs_passkey", "{trick:?}");
        }
        let mut theirs = world.enrolled_phone("mallory", 3).await;
        let asked = second.post(PROVE, &[]).await.reply.json();
        let mut free = asked.clone();
        free["allowCredentials"] = json!([]);
        let signed = theirs.device.get(&free, &second.origin).unwrap();
        assert_eq!(
            refused(&mut second, &assertion(&signed)).await,
            "needs_passkey"
        );
        let mut held = phone.device.clone();
        let good = second.proof(&mut held, &[]).await;
        assert_eq!(
            second.post(OPTIONS, &assertion(&good)).await.reply.status,
            200
        );
    }
);

both!(the_same_proof_at_once_on_two_nodes, |world| async {
    let (mut phone, _) = two(&world).await;
    let mut held = phone.device.clone();
    let proof = phone.proof(&mut held, &[]).await.to_string();
    let (name, value) = phone
        .browser
        .cookies
        .get_key_value("writ-loopback-default")
        .unwrap();
    let form = [("csrf", phone.browser.csrf()), ("assertion", proof)];
    let ready = Ready::new(OPTIONS, &form).header("cookie", &format!("{name}={value}"));
    let doors = [world.door(), world.node().await.door()];
    let racers = (0..8).map(|at| {
        let (door, ready) = (doors[at % 2].clone(), ready.clone());
        async move { door.send(&ready).await.status }
    });
    let statuses = at_once(racers.collect()).await;
    let good = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(good, 1, "{statuses:?}");
});

both!(two_first_passkeys_at_once_are_one, |world| async {
    Cast::of(&world).await;
    let mut phones = Vec::new();
    let code = code(&world.passkey_code("alice").await);
    for number in 1..=4 {
        let mut phone = world.phone(number);
        phone.sign_in("alice").await;
        let made = phone.created(&code).await;
        phones.push((phone, made));
    }
    let racers = phones.into_iter().map(|(mut phone, made)| async move {
        phone.send_credential(&made, "First").await.reply.status
    });
    let mut statuses = at_once(racers.collect()).await;
    statuses.sort();
    assert_eq!(statuses, [200, 422, 422, 422]);
    assert_eq!(passkeys(&world, "alice").await.len(), 1);
});

both!(
    a_removed_passkey_ends_the_sessions_of_passkeys,
    |world| async {
        let (mut phone, mut second) = two(&world).await;
        let mut lost = Phone::new(world.browser(), phone.device.clone());
        lost.sign_in_with_passkey(&[]).await;
        phone.device = lost.device.clone();
        assert_eq!(lost.browser.open("/app").await.url.path(), "/app");
        let id = phone.device.credential_ids()[0].clone();
        assert_eq!(phone.remove(&id).await.reply.status, 200);
        assert_eq!(lost.browser.open("/app").await.url.path(), "/login");
        // Who did it stays, and so does who came by password.
        assert_eq!(phone.browser.open("/app").await.url.path(), "/app");
        assert_eq!(second.browser.open("/app").await.url.path(), "/app");
    }
);
