//! "This was not me" pauses a client for the person who says so: it asks them nothing and begins nothing for them, on any way, until they let it,
//! with a proof.

use serde_json::json;
use writ_core::pending::State;
use writ_testkit::{
    BANK, Cast, Change, PASSWORD, Phone, WebPage, World, authorize_url, both, minted, refused,
};

use super::undo::is_active;
use crate::client::device;
use crate::laws::races::own_work;

const PAUSED: &str = "You paused this app";

/// Every agent of the cast may ask both people, so that only a pause refuses it.
pub(super) async fn staged(world: &World) -> Cast {
    let cast = Cast::of(world).await;
    for id in ["agt_planner", "agt_booker"] {
        world
            .change_client(id, |file| {
                file["agent"]["may_ask"] = json!(["alice", "mallory"]);
            })
            .await;
    }
    cast
}

/// A question of this agent, of which the person says that it was not them.
async fn report(world: &World, phone: &mut Phone, auth_req_id: &str) {
    let page = phone.look(&world.request_id(auth_req_id).await).await;
    let over = phone.refuse(&page, "not_me").await;
    let path = over.url.path();
    assert!(path.starts_with("/app/receipts/"), "{path}");
}

pub(super) async fn unpause(phone: &mut Phone, agent: &str, proof: &[(&str, &str)]) -> WebPage {
    let proof = proof
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let fields: Vec<_> = std::iter::once(("agent", agent.to_owned()))
        .chain(proof)
        .collect();
    phone.post("/app/agents/unpause", &fields).await
}

#[track_caller]
fn reads_why(page: &WebPage) {
    assert_eq!(page.reply.status, 400, "{}", page.url);
    page.says(PAUSED);
    page.says("unauthorized_client");
}

both!(
    /// All that it had is over, and whatever it tries afterwards is refused, for that person alone.
    a_paused_agent_begins_nothing_on_any_way,
    |world| async {
        let cast = staged(&world).await;
        let mut alice = world.phone_of("alice").await;
        let planner = &cast.planner;
        let grant = cast.granted(&world, planner, &cast.request(), BANK).await;
        let token = grant.access_token();
        let code = cast.code(&world).await;
        let pushed = cast.push(&world, &cast.request()).await.member("request_uri");
        let (mut reading, consent) = world.consent_page(&authorize_url("agt_planner", &pushed)).await;
        let terminal = device::ask(&world, planner, &device::request()).await;
        let approved = planner.asked(&world, &cast.question().with("binding_message", "yes")).await;
        let open = planner.asked(&world, &cast.question().with("binding_message", "open")).await;
        world.approve(&approved, "alice").await;
        let asked = planner.asked(&world, &cast.question()).await;
        report(&world, &mut alice, &asked).await;
        let before = world.events_named("task.approved").await.len();
        // What it had.
        assert!(!is_active(&world, &cast, &token).await);
        for (form, code) in [
            (cast.redeem_form(&code), "invalid_grant"),
            (planner.refresh_form(&grant.member("refresh_token")), "invalid_grant"),
            (cast.exchange_form(&token, None), "invalid_request"),
            (writ_testkit::poll_form(&approved), "access_denied"),
            (writ_testkit::poll_form(&open), "access_denied"),
        ] {
            let reply = planner.send(&world, "/token", &form).await;
            refused(&reply, code, &format!("{form:?}"));
        }
        reads_why(&reading.submit(&consent, "consent-approve", &[]).await);
        // What it tries now.
        refused(&planner.ask(&world, &cast.question()).await, "unauthorized_client", "a question");
        let within = planner.ask(&world, &cast.question_within(&token)).await;
        refused(&within, "invalid_request", "within the task that is over");
        let pushed = cast.push(&world, &cast.request()).await.member("request_uri");
        // An agent's request begins with a login: then the person is known.
        let page = alice.browser.open(&authorize_url("agt_planner", &pushed)).await;
        reads_why(&alice.browser.log_in(&page, "alice", PASSWORD).await);
        let another = device::ask(&world, planner, &device::request()).await;
        for terminal in [terminal, another] {
            device::types(&mut alice, &terminal.member("user_code")).await;
            let found = device::waiting(&world, &terminal.member("device_code")).await;
            assert_eq!((&found.subject, found.state()), (&None, State::Pending));
        }
        assert!(alice.inbox().await.is_empty());
        assert_eq!(world.events_named("task.approved").await.len(), before);
        // Neither its own work nor anybody else's.
        minted(&planner.send(&world, "/token", &own_work()).await, "its own");
        let his = cast.approved(&world, planner, &cast.request(), "mallory").await;
        minted(&cast.redeem(&world, &his).await, "mallory's");
        planner.asked(&world, &cast.question().with("login_hint", "mallory")).await;
        let paused = world.events_named("agent.paused").await;
        assert_eq!(paused.len(), 1);
        assert_eq!(paused[0].client.as_deref(), Some("agt_planner"));
        assert_eq!(paused[0].subject.as_deref(), Some(cast.alice.as_str()));
        assert_eq!(paused[0].data["by"], "report");
    }
);

