//! Who decides within a task, for what it covers: approvers whom the agent's record designates, n of m, and silence that leads to
//! the next and ends as no.

use std::time::Duration;

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_testkit::{
    BANK, Cast, Change, PASSWORD, TestAgent, World, agent_file, both, claims, enrol, minted,
    payment, refused,
};

/// An agent whose questions about alice are decided by these stages.
async fn guarded(world: &World, approvers: Value) -> (Cast, TestAgent) {
    let cast = Cast::of(world).await;
    for name in ["bob", "carol", "dan"] {
        world.add_user(name, PASSWORD).await;
    }
    let mut file = agent_file("agt_guarded", "alice");
    file["agent"]["approvers"] = approvers;
    (cast, enrol(world, file).await)
}

/// Asked within a task of alice's that covers it.
async fn asked(world: &World, cast: &Cast, agent: &TestAgent) -> (String, String) {
    let covers = json!([payment("300.00")]).to_string();
    let form = cast.request().with("authorization_details", covers);
    let task = cast.granted(world, agent, &form, BANK).await;
    let question = cast.question_within(&task.access_token());
    let auth_req_id = agent.asked(world, &question).await;
    let id = world.request_id(&auth_req_id).await;
    (auth_req_id, id)
}

both!(
    two_of_three_must_agree_and_the_receipt_names_them,
    |world| async {
        let (cast, agent) = guarded(
            &world,
            json!([{ "of": ["bob", "carol", "dan"], "need": 2 }]),
        )
        .await;
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let mut alice = world.phone_of("alice").await;
        assert_eq!(
            alice.look(&id).await.reply.status,
            404,
            "she does not decide"
        );
        let (mut bob, mut carol) = (world.phone_of("bob").await, world.phone_of("carol").await);
        let hers = carol.look(&id).await;
        hers.says("It would act for alice. You decide about it.");
        hers.says("2 of 3 people must agree. One no ends it.");
        let page = bob.look(&id).await;
        let receipt = bob.approve_by_password(&page).await;
        let document: Value = serde_json::from_str(&bob.receipt(&receipt).await).unwrap();
        assert_eq!(document["receipt"]["outcome"], json!("agreed"));
        assert_eq!(document["receipt"]["approver"]["role"], json!("designated"));
        assert_eq!(world.waiting(&auth_req_id).await.state(), State::Viewed);
        refused(
            &agent.poll(&world, &auth_req_id).await,
            "authorization_pending",
            "one of two",
        );
        let again = bob.approve_by_password(&page).await;
        again.says("1 of 2 people agreed.");
        bob.look(&id).await.says("1 of 2 people agreed.");
        assert!(bob.inbox().await.is_empty(), "he answered");
        assert_eq!(carol.inbox().await, std::slice::from_ref(&id));
        // Her page is older than his yes: she reads it again.
        let shown = carol.approve_by_password(&hers).await;
        assert_eq!(shown.reply.status, 409);
        shown.says("Already agreed: bob.");
        world.advance(10);
        carol.approve_by_password(&shown).await;
        assert_eq!(world.waiting(&auth_req_id).await.state(), State::Approved);
        let token = minted(&agent.poll(&world, &auth_req_id).await, "two of two");
        assert_eq!(token["sub"], json!(cast.alice));
        let decision = world
            .waiting(&auth_req_id)
            .await
            .decision()
            .cloned()
            .unwrap();
        let names: Vec<&str> = decision.by.iter().map(|vote| vote.name.as_str()).collect();
        assert_eq!(names, ["bob", "carol"]);
        let mut dan = world.phone_of("dan").await;
        dan.look(&id).await.says("Somebody else approved this");
    }
);

both!(
    who_agreed_in_a_step_that_passed_is_not_among_those_who_decided,
    |world| async {
        let stages = json!([{ "of": ["bob", "carol"], "need": 2 }, { "of": ["dan"], "need": 1 }]);
        let (cast, agent) = guarded(&world, stages).await;
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let mut bob = world.phone_of("bob").await;
        let page = bob.look(&id).await;
        bob.approve_by_password(&page).await;
        // Carol is silent for her half of the time.
        world.advance(150);
        let mut dan = world.phone_of("dan").await;
        let page = dan.look(&id).await;
        dan.approve_by_password(&page).await;
        let token = minted(&agent.poll(&world, &auth_req_id).await, "by dan");
        assert_eq!(token["approval"]["by"], json!("designated"));
        assert_eq!(token["approval"]["people"], json!(1));
        assert!(
            !token["approval"]
                .as_object()
                .unwrap()
                .contains_key("designation")
        );
    }
);

both!(whoever_agrees_later_agrees_to_no_more, |world| async {
    let (cast, agent) = guarded(&world, json!([{ "of": ["bob", "carol"], "need": 2 }])).await;
    let (auth_req_id, id) = asked(&world, &cast, &agent).await;
    let (mut bob, mut carol) = (world.phone_of("bob").await, world.phone_of("carol").await);
    let page = bob
        .less(&id, &[("part", "d0"), ("amount-d0", "50.00")])
        .await;
    bob.approve_by_password(&page).await;
    let page = carol.look(&id).await;
    page.says("Pay up to EUR 50.00");
    let more = carol
        .less(&id, &[("part", "d0"), ("amount-d0", "300.00")])
        .await;
    assert_eq!(more.reply.status, 422);
    let page = carol
        .less(&id, &[("part", "d0"), ("amount-d0", "40.00")])
        .await;
    carol.approve_by_password(&page).await;
    let token = minted(&agent.poll(&world, &auth_req_id).await, "less and less");
    let amount = &token["authorization_details"][0]["instructed_amount"]["amount"];
    assert_eq!(amount, &json!("40.00"));
});

