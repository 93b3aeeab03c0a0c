//! A person takes the stop of an agent back: in ten seconds, with a proof as strong as their consent was, and only what a consent opened.

use serde_json::json;
use writ_core::id::TaskId;
use writ_server::operate::stop::stop_task;
use writ_testkit::{
    BANK, Cast, Change, PASSWORD, Phone, WebPage, World, authorize_url, both, claims, minted,
    refused,
};

pub(super) async fn stop(phone: &mut Phone, agent: &str) -> WebPage {
    phone.browser.open("/app/agents").await;
    let fields = [("agent", agent.to_owned())];
    phone.post("/app/agents/stop", &fields).await
}

/// The stop that the page offers to take back.
pub(super) fn offered(page: &WebPage) -> String {
    let fields = page.fields("stop-undo");
    let stop = fields.into_iter().find(|(name, _)| name == "stop");
    stop.expect("an offer").1
}

pub(super) async fn undo(phone: &mut Phone, stop: &str, proof: &[(&'static str, &str)]) -> WebPage {
    let mut fields = vec![("stop", stop.to_owned())];
    fields.extend(
        proof
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    phone.post("/app/agents/undo", &fields).await
}

pub(super) async fn is_active(world: &World, cast: &Cast, token: &str) -> bool {
    cast.introspect(world, token).await["active"] == json!(true)
}

both!(an_undone_stop_lets_the_agent_go_on, |world| async {
    let cast = Cast::of(&world).await;
    let grant = cast
        .granted(&world, &cast.planner, &cast.request(), BANK)
        .await;
    let token = grant.access_token();
    let mut alice = world.phone_of("alice").await;
    let page = stop(&mut alice, "agt_planner").await;
    assert!(!is_active(&world, &cast, &token).await, "at once");
    page.says("You can undo this for ten seconds");
    let asked = alice.browser.submit(&page, "stop-undo", &[]).await;
    assert_eq!(asked.reply.status, 200);
    asked.says("Let agt_planner go on?");
    assert!(!is_active(&world, &cast, &token).await, "a tap is no proof");
    let wrong = alice
        .browser
        .submit(&asked, "undo-password", &[("password", "not hers at all")])
        .await;
    assert_eq!(wrong.reply.status, 422);
    assert!(!is_active(&world, &cast, &token).await, "a wrong password");
    let undone = alice
        .browser
        .submit(&wrong, "undo-password", &[("password", PASSWORD)])
        .await;
    undone.says("Undone. It goes on.");
    assert!(is_active(&world, &cast, &token).await);
    let refresh = cast.planner.refresh_form(&grant.member("refresh_token"));
    minted(
        &cast.planner.send(&world, "/token", &refresh).await,
        "refresh",
    );
    let events = world.events_named("task.resumed").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].subject.as_deref(), Some(cast.alice.as_str()));
    assert_eq!(events[0].client.as_deref(), Some("agt_planner"));
    assert_eq!(events[0].data["by"], "subject");
    assert_eq!(events[0].data["proof"], "password");
    let stopped = world.events_named("task.revoked").await;
    let stop = events[0].data["undone"].as_str().unwrap();
    assert!(stopped[0].id.starts_with(stop), "which stop");
    alice
        .browser
        .open("/app/activity")
        .await
        .says("You let agt_planner go on");
});

both!(what_does_not_take_a_stop_back, |world| async {
    let cast = Cast::of(&world).await;
    let token = cast.token(&world).await;
    let mut alice = world.phone_of("alice").await;
    let mut mallory = world.phone_of("mallory").await;
    let mine = offered(&stop(&mut alice, "agt_planner").await);
    let hers = undo(&mut mallory, &mine, &[("password", PASSWORD)]).await;
    hers.says("can no longer be undone");
    let unknown = undo(&mut alice, "evt_unknown", &[("password", PASSWORD)]).await;
    unknown.says("can no longer be undone");
    let forged = [("stop", mine.clone()), ("password", PASSWORD.to_owned())];
    let forged = alice.browser.post("/app/agents/undo", &forged).await;
    assert_eq!(forged.reply.status, 403, "{}", forged.reply.text());
    for proof in [("password", ""), ("assertion", ""), ("assertion", "{}")] {
        undo(&mut alice, &mine, &[proof]).await;
        assert!(!is_active(&world, &cast, &token).await, "{proof:?}");
    }
    assert!(world.events_named("task.resumed").await.is_empty());
    // It is hers all the same, and once.
    undo(&mut alice, &mine, &[("password", PASSWORD)])
        .await
        .says("Undone");
    assert!(is_active(&world, &cast, &token).await);
    let again = undo(&mut alice, &mine, &[("password", PASSWORD)]).await;
    again.says("can no longer be undone");
    assert_eq!(world.events_named("task.resumed").await.len(), 1);
});

both!(
    /// The tap comes in ten seconds; then there are two minutes for the proof, whatever is tapped meanwhile.
    a_stop_is_taken_back_in_time,
    |world| async {
        let cast = Cast::of(&world).await;
        for (tap_after, proof_after, undone) in [
            (Some(9), 119, true),
            (Some(9), 120, false),
            (Some(10), 0, false),
            (None, 9, true),
            (None, 10, false),
        ] {
            let token = cast.token(&world).await;
            let mut alice = world.phone_of("alice").await;
            let id = offered(&stop(&mut alice, "agt_planner").await);
            if let Some(seconds) = tap_after {
                world.advance(seconds);
                undo(&mut alice, &id, &[]).await;
                world.advance(proof_after / 2);
                undo(&mut alice, &id, &[]).await;
                world.advance(proof_after - proof_after / 2);
            } else {
                world.advance(proof_after);
            }
            undo(&mut alice, &id, &[("password", PASSWORD)]).await;
            let active = is_active(&world, &cast, &token).await;
            assert_eq!(active, undone, "{tap_after:?} {proof_after}");
            world.advance(3600);
        }
    }
);

both!(codes_questions_and_approvals_stay_ended, |world| async {
    let cast = Cast::of(&world).await;
    let token = cast.token(&world).await;
    let code = cast.code(&world).await;
    let mut alice = world.phone_of("alice").await;
    let mut handles = Vec::new();
    for words in ["fetched", "approved", "open"] {
        let question = cast.question_within(&token).with("binding_message", words);
        handles.push(cast.planner.asked(&world, &question).await);
    }
    for handle in &handles[..2] {
        let page = alice.look(&world.request_id(handle).await).await;
        alice.approve_by_password(&page).await;
    }
    let fetched = cast.planner.poll(&world, &handles[0]).await.access_token();
    assert!(is_active(&world, &cast, &fetched).await);
    let id = offered(&stop(&mut alice, "agt_planner").await);
    undo(&mut alice, &id, &[("password", PASSWORD)])
        .await
        .says("Undone");
    assert!(is_active(&world, &cast, &token).await, "the task goes on");
    assert!(
        !is_active(&world, &cast, &fetched).await,
        "what was approved"
    );
    let form = cast.redeem_form(&code);
    refused(
        &cast.planner.send(&world, "/token", &form).await,
        "invalid_grant",
        "the code",
    );
    assert!(is_active(&world, &cast, &token).await, "and is no theft");
    for handle in &handles[1..] {
        refused(
            &cast.planner.poll(&world, handle).await,
            "access_denied",
            "asked",
        );
    }
    assert!(alice.inbox().await.is_empty());
});

both!(
    /// What others asked within the task ended with it, and stays so.
    a_question_of_an_agent_below_stays_ended,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let below = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        let below = below.access_token();
        let handle = cast.booker.asked(&world, &cast.question_within(&below)).await;
        let mut alice = world.phone_of("alice").await;
        let id = offered(&stop(&mut alice, "agt_planner").await);
        undo(&mut alice, &id, &[("password", PASSWORD)]).await.says("Undone");
        assert!(is_active(&world, &cast, &below).await, "it goes on below");
        refused(&cast.booker.poll(&world, &handle).await, "access_denied", "asked");
        assert!(alice.inbox().await.is_empty());
    }
);

