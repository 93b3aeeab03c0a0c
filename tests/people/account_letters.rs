//! Whoever is invited reads in their language how they are called here: in the letter, and on the page behind its link.

use http::Method;
use http::header::ACCEPT_LANGUAGE;
use serde_json::json;
use writ_server::operate::invite_user::InvitedUser;
use writ_testkit::{Cast, DatabaseKind, HttpReceiver, TestBrowser, TestMailServer, World};

use super::account::{NEW, finish, text};
use super::account_forgotten::{letters, link_in, plain_letter};
use super::channels::configured;

async fn page_in(world: &World, path: &str, accept: &'static str) -> String {
    let accept = [(ACCEPT_LANGUAGE.as_str(), accept)];
    world
        .send(Method::GET, path, &accept, Vec::new())
        .await
        .text()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_read_in_the_language_of_its_person() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
        let world = configured(kind, (&receiver, &postbox), &[]).await;
        Cast::of(&world).await;
        let catalogue = world.app.catalogue().await.unwrap();
        let registry = world.registry(&catalogue.types);
        for (name, language, subject, says, page) in [
            (
                "ines",
                Some("de"),
                "Sie sind zu localhost eingeladen",
                "als ines an",
                "Sie wurden eingeladen",
            ),
            (
                "noor",
                Some("en"),
                "You are invited to localhost",
                "sign in as noor",
                "You were invited",
            ),
            (
                "olga",
                None,
                "You are invited to localhost",
                "sign in as olga",
                "You were invited",
            ),
        ] {
            let invited = InvitedUser {
                name,
                email: Some("new@home.example"),
                language,
            };
            let printed = registry
                .invite_user(invited, &world.app.config)
                .await
                .unwrap();
            assert_eq!(printed["mailed"], json!(true));
            let sent = letters(&world, &postbox).await;
            assert_eq!(sent.len(), 1, "{name}");
            let letter = plain_letter(&sent[0]);
            assert!(
                letter.contains(subject) && letter.contains(says),
                "{letter}"
            );
            let path = link_in(&sent[0]);
            let mut browser = world.browser();
            browser.open(&path).await.says(page);
            // Without a language of theirs it is the browser's; what this browser chose comes before both.
            let expected = match language {
                Some(_) => page,
                None => "Sie wurden eingeladen",
            };
            let shown = page_in(&world, &path, "de, en;q=0.5").await;
            assert!(shown.contains(expected), "{name}: {shown}");
            browser
                .cookies
                .insert("writ-language".to_owned(), "de".to_owned());
            let chosen = browser.open(&path).await;
            chosen.says("Sie wurden eingeladen");
            let done = finish(&mut browser, &chosen, &text(&printed, "code"), NEW).await;
            done.says(&format!("Sie melden sich als {name} an"));
            let no_address = registry.change_email(name, None).await;
            no_address.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_read_in_the_language_that_the_operator_names() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, postbox, _cast) = super::account_forgotten::world_with_mail(kind).await;
        let catalogue = world.app.catalogue().await.unwrap();
        let registry = world.registry(&catalogue.types);
        let config = &world.app.config;
        let printed = registry.reset_user("alice", Some("de"), config).await;
        let printed = printed.unwrap();
        let sent = letters(&world, &postbox).await;
        // The link is news enough for the address to which it goes.
        let [letter] = sent.as_slice() else {
            panic!("{sent:?}");
        };
        assert!(
            plain_letter(letter).contains("Neues Passwort festlegen"),
            "{letter}"
        );
        let mut browser: TestBrowser = world.browser();
        let page = browser.open(&link_in(letter)).await;
        page.says("Passwort zurücksetzen");
        let done = finish(&mut browser, &page, &text(&printed, "code"), NEW).await;
        done.says("Sie melden sich als alice an");
    }
}
