//! Whoever sits in a person's session moves no notice away unnoticed: a change of how they are told is told as before it.

use serde_json::{Value, json};
use writ_core::id::UserId;
use writ_server::background::sending;
use writ_server::notifications::reach_notice::MAX_CHANGES_OF_HOUR;
use writ_store::settings::PersonSettings;
use writ_testkit::{
    Cast, DatabaseKind, HttpReceiver, ISSUER, PASSWORD, Phone, ReceivedRequest, TestMailServer,
    World, claims,
};

use crate::people::account_forgotten::link_in;
use crate::people::channels::{configured, settings};
use crate::people::webpush;

const HOME: &str = "alice@home.example";
const ELSEWHERE: &str = "mallory@elsewhere.example";

/// Alice, who is told by mail, a browser and the webhook.
struct Town {
    world: World,
    receiver: HttpReceiver,
    postbox: TestMailServer,
    browser: webpush::Phone,
    phone: Phone,
}

impl Town {
    async fn of(kind: DatabaseKind) -> Self {
        let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
        let hosts = [("PUSH__HOSTS", receiver.origin.as_str())];
        let world = configured(kind, (&receiver, &postbox), &hosts).await;
        let cast = Cast::of(&world).await;
        let email = PersonSettings {
            email: Some(HOME.to_owned()),
            ..PersonSettings::default()
        };
        settings(&world, &UserId::from_text(cast.alice), email).await;
        let browser = webpush::Phone::logged_in(&world, "alice").await;
        browser.subscribe(&world, &receiver.url("/push/1")).await;
        let mut phone = world.phone(1);
        phone.sign_in("alice").await;
        let town = Self {
            world,
            receiver,
            postbox,
            browser,
            phone,
        };
        town.told().await;
        town
    }

    /// Asks for another address, or none; what the page answers.
    async fn set_email(&mut self, address: &str) -> u16 {
        let email = [
            ("setting", "email"),
            ("email", address),
            ("password", PASSWORD),
        ];
        self.set(&email).await
    }

    /// The same, and confirms it by the link that came there.
    async fn move_to(&mut self, address: &str) {
        assert_eq!(self.set_email(address).await, 200);
        let told = self.told().await;
        let is_link = |letter: &&String| letter.contains("/app/settings/address?link");
        let letter = told.letters.iter().find(is_link).unwrap();
        let page = self.phone.browser.open(&link_in(letter)).await;
        let browser = &mut self.phone.browser;
        let done = browser.submit(&page, "address-confirm", &[]).await;
        assert_eq!(done.reply.status, 200);
    }

    async fn set(&mut self, fields: &[(&str, &str)]) -> u16 {
        let fields: Vec<(&str, String)> =
            fields.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        self.phone.post("/app/settings", &fields).await.reply.status
    }

    /// What came since: calls, and letters.
    async fn told(&self) -> Told {
        sending::send_due(&self.world.app).await.unwrap();
        Told {
            calls: self.receiver.heard(),
            letters: self.postbox.letters(),
        }
    }
}

struct Told {
    calls: Vec<ReceivedRequest>,
    letters: Vec<String>,
}

impl Told {
    fn at(&self, path: &str) -> Option<Value> {
        let call = self.calls.iter().find(|one| one.path == path)?;
        Some(match path {
            "/hook" => claims(&call.text()),
            _ => webpush::plain(call),
        })
    }

    /// Whether a letter with this subject went there.
    fn has_letter(&self, to: &str, subject: &str) -> bool {
        let is_it = |letter: &&String| letter.contains(to) && letter.contains(subject);
        self.letters.iter().any(|letter| is_it(&letter))
    }
}