both!(
    /// A part of a task that another agent opened; and only that.
    an_agent_below_is_stopped_and_goes_on,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let below = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        let below = below.access_token();
        let mut alice = world.phone_of("alice").await;
        let page = alice.browser.open("/app/agents").await;
        page.says("Through agt_planner");
        page.says("agt_booker, through agt_planner");
        let page = stop(&mut alice, "agt_booker").await;
        assert!(!is_active(&world, &cast, &below).await);
        assert!(is_active(&world, &cast, &token).await, "above it");
        assert!(!page.reply.text().contains("agent-stop-agt_booker"));
        undo(&mut alice, &offered(&page), &[("password", PASSWORD)]).await.says("Undone");
        assert!(is_active(&world, &cast, &below).await);
    }
);

both!(
    /// The planner hands to the booker, and the booker to the payer: what those two asked ends with the booker's part, and stays so.
    what_was_asked_below_a_part_stays_ended,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let part = cast.hand(&world, &cast.planner, &token, &cast.booker).await.access_token();
        let below = cast.hand(&world, &cast.booker, &part, &cast.payer).await.access_token();
        let mut alice = world.phone_of("alice").await;
        let mut handles = Vec::new();
        for words in ["fetched", "approved", "open"] {
            let question = cast.question_within(&below).with("binding_message", words);
            handles.push(cast.payer.asked(&world, &question).await);
        }
        // Beside it, not below: it goes on with the planner.
        let beside = cast.planner.asked(&world, &cast.question_within(&token)).await;
        for handle in &handles[..2] {
            let page = alice.look(&world.request_id(handle).await).await;
            alice.approve_by_password(&page).await;
        }
        let fetched = cast.payer.poll(&world, &handles[0]).await.access_token();
        assert!(is_active(&world, &cast, &fetched).await);
        let id = offered(&stop(&mut alice, "agt_booker").await);
        undo(&mut alice, &id, &[("password", PASSWORD)]).await.says("Undone. It goes on.");
        assert!(is_active(&world, &cast, &part).await, "the part goes on");
        assert!(is_active(&world, &cast, &below).await, "and what is below");
        assert!(!is_active(&world, &cast, &fetched).await, "what was approved");
        for handle in &handles[1..] {
            refused(&cast.payer.poll(&world, handle).await, "access_denied", "asked");
        }
        let open = world.request_id(&beside).await;
        let inbox = alice.inbox().await;
        assert_eq!(inbox.len(), 1, "{inbox:?}");
        let page = alice.look(&open).await;
        alice.approve_by_password(&page).await;
        cast.planner.poll(&world, &beside).await.access_token();
    }
);

