//! An address is used once it is confirmed: by the person who is signed in, through a link that was sent there.

use writ_core::id::UserId;
use writ_server::background::sending;
use writ_store::settings::PersonSettings;
use writ_testkit::{
    Cast, DatabaseKind, HttpReceiver, PASSWORD, Phone, TestMailServer, WebPage, World,
};

use super::account_forgotten::link_in;
use super::channels::{configured, settings};

const HOME: &str = "alice@home.example";
const NEW: &str = "alice@new.example";

async fn set(phone: &mut Phone, email: &str, password: &str) -> WebPage {
    let fields = [
        ("setting", "email".to_owned()),
        ("email", email.to_owned()),
        ("password", password.to_owned()),
    ];
    phone.post("/app/settings", &fields).await
}

async fn stored(world: &World, alice: &UserId) -> Option<String> {
    let mut reading = world.app.read().await.unwrap();
    reading.settings(alice).await.unwrap().unwrap().email
}

/// Letters to this address.
fn to(letters: &[String], address: &str) -> Vec<String> {
    let is_to = |letter: &&String| letter.contains(&format!("RCPT TO:<{address}>"));
    letters.iter().filter(is_to).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_counts_once_it_is_confirmed() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
        let world = configured(kind, (&receiver, &postbox), &[]).await;
        let alice = UserId::from_text(Cast::of(&world).await.alice);
        let email = PersonSettings {
            email: Some(HOME.to_owned()),
            ..PersonSettings::default()
        };
        settings(&world, &alice, email).await;
        let letters = async || {
            sending::send_due(&world.app).await.unwrap();
            postbox.letters()
        };
        let (mut hers, mut mallory) = (
            world.phone_of("alice").await,
            world.phone_of("mallory").await,
        );
        for (email, password) in [
            (NEW, "not hers at all"),
            (NEW, ""),
            ("", ""),
            ("alice", PASSWORD),
            ("ü@new.example", PASSWORD),
            ("alice@-new.example", PASSWORD),
            ("alice@new..example", PASSWORD),
        ] {
            assert_eq!(
                set(&mut hers, email, password).await.reply.status,
                422,
                "{email}"
            );
        }
        assert!(letters().await.is_empty());
        let first = set(&mut hers, NEW, PASSWORD).await;
        first.says("We sent a link to the new address");
        let older = to(&letters().await, NEW);
        set(&mut hers, NEW, PASSWORD).await;
        let all = letters().await;
        let sent = to(&all, NEW);
        assert_eq!((older.len(), sent.len(), all.len()), (1, 1, 2));
        let told = to(&all, HOME);
        assert!(told[0].contains("Another mail address was asked for"));
        assert!(!told[0].contains(NEW) && !told[0].contains("?link="));
        let path = link_in(&sent[0]);
        assert_eq!(stored(&world, &alice).await.as_deref(), Some(HOME));

        // A program that opens it is sent to the login; another person has nothing there; nor has the older one.
        let mut program = world.browser();
        assert_eq!(program.open(&path).await.url.path(), "/login");
        for (phone, path) in [(&mut mallory, &path), (&mut hers, &link_in(&older[0]))] {
            let page = phone.browser.open(path).await;
            assert_eq!(page.reply.status, 410);
            page.does_not_say(NEW);
            let secret = path.split('=').nth(1).unwrap().to_owned();
            let sent = phone
                .post("/app/settings/address", &[("link", secret)])
                .await;
            assert_eq!(sent.reply.status, 410);
        }
        let page = hers.browser.open(&path).await;
        page.says(NEW);
        assert_eq!(
            stored(&world, &alice).await.as_deref(),
            Some(HOME),
            "looking confirms nothing"
        );
        let done = hers.browser.submit(&page, "address-confirm", &[]).await;
        done.says("Saved");
        assert_eq!(stored(&world, &alice).await.as_deref(), Some(NEW));
        let told = letters().await;
        for address in [HOME, NEW] {
            let is_it =
                |letter: &&String| letter.contains(address) && letter.contains("was changed");
            assert!(
                told.iter().any(|letter| is_it(&letter)),
                "{address}: {told:?}"
            );
        }
        assert_eq!(hers.browser.open(&path).await.reply.status, 410, "once");
        // RFC 5321 section 4.5.3.1.3.
        let label = "b".repeat(63);
        let longest = format!("{}@{label}.{label}.{}", "a".repeat(64), "c".repeat(61));
        assert_eq!(longest.len(), 254);
        set(&mut hers, &longest, PASSWORD)
            .await
            .says("We sent a link");
        let activity = hers.browser.open("/app/activity").await;
        activity.says("You changed your mail address");
        activity.says("You asked for a link to another mail address");
        activity.does_not_say("You changed your settings");
        // Away at once.
        set(&mut hers, "", PASSWORD).await.says("Saved");
        assert_eq!(stored(&world, &alice).await, None);
    }
}

/// A mailed link waits for nobody who changed their mind.
#[tokio::test(flavor = "multi_thread")]
async fn no_address_and_the_one_before_end_a_link_to_another() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
        let world = configured(kind, (&receiver, &postbox), &[]).await;
        let alice = UserId::from_text(Cast::of(&world).await.alice);
        let mut hers = world.phone_of("alice").await;
        for entered in [HOME, ""] {
            let email = PersonSettings {
                email: Some(HOME.to_owned()),
                ..PersonSettings::default()
            };
            settings(&world, &alice, email).await;
            set(&mut hers, NEW, PASSWORD).await.says("We sent a link");
            sending::send_due(&world.app).await.unwrap();
            let path = link_in(&to(&postbox.letters(), NEW)[0]);
            let page = hers.browser.open(&path).await;
            page.says(NEW);
            // A wrong password ends nothing.
            set(&mut hers, entered, "not hers at all").await;
            assert_eq!(hers.browser.open(&path).await.reply.status, 200);
            set(&mut hers, entered, PASSWORD).await.says("Saved");
            assert_eq!(
                hers.browser.open(&path).await.reply.status,
                410,
                "{entered}"
            );
            let late = hers.browser.submit(&page, "address-confirm", &[]).await;
            assert_eq!(late.reply.status, 410, "{entered}");
            let kept = Some(entered.to_owned()).filter(|text| !text.is_empty());
            assert_eq!(stored(&world, &alice).await, kept);
        }
        let asked = world.events_named("user.changed").await;
        let asked = asked.iter().filter(|one| one.data["state"] == "asked");
        assert_eq!(asked.count(), 2);
    }
}
