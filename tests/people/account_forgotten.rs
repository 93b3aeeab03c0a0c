//! "Forgot your password?": whatever is typed, the answer is the same; a link goes to a confirmed address alone, and finishes nothing alone.

use writ_core::account_link::MAX_LINK_FAILURES;
use writ_core::id::UserId;
use writ_server::background::sending;
use writ_server::node::forgotten_limits::{
    MAX_FORGOTTEN_HERE, MAX_FORGOTTEN_OF_NAME, MAX_FORGOTTEN_OF_NETWORK,
};
use writ_store::settings::PersonSettings;
use writ_testkit::{
    Cast, DatabaseKind, HttpReceiver, ISSUER, TestBrowser, TestMailServer, WebPage, World, both,
};

use super::account::{NEW, finish, reset, text};
use super::channels::{configured, settings};
use super::webpush;

const HOME: &str = "alice@home.example";

async fn forgotten(browser: &mut TestBrowser, name: &str) -> WebPage {
    let page = browser.open("/login/forgot").await;
    browser
        .submit(&page, "forgotten-submit", &[("username", name)])
        .await
}

/// As far as it is read here.
pub(super) fn plain_letter(letter: &str) -> String {
    match letter.contains("quoted-printable") {
        true => letter.replace("=\n", "").replace("=3D", "="),
        false => letter.to_owned(),
    }
}

/// The path of the link in a letter.
pub(super) fn link_in(letter: &str) -> String {
    let letter = plain_letter(letter);
    let (_, rest) = letter.split_once(&format!("{ISSUER}/")).unwrap();
    format!("/{}", rest.split_whitespace().next().unwrap())
}

pub(super) async fn world_with_mail(kind: DatabaseKind) -> (World, TestMailServer, Cast) {
    let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
    let world = configured(kind, (&receiver, &postbox), &[]).await;
    let cast = Cast::of(&world).await;
    let email = PersonSettings {
        email: Some(HOME.to_owned()),
        ..PersonSettings::default()
    };
    settings(&world, &UserId::from_text(cast.alice.clone()), email).await;
    (world, postbox, cast)
}

pub(super) async fn letters(world: &World, postbox: &TestMailServer) -> Vec<String> {
    sending::send_due(&world.app).await.unwrap();
    postbox.letters()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_answered_alike_and_mailed_to_a_confirmed_address() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, postbox, _cast) = world_with_mail(kind).await;
        let mut browser = world.browser();
        let mut answers = Vec::new();
        for name in ["alice", "mallory", "zelda", "no name at all"] {
            let page = forgotten(&mut browser, name).await;
            assert_eq!(page.reply.status, 200);
            answers.push(page.reply.text());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1);
        let letters_now = letters(&world, &postbox).await;
        let [letter] = letters_now.as_slice() else {
            panic!("{letters_now:?}");
        };
        assert!(letter.contains(&format!("RCPT TO:<{HOME}>")), "{letter}");
        assert!(
            !letter.contains("alice")
                || letter.matches("alice").count() == letter.matches(HOME).count()
        );
        let page = browser.open(&link_in(letter)).await;
        // There is no code yet, so none is right; then the operator gives one.
        let wrong = finish(&mut browser, &page, "BBBB-BBBB", NEW).await;
        assert_eq!(wrong.reply.status, 422);
        let catalogue = world.app.catalogue().await.unwrap();
        let registry = world.registry(&catalogue.types);
        let printed = registry
            .code_for_user("alice", &world.app.config)
            .await
            .unwrap();
        let done = finish(&mut browser, &page, &text(&printed, "code"), NEW).await;
        done.says("Your password is set");
        let told = letters(&world, &postbox).await;
        let subjects = [
            "A reset of your password was begun",
            "Your password was reset",
        ];
        for subject in subjects {
            assert!(
                told.iter().any(|letter| letter.contains(subject)),
                "{subject}: {told:?}"
            );
        }
        let none = registry.code_for_user("alice", &world.app.config).await;
        assert!(none.unwrap_err().to_string().contains("asked for no link"));

        // What a stranger asks for ends no link of an operator.
        let mailed = reset(&world, "alice").await.unwrap();
        assert_eq!(
            (mailed.get("link"), &mailed["mailed"]),
            (None, &true.into())
        );
        let sent = letters(&world, &postbox).await;
        let with_link = sent
            .iter()
            .find(|letter| letter.contains("/account?link"))
            .unwrap();
        forgotten(&mut world.browser(), "alice").await;
        assert!(letters(&world, &postbox).await.is_empty());
        assert_eq!(browser.open(&link_in(with_link)).await.reply.status, 200);
    }
}

