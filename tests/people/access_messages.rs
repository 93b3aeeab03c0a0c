//! What people are sent about a question of a resource server: who asks through whom, and nothing of what is asked.

use serde_json::json;
use writ_core::id::UserId;
use writ_server::background::sending;
use writ_store::settings::PersonSettings;
use writ_testkit::{DatabaseKind, HttpReceiver, ISSUER, TestMailServer, World};

use crate::approvals::access_scene::{REQUESTS, Scene, staged};
use crate::people::channels::{configured, settings};
use crate::people::webpush;

/// Alice is told by mail and by a browser in German.
struct Town {
    world: World,
    receiver: HttpReceiver,
    postbox: TestMailServer,
    scene: Scene,
}

impl Town {
    async fn of(kind: DatabaseKind) -> Self {
        let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
        let hosts = [("PUSH__HOSTS", receiver.origin.as_str())];
        let world = configured(kind, (&receiver, &postbox), &hosts).await;
        let scene = staged(&world).await;
        let email = PersonSettings {
            email: Some("alice@home.example".to_owned()),
            ..PersonSettings::default()
        };
        let alice = UserId::from_text(scene.cast.alice.as_str());
        settings(&world, &alice, email).await;
        let browser = webpush::Phone::logged_in(&world, "alice").await;
        browser.subscribe(&world, &receiver.url("/push/1")).await;
        let town = Self {
            world,
            receiver,
            postbox,
            scene,
        };
        town.told().await;
        town
    }

    /// The letters and messages to her since then.
    async fn told(&self) -> (Vec<String>, Vec<serde_json::Value>) {
        sending::send_due(&self.world.app).await.unwrap();
        let heard = self.receiver.heard().into_iter();
        let pushed = heard.filter(|heard| heard.path == "/push/1");
        let letters = self.postbox.letters().into_iter();
        let hers = letters.filter(|letter| letter.contains("RCPT TO:<alice@home.example>"));
        (
            hers.collect(),
            pushed.map(|heard| webpush::plain(&heard)).collect(),
        )
    }
}

async fn messages_say_through_whom(kind: DatabaseKind) {
    let mut town = Town::of(kind).await;
    let (world, notes) = (&town.world, &town.scene.notes);
    let wanted = town.scene.deletion("Shopping list");
    let mut body = notes.submission(world, &wanted).await;
    body["context"]["says"] = json!("It was changed today.");
    let asked = notes.send(world, REQUESTS, &body).await;
    let id = asked.json()["task"]["id"].as_str().unwrap().to_owned();
    let (letters, pushed) = town.told().await;
    let ([letter], [pushed]) = (letters.as_slice(), pushed.as_slice()) else {
        panic!("{letters:?} {pushed:?}");
    };
    for part in [
        "Subject: Claude, through Notes, asks for your approval",
        "Claude, through Notes, wants to do something that needs your approval.",
        &format!("{ISSUER}/app/requests/{id}"),
    ] {
        assert!(letter.contains(part), "{part}: {letter}");
    }
    assert_eq!(
        pushed["title"],
        "Claude, über Notes, bittet um Ihre Zustimmung"
    );
    assert_eq!(pushed["url"], format!("/app/requests/{id}"));
    for text in [letter, &pushed.to_string()] {
        for values in ["Shopping", "It was changed", "Einkauf"] {
            assert!(!text.contains(values), "{values}: {text}");
        }
    }
    // A yes that nobody uses: she hears that it was not done, and by whom.
    town.scene.yes(&id).await;
    town.told().await;
    town.world.advance(121);
    let turned = writ_server::approvals::escalate::turn(&town.world.app).await;
    turned.unwrap();
    let (letters, pushed) = town.told().await;
    let ([letter], [pushed]) = (letters.as_slice(), pushed.as_slice()) else {
        panic!("{letters:?} {pushed:?}");
    };
    assert!(
        letter.contains("Subject: Approved, not done: Claude"),
        "{letter}"
    );
    assert!(
        letter.contains("Claude wanted to do through Notes"),
        "{letter}"
    );
    assert!(
        pushed["body"].as_str().unwrap().contains("Notes"),
        "{pushed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_about_a_question_of_a_resource_say_through_whom() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        messages_say_through_whom(kind).await;
    }
}
