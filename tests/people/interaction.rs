//! The way through login and consent in a person's own time: an hour from the first visit (RFC 9126 section 2.2 bounds that visit
//! alone), two windows, back, reload, another person's login. It ends at the client or at a page with one link.

use serde_json::json;
use writ_core::id::ClientId;
use writ_testkit::{
    Cast, Change, Fields, ISSUER, PASSWORD, REDIRECT, TestBrowser, WEB_REDIRECT, Web, WebPage,
    World, authorize_url, both, front_url,
};

const HOUR: u64 = 3600;

/// Address and words of the links within the page's own part.
pub(crate) fn links(page: &WebPage) -> Vec<(String, String)> {
    let text = page.reply.text();
    let main = text.split("<main").nth(1).unwrap();
    let main = main.split("</main>").next().unwrap();
    let link = |rest: &str| {
        let (tag, inner) = rest.split_once('>').unwrap();
        let address = tag.split("href=\"").nth(1).unwrap();
        let address = address.split('"').next().unwrap();
        let inner = inner.split("</a>").next().unwrap();
        (
            address.replace("&#38;", "&").replace("&amp;", "&"),
            inner.replace("<bdi>", "").replace("</bdi>", ""),
        )
    };
    main.split("<a ").skip(1).map(link).collect()
}

/// A page of this server with one link, and where that leads.
#[track_caller]
pub(crate) fn only_link(page: &WebPage, words: &str) -> String {
    assert_eq!(page.reply.header("location"), None);
    let found = links(page);
    assert_eq!(found.len(), 1, "{}", page.reply.text());
    assert_eq!(found[0].1, words);
    found[0].0.clone()
}

/// The client hears that the person took too long.
#[track_caller]
fn hears_of_the_end(page: &WebPage, redirect: &str) {
    assert!(page.url.as_str().starts_with(redirect), "{}", page.url);
    assert_eq!(page.query("error").as_deref(), Some("access_denied"));
    assert_eq!(page.query("state").as_deref(), Some("s1"));
    assert_eq!(page.query("iss").as_deref(), Some(ISSUER));
    assert_eq!(page.query("code"), None);
    let sentence = page.query("error_description").unwrap();
    assert!(sentence.contains("in time"), "{sentence}");
}

async fn pushed_url(world: &World, cast: &Cast) -> String {
    let form = cast.request().with("state", "s1");
    authorize_url("agt_planner", &cast.pushed(world, &form).await)
}

async fn approve(browser: &mut TestBrowser, page: &WebPage) -> WebPage {
    browser.submit(page, "consent-approve", &[]).await
}

both!(
    rfc_9126_2_2_who_opens_in_time_has_an_hour_of_their_own,
    |world| async {
        let cast = Cast::of(&world).await;
        let url = pushed_url(&world, &cast).await;
        world.advance(299);
        let mut browser = world.browser();
        let login = browser.open(&url).await;
        world.advance(20 * 60);
        let page = browser.log_in(&login, "alice", PASSWORD).await;
        assert_eq!(page.url.path(), "/consent", "twenty minutes for the login");
        world.advance(30 * 60);
        assert_eq!(browser.open(&url).await.url.path(), "/consent");
        let back = approve(&mut browser, &page).await;
        let code = back.query("code").unwrap();
        assert_eq!(cast.redeem(&world, &code).await.status, 200);
    }
);

both!(
    a_visit_does_not_begin_the_hour_again_and_its_end_is_told_to_the_client,
    |world| async {
        let cast = Cast::of(&world).await;
        let url = pushed_url(&world, &cast).await;
        let (mut browser, page) = world.consent_page(&url).await;
        let request = page.query("request").unwrap();
        world.advance(HOUR - 1);
        assert_eq!(browser.open(&url).await.url.path(), "/consent");
        world.advance(1);
        hears_of_the_end(&approve(&mut browser, &page).await, REDIRECT);
        hears_of_the_end(&browser.submit(&page, "consent-deny", &[]).await, REDIRECT);
        for address in [
            url,
            format!("/consent?request={request}"),
            format!("/login?request={request}"),
        ] {
            hears_of_the_end(&browser.open(&address).await, REDIRECT);
        }
        assert!(world.events_named("task.approved").await.is_empty());
        assert!(world.events_named("consent.denied").await.is_empty());
    }
);

both!(
    a_request_of_the_front_channel_has_the_same_hour,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let (mut browser, page) = world.consent_page(&front_url(&web.request())).await;
        world.advance(HOUR - 1);
        assert!(approve(&mut browser, &page).await.query("code").is_some());
        let (mut browser, page) = world.consent_page(&front_url(&web.request())).await;
        world.advance(HOUR);
        hears_of_the_end(&approve(&mut browser, &page).await, WEB_REDIRECT);
    }
);