/// Signed in by passkey for this very request.
async fn consent_by_passkey(world: &World, cast: &Cast, phone: &mut Phone) -> String {
    let pushed = cast.push(world, &cast.request()).await;
    let uri = pushed.member("request_uri");
    let page = phone
        .browser
        .open(&authorize_url("agt_planner", &uri))
        .await;
    let request = page.query("request").expect("a login");
    let page = phone.sign_in_with_passkey(&[("request", &request)]).await;
    let page = phone.browser.submit(&page, "consent-approve", &[]).await;
    let code = page.query("code").expect("a code");
    cast.redeem(world, &code).await.access_token()
}

both!(
    /// As strong as the consent: a password does not take up again what a passkey allowed.
    what_a_passkey_allowed_needs_a_passkey,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut alice = world.enrolled_phone("alice", 1).await;
        let token = consent_by_passkey(&world, &cast, &mut alice).await;
        let id = offered(&stop(&mut alice, "agt_planner").await);
        let page = undo(&mut alice, &id, &[("password", PASSWORD)]).await;
        assert!(!is_active(&world, &cast, &token).await, "a password");
        assert!(!page.reply.text().contains("undo-password"));
        // A proof for another act is none for this.
        let mut held = alice.device.clone();
        let other = alice.proof(&mut held, &[("stop", "evt_other".to_owned())]).await;
        let page = undo(&mut alice, &id, &[("assertion", &other.to_string())]).await;
        assert_eq!(page.reply.status, 422);
        let proof = alice.proof(&mut held, &[("stop", id.clone())]).await;
        undo(&mut alice, &id, &[("assertion", &proof.to_string())]).await.says("Undone");
        assert!(is_active(&world, &cast, &token).await);
        let event = world.events_named("task.resumed").await.pop().unwrap();
        assert!(event.data["proof"]["passkey"].is_string(), "{}", event.data);
    }
);

both!(
    /// Somebody else's word counts too, and what ended before is not touched.
    a_second_stop_is_not_taken_back,
    |world| async {
        let cast = Cast::of(&world).await;
        let grant = cast
            .granted(&world, &cast.planner, &cast.request(), BANK)
            .await;
        let token = grant.access_token();
        let mut alice = world.phone_of("alice").await;
        let id = offered(&stop(&mut alice, "agt_planner").await);
        let task = claims(&token)["mission"]["id"].as_str().unwrap().to_owned();
        let mut transaction = world.begin().await;
        let change = world.change();
        let (outbox, task) = (world.app.outbox(), TaskId::from_text(task));
        let did = stop_task(&outbox, &mut transaction, &task, change).await;
        assert!(did.unwrap().is_none(), "it was stopped already");
        transaction.commit().await.unwrap();
        let page = undo(&mut alice, &id, &[("password", PASSWORD)]).await;
        page.says("can no longer be undone");
        assert!(!is_active(&world, &cast, &token).await, "an operator");
        // Of two tasks one ends at the same moment by itself.
        let (first, second) = (cast.token(&world).await, cast.token(&world).await);
        let task = claims(&first)["mission"]["id"].as_str().unwrap().to_owned();
        alice.post("/app/stop", &[("task", task)]).await;
        let id = offered(&stop(&mut alice, "agt_planner").await);
        undo(&mut alice, &id, &[("password", PASSWORD)]).await.says("Undone");
        assert!(!is_active(&world, &cast, &first).await, "stopped alone");
        assert!(is_active(&world, &cast, &second).await);
    }
);
