//! What others could take an account by is changed by a passkey, over this very change; by the password only where its person has none.

use writ_store::event::StoredEvent;
use writ_testkit::{
    Cast, DatabaseKind, HttpReceiver, PASSWORD, Phone, TestMailServer, WebPage, both,
};

use super::account::signs_in;
use super::channels::configured;

const NEW: &str = "seven green kettles sing";
const OTHER: &str = "eight white kettles sing";

fn password(new: &str) -> Vec<(&'static str, String)> {
    vec![
        ("setting", "password".to_owned()),
        ("new_password", new.to_owned()),
        ("new_password_again", new.to_owned()),
    ]
}

fn setting(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    vec![("setting", name.to_owned()), (name, value.to_owned())]
}

/// What the device says to the challenge for this change.
async fn signed(phone: &mut Phone, change: &[(&'static str, String)]) -> String {
    let mut held = phone.device.clone();
    let answer = phone.proof(&mut held, change).await.to_string();
    phone.device = held;
    answer
}

async fn send(
    phone: &mut Phone,
    change: Vec<(&'static str, String)>,
    (field, proof): (&'static str, &str),
) -> WebPage {
    let fields: Vec<_> = change
        .into_iter()
        .chain([(field, proof.to_owned())])
        .collect();
    phone.post("/app/settings", &fields).await
}

both!(
    /// An agent that saw the password changes nothing with it.
    with_a_passkey_the_password_changes_nothing,
    |world| async {
        Cast::of(&world).await;
        let mut alice = world.enrolled_phone("alice", 1).await;
        let page = alice.browser.open("/app/settings").await;
        assert!(!page.reply.text().contains("name=\"password\""));
        for change in [password(NEW), setting("user_code", "1234"), setting("email", "")] {
            let refused = send(&mut alice, change.clone(), ("password", PASSWORD)).await;
            assert_eq!(refused.reply.status, 422, "{change:?}");
            refused.says("That needs one of your passkeys");
        }
        assert!(signs_in(&world, "alice", PASSWORD).await);
        assert!(world.events_named("user.changed").await.iter().all(|event| {
            event.data.get("setting").is_none()
        }));
    }
);

both!(
    /// What is signed for one change is no proof of another one, and none twice.
    a_passkey_signs_for_one_change,
    |world| async {
        Cast::of(&world).await;
        let mut alice = world.enrolled_phone("alice", 1).await;
        let mut mallory = world.enrolled_phone("mallory", 2).await;
        let removal = [("passkey", "any".to_owned())];
        for (asked, sent) in [
            (password(NEW), password(OTHER)),
            (setting("user_code", "1234"), setting("user_code", "4321")),
            (setting("user_code", "1234"), password(NEW)),
            (password(NEW), setting("user_code", "1234")),
            (removal.to_vec(), password(NEW)),
            (Vec::new(), password(NEW)),
        ] {
            let proof = signed(&mut alice, &asked).await;
            let refused = send(&mut alice, sent, ("assertion", &proof)).await;
            assert_eq!(refused.reply.status, 422, "{asked:?}");
        }
        let theirs = signed(&mut mallory, &password(NEW)).await;
        let refused = send(&mut alice, password(NEW), ("assertion", &theirs)).await;
        assert_eq!(refused.reply.status, 422);
        assert!(signs_in(&world, "alice", PASSWORD).await);

        let proof = signed(&mut alice, &password(NEW)).await;
        let done = send(&mut alice, password(NEW), ("assertion", &proof)).await;
        done.says("Your password was changed");
        assert!(signs_in(&world, "alice", NEW).await);
        let again = send(&mut alice, password(NEW), ("assertion", &proof)).await;
        assert_eq!(again.reply.status, 422, "once");
        let events = world.events_named("user.changed").await;
        let of_password = |event: &&StoredEvent| event.data["setting"] == "password";
        let changed = events.iter().find(of_password).unwrap();
        assert!(changed.data["proof"]["passkey"].is_string(), "{}", changed.data);
        // Of the password nothing is kept, in no ceremony either.
        signed(&mut alice, &password(OTHER)).await;
        assert!(!world.database.dump().await.contains(OTHER));
        // Each of these has an act of its own in her activity.
        let proof = signed(&mut alice, &setting("user_code", "1234")).await;
        send(&mut alice, setting("user_code", "1234"), ("assertion", &proof)).await.says("Saved");
    }
);

#[tokio::test(flavor = "multi_thread")]
async fn another_address_is_asked_for_by_the_passkey() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
        let world = configured(kind, (&receiver, &postbox), &[]).await;
        Cast::of(&world).await;
        let mut alice = world.enrolled_phone("alice", 1).await;
        let change = setting("email", "alice@new.example");
        let refused = send(&mut alice, change.clone(), ("password", PASSWORD)).await;
        assert_eq!(refused.reply.status, 422);
        let proof = signed(&mut alice, &change).await;
        let swapped = setting("email", "mallory@evil.example");
        let refused = send(&mut alice, swapped, ("assertion", &proof)).await;
        assert_eq!(refused.reply.status, 422);
        let proof = signed(&mut alice, &change).await;
        let sent = send(&mut alice, change, ("assertion", &proof)).await;
        sent.says("We sent a link to the new address");
    }
}
