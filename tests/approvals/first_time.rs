//! A client that a person never allowed anything: the screen says so first, until one of its requests was approved.

use serde_json::{Value, json};
use writ_testkit::{
    Cast, Change, TestGuest, WebPage, World, agent_file, both, both_with_guests, enrol,
    enrol_plain, front_url,
};

use crate::client::ciba::{question_of_web, web_file};

const AGENT: &str = "You have never allowed this agent anything.";
const APP: &str = "You have never allowed this app anything.";

fn file(id: &str) -> Value {
    let mut file = agent_file(id, "mallory");
    file["agent"]["may_ask"] = json!(["alice", "mallory"]);
    file
}

#[track_caller]
fn is_receipt(page: &WebPage) {
    let path = page.url.path();
    assert!(
        path.starts_with("/app/receipts/"),
        "{path}: {}",
        page.words()
    );
}

both!(
    /// A no changes nothing, another person's yes neither. A screen that said so stays as it was read.
    the_first_request_says_that_the_agent_is_new,
    |world| async {
        let cast = Cast::of(&world).await;
        let agent = enrol(&world, file("agt_new")).await;
        let mut alice = world.phone_of("alice").await;
        let mut mallory = world.phone_of("mallory").await;
        let question = cast.question();
        let ask = async |words: &str| {
            let asked = question.clone().with("binding_message", words);
            let asked = agent.asked(&world, &asked).await;
            world.request_id(&asked).await
        };
        let denied = ask("denied").await;
        let page = alice.look(&denied).await;
        page.says(AGENT);
        alice.refuse(&page, "deny").await;
        world.advance(120);
        let his = question.clone().with("login_hint", "mallory");
        let his = agent.asked(&world, &his).await;
        let page = mallory.look(&world.request_id(&his).await).await;
        page.says(AGENT);
        is_receipt(&mallory.approve_by_password(&page).await);
        let (first, second) = (ask("first").await, ask("second").await);
        let before = alice.look(&second).await;
        before.says(AGENT);
        let page = alice.look(&first).await;
        page.says(AGENT);
        let receipt = alice.approve_by_password(&page).await;
        is_receipt(&receipt);
        // What was signed says so too.
        receipt.says(AGENT);
        // It was true when she was shown it, so it stays what she answers.
        is_receipt(&alice.approve_by_password(&before).await);
        world.advance(1);
        alice.look(&ask("third").await).await.does_not_say(AGENT);
    }
);

both!(what_counts_as_allowed, |world| async {
    let cast = Cast::of(&world).await;
    let mut alice = world.phone_of("alice").await;
    let mut says = async |world: &World, auth_req_id: &str, words: &str| {
        let page = alice.look(&world.request_id(auth_req_id).await).await;
        page.reply.text().contains(words)
    };
    // A consent does, for long after its task is over.
    cast.token(&world).await;
    world.advance(1);
    let asked = cast.planner.asked(&world, &cast.question()).await;
    assert!(!says(&world, &asked, "never allowed").await, "a consent");
    // A part that another agent handed on does not: the person never answered to that one.
    let token = cast.token(&world).await;
    let below = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
    let question = cast.question_within(&below.access_token());
    let asked = cast.booker.asked(&world, &question).await;
    assert!(says(&world, &asked, AGENT).await, "a part of a task");
    // An app is no agent.
    let web = enrol_plain(&world, web_file(json!({ "may_ask": ["alice"] }))).await;
    let reply = web.send(&world, "/bc-authorize", &question_of_web()).await;
    assert!(
        says(&world, &reply.member("auth_req_id"), APP).await,
        "an app"
    );
});

both_with_guests!(
    the_consent_page_says_it_of_agents_and_guests,
    [],
    |world| async {
        let (cast, guest) = TestGuest::visit(&world).await;
        let pushed = cast.push(&world, &cast.request()).await;
        let url = writ_testkit::authorize_url("agt_planner", &pushed.member("request_uri"));
        for url in [url, front_url(&guest.request())] {
            let (mut browser, page) = world.consent_page(&url).await;
            page.says(AGENT);
            let back = browser.submit(&page, "consent-approve", &[]).await;
            assert!(back.query("code").is_some(), "{}", back.url);
        }
        world.advance(1);
        let pushed = cast.push(&world, &cast.request()).await;
        let url = writ_testkit::authorize_url("agt_planner", &pushed.member("request_uri"));
        for url in [url, front_url(&guest.request())] {
            let (_, page) = world.consent_page(&url).await;
            page.does_not_say(AGENT);
        }
    }
);
