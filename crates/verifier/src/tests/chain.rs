//! The actor chain and the task (RFC 8693 section 4.1).

use serde_json::{Value, json};
use writ_wire::time::Timestamp;

use super::world::{ISSUER, START, World, act, with};
use crate::{MAX_ACTORS, Reason};

#[tokio::test]
async fn act_is_an_object_or_absent() {
    let world = World::new();
    let list = json!([ISSUER, "agt_booker", "ai_agent", "dlg_1"]);
    for bad in [
        json!("agt_booker"),
        list.clone(),
        json!([]),
        json!(1),
        json!(true),
    ] {
        let claims = world.claims_with("act", bad.clone());
        let refused = world.present(&world.sign(&claims)).await;
        assert!(refused.is_err(), "{bad}");
        let nested = world.claims_with(
            "act",
            with(act("agt_booker", Value::Null), "act", bad.clone()),
        );
        assert!(
            world.present(&world.sign(&nested)).await.is_err(),
            "nested {bad}"
        );
    }
    let mut null = world.claims();
    null["act"] = Value::Null;
    let reason = world.refusal_of(&null).await;
    assert_eq!(reason, Reason::ActorChain("an `act` is not an object"));
    let mut null = world.claims();
    null["act"]["act"]["act"] = Value::Null;
    // An inner one is refused by its type already, when the token is read.
    assert!(matches!(world.refusal_of(&null).await, Reason::Token(_)));
}

#[tokio::test]
async fn null_is_not_absent() {
    let world = World::new();
    for name in ["cnf", "mission", "approval"] {
        let mut claims = world.claims();
        claims[name] = Value::Null;
        assert_eq!(world.refusal_of(&claims).await, Reason::Claim(name));
    }
}

#[tokio::test]
async fn depth_counts_act_objects() {
    let world = World::new();
    let chain = |depth: usize| {
        (0..depth).fold(Value::Null, |inner, place| {
            act(&format!("agt_{place}"), inner)
        })
    };
    let deepest = world.claims_with("act", chain(MAX_ACTORS));
    let caller = world.present(&world.sign(&deepest)).await.unwrap();
    assert_eq!(caller.actors.len(), MAX_ACTORS);
    let deeper = world.claims_with("act", chain(MAX_ACTORS + 1));
    let reason = world.refusal_of(&deeper).await;
    assert_eq!(reason, Reason::ActorChain("it has too many actors"));
}

#[tokio::test]
async fn each_actor_is_an_agent_of_the_issuer_and_stands_once() {
    let world = World::new();
    let inner = || act("agt_planner", Value::Null);
    for bad in [
        act(
            "agt_booker",
            with(inner(), "iss", json!("https://evil.example")),
        ),
        with(
            act("agt_booker", inner()),
            "iss",
            json!("https://evil.example"),
        ),
        act("agt_booker", with(inner(), "sub_profile", json!("user"))),
        act("agt_planner", inner()),
    ] {
        let reason = world
            .refusal_of(&world.claims_with("act", bad.clone()))
            .await;
        assert!(matches!(reason, Reason::ActorChain(_)), "{bad}");
    }
}

#[tokio::test]
async fn an_agent_s_token_names_a_living_task_of_its_issuer() {
    let world = World::new();
    let reason = world
        .refusal_of(&world.claims_with("mission", Value::Null))
        .await;
    assert_eq!(reason, Reason::NoTask);
    let mission = &world.claims()["mission"];
    let over = Timestamp::from_seconds(START).rfc3339();
    for (name, value) in [
        ("issuer", json!("https://evil.example")),
        ("id", json!("")),
        ("expires_at", json!("soon")),
        ("expires_at", json!(over)),
    ] {
        let bad = with(mission.clone(), name, value);
        let reason = world.refusal_of(&world.claims_with("mission", bad)).await;
        assert_eq!(reason, Reason::Task, "{name}");
    }
}
