//! A standing grant is worth what its type, or the record of its agent, asks for now: decided by those whom it designates, not by as
//! many others in the same role.

use serde_json::{Value, json};
use writ_testkit::{BANK, Change, Node, TestReply, World, both_with};

use crate::laws::requirements::{Rule, Ways, at, opened, outcome, types};

/// By whom a CIBA request was decided, the type or the record of later, and what becomes of refresh and narrowing.
type Later = (Rule, &'static str, &'static str);

/// Refreshed, and exchanged for less.
async fn used(world: &World, node: &Node, scene: &Ways, granted: &TestReply) -> [String; 2] {
    let agent = &scene.agent;
    let narrow = scene.cast.exchange_form(&granted.access_token(), None);
    let refresh = agent.refresh_form(&granted.member("refresh_token"));
    let mut found = Vec::new();
    for form in [narrow, refresh.with("resource", BANK)] {
        let reply = at(node, world, agent, ("/token", &form)).await;
        found.push(outcome(world, &reply, None, "300.00").await);
        world.advance(1);
    }
    found.try_into().unwrap()
}

async fn node_under(world: &World, rule: Rule) -> Node {
    let folder = types(rule);
    world.node_with(&[("TYPES__PATH", folder.as_str())]).await
}

async fn under_later_types(world: &World, scene: &Ways, cases: &[Later]) {
    for (rule, narrow, refresh) in cases {
        let granted = scene.ciba_reply(world).await;
        let node = node_under(world, *rule).await;
        let found = used(world, &node, scene, &granted).await;
        assert_eq!(found, [*narrow, *refresh], "{rule:?} by now");
        world.advance(60);
    }
}

both_with!(
    what_a_types_designated_decided_is_worth_what_they_are_now,
    &[("TYPES__PATH", types(Rule::Bob).as_str())],
    |world| async {
        let scene = opened(&world, Rule::Bob).await;
        let cases = [
            (Rule::Bob, "both 2", "both 2"),
            // As many as before, in the same role, and yet nobody whom it names.
            (Rule::Carol, "ask people", "invalid_grant"),
            (Rule::BobAndCarol, "ask people", "invalid_grant"),
            (Rule::Subject, "both 2", "both 2"),
        ];
        under_later_types(&world, &scene, &cases).await;
    }
);

both_with!(
    what_a_records_designated_decided_is_no_decision_of_those_of_a_type,
    &[],
    |world| async {
        let scene = opened(&world, Rule::RecordBob).await;
        let cases = [
            (Rule::Subject, "both 2", "both 2"),
            (Rule::Bob, "both 2", "both 2"),
            (Rule::Carol, "ask people", "invalid_grant"),
        ];
        under_later_types(&world, &scene, &cases).await;
    }
);

both_with!(
    what_a_records_designated_decided_is_worth_what_they_are_now,
    &[],
    |world| async {
        let scene = opened(&world, Rule::RecordBob).await;
        let of = |name: &str| json!([{ "of": [name], "need": 1 }]);
        let cases: [(Value, &str, &str); 3] = [
            (of("carol"), "invalid_request", "invalid_grant"),
            (of("bob"), "both 2", "both 2"),
            (json!([]), "both 2", "both 2"),
        ];
        let node = world.node_with(&[]).await;
        for (record, narrow, refresh) in cases {
            designate(&world, &scene, of("bob")).await;
            let granted = scene.ciba_reply(&world).await;
            designate(&world, &scene, record.clone()).await;
            let found = used(&world, &node, &scene, &granted).await;
            assert_eq!(found, [narrow, refresh], "{record} by now");
            world.advance(60);
        }
    }
);

both_with!(
    /// To open a task by consent is the subject's decision, whomever the record of the agent names.
    what_the_subject_consented_to_stays_theirs_under_another_record,
    &[],
    |world| async {
        let scene = opened(&world, Rule::RecordBob).await;
        let form = scene.request();
        let granted = scene.cast.granted(&world, &scene.agent, &form, BANK).await;
        designate(&world, &scene, json!([{ "of": ["carol"], "need": 1 }])).await;
        let node = world.node_with(&[]).await;
        let found = used(&world, &node, &scene, &granted).await;
        assert_eq!(found, ["subject 1", "subject 1"]);
    }
);

async fn designate(world: &World, scene: &Ways, approvers: Value) {
    world
        .change_client(&scene.agent.id, |file| {
            file["agent"]["approvers"] = approvers
        })
        .await;
    world.advance(30);
}
