//! A guest's request that can no longer be decided: a page with one link, as for errors before the login, for both kinds of guest.

use serde_json::json;
use writ_core::id::ClientId;
use writ_testkit::{Change, GUEST, TestGuest, World, authorize_url, both_with, front_url};

use super::guest_errors::{Guests, is_told_by_a_link};
use super::interaction::{links, only_link};
use crate::client::dynamic_registration::OPEN;

const HOUR: u64 = 3600;

/// The document is fresh again after time went by.
async fn later(world: &World, seconds: u64) {
    world.advance(seconds);
    world.publish(GUEST, &TestGuest::document(json!({}))).await;
}

both_with!(
    rfc_9700_4_11_2_who_took_too_long_with_a_guest_has_one_link_to_it,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        for (guest, words, host) in guests.each() {
            for mode in ["query", "form_post"] {
                let url = front_url(&guest.request().with("response_mode", mode));
                let (mut browser, page) = world.consent_page(&url).await;
                let handle = page.query("request").unwrap();
                later(&world, HOUR).await;
                for ended in [
                    browser.submit(&page, "consent-approve", &[]).await,
                    browser.submit(&page, "consent-deny", &[]).await,
                    browser.open(&format!("/consent?request={handle}")).await,
                    world
                        .browser()
                        .open(&format!("/consent?request={handle}"))
                        .await,
                    world
                        .browser()
                        .open(&format!("/login?request={handle}"))
                        .await,
                ] {
                    ended.says("This request has run out");
                    let link = is_told_by_a_link(&ended, (words, host), "access_denied");
                    assert!(link.starts_with(&guest.redirect), "{link}");
                    assert!(
                        link.contains("state=s1") && link.contains("in+time"),
                        "{link}"
                    );
                }
            }
        }
        assert!(world.events_named("task.approved").await.is_empty());
    }
);

both_with!(
    who_opens_a_guest_s_pushed_request_too_late_has_one_link_to_it,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        for (guest, words, host) in guests.each() {
            let pushed = guest.send_to(&world, "/par", &guest.request(), None).await;
            later(&world, 300).await;
            let url = authorize_url(&guest.id, &pushed.member("request_uri"));
            let page = world.browser().open(&url).await;
            page.says("This request has run out");
            let link = is_told_by_a_link(&page, (words, host), "invalid_request_uri");
            assert!(link.starts_with(&guest.redirect), "{link}");
        }
    }
);

both_with!(
    who_answered_a_guest_already_is_sent_no_second_answer,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        let guest = &guests.of_a_document;
        let (mut browser, page) = world.consent_page(&front_url(&guest.request())).await;
        browser.submit(&page, "consent-deny", &[]).await;
        let again = browser.submit(&page, "consent-approve", &[]).await;
        again.says("This request was already answered");
        again.says("The link leads to client.example.");
        assert_eq!(
            only_link(&again, "Back to client.example"),
            "https://client.example"
        );
        // One on this device has no page of its own.
        let guest = &guests.registered;
        let (mut browser, page) = world.consent_page(&front_url(&guest.request())).await;
        browser.submit(&page, "consent-deny", &[]).await;
        let again = browser.submit(&page, "consent-approve", &[]).await;
        assert_eq!(only_link(&again, "Go to your page"), "/app");
    }
);

both_with!(
    /// Neither is a guest that is stopped, or whose address is gone.
    rfc_9700_4_11_2_nobody_is_led_to_a_guest_that_may_no_longer_be_returned_to,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        let guest = &guests.of_a_document;
        let mut waiting = Vec::new();
        for _ in 0..2 {
            waiting.push(world.consent_page(&front_url(&guest.request())).await);
        }
        let registered = &guests.registered;
        let of_registered = world.consent_page(&front_url(&registered.request())).await;
        guest.code(&world).await;
        let mut ended = Vec::new();
        let mut end = waiting.into_iter();
        let moved = TestGuest::document(json!({ "redirect_uris": ["https://client.example/new"] }));
        world.advance(HOUR);
        world.publish(GUEST, &moved).await;
        let (mut browser, page) = end.next().unwrap();
        ended.push(browser.submit(&page, "consent-approve", &[]).await);
        for id in [GUEST, registered.id.as_str()] {
            let mut transaction = world.begin().await;
            let id = ClientId::from_text(id);
            assert!(transaction.stop_client(&id, world.now()).await.unwrap());
            transaction.commit().await.unwrap();
        }
        later(&world, 301).await;
        for (mut browser, page) in [end.next().unwrap(), of_registered] {
            ended.push(browser.submit(&page, "consent-approve", &[]).await);
        }
        assert_eq!(ended.len(), 3);
        for page in ended {
            assert_eq!(page.reply.status, 400, "{}", page.url);
            page.says("This request has run out");
            assert!(links(&page).is_empty(), "{}", page.reply.text());
        }
    }
);

both_with!(
    a_guest_s_page_is_in_the_reader_s_language,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        let form = guests
            .of_a_document
            .request()
            .with("response_type", "token");
        let mut browser = world.browser();
        let language = ("writ-language".to_owned(), "de".to_owned());
        browser.cookies.extend([language]);
        let page = browser.open(&front_url(&form)).await;
        page.says("Es wurde nichts erlaubt");
        page.says("Der Link führt zu client.example.");
        let back = only_link(&page, "Zurück zu client.example");
        assert!(back.contains("error=unsupported_response_type"), "{back}");
    }
);
