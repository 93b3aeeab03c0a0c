//! Input that the server asks for, and what the client makes of it: only for what was asked, in the same call, and judged.

use serde_json::{Value, json};

use super::gated::{STATELESS_FIELDS, stateless_call};
use super::issuer::Decides;
use super::world::World;
use crate::Allowed;

const ELICITATION: Allowed = Allowed {
    sampling: false,
    elicitation: true,
    roots: false,
};

async fn call(world: &World, more: Value) -> Value {
    world.post(&STATELESS_FIELDS, &stateless_call(more)).await.1
}

/// The server asks for `all` in every call, from now on.
fn ask_for_input(world: &World) {
    let asked = json!({ "all": { "method": "elicitation/create", "params": {} } });
    world.server.lock().unwrap().result = Some(json!({
        "resultType": "input_required", "requestState": "server-1", "inputRequests": asked
    }));
}

fn input(name: &str) -> Value {
    json!({ name: { "action": "accept", "content": { "all": true } } })
}

fn evaluated(world: &World) -> Value {
    let evaluated = world.issuer.state().evaluated.clone();
    evaluated.last().unwrap()["action"]["properties"]["arguments"].clone()
}

#[tokio::test]
async fn the_gates_own_question_takes_no_other_input() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::Ask;
    let first = call(&world, json!({})).await;
    let state = first["result"]["requestState"].clone();
    world.issuer.state().status = "approved";
    for responses in [
        input("other"),
        json!({ "writ": { "action": "accept" }, "other": {} }),
        json!([1]),
    ] {
        let more = json!({ "requestState": state, "inputResponses": responses });
        let refused = call(&world, more).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
    }
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn input_is_of_the_call_and_of_what_was_asked_in_it() {
    let world = World::with(ELICITATION).await;
    ask_for_input(&world);
    let asked = call(&world, json!({})).await;
    assert_eq!(asked["result"]["requestState"], "server-1", "{asked}");
    for (why, more) in [
        (
            "other arguments",
            json!({ "requestState": "server-1", "inputResponses": input("all"), "arguments": { "path": "/b" } }),
        ),
        (
            "not asked",
            json!({ "requestState": "server-1", "inputResponses": input("more") }),
        ),
        (
            "another state",
            json!({ "requestState": "server-2", "inputResponses": input("all") }),
        ),
        ("no state", json!({ "inputResponses": input("all") })),
        (
            "other arguments without input",
            json!({ "requestState": "server-1", "arguments": {} }),
        ),
        (
            "an argument that reads like input",
            json!({ "arguments": { "inputResponses/all": {} } }),
        ),
    ] {
        let refused = call(&world, more).await;
        assert_eq!(refused["error"]["code"], -32602, "{why}: {refused}");
    }
    assert_eq!(world.calls().len(), 1);
    // What was asked is decided about, and goes on as it was sent.
    call(
        &world,
        json!({ "requestState": "server-1", "inputResponses": input("all") }),
    )
    .await;
    assert_eq!(
        evaluated(&world),
        json!({ "path": "/a", "inputResponses/all": { "action": "accept", "content": { "all": true } } })
    );
    let params = world.calls()[1].body["params"].clone();
    assert_eq!(params["arguments"], json!({ "path": "/a" }));
    assert_eq!(params["inputResponses"], input("all"));
    assert_eq!(params["requestState"], "server-1");
}

#[tokio::test]
async fn input_is_carried_through_the_gates_own_question() {
    let world = World::with(ELICITATION).await;
    ask_for_input(&world);
    call(&world, json!({})).await;
    world.issuer.state().decides = Decides::Ask;
    let more = json!({ "requestState": "server-1", "inputResponses": input("all") });
    let waiting = call(&world, more).await;
    let state = waiting["result"]["requestState"].clone();
    assert_ne!(state, "server-1", "{waiting}");
    world.issuer.state().status = "approved";
    let answered =
        json!({ "requestState": state, "inputResponses": { "writ": { "action": "accept" } } });
    call(&world, answered).await;
    let params = world.calls()[1].body["params"].clone();
    assert_eq!(params["inputResponses"], input("all"));
    assert_eq!(params["requestState"], "server-1");
}