both!(
    /// The second yes comes by a node whose clock is behind that of the first one.
    the_least_is_offered_whatever_the_nodes_clocks_say,
    |world| async {
        let three = json!([{ "of": ["bob", "carol", "dan"], "need": 3 }]);
        let (cast, agent) = guarded(&world, three).await;
        let (auth_req_id, id) = asked(&world, &cast, &agent).await;
        let (mut bob, mut carol) = (world.phone_of("bob").await, world.phone_of("carol").await);
        let mut dan = world.phone_of("dan").await;
        world.advance(2);
        let page = bob.look(&id).await;
        bob.approve_by_password(&page).await;
        let behind = world.now().minus(Duration::from_secs(1));
        world.clock.set(behind);
        let page = carol
            .less(&id, &[("part", "d0"), ("amount-d0", "50.00")])
            .await;
        carol.approve_by_password(&page).await;
        let page = dan.look(&id).await;
        page.says("Pay up to EUR 50.00");
        dan.approve_by_password(&page).await;
        let token = minted(&agent.poll(&world, &auth_req_id).await, "the least");
        let amount = &token["authorization_details"][0]["instructed_amount"]["amount"];
        assert_eq!(amount, &json!("50.00"));
    }
);

both!(one_no_of_several_ends_it, |world| async {
    let (cast, agent) = guarded(&world, json!([{ "of": ["bob", "carol"], "need": 2 }])).await;
    let (auth_req_id, id) = asked(&world, &cast, &agent).await;
    let (mut bob, mut carol) = (world.phone_of("bob").await, world.phone_of("carol").await);
    let page = bob.look(&id).await;
    bob.approve_by_password(&page).await;
    let page = carol.look(&id).await;
    carol.refuse(&page, "deny").await;
    refused(
        &agent.poll(&world, &auth_req_id).await,
        "access_denied",
        "one no",
    );
    bob.look(&id).await.says("Somebody else denied this");
});

both!(silence_leads_to_the_next_and_ends_as_no, |world| async {
    let stages = json!([{ "of": ["bob"], "need": 1 }, { "of": ["carol"], "need": 1 }]);
    let (cast, agent) = guarded(&world, stages).await;
    let (auth_req_id, id) = asked(&world, &cast, &agent).await;
    let (mut bob, mut carol) = (world.phone_of("bob").await, world.phone_of("carol").await);
    assert_eq!(bob.inbox().await, std::slice::from_ref(&id));
    assert!(carol.inbox().await.is_empty(), "not her turn yet");
    assert_eq!(carol.look(&id).await.reply.status, 404);
    let page = bob.look(&id).await;
    world.advance(150);
    assert_eq!(carol.inbox().await, std::slice::from_ref(&id));
    // A late answer of the first stage counts too; here she is faster.
    let hers = carol.look(&id).await;
    carol.approve_by_password(&hers).await;
    bob.approve_by_password(&page)
        .await
        .says("Somebody else approved this");
    minted(&agent.poll(&world, &auth_req_id).await, "the next one");
    let (auth_req_id, id) = asked(&world, &cast, &agent).await;
    world.advance(300);
    let shown = carol.look(&id).await;
    shown.says("Time ran out");
    refused(
        &agent.poll(&world, &auth_req_id).await,
        "expired_token",
        "nobody",
    );
    assert!(bob.inbox().await.is_empty() && carol.inbox().await.is_empty());
});

both!(
    the_sponsor_decides_and_stops_for_the_person,
    |world| async {
        let (cast, _) = guarded(&world, json!([])).await;
        let mut alice = world.phone_of("alice").await;
        let mut file = agent_file("agt_minded", "bob");
        file["agent"]["approvers"] = json!([{ "of": ["@sponsor"], "need": 1 }]);
        let agent = enrol(&world, file).await;
        let form = cast.request();
        let task = cast.granted(&world, &agent, &form, BANK).await;
        let token = task.access_token();
        let question = cast.question_within(&token);
        let auth_req_id = agent.asked(&world, &question).await;
        let id = world.request_id(&auth_req_id).await;
        let mut bob = world.phone_of("bob").await;
        // Who answers for the agent never decides alone for another person: alice does first.
        assert_eq!(bob.look(&id).await.reply.status, 404);
        let page = alice.look(&id).await;
        alice.approve_by_password(&page).await;
        assert_eq!(world.waiting(&auth_req_id).await.state(), State::Viewed);
        let page = bob.look(&id).await;
        page.says("You decide as the sponsor of this agent.");
        bob.refuse(&page, "stop").await;
        let heard = cast.introspect(&world, &token).await;
        assert_eq!(heard["active"], json!(false));
        let events = world.events_named("task.revoked").await;
        assert_eq!(events[0].data["by"], json!("approver"));
        assert_eq!(
            events[0].task.as_deref(),
            claims(&token)["mission"]["id"].as_str()
        );
    }
);