async fn each_database(scene: impl AsyncFn(Town)) {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        scene(Town::of(kind).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_she_is_told_is_never_changed_unnoticed() {
    each_database(async |mut town| {
        let subject = "Your mail address here was changed";
        town.move_to(ELSEWHERE).await;
        let told = town.told().await;
        for address in [HOME, ELSEWHERE] {
            assert!(told.has_letter(address, subject), "{address}");
        }
        assert!(told.has_letter(HOME, &format!("{ISSUER}/app/settings")));
        assert_eq!(told.at("/hook").unwrap()["setting"], json!("email"));
        let pushed = told.at("/push/1").unwrap();
        assert_eq!(
            pushed["title"],
            json!("Ihre E-Mail-Adresse hier wurde geändert")
        );
        // The same again is no change.
        town.set_email(ELSEWHERE).await;
        assert!(town.told().await.calls.is_empty());

        // None any more.
        town.set_email("").await;
        let told = town.told().await;
        assert!(told.has_letter(ELSEWHERE, subject));
        assert_eq!(told.letters.len(), 1);

        // Another browser, and hers no more: it hears of both.
        let other = town.receiver.url("/push/2");
        town.browser.subscribe(&town.world, &other).await;
        let told = town.told().await;
        assert_eq!(told.at("/hook").unwrap()["push"], json!("added"));
        assert!(
            told.at("/push/1").unwrap()["title"]
                .as_str()
                .unwrap()
                .contains("weiterer Browser")
        );
        assert!(told.at("/push/2").is_none());
        let hers = json!({ "endpoint": town.receiver.url("/push/1") });
        let path = "/app/devices/push/remove";
        assert_eq!(
            town.browser.post(&town.world, path, &hers).await.status,
            204
        );
        let told = town.told().await;
        assert_eq!(told.at("/hook").unwrap()["push"], json!("removed"));
        for path in ["/push/1", "/push/2"] {
            assert_eq!(
                told.at(path).unwrap()["url"],
                json!("/app/devices"),
                "{path}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_do_not_hide_that_they_were_changed() {
    each_database(async |mut town| {
        let all_day = [
            ("setting", "preferences"),
            ("from", "00:01"),
            ("until", "00:00"),
        ];
        assert_eq!(town.set(&all_day).await, 200);
        let told = town.told().await;
        assert!(told.has_letter(HOME, "Your quiet hours were changed"));
        assert_eq!(told.at("/push/1").unwrap()["url"], json!("/app/settings"));
        assert_eq!(told.at("/hook").unwrap()["setting"], json!("quiet_hours"));
        // Nor that her browser is told no more, or that they are gone.
        let hers = json!({ "endpoint": town.receiver.url("/push/1") });
        let path = "/app/devices/push/remove";
        let removed = town.browser.post(&town.world, path, &hers).await;
        assert_eq!(removed.status, 204);
        let told = town.told().await;
        assert_eq!(told.at("/push/1").unwrap()["url"], json!("/app/devices"));
        assert_eq!(told.letters.len(), 1);
        assert!(told.letters[0].contains(HOME), "{:?}", told.letters);
        let none = [("setting", "preferences"), ("from", ""), ("until", "")];
        town.set(&none).await;
        let told = town.told().await;
        assert!(told.has_letter(HOME, "Your quiet hours were changed"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_how_she_is_told_has_a_bound() {
    each_database(async |mut town| {
        // Each sends a letter to an address that somebody typed.
        for count in 1..MAX_CHANGES_OF_HOUR {
            let address = format!("{count}@elsewhere.example");
            assert_eq!(town.set_email(&address).await, 200);
        }
        // With the browser of the beginning these were all.
        loop {
            let told = town.told().await;
            if told.letters.is_empty() && told.calls.is_empty() {
                break;
            }
        }
        let more = "third@elsewhere.example";
        assert_eq!(town.set_email(more).await, 429);
        assert!(town.told().await.letters.is_empty());
        // Taking away is refused by no bound.
        let hers = json!({ "endpoint": town.receiver.url("/push/1") });
        let path = "/app/devices/push/remove";
        let removed = town.browser.post(&town.world, path, &hers).await;
        assert_eq!(removed.status, 204);
        assert_eq!(
            town.told().await.at("/hook").unwrap()["push"],
            json!("removed")
        );
        assert_eq!(town.set_email("").await, 200);
        assert!(town.told().await.has_letter(HOME, "was changed"));
        let zone = [("setting", "time_zone"), ("time_zone", "Europe/Vienna")];
        assert_eq!(
            town.set(&zone).await,
            200,
            "what tells nobody is not counted"
        );
        town.world.advance(3600);
        assert_eq!(town.set_email(more).await, 200);
    })
    .await;
}
