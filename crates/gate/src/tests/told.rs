//! What a client tells without an answer reaches the server only where it is about something of that session, and without what nobody
//! judged.

use http::StatusCode;
use serde_json::{Value, json};

use super::gated::eventually;
use super::sessions::{next, say};
use super::world::{World, call};
use crate::Allowed;

fn notification(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

/// How many messages of this method reached the server.
fn heard(world: &World, method: &str) -> usize {
    let reached = world.reached();
    reached
        .iter()
        .filter(|one| one.body["method"] == method)
        .count()
}

#[tokio::test]
async fn a_cancellation_is_of_a_request_of_its_own_session() {
    let world = World::new().await;
    let mine = world.session(&world.alice(), json!({})).await;
    let other = world.session(&world.alice(), json!({})).await;
    world.server.lock().unwrap().stalls = Some("tools/call");
    let request = world.request(
        "POST",
        &[("mcp-session-id", &mine)],
        &call("rm", &json!({})),
    );
    let running = tokio::spawn(world.sent(request));
    eventually(|| world.calls().len() == 1).await;
    let cancel = |id: Value| notification("notifications/cancelled", &json!({ "requestId": id }));
    for (session, id) in [
        (Some(&other), json!(1)),
        (Some(&mine), json!(2)),
        (Some(&mine), json!("1")),
        (None, json!(1)),
    ] {
        let fields: Vec<_> = session
            .iter()
            .map(|id| ("mcp-session-id", id.as_str()))
            .collect();
        let (status, _) = world.post(&fields, &cancel(id.clone())).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{id}");
        assert_eq!(heard(&world, "notifications/cancelled"), 0, "{id}");
    }
    let own = [("mcp-session-id", mine.as_str())];
    assert_eq!(
        world.post(&own, &cancel(json!(1))).await.0,
        StatusCode::ACCEPTED
    );
    assert_eq!(heard(&world, "notifications/cancelled"), 1);
    running.abort();
    // Of a request that was answered nothing is there to be cancelled.
    world.server.lock().unwrap().stalls = None;
    let third = world.session(&world.alice(), json!({})).await;
    let answered = [("mcp-session-id", third.as_str())];
    assert_eq!(world.call(&answered).await.0, StatusCode::OK);
    world.post(&answered, &cancel(json!(1))).await;
    assert_eq!(heard(&world, "notifications/cancelled"), 1);
}

#[tokio::test]
async fn progress_is_of_a_request_that_the_server_sent_in_this_session() {
    let world = World::with(Allowed {
        sampling: true,
        ..Allowed::default()
    })
    .await;
    let mine = world
        .session(&world.alice(), json!({ "sampling": {} }))
        .await;
    let other = world
        .session(&world.alice(), json!({ "sampling": {} }))
        .await;
    let request = world.request("GET", &[("mcp-session-id", &mine)], "");
    let mut stream = world.send(request).await.into_body();
    let params = json!({ "_meta": { "progressToken": "s" } });
    let asked =
        json!({ "jsonrpc": "2.0", "id": 5, "method": "sampling/createMessage", "params": params });
    say(&world, "1", &asked);
    next(&mut stream).await.unwrap();
    let progress = |token: &str| {
        notification(
            "notifications/progress",
            &json!({ "progressToken": token, "progress": 1 }),
        )
    };
    for (session, token, expected) in [
        (Some(&other), "s", 0),
        (None, "s", 0),
        (Some(&mine), "t", 0),
        (Some(&mine), "s", 1),
    ] {
        let fields: Vec<_> = session
            .iter()
            .map(|id| ("mcp-session-id", id.as_str()))
            .collect();
        let (status, _) = world.post(&fields, &progress(token)).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        assert_eq!(heard(&world, "notifications/progress"), expected, "{token}");
    }
    // The answer, without what nobody judged; after it there is no progress.
    let own = [("mcp-session-id", mine.as_str())];
    let answer = json!({ "jsonrpc": "2.0", "id": 5, "result": {
        "role": "assistant", "_meta": { "user": "root", "io.modelcontextprotocol/related-task": { "taskId": "t" } }
    } });
    assert_eq!(
        world.post(&own, &answer.to_string()).await.0,
        StatusCode::ACCEPTED
    );
    let reached = world.reached();
    assert_eq!(
        reached.last().unwrap().body["result"],
        json!({ "role": "assistant", "_meta": {} })
    );
    world.post(&own, &progress("s")).await;
    assert_eq!(heard(&world, "notifications/progress"), 1);
}

#[tokio::test]
async fn of_initialize_the_server_hears_what_the_protocol_has() {
    let world = World::new().await;
    let client = json!({ "name": "c", "version": "1" });
    let message = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": { "roots": {} }, "clientInfo": client,
        "user": "root", "authorization": "Bearer x", "_meta": { "user": "root" }
    } });
    assert_eq!(
        world.post(&[], &message.to_string()).await.0,
        StatusCode::OK
    );
    assert_eq!(
        world.reached()[0].body["params"],
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client, "_meta": {} })
    );
}