both!(
    /// Others may not pass on to it what the person let them do; to anybody else they may.
    nobody_hands_a_task_on_to_a_paused_agent,
    |world| async {
        let cast = staged(&world).await;
        let mut alice = world.phone_of("alice").await;
        let token = cast.token(&world).await;
        let below = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        let below = below.access_token();
        let asked = cast.booker.asked(&world, &cast.question()).await;
        report(&world, &mut alice, &asked).await;
        assert!(!is_active(&world, &cast, &below).await, "its part");
        assert!(is_active(&world, &cast, &token).await, "the others go on");
        let again = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        refused(&again, "invalid_request", "once more");
        let other = cast.hand(&world, &cast.planner, &token, &cast.payer).await;
        assert_eq!(other.status, 200, "{}", other.text());
        unpause(&mut alice, "agt_booker", &[("password", PASSWORD)]).await.says("It may ask you again");
        let again = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        assert_eq!(again.status, 200, "{}", again.text());
        assert!(!is_active(&world, &cast, &below).await, "what was ended stays so");
    }
);

both!(a_person_lets_it_ask_again_by_a_proof, |world| async {
    let cast = staged(&world).await;
    let mut alice = world.phone_of("alice").await;
    let mut mallory = world.phone_of("mallory").await;
    let asked = cast.planner.asked(&world, &cast.question()).await;
    report(&world, &mut alice, &asked).await;
    let page = alice.browser.open("/app/agents").await;
    page.says("Paused by you");
    let is_paused = async || cast.planner.ask(&world, &cast.question()).await.status != 200;
    let asks = alice.browser.submit(&page, "unpause", &[]).await;
    asks.says("Let agt_planner ask you again?");
    assert!(is_paused().await, "a tap is no proof");
    let forged = [
        ("agent", "agt_planner".to_owned()),
        ("password", PASSWORD.to_owned()),
    ];
    let forged = alice.browser.post("/app/agents/unpause", &forged).await;
    assert_eq!(forged.reply.status, 403);
    for proof in [
        ("password", "not hers at all"),
        ("password", ""),
        ("assertion", "{}"),
    ] {
        unpause(&mut alice, "agt_planner", &[proof]).await;
        assert!(is_paused().await, "{proof:?}");
    }
    let his = unpause(&mut mallory, "agt_planner", &[("password", PASSWORD)]).await;
    his.says("It is not paused any more");
    assert!(is_paused().await, "somebody else's proof");
    let page = unpause(&mut alice, "agt_planner", &[("password", PASSWORD)]).await;
    page.says("It may ask you again");
    page.does_not_say("Paused by you");
    let again = unpause(&mut alice, "agt_planner", &[("password", PASSWORD)]).await;
    again.says("It is not paused any more");
    world.advance(3600);
    cast.planner.asked(&world, &cast.question()).await;
    let token = cast.token(&world).await;
    assert!(is_active(&world, &cast, &token).await);
    let lifted = world.events_named("agent.unpaused").await;
    assert_eq!(lifted.len(), 1);
    assert_eq!(lifted[0].subject.as_deref(), Some(cast.alice.as_str()));
    assert_eq!(lifted[0].data["proof"], "password");
    let told = alice.browser.open("/app/activity").await;
    for says in [
        "agt_planner was paused for you",
        "You allowed agt_planner to ask you again",
    ] {
        told.says(says);
    }
    told.does_not_say("You let agt_planner go on");
});

both!(who_has_a_passkey_lifts_a_pause_by_it, |world| async {
    let cast = staged(&world).await;
    let mut alice = world.enrolled_phone("alice", 1).await;
    let asked = cast.planner.asked(&world, &cast.question()).await;
    report(&world, &mut alice, &asked).await;
    let page = unpause(&mut alice, "agt_planner", &[("password", PASSWORD)]).await;
    page.says("Let agt_planner ask you again?");
    assert!(!page.reply.text().contains("undo-password"));
    let mut held = alice.device.clone();
    // A proof for another act is none for this.
    for other in [("agent", "agt_booker"), ("stop", "agt_planner")] {
        let other = alice
            .proof(&mut held, &[(other.0, other.1.to_owned())])
            .await;
        let page = unpause(
            &mut alice,
            "agt_planner",
            &[("assertion", &other.to_string())],
        )
        .await;
        assert_eq!(page.reply.status, 422);
    }
    let proof = alice
        .proof(&mut held, &[("agent", "agt_planner".to_owned())])
        .await;
    let page = unpause(
        &mut alice,
        "agt_planner",
        &[("assertion", &proof.to_string())],
    )
    .await;
    page.says("It may ask you again");
    let event = world.events_named("agent.unpaused").await.pop().unwrap();
    assert!(event.data["proof"]["passkey"].is_string(), "{}", event.data);
});
