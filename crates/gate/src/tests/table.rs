//! Each message of the schemas of MCP, through the door: it passes, is answered by the gate, or is taken and dropped.

use http::StatusCode;
use serde_json::{Value, json};

use super::issuer::Decides;
use super::world::World;
use crate::Allowed;

const ROOTS: Allowed = Allowed {
    sampling: false,
    elicitation: false,
    roots: true,
};

fn rows(of: &str) -> Vec<Value> {
    let text = include_str!("../../../../conformance/vectors/mcp_methods.json");
    let table: Value = serde_json::from_str(text).unwrap();
    table[of].as_array().unwrap().clone()
}

fn heard(world: &World, method: &Value) -> usize {
    let reached = world.reached();
    reached
        .iter()
        .filter(|one| one.body["method"] == *method)
        .count()
}

#[tokio::test]
async fn a_request_that_is_not_taken_is_answered_under_its_own_id() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::Deny;
    for row in rows("client_requests").into_iter().chain([
        json!({ "method": "x/y", "params": {}, "becomes": "refused" }),
        json!({ "method": "notifications/initialized", "params": {}, "becomes": "refused" }),
    ]) {
        let method = &row["method"];
        let sent =
            json!({ "jsonrpc": "2.0", "id": "own", "method": method, "params": row["params"] });
        let (status, answer) = world.post(&[], &sent.to_string()).await;
        assert_eq!(
            (status, &answer["id"]),
            (StatusCode::OK, &json!("own")),
            "{method}: {answer}"
        );
        let passes = matches!(row["becomes"].as_str(), Some("passes" | "begins"));
        assert_eq!(
            heard(&world, method) > 0,
            passes || method == "tools/list",
            "{method}"
        );
        if row["becomes"] == "refused" {
            assert_eq!(answer["error"]["code"], -32601, "{method}");
        }
    }
}

#[tokio::test]
async fn a_notification_that_does_not_pass_is_taken_and_dropped() {
    for allowed in [Allowed::default(), ROOTS] {
        let world = World::with(allowed).await;
        for row in rows("client_notifications").into_iter().chain([
            json!({ "method": "notifications/x", "params": { "a": [1] }, "becomes": "dropped" }),
            json!({ "method": "tasks/update", "params": {}, "becomes": "dropped" }),
        ]) {
            let method = &row["method"];
            let sent = json!({ "jsonrpc": "2.0", "method": method, "params": row["params"] });
            let (status, answer) = world.post(&[], &sent.to_string()).await;
            assert_eq!(
                (status, answer),
                (StatusCode::ACCEPTED, Value::Null),
                "{method}"
            );
            let passes = match row["becomes"].as_str() {
                Some("passes") => true,
                Some("allowed") => allowed.roots,
                // Nothing of this session is running.
                _ => false,
            };
            assert_eq!(heard(&world, method), usize::from(passes), "{method}");
        }
    }
}

/// Those of others do not exist, whatever the server lists.
#[tokio::test]
async fn of_tasks_a_caller_sees_its_own() {
    let world = World::new().await;
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tasks/list" }).to_string();
    world.server.lock().unwrap().result = Some(json!({ "task": { "taskId": "mine" } }));
    world.call(&[]).await;
    for (listed, expected) in [
        (
            json!([{ "taskId": "mine", "status": "working" }, { "taskId": "other" }, {}, "mine"]),
            json!([{ "taskId": "mine", "status": "working" }]),
        ),
        (json!({ "mine": { "taskId": "other" } }), json!([])),
    ] {
        world.server.lock().unwrap().listed_tasks = Some(listed);
        let (_, answer) = world.post(&[], &list).await;
        assert_eq!(answer["result"]["tasks"], expected, "{answer}");
    }
    let bob = format!("Bearer {}", world.token("usr_bob", "guest", "dlg_2"));
    world.server.lock().unwrap().listed_tasks = Some(json!([{ "taskId": "mine" }]));
    let (_, answer) = world.post(&[("authorization", &bob)], &list).await;
    assert_eq!(answer["result"]["tasks"], json!([]), "{answer}");
}

#[tokio::test]
async fn of_a_trace_passes_what_is_written_as_one() {
    let world = World::new().await;
    let trace = json!({
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
        "tracestate": "rojo=00f067aa0ba902b7", "baggage": "userId=alice;a"
    });
    let mut sent = trace.clone();
    sent["trace"] = json!("x");
    for (meta, expected) in [
        (sent, trace),
        (
            json!({ "traceparent": ["00"], "tracestate": "a", "baggage": { "a": 1 } }),
            json!({}),
        ),
    ] {
        let params = json!({ "name": "rm", "arguments": {}, "_meta": meta });
        let message =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        assert_eq!(
            world.post(&[], &message.to_string()).await.0,
            StatusCode::OK
        );
        assert_eq!(
            world.calls().last().unwrap().body["params"]["_meta"],
            expected
        );
    }
}

/// A title names nothing: nobody judges it, and the server does not hear it.
#[tokio::test]
async fn a_completion_of_a_prompt_with_a_title_is_one_of_that_prompt() {
    let world = World::new().await;
    let params = json!({
        "ref": { "type": "ref/prompt", "name": "p", "title": "Another" },
        "argument": { "name": "a", "value": "v" }
    });
    let message =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "completion/complete", "params": params });
    assert_eq!(
        world.post(&[], &message.to_string()).await.0,
        StatusCode::OK
    );
    let reached = world.reached();
    assert_eq!(
        reached[0].body["params"]["ref"],
        json!({ "type": "ref/prompt", "name": "p" })
    );
    let evaluated = world.issuer.state().evaluated.clone();
    let expected = json!({ "ref": "ref/prompt", "of": "p", "argument": "a", "value": "v" });
    assert_eq!(evaluated[0]["action"]["properties"], expected);
}
