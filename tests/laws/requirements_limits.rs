//! What the designated may decide in the subject's place, and no more: what the task covers to the last member, counted with the
//! task's own objects, by the record of the agent whose task it is.

use serde_json::{Value, json};
use writ_testkit::{
    BANK, Cast, Change, PASSWORD, TestAgent, World, agent_file, both, claims, enrol, minted,
    payment,
};

use crate::laws::requirements::{bank_takes, open_bank};

async fn watched(world: &World, id: &str, approvers: Value) -> TestAgent {
    let mut file = agent_file(id, "mallory");
    file["agent"]["approvers"] = approvers;
    enrol(world, file).await
}

async fn people(world: &World) -> Cast {
    let cast = Cast::of(world).await;
    world.add_user("bob", PASSWORD).await;
    open_bank(world, &cast);
    cast
}

/// The token of alice's task: a payment of up to 300.
async fn task(world: &World, cast: &Cast, agent: &TestAgent) -> String {
    let covers = json!([payment("300.00")]).to_string();
    let form = cast.request().with("authorization_details", covers);
    cast.granted(world, agent, &form, BANK).await.access_token()
}

/// Whether alice is asked before bob about this object.
async fn asks_alice_first(
    world: &World,
    agent: &TestAgent,
    cast: &Cast,
    token: &str,
    object: Value,
) -> bool {
    let question = cast
        .question_within(token)
        .with("authorization_details", json!([object]).to_string());
    let id = agent.asked(world, &question).await;
    let asked = world.waiting(&id).await.asked;
    world.advance(3600);
    asked.safeguards.subject_first
}

fn bob() -> Value {
    json!([{ "of": ["bob"], "need": 1 }])
}

both!(a_member_that_is_left_out_is_an_excess, |world| async {
    let cast = people(&world).await;
    let agent = watched(&world, "agt_watched", bob()).await;
    let token = task(&world, &cast, &agent).await;
    assert!(!asks_alice_first(&world, &agent, &cast, &token, payment("200.00")).await);
    let token = task(&world, &cast, &agent).await;
    let mut open = payment("200.00");
    open.as_object_mut().unwrap().remove("reference");
    assert!(asks_alice_first(&world, &agent, &cast, &token, open).await);
    let token = task(&world, &cast, &agent).await;
    assert!(asks_alice_first(&world, &agent, &cast, &token, payment("300.01")).await);
});

both!(
    what_the_designated_approve_is_counted_with_the_tasks_own,
    |world| async {
        let cast = people(&world).await;
        let agent = watched(&world, "agt_watched", bob()).await;
        let token = task(&world, &cast, &agent).await;
        let id = agent.asked(&world, &cast.question_within(&token)).await;
        let mut phone = world.phone_of("bob").await;
        let page = phone.look(&world.request_id(&id).await).await;
        phone.approve_by_password(&page).await;
        let reply = agent.poll(&world, &id).await;
        let approved = minted(&reply, "by bob");
        let object = |claims: &Value| claims["authorization_details"][0]["ref"].clone();
        assert_eq!(object(&approved), object(&claims(&token)));
        // Paid once by the task; bob adds no second time.
        assert!(bank_takes(&world, &agent.dpop, &token, "300.00").await);
        assert!(!bank_takes(&world, &agent.dpop, &reply.access_token(), "300.00").await);
    }
);

both!(a_record_counts_within_its_own_agents_tasks, |world| async {
    let cast = people(&world).await;
    let first = watched(&world, "agt_first", json!([])).await;
    let second = watched(&world, "agt_second", bob()).await;
    let token = task(&world, &cast, &first).await;
    let handed = cast
        .hand(&world, &first, &token, &second)
        .await
        .access_token();
    assert!(asks_alice_first(&world, &second, &cast, &handed, payment("200.00")).await);
});
