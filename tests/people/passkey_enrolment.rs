//! Passkeys of a person (WebAuthn 7.1), through the HTTP door: how they are added and removed. Who may is in `passkey_proof.rs`.

use serde_json::{Value, json};
use writ_core::id::UserId;
use writ_passkey::software::Misbehaviour;
use writ_store::passkey::StoredPasskey;
use writ_testkit::{Cast, Phone, World, both};

const OPTIONS: &str = "/app/devices/passkeys/options";

async fn passkeys(world: &World, name: &str) -> Vec<StoredPasskey> {
    let mut transaction = world.begin().await;
    let user: UserId = transaction
        .user_by_name(name)
        .await
        .unwrap()
        .unwrap()
        .user
        .id;
    transaction.passkeys_of(&user).await.unwrap()
}

async fn at_home(world: &World) -> Phone {
    Cast::of(world).await;
    let mut phone = world.phone(1);
    phone.sign_in("alice").await;
    phone.code = Some(world.passkey_code("alice").await);
    phone
}

/// The first one of a person.
async fn credential(phone: &mut Phone) -> Value {
    let typed = typed(phone);
    phone.created(&typed).await
}

fn typed(phone: &Phone) -> [(&'static str, String); 1] {
    [("code", phone.code.clone().unwrap())]
}

both!(a_passkey_is_added_under_a_name, |world| async {
    let mut phone = at_home(&world).await;
    let added = phone.enrol("  My \u{202e}phone ").await;
    assert_eq!(added.reply.status, 200);
    let stored = passkeys(&world, "alice").await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].name, "My phone");
    assert_eq!(stored[0].credential_id, phone.device.credential_ids()[0]);
    assert_eq!(stored[0].created_at, world.now());
    assert_eq!(stored[0].used_at, None);
    let mut changes = world.events_named("user.changed").await;
    changes.retain(|event| event.data["passkey"] == "added");
    assert_eq!(
        changes[0].data,
        json!({
            "passkey": "added",
            "credential_id": stored[0].credential_id,
            "by": "code",
        })
    );
    assert_eq!(changes[0].subject.as_deref(), Some(stored[0].user.as_str()));
    let text = added.reply.text();
    assert!(text.contains("My phone") && !text.contains('\u{202e}'));
    let page = phone.browser.open("/app/devices").await;
    assert!(page.reply.text().contains("My phone"));
    let mut second = world.phone(2);
    second.sign_in("alice").await;
    let shown = second.enrol_with(&mut phone.device, "").await;
    assert_eq!(shown.reply.status, 200, "a name is no must");
});

both!(webauthn_7_1_what_a_browser_is_asked, |world| async {
    let mut phone = at_home(&world).await;
    let fields = typed(&phone);
    let reply = phone.post(OPTIONS, &fields).await.reply;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let options = reply.json();
    assert_eq!(options["rp"]["id"], "localhost");
    assert_eq!(options["user"]["name"], "alice");
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["userVerification"], "required");
    assert_eq!(options["attestation"], "none");
    phone.enrol("Phone").await;
    let mut held = phone.device.clone();
    let proof = phone.proof(&mut held, &[]).await.to_string();
    let again = phone.post(OPTIONS, &[("assertion", proof)]).await.reply;
    let again = again.json();
    let id = &phone.device.credential_ids()[0];
    assert_eq!(again["excludeCredentials"][0]["id"], json!(id));
});

both!(without_a_login_nothing_is_added, |world| async {
    let mut phone = at_home(&world).await;
    let made = credential(&mut phone).await;
    let mut stranger = world.phone(2);
    stranger.browser.open("/login").await;
    assert_eq!(
        stranger.post(OPTIONS, &typed(&phone)).await.reply.status,
        403
    );
    let sent = stranger.send_credential(&made, "Mine").await;
    assert_eq!(sent.url.path(), "/login");
    assert!(passkeys(&world, "alice").await.is_empty());
});

both!(
    rfc_9700_4_7_a_forged_enrolment_changes_nothing,
    |world| async {
        let mut phone = at_home(&world).await;
        phone.enrol("Phone").await;
        let mut second = world.phone(2);
        second.sign_in("alice").await;
        let proof = second.proof(&mut phone.device, &[]).await.to_string();
        let made = second.created(&[("assertion", proof)]).await.to_string();
        for csrf in ["".to_owned(), "x".to_owned(), phone.browser.csrf()] {
            let id = phone.device.credential_ids()[0].clone();
            for (path, fields) in [
                ("/app/devices/passkeys/prove", vec![]),
                (OPTIONS, typed(&phone).to_vec()),
                ("/app/devices/passkeys", vec![("credential", made.clone())]),
                ("/app/devices/passkeys/remove", vec![("passkey", id)]),
            ] {
                let mut fields = fields;
                fields.push(("csrf", csrf.clone()));
                let refused = second.browser.post(path, &fields).await;
                assert_eq!(refused.reply.status, 403, "{path}");
            }
        }
        assert_eq!(passkeys(&world, "alice").await.len(), 1);
    }
);