/// Five wrong codes end a link: no other code makes it good again.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_wrong_codes_ended_gets_no_other_code() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, postbox, _cast) = world_with_mail(kind).await;
        let mut browser = world.browser();
        forgotten(&mut browser, "alice").await;
        let sent = letters(&world, &postbox).await;
        let page = browser.open(&link_in(&sent[0])).await;
        for _ in 0..MAX_LINK_FAILURES {
            finish(&mut browser, &page, "BBBB-BBBB", NEW).await;
        }
        let catalogue = world.app.catalogue().await.unwrap();
        let registry = world.registry(&catalogue.types);
        let none = registry.code_for_user("alice", &world.app.config).await;
        let said = none.unwrap_err().to_string();
        assert!(said.contains("wrong codes ended it"), "{said}");
        let over = browser.open(&link_in(&sent[0])).await;
        assert_eq!(over.reply.status, 410);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_use_up_their_own_tries() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, postbox, _cast) = world_with_mail(kind).await;
        let mut hers = world.phone_of("alice").await;
        for name in ["alice", "zelda"] {
            let mut stranger = world.browser_at("203.0.113.7");
            for _ in 0..MAX_FORGOTTEN_HERE {
                assert_eq!(
                    forgotten(&mut stranger, name).await.reply.status,
                    200,
                    "{name}"
                );
            }
            assert_eq!(
                forgotten(&mut stranger, name).await.reply.status,
                429,
                "{name}"
            );
        }
        letters(&world, &postbox).await;
        // In her own browser she still has hers, from the same network or not.
        assert_eq!(
            forgotten(&mut hers.browser, "alice").await.reply.status,
            200
        );
        assert_eq!(letters(&world, &postbox).await.len(), 1);
        world.advance(24 * 3600);
        let mut stranger = world.browser_at("203.0.113.7");
        assert_eq!(forgotten(&mut stranger, "alice").await.reply.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_network_have_so_many_tries() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, _postbox, _cast) = world_with_mail(kind).await;
        let status = async |address: String, name: &str| {
            let mut stranger = world.browser_at(&address);
            forgotten(&mut stranger, name).await.reply.status
        };
        // Of one name in a day, from wherever.
        for network in 0..MAX_FORGOTTEN_OF_NAME {
            let from = format!("198.51.{network}.7");
            assert_eq!(status(from, "alice").await, 200, "{network}");
        }
        assert_eq!(status("203.0.113.9".to_owned(), "alice").await, 429);
        // From one network in an hour, whatever the names.
        let here = || "203.0.113.10".to_owned();
        for number in 0..MAX_FORGOTTEN_OF_NETWORK {
            let name = format!("person{number}");
            assert_eq!(status(here(), &name).await, 200, "{name}");
        }
        assert_eq!(status(here(), "zelda").await, 429);
        assert_eq!(status("198.51.100.11".to_owned(), "zelda").await, 200);
        world.advance(3600);
        assert_eq!(status(here(), "zelda").await, 200, "the hour is over");
        assert_eq!(status(here(), "alice").await, 429, "the day is not");
    }
}

/// Whoever drives a browser, or turned notifications on in one, learns no code by them.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_told_without_a_code_and_ends_the_link() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
        let hosts = [("PUSH__HOSTS", receiver.origin.as_str())];
        let world = configured(kind, (&receiver, &postbox), &hosts).await;
        let alice = UserId::from_text(Cast::of(&world).await.alice);
        let email = PersonSettings {
            email: Some(HOME.to_owned()),
            ..PersonSettings::default()
        };
        settings(&world, &alice, email).await;
        let device = webpush::Phone::logged_in(&world, "alice").await;
        device.subscribe(&world, &receiver.url("/push/1")).await;
        letters(&world, &postbox).await;
        receiver.heard();
        forgotten(&mut world.browser(), "alice").await;
        let sent = letters(&world, &postbox).await;
        let heard = receiver.heard();
        let pushed = heard.iter().find(|one| one.path == "/push/1").unwrap();
        let message = webpush::plain(pushed);
        let text = |member: &str| message[member].as_str().unwrap().to_owned();
        assert_eq!(text("title"), "Jemand möchte Ihr Passwort zurücksetzen");
        assert!(!text("body").contains("Code"), "{message}");
        let (link, not_me) = (link_in(&sent[0]), text("url"));
        let mut device = world.browser();
        let page = device.open(&not_me).await;
        page.does_not_say("alice");
        let looked = device.open(&link).await;
        assert_eq!(looked.reply.status, 200, "looking ends nothing");
        let ended = device.submit(&page, "account-not-me", &[]).await;
        ended.says("The link no longer works");
        assert_eq!(device.open(&link).await.reply.status, 410);
        assert_eq!(device.open(&not_me).await.reply.status, 410);
    }
}

both!(without_mail_the_page_says_whom_to_ask, |world| async {
    Cast::of(&world).await;
    let mut browser = world.browser();
    let login = browser.open("/login").await;
    login.says("Forgot your password?");
    let page = browser.open("/login/forgot").await;
    page.says("This server sends no mail");
    let csrf = ("csrf", browser.csrf());
    let asked = browser
        .post("/login/forgot", &[csrf, ("username", "alice".to_owned())])
        .await;
    asked.says("This server sends no mail");
});
