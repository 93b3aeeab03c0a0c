//! Somebody holds a provider's answer back: it signs nobody in once the person was signed out here, and cannot be tried out at the provider.

use std::net::IpAddr;

use serde_json::json;
use writ_server::node::strangers::MAX_UNPROVED;
use writ_server::operate::disable::UserSwitch;
use writ_testkit::{ISSUER, TestBrowser, TestProvider, World, both_upstream, merge};

use super::account::{self, reset, text};
use super::upstream::{sessions, sign_in_as, switch};
use super::upstream_logout::log_out;

/// A browser, and the answer to what it asked, which nobody brought yet.
async fn held(world: &World, acme: &TestProvider) -> (TestBrowser, String) {
    let mut browser = world.browser();
    let login = browser.open("/login").await;
    let asked = browser.to_provider(&login, "acme").await;
    let back = acme.answer(&asked, &acme.claims(world, &asked));
    world.advance(1);
    (browser, back)
}

/// The answer is over; a new one is as good as ever.
async fn is_over(world: &World, acme: &TestProvider, held: (TestBrowser, String), what: &str) {
    let (mut browser, back) = held;
    let page = browser.open(&back).await;
    assert_eq!(page.reply.status, 403, "{what}: {}", page.reply.text());
    assert_eq!(browser.open("/app").await.url.path(), "/login", "{what}");
    let page = sign_in_as(world, acme, &mut browser, json!({})).await;
    assert_eq!(page.url.path(), "/app", "{what}: {}", page.reply.text());
}

both_upstream!(
    an_answer_of_before_the_person_was_signed_out_signs_nobody_in,
    [("ANYONE", "true")],
    |world, acme| async {
        sign_in_as(&world, &acme, &mut world.browser(), json!({})).await;
        let before = held(&world, &acme).await;
        let printed = reset(&world, "noor@acme").await.unwrap();
        let mut hers = world.browser();
        let page = hers.open(&text(&printed, "link")).await;
        let code = text(&printed, "code");
        let done = account::finish(&mut hers, &page, &code, account::NEW).await;
        assert_eq!(done.reply.status, 200, "{}", done.reply.text());
        is_over(&world, &acme, before, "a reset").await;

        let before = held(&world, &acme).await;
        switch(&world, "noor@acme", UserSwitch::Disable).await;
        switch(&world, "noor@acme", UserSwitch::Enable).await;
        is_over(&world, &acme, before, "disabled and enabled").await;

        let before = held(&world, &acme).await;
        assert_eq!(log_out(&world, &acme, json!({})).await.status, 200);
        is_over(&world, &acme, before, "signed out there").await;
    }
);

both_upstream!(
    backchannel_2_7_a_logout_that_ended_nothing_ends_the_sign_in_that_is_under_way,
    [("ANYONE", "true")],
    |world, acme| async {
        // Nobody here yet.
        for (answer, logout, ends) in [
            (json!({}), json!({}), true),
            (json!({ "sid": "d1" }), json!({}), true),
            (json!({ "sid": "d1" }), json!({ "sid": "d1" }), true),
            (
                json!({ "sid": "d1" }),
                json!({ "sid": "d1", "sub": null }),
                true,
            ),
            (json!({}), json!({ "sid": "d1" }), true),
            (json!({}), json!({ "sid": "d1", "sub": null }), false),
            (json!({ "sid": "d1" }), json!({ "sid": "d2" }), false),
            (json!({ "sid": "d1" }), json!({ "sub": "other" }), false),
        ] {
            let mut browser = world.browser();
            let login = browser.open("/login").await;
            let asked = browser.to_provider(&login, "acme").await;
            let mut claims = acme.claims(&world, &asked);
            merge(&mut claims, answer.clone());
            let back = acme.answer(&asked, &claims);
            world.advance(1);
            assert_eq!(log_out(&world, &acme, logout.clone()).await.status, 200);
            let page = browser.open(&back).await;
            let shown = (
                page.reply.status,
                browser.open("/app").await.url.path() == "/login",
            );
            let expected = if ends { (403, true) } else { (200, false) };
            assert_eq!(shown, expected, "{answer} {logout}");
            // Whoever begins again is signed in, and out again for the next round.
            let page = sign_in_as(&world, &acme, &mut browser, answer.clone()).await;
            assert_eq!(page.url.path(), "/app", "{answer} {logout}");
            world.advance(1);
            browser.submit(&page, "logout-submit", &[]).await;
            world.advance(1);
        }
    }
);

both_upstream!(
    a_session_has_the_time_that_the_provider_says_and_none_ahead,
    [("ANYONE", "true")],
    |world, acme| async {
        let begun = world.now().seconds();
        let (mut browser, back) = held(&world, &acme).await;
        world.advance(290);
        assert_eq!(browser.open(&back).await.url.path(), "/app");
        let opened = &sessions(&world, "noor@acme").await[0];
        assert_eq!(opened.authenticated_at.seconds(), begun);
        // The provider's clock is ahead.
        let ahead = json!({ "sub": "ahead", "auth_time": world.now().seconds() + 60 });
        sign_in_as(&world, &acme, &mut world.browser(), ahead).await;
        let opened = &sessions(&world, "noor-2@acme").await[0];
        assert_eq!(opened.authenticated_at, world.now());
    }
);

both_upstream!(
    a_limit_that_is_used_up_keeps_answers_from_the_provider,
    [("ANYONE", "true")],
    |world, acme| async {
        let (mut browser, back) = held(&world, &acme).await;
        let from: IpAddr = "203.0.113.7".parse().unwrap();
        for _ in 0..MAX_UNPROVED {
            let admitted = world.app.strangers.admit_unproved(Some(from), world.now());
            assert!(admitted.is_ok());
        }
        let path = back.strip_prefix(ISSUER).unwrap();
        let cookies = browser.cookies.iter();
        let cookies: Vec<_> = cookies.map(|(n, v)| format!("{n}={v}")).collect();
        let cookies = cookies.join("; ");
        let refused = world
            .get_from(from, path, &[("cookie", cookies.as_str())])
            .await;
        assert_eq!(refused.status, 429, "{}", refused.text());
        assert!(refused.header("retry-after").is_some());
        assert_eq!(acme.redeemed(), 0, "nothing was asked of the provider");
        // Nor was the answer used up.
        let page = browser.open(&back).await;
        assert_eq!(page.url.path(), "/app", "{}", page.reply.text());
        assert_eq!(acme.redeemed(), 1);
    }
);