both!(webauthn_7_1_26_a_passkey_is_one_persons, |world| async {
    let mut phone = at_home(&world).await;
    phone.enrol("Phone").await;
    let mut theirs = world.phone(1);
    theirs.sign_in("mallory").await;
    theirs.code = Some(world.passkey_code("mallory").await);
    let taken = theirs.enrol("Mine").await;
    assert_eq!(taken.reply.status, 422);
    assert!(passkeys(&world, "mallory").await.is_empty());
    assert_eq!(passkeys(&world, "alice").await.len(), 1);
    let mut held = phone.device.clone();
    phone.device = phone.device.with(Misbehaviour::IgnoresOptions);
    let twice = phone.enrol_with(&mut held, "Again").await;
    assert_eq!(twice.reply.status, 422);
    assert_eq!(passkeys(&world, "alice").await.len(), 1);
});

both!(
    webauthn_13_4_3_an_enrolment_is_good_once_and_for_its_person,
    |world| async {
        let mut phone = at_home(&world).await;
        let made = credential(&mut phone).await;
        let mut theirs = world.phone(2);
        theirs.sign_in("mallory").await;
        theirs.code = Some(world.passkey_code("mallory").await);
        let stolen = theirs.send_credential(&made, "Mine").await;
        assert_eq!(stolen.reply.status, 422, "another browser's ceremony");
        assert_eq!(
            phone.send_credential(&made, "Phone").await.reply.status,
            200
        );
        let id = phone.device.credential_ids()[0].clone();
        phone.remove(&id).await;
        let again = phone.send_credential(&made, "Phone").await;
        assert_eq!(again.reply.status, 422, "used up");
        let late = credential(&mut theirs).await;
        world.advance(300);
        assert_eq!(
            theirs.send_credential(&late, "Late").await.reply.status,
            422
        );
        assert!(passkeys(&world, "alice").await.is_empty());
        assert!(passkeys(&world, "mallory").await.is_empty());
    }
);

both!(webauthn_7_1_what_a_device_does_wrong, |world| async {
    let mut phone = at_home(&world).await;
    let honest = phone.device.clone();
    for trick in [
        Misbehaviour::NoUserVerification,
        Misbehaviour::NoUserPresence,
        Misbehaviour::RelyingParty("evil.example".to_owned()),
        Misbehaviour::Challenge(vec![1; 32]),
        Misbehaviour::Type("webauthn.get".to_owned()),
        Misbehaviour::CrossOrigin,
        Misbehaviour::Algorithm(-257),
        Misbehaviour::IgnoresOptions,
        Misbehaviour::IdLength(1024),
        Misbehaviour::BackedUpOnly,
    ] {
        phone.device = honest.clone().with(trick.clone());
        let refused = phone.enrol("Phone").await;
        assert_eq!(refused.reply.status, 422, "{trick:?}");
    }
    phone.device = honest;
    phone.origin = "https://evil.example".to_owned();
    assert_eq!(phone.enrol("Phone").await.reply.status, 422);
    for broken in ["", "x", "{}", "[]"] {
        let fields = [("credential", broken.to_owned())];
        let refused = phone.post("/app/devices/passkeys", &fields).await;
        assert_eq!(refused.reply.status, 422, "{broken}");
    }
    assert!(passkeys(&world, "alice").await.is_empty());
});

both!(a_person_has_at_most_twenty_passkeys, |world| async {
    let mut phone = at_home(&world).await;
    phone.enrol("Phone").await;
    let mut held = phone.device.clone();
    for number in 1..20 {
        phone.device = writ_passkey::software::SoftwareAuthenticator::new([100 + number; 32]);
        let shown = phone.enrol_with(&mut held, "Phone").await;
        assert_eq!(shown.reply.status, 200);
    }
    let proof = phone.proof(&mut held, &[]).await.to_string();
    let refused = phone.post(OPTIONS, &[("assertion", proof)]).await.reply;
    assert_eq!(refused.status, 409);
    assert_eq!(passkeys(&world, "alice").await.len(), 20);
});
