//! The life of a `request_uri` (RFC 9126 sections 2.2 and 4): its client's alone, opened often, decided once.

use writ_testkit::{Cast, PASSWORD, WebPage, World, authorize_url, both};

/// An error page of `/authorize` or `/consent`: nobody is sent anywhere.
fn assert_page(shown: &WebPage) {
    assert_eq!(shown.reply.status, 400, "{}", shown.reply.text());
    assert_eq!(shown.reply.header("location"), None);
    assert_eq!(
        shown.reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        shown.reply.text().contains("invalid_request_uri"),
        "{}",
        shown.reply.text()
    );
}

async fn open(world: &World, url: &str) -> WebPage {
    world.browser().open(url).await
}

both!(
    rfc_9126_2_2_the_request_uri_of_another_client_is_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let uri = cast.pushed(&world, &cast.request()).await;
        assert_page(&open(&world, &authorize_url("agt_booker", &uri)).await);
        assert_page(&open(&world, &authorize_url("agt_planner", &format!("{uri}x"))).await);
        assert_page(
            &open(
                &world,
                &authorize_url("agt_planner", "https://evil.example/request"),
            )
            .await,
        );
        let own = open(&world, &authorize_url("agt_planner", &uri)).await;
        assert_eq!(own.url.path(), "/login", "still good for its own client");
    }
);

both!(opened_twice_before_login_and_consumed_once, |world| async {
    let cast = Cast::of(&world).await;
    let url = authorize_url("agt_planner", &cast.pushed(&world, &cast.request()).await);
    // A prefetcher opens it, then the person, in two windows.
    assert_eq!(open(&world, &url).await.url.path(), "/login");
    let mut browser = world.browser();
    assert_eq!(browser.open(&url).await.url.path(), "/login");
    let page = browser.open(&url).await;
    let page = browser.log_in(&page, "alice", PASSWORD).await;
    assert_eq!(
        browser.open(&url).await.url.path(),
        "/consent",
        "once more after the login"
    );
    assert!(
        world.events_named("task.approved").await.is_empty(),
        "opening approves nothing"
    );
    let back = browser.submit(&page, "consent-approve", &[]).await;
    let code = back.query("code").unwrap();

    assert_page(&browser.open(&url).await);
    assert_page(&open(&world, &url).await);
    let again = browser.submit(&page, "consent-approve", &[]).await;
    assert_page(&again);
    assert_eq!(again.query("code"), None);
    assert_eq!(
        cast.redeem(&world, &code).await.status,
        200,
        "the first answer stands"
    );
    assert_eq!(world.events_named("task.approved").await.len(), 1);
});

both!(
    rfc_9126_2_2_a_request_uri_ends_after_expires_in,
    |world| async {
        let cast = Cast::of(&world).await;
        let uri = cast.pushed(&world, &cast.request()).await;
        let url = authorize_url("agt_planner", &uri);
        world.advance(300);
        assert_page(&open(&world, &url).await);
        let handle = uri.rsplit(':').next().unwrap();
        let login = format!("/login?request={handle}");
        assert_page(&open(&world, &login).await);
        let url = authorize_url("agt_planner", &cast.pushed(&world, &cast.request()).await);
        world.advance(299);
        assert_eq!(open(&world, &url).await.url.path(), "/login");
        assert!(world.events_named("task.approved").await.is_empty());
    }
);

both!(
    rfc_9126_4_a_second_window_cannot_decide_again,
    |world| async {
        let cast = Cast::of(&world).await;
        let url = authorize_url("agt_planner", &cast.pushed(&world, &cast.request()).await);
        let (mut first, page) = world.consent_page(&url).await;
        let (mut second, other) = world.consent_page(&url).await;
        assert!(
            first
                .submit(&page, "consent-approve", &[])
                .await
                .query("code")
                .is_some()
        );
        for button in ["consent-approve", "consent-deny"] {
            let late = second.submit(&other, button, &[]).await;
            assert_page(&late);
            assert_eq!(late.url.path(), "/consent", "not sent on");
        }
        assert_eq!(world.events_named("task.approved").await.len(), 1);
        assert!(world.events_named("consent.denied").await.is_empty());
    }
);