both!(
    rfc_9700_4_11_2_nobody_is_sent_to_a_redirect_that_is_gone_or_a_client_that_is_stopped,
    |world| async {
        Cast::of(&world).await;
        let file = json!({ "client_id": "moved" });
        let moved = Web::register(&world, file).await;
        let stopped = Web::register(&world, json!({})).await;
        let (mut first, of_moved) = world.consent_page(&front_url(&moved.request())).await;
        let (mut second, of_stopped) = world.consent_page(&front_url(&stopped.request())).await;
        world
            .change_client("moved", |file| {
                file["redirect_uris"] = json!(["https://web.example/other"]);
            })
            .await;
        let mut transaction = world.begin().await;
        let client = ClientId::from_text("web");
        transaction.stop_client(&client, world.now()).await.unwrap();
        transaction.commit().await.unwrap();
        world.advance(HOUR);
        for ended in [
            approve(&mut first, &of_moved).await,
            approve(&mut second, &of_stopped).await,
        ] {
            assert_eq!(ended.reply.status, 400);
            ended.says("This request has run out");
            assert!(links(&ended).is_empty(), "{}", ended.reply.text());
        }
    }
);

both!(
    who_comes_too_late_to_open_it_reads_so_and_has_one_way_back,
    |world| async {
        let cast = Cast::of(&world).await;
        let url = pushed_url(&world, &cast).await;
        world.advance(300);
        let page = world.browser().open(&url).await;
        assert_eq!(page.reply.status, 400);
        page.says("This request has run out");
        let back = only_link(&page, "Back to agt_planner");
        assert!(back.starts_with(REDIRECT), "{back}");
        assert!(back.contains("error=invalid_request_uri"), "{back}");
        assert!(back.contains("state=s1") && back.contains("iss="), "{back}");
    }
);

both!(
    two_windows_back_and_a_second_click_lead_back_to_the_app,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({ "client_name": "Reports" })).await;
        let url = front_url(&web.request());
        let (mut browser, page) = world.consent_page(&url).await;
        let request = page.query("request").unwrap();
        let consent = format!("/consent?request={request}");
        let other = browser.open(&consent).await;
        assert!(approve(&mut browser, &page).await.query("code").is_some());
        let again = approve(&mut browser, &page).await;
        let second = browser.submit(&other, "consent-deny", &[]).await;
        let reloaded = browser.open(&consent).await;
        let login = browser.open(&format!("/login?request={request}")).await;
        for page in [again, second, reloaded, login] {
            assert_eq!(page.reply.status, 400);
            page.says("This request was already answered");
            assert_eq!(
                only_link(&page, "Back to Reports"),
                "https://web.example",
                "its own page: the answer was sent"
            );
        }
        assert_eq!(world.events_named("task.approved").await.len(), 1);
    }
);

both!(an_app_on_the_device_has_no_page_to_go_to, |world| async {
    Cast::of(&world).await;
    let changes = json!({ "redirect_uris": ["com.example.app:/cb"] });
    let web = Web::register(&world, changes).await;
    let form = web.request().with("redirect_uri", "com.example.app:/cb");
    let (mut browser, page) = world.consent_page(&front_url(&form)).await;
    let back = approve(&mut browser, &page).await;
    assert_eq!(back.url.scheme(), "com.example.app");
    let again = approve(&mut browser, &page).await;
    assert_eq!(only_link(&again, "Go to your page"), "/app");
});

both!(
    another_person_logs_in_in_another_window_and_the_first_starts_again,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let (mut browser, page) = world.consent_page(&front_url(&web.request())).await;
        let login = browser.open("/login").await;
        browser.log_in(&login, "mallory", PASSWORD).await;
        for button in ["consent-approve", "consent-deny"] {
            let refused = browser.submit(&page, button, &[]).await;
            assert_eq!(refused.reply.status, 403);
            refused.says("Please try that again");
            let again = only_link(&refused, "Start again");
            let shown = browser.open(&again).await;
            assert_eq!(shown.url.path(), "/consent");
            shown.says("mallory");
        }
        assert!(world.events_named("task.approved").await.is_empty());
        let shown = browser.open(&only_start(&page)).await;
        assert!(approve(&mut browser, &shown).await.query("code").is_some());
        let approved = world.events_named("consent.given").await;
        assert_eq!(approved.len(), 1, "by mallory, who was shown the page");
    }
);

fn only_start(page: &WebPage) -> String {
    format!("/consent?request={}", page.query("request").unwrap())
}

both!(
    an_agent_s_request_asks_the_other_person_to_log_in,
    |world| async {
        let cast = Cast::of(&world).await;
        let (mut browser, page) = cast.asked(&world, &cast.request()).await;
        let login = browser.open("/login").await;
        browser.log_in(&login, "mallory", PASSWORD).await;
        let refused = approve(&mut browser, &page).await;
        let again = only_link(&refused, "Start again");
        assert_eq!(browser.open(&again).await.url.path(), "/login");
    }
);

both!(a_forged_request_makes_no_link_of_ours, |world| async {
    Cast::of(&world).await;
    let mut browser = world.browser();
    browser.open("/login").await;
    for handle in ["", "x", "https://evil.example/", "a&b=c", "<b>"] {
        let fields: Fields = vec![
            ("request", handle.to_owned()),
            ("consent-approve", "1".to_owned()),
        ];
        let refused = browser.post("/consent", &fields).await;
        assert_eq!(refused.reply.status, 403, "{handle}");
        assert!(links(&refused).is_empty(), "{}", refused.reply.text());
    }
});
