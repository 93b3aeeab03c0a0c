//! Who decides is fixed when a question is asked, and judged again when its answer is fetched: whoever changes the rule in between
//! decides nothing by it.

use serde_json::{Value, json};
use writ_testkit::{
    BANK, Cast, Change, PASSWORD, TestAgent, World, agent_file, both, enrol, payment, refused,
};

/// Asked within a task of alice's that covers it, by an agent whose record designates bob.
async fn asked(world: &World) -> (TestAgent, String, String) {
    let cast = Cast::of(world).await;
    for name in ["bob", "carol"] {
        world.add_user(name, PASSWORD).await;
    }
    let mut file = agent_file("agt_watched", "mallory");
    file["agent"]["approvers"] = json!([{ "of": ["bob"], "need": 1 }]);
    let agent = enrol(world, file).await;
    let covers = json!([payment("300.00")]).to_string();
    let form = cast.request().with("authorization_details", covers);
    let task = cast.granted(world, &agent, &form, BANK).await;
    let question = cast.question_within(&task.access_token());
    let auth_req_id = agent.asked(world, &question).await;
    let id = world.request_id(&auth_req_id).await;
    (agent, auth_req_id, id)
}

async fn designate(world: &World, approvers: Value) {
    world
        .change_client("agt_watched", |file| file["agent"]["approvers"] = approvers)
        .await;
    world.advance(30);
}

both!(whom_a_later_rule_names_is_not_asked, |world| async {
    let (agent, auth_req_id, id) = asked(&world).await;
    designate(&world, json!([{ "of": ["carol"], "need": 1 }])).await;
    let mut carol = world.phone_of("carol").await;
    assert!(carol.inbox().await.is_empty());
    assert_eq!(carol.look(&id).await.reply.status, 404);
    // What bob still answers is worth nothing under the new rule.
    let mut bob = world.phone_of("bob").await;
    let page = bob.look(&id).await;
    bob.approve_by_password(&page).await;
    let reply = agent.poll(&world, &auth_req_id).await;
    refused(&reply, "invalid_grant", "others decide now");
    assert!(world.events_named("approval.redeemed").await.is_empty());
});

both!(
    a_rule_that_is_dropped_makes_nobody_the_one_who_decides,
    |world| async {
        let (agent, auth_req_id, id) = asked(&world).await;
        designate(&world, json!([])).await;
        // Neither the owner who dropped it, nor the subject whom it would name now.
        for name in ["mallory", "alice"] {
            let mut phone = world.phone_of(name).await;
            assert_eq!(phone.look(&id).await.reply.status, 404, "{name}");
        }
        let mut bob = world.phone_of("bob").await;
        let page = bob.look(&id).await;
        bob.approve_by_password(&page).await;
        let reply = agent.poll(&world, &auth_req_id).await;
        refused(&reply, "invalid_grant", "the rule is another");
    }
);
