//! A click on the consent page counts for exactly the page that was shown: anything else is 409 and the page as it is now. What is
//! recorded is what was shown, its times included.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, Change, PASSWORD, TestBrowser, Web, WebPage, World, both, front_url, minted,
    payment,
};

/// The fields of the page's form, with another value for `screen` or none.
fn with_screen(page: &WebPage, screen: Option<&str>) -> Vec<(String, String)> {
    let mut fields = page.fields("consent-approve");
    fields.retain(|(name, _)| name != "screen");
    fields.extend(screen.map(|screen| ("screen".to_owned(), screen.to_owned())));
    fields.push(("consent-approve".to_owned(), "1".to_owned()));
    fields
}

async fn approve(browser: &mut TestBrowser, page: &WebPage) -> WebPage {
    browser.submit(page, "consent-approve", &[]).await
}

#[track_caller]
fn is_shown_afresh(page: &WebPage) {
    assert_eq!(page.reply.status, 409, "{}", page.reply.text());
    page.says("This request changed while you looked.");
}

/// What the operator sees of such clicks.
fn changed(world: &World) -> u64 {
    let metrics = world.app.metrics.render();
    let mut lines = metrics.lines();
    let line = lines.find_map(|line| line.strip_prefix("writ_consents_changed_total "));
    line.unwrap().parse().unwrap()
}

async fn rename_the_bank(world: &World, name: &str) {
    world
        .add_resource(json!({
            "resource": BANK, "name": name, "scopes": ["accounts:read", "accounts:write"],
            "authorization_details_types": ["payment"], "client_id": "bank-api",
            "agents_only": true, "task_claims": ["purpose"]
        }))
        .await;
}

both!(
    a_resource_renamed_after_the_page_is_read_again,
    |world| async {
        let cast = Cast::of(&world).await;
        let (mut browser, page) = cast.asked(&world, &cast.request()).await;
        page.says("Use “accounts:read” at Bank");
        rename_the_bank(&world, "Casino").await;
        assert_eq!(changed(&world), 0);
        let again = approve(&mut browser, &page).await;
        is_shown_afresh(&again);
        assert_eq!(changed(&world), 1);
        again.says("Use “accounts:read” at Casino");
        assert!(world.events_named("consent.given").await.is_empty());
        // The old page counts no more; the new one does, and is what is recorded.
        is_shown_afresh(&approve(&mut browser, &page).await);
        let back = approve(&mut browser, &again).await;
        assert!(back.query("code").is_some(), "{}", back.url);
        let events = world.events_named("consent.given").await;
        let shown = events[0].data["shown"].as_str().unwrap();
        assert!(
            shown.contains("at Casino") && !shown.contains("at Bank"),
            "{shown}"
        );
    }
);

both!(
    an_agent_renamed_after_the_page_is_read_again,
    |world| async {
        let cast = Cast::of(&world).await;
        let (mut browser, page) = cast.asked(&world, &cast.request()).await;
        world
            .change_client("agt_planner", |file| file["client_name"] = json!("Helper"))
            .await;
        world.advance(60);
        let again = approve(&mut browser, &page).await;
        is_shown_afresh(&again);
        again.says("Helper asks to act for you");
        assert!(approve(&mut browser, &again).await.query("code").is_some());
    }
);

both!(
    a_form_that_names_no_page_or_another_is_no_consent,
    |world| async {
        let cast = Cast::of(&world).await;
        let (mut browser, page) = cast.asked(&world, &cast.request()).await;
        let (_, other) = cast.asked(&world, &cast.request()).await;
        let others = other.fields("consent-approve");
        let others = others.iter().find(|(name, _)| name == "screen").unwrap();
        for screen in [None, Some(""), Some("A"), Some(others.1.as_str())] {
            let fields = with_screen(&page, screen);
            let again = browser.send_form(&page, "consent-approve", &fields).await;
            is_shown_afresh(&again);
        }
        assert!(world.events_named("task.approved").await.is_empty());
        // The page itself did not change.
        assert!(approve(&mut browser, &page).await.query("code").is_some());
    }
);

both!(one_persons_page_is_not_anothers, |world| async {
    let cast = Cast::of(&world).await;
    let (mut browser, page) = cast.asked(&world, &cast.request()).await;
    let mut other = world.browser();
    let url = format!("/login?request={}", page.query("request").unwrap());
    let login = other.open(&url).await;
    let hers = other.log_in(&login, "mallory", PASSWORD).await;
    assert_eq!(hers.url.path(), "/consent", "{}", hers.reply.text());
    // Her page took the place of alice's, whose click then counts for nothing.
    is_shown_afresh(&approve(&mut browser, &page).await);
    let stolen = with_screen(&hers, Some(&page.fields("consent-approve")[2].1));
    is_shown_afresh(&other.send_form(&hers, "consent-approve", &stolen).await);
    assert!(world.events_named("task.approved").await.is_empty());
});

both!(the_task_ends_when_the_page_said, |world| async {
    let cast = Cast::of(&world).await;
    let (mut browser, page) = cast.asked(&world, &cast.request()).await;
    let until = "It ends by itself on 21 September 2026, 15:13 UTC.";
    page.says(until);
    world.advance(120);
    // Opened again, it says the same.
    let same = browser.open(page.url.as_str()).await;
    same.says(until);
    let back = approve(&mut browser, &page).await;
    let code = back.query("code").unwrap();
    let token = minted(&cast.redeem(&world, &code).await, "approved");
    let ends = token["mission"]["expires_at"].as_str().unwrap();
    assert!(ends.starts_with("2026-09-21T15:13:"), "{ends}");
    let events = world.events_named("task.approved").await;
    assert_eq!(events[0].data["expires_at"], json!(ends));
});

both!(
    /// A login of this morning answers for scopes, not for objects about which their type wants a person asked.
    an_older_login_is_no_answer_where_a_person_must_be_asked,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let mut browser = world.browser();
        let page = browser.open(&front_url(&web.request())).await;
        browser.log_in(&page, "alice", PASSWORD).await;
        world.advance(3600);
        let scopes = browser.open(&front_url(&web.request())).await;
        assert_eq!(scopes.url.path(), "/consent");
        let details = json!([payment("5.00")]).to_string();
        let pays = web.request().with("authorization_details", details);
        let page = browser.open(&front_url(&pays)).await;
        assert_eq!(page.url.path(), "/login", "{}", page.reply.text());
        let page = browser.log_in(&page, "alice", PASSWORD).await;
        assert_eq!(page.url.path(), "/consent", "{}", page.reply.text());
        assert!(approve(&mut browser, &page).await.query("code").is_some());
    }
);
