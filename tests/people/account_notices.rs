//! Whoever's passkeys or password are changed hears of it on every channel, whoever did it.

use serde_json::json;
use writ_core::id::UserId;
use writ_server::background::sending;
use writ_store::settings::PersonSettings;
use writ_testkit::{
    Cast, DatabaseKind, HttpReceiver, ISSUER, PASSWORD, Phone, TestMailServer, World, claims,
};

use crate::people::channels::{configured, settings};
use crate::people::webpush;

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_and_the_password_are_never_changed_unnoticed() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
        let hosts = [("PUSH__HOSTS", receiver.origin.as_str())];
        let world = configured(kind, (&receiver, &postbox), &hosts).await;
        let cast = Cast::of(&world).await;
        let alice = UserId::from_text(cast.alice.clone());
        let email = PersonSettings {
            email: Some("alice@home.example".to_owned()),
            // At any hour.
            quiet_from: Some(0),
            quiet_until: Some(24 * 60 - 1),
            ..PersonSettings::default()
        };
        settings(&world, &alice, email).await;
        let browser = webpush::Phone::logged_in(&world, "alice").await;
        browser.subscribe(&world, &receiver.url("/push/1")).await;
        // Of the browser itself she hears too.
        sending::send_due(&world.app).await.unwrap();
        receiver.heard();
        postbox.letters();
        let mut phone = world.phone(1);
        phone.sign_in("alice").await;
        for (what, subject, title) in [
            (
                "code_made",
                "A code for your first passkey was made",
                "Ein Code für Ihren ersten Passkey wurde erstellt",
            ),
            (
                "added",
                "A passkey was added",
                "Ein Passkey wurde hinzugefügt",
            ),
            (
                "removed",
                "A passkey was removed",
                "Ein Passkey wurde entfernt",
            ),
            (
                "password",
                "Your password was changed",
                "Ihr Passwort wurde geändert",
            ),
        ] {
            let page = match what {
                "password" => "/app/settings",
                _ => "/app/devices",
            };
            change(&world, &mut phone, what).await;
            sending::send_due(&world.app).await.unwrap();
            let heard = receiver.heard();
            let at = |path: &str| heard.iter().find(|one| one.path == path).unwrap();
            let pushed = webpush::plain(at("/push/1"));
            assert_eq!(pushed["title"], json!(title));
            assert_eq!(pushed["url"], json!(page));
            let hook = claims(&at("/hook").text());
            assert_eq!(hook["event"], json!("user.changed"));
            let said = hook.get("passkey").or(hook.get("setting")).unwrap();
            assert_eq!(*said, json!(what));
            assert_eq!(hook["people"], json!([cast.alice]));
            let letter = postbox.letters().pop().unwrap();
            for part in [subject, "alice@home.example", &format!("{ISSUER}{page}")] {
                assert!(letter.contains(part), "{part}: {letter}");
            }
            assert_eq!(heard.len(), 2);
        }
    }
}

/// One change of how alice proves herself.
async fn change(world: &World, phone: &mut Phone, what: &str) {
    let done = match what {
        "code_made" => {
            phone.code = Some(world.passkey_code("alice").await);
            return;
        }
        "added" => phone.enrol("Phone").await,
        "removed" => {
            let id = phone.device.credential_ids()[0].clone();
            phone.remove(&id).await
        }
        _ => {
            let new = "seven green kettles sing".to_owned();
            let fields = [
                ("setting", "password".to_owned()),
                ("password", PASSWORD.to_owned()),
                ("new_password", new.clone()),
                ("new_password_again", new),
            ];
            phone.post("/app/settings", &fields).await
        }
    };
    assert_eq!(done.reply.status, 200, "{what}");
}
