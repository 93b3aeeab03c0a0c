//! Sessions, events and streams belong to subject, client and delegation, and end with the token and with a stop.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::gated::eventually;
use super::world::{World, call};
use crate::Allowed;
use crate::sessions::MAX_SESSIONS_OF_ONE;

/// The next event of a stream, without comments; `None` at its end.
pub(super) async fn next(body: &mut Body) -> Option<(Option<String>, Value)> {
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(20), body.frame()).await;
        let frame = frame
            .expect("an event, or the end")?
            .unwrap()
            .into_data()
            .unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        if let Some(data) = line("data: ") {
            let id = line("id: ").map(str::to_owned);
            return Some((id, serde_json::from_str(data).unwrap()));
        }
    }
}

async fn listen(world: &World, fields: &[(&str, &str)]) -> Response<Body> {
    world.send(world.request("GET", fields, "")).await
}

pub(super) fn say(world: &World, id: &str, message: &Value) {
    let state = world.server.lock().unwrap();
    let event = Bytes::from(format!("id: {id}\ndata: {message}\n\n"));
    state.streams.last().unwrap().send(event).unwrap();
}

fn told(method: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": method })
}

#[tokio::test]
async fn one_session_too_many_takes_the_place_of_the_one_used_least_lately() {
    let world = World::new().await;
    let mut sessions = Vec::new();
    for _ in 0..=MAX_SESSIONS_OF_ONE {
        sessions.push(world.session(&world.alice(), json!({})).await);
        world.clock.advance(Duration::from_secs(1));
        // The first one is used all the time.
        let (status, _) = world.call(&[("mcp-session-id", &sessions[0])]).await;
        assert_eq!(status, StatusCode::OK);
    }
    for (place, session) in sessions.iter().enumerate() {
        let (status, _) = world.call(&[("mcp-session-id", session)]).await;
        let expected = match place {
            1 => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        };
        assert_eq!(status, expected, "{place}");
    }
}

#[tokio::test]
async fn a_session_is_of_subject_client_and_delegation() {
    let world = World::new().await;
    let session = world.session(&world.alice(), json!({})).await;
    assert!(!session.contains("upstream"));
    let (status, _) = world.call(&[("mcp-session-id", &session)]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(world.calls()[0].headers["mcp-session-id"], "upstream-1");
    for other in [
        world.token("usr_bob", "guest", "dlg_1"),
        world.token("usr_alice", "other", "dlg_1"),
        world.token("usr_alice", "guest", "dlg_2"),
    ] {
        let authorization = format!("Bearer {other}");
        let fields = [
            ("authorization", authorization.as_str()),
            ("mcp-session-id", &session),
        ];
        for method in ["POST", "GET", "DELETE"] {
            let request = world.request(method, &fields, &call("rm", &json!({})));
            assert_eq!(world.send(request).await.status(), StatusCode::NOT_FOUND);
        }
    }
    for unknown in ["upstream-1", "x", ""] {
        let (status, _) = world.call(&[("mcp-session-id", unknown)]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{unknown}");
    }
    let (status, _) = world
        .call(&[("mcp-session-id", &session), ("mcp-session-id", &session)])
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _) = world
        .call(&[
            ("mcp-session-id", &session),
            ("mcp-protocol-version", "2025-06-18"),
        ])
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(world.calls().len(), 1);
    let ended = world
        .send(world.request("DELETE", &[("mcp-session-id", &session)], ""))
        .await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    let (status, _) = world.call(&[("mcp-session-id", &session)]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_id_of_an_event_is_of_its_session() {
    let world = World::new().await;
    let (mine, other) = (
        world.session(&world.alice(), json!({})).await,
        world.session(&world.alice(), json!({})).await,
    );
    let mut body = listen(&world, &[("mcp-session-id", &mine)])
        .await
        .into_body();
    say(&world, "event-7", &told("notifications/tools/list_changed"));
    let (id, _) = next(&mut body).await.unwrap();
    let id = id.unwrap();
    assert!(!id.contains("event-7"));
    let resumed = listen(&world, &[("mcp-session-id", &mine), ("last-event-id", &id)]).await;
    assert_eq!(resumed.status(), StatusCode::OK);
    assert_eq!(
        world.reached().last().unwrap().headers["last-event-id"],
        "event-7"
    );
    for (session, id) in [(&other, id.as_str()), (&mine, "event-7"), (&mine, "")] {
        let refused = listen(
            &world,
            &[("mcp-session-id", session), ("last-event-id", id)],
        )
        .await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{id}");
    }
}

#[tokio::test]
async fn an_open_stream_is_cut_by_a_stop_and_by_the_tokens_end() {
    for stops in [true, false] {
        let world = World::new().await;
        let session = world.session(&world.alice(), json!({})).await;
        let mut body = listen(&world, &[("mcp-session-id", &session)])
            .await
            .into_body();
        say(&world, "1", &told("notifications/resources/list_changed"));
        assert!(next(&mut body).await.is_some());
        match stops {
            true => world.issuer.state().is_active = false,
            false => world.clock.advance(Duration::from_secs(301)),
        }
        assert_eq!(next(&mut body).await, None);
    }
}

/// As at its next request: the client learns where to get another token.
#[tokio::test]
async fn a_request_that_waits_when_its_token_ends_is_answered_with_a_challenge() {
    let world = World::new().await;
    world.server.lock().unwrap().stalls = Some("initialize");
    let message = json!({ "jsonrpc": "2.0", "id": 3, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}
    } });
    let request = world.request("POST", &[], &message.to_string());
    let waiting = tokio::spawn(world.sent(request));
    eventually(|| world.reached().len() == 1).await;
    world.issuer.state().is_active = false;
    let answer = waiting.await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let challenge = answer.headers()["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert!(challenge.contains("resource_metadata="), "{challenge}");
    let (_, body) = super::world::read(answer).await;
    assert_eq!(
        (&body["id"], &body["error"]["code"]),
        (&json!(3), &json!(-32010))
    );
}

#[tokio::test]
async fn requests_of_the_server_reach_the_client_only_where_they_are_allowed() {
    let asked =
        json!({ "jsonrpc": "2.0", "id": 5, "method": "sampling/createMessage", "params": {} });
    let answer = json!({ "jsonrpc": "2.0", "id": 5, "result": {} }).to_string();
    let last = told("notifications/prompts/list_changed");

    let world = World::new().await;
    let session = world
        .session(&world.alice(), json!({ "sampling": {}, "roots": {} }))
        .await;
    assert_eq!(world.reached()[0].body["params"]["capabilities"], json!({}));
    let fields = [("mcp-session-id", session.as_str())];
    let mut body = listen(&world, &fields).await.into_body();
    say(&world, "1", &asked);
    say(&world, "2", &told("notifications/unheard_of"));
    say(&world, "3", &last);
    assert_eq!(next(&mut body).await.unwrap().1, last);
    let reply = world
        .reached()
        .into_iter()
        .find(|one| one.body["id"] == 5)
        .unwrap();
    assert_eq!(reply.body["error"]["code"], -32601);
    assert_eq!(
        world.post(&fields, &answer).await.0,
        StatusCode::BAD_REQUEST
    );

    let world = World::with(Allowed {
        sampling: true,
        ..Allowed::default()
    })
    .await;
    let session = world
        .session(&world.alice(), json!({ "sampling": {}, "roots": {} }))
        .await;
    let fields = [("mcp-session-id", session.as_str())];
    let mut body = listen(&world, &fields).await.into_body();
    say(&world, "1", &asked);
    assert_eq!(next(&mut body).await.unwrap().1, asked);
    assert_eq!(world.post(&fields, &answer).await.0, StatusCode::ACCEPTED);
    assert_eq!(
        world.post(&fields, &answer).await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_handle_is_of_whom_it_was_given_to() {
    let world = World::new().await;
    world.server.lock().unwrap().result =
        Some(json!({ "task": { "taskId": "task-1", "status": "working" } }));
    let get = json!({ "jsonrpc": "2.0", "id": 2, "method": "tasks/get", "params": { "taskId": "task-1" } }).to_string();
    let (_, early) = world.post(&[], &get).await;
    assert_eq!(early["error"]["code"], -32602, "{early}");
    world.call(&[]).await;
    let (_, mine) = world.post(&[], &get).await;
    assert!(mine.get("result").is_some(), "{mine}");
    let bob = format!("Bearer {}", world.token("usr_bob", "guest", "dlg_1"));
    let (_, other) = world.post(&[("authorization", &bob)], &get).await;
    assert_eq!(other["error"]["code"], -32602, "{other}");
}

#[tokio::test]
async fn who_has_no_token_hears_where_to_get_one() {
    let world = World::new().await;
    let request = http::Request::post("/mcp").body(Body::empty()).unwrap();
    let refused = world.send(request).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenges: Vec<_> = refused
        .headers()
        .get_all("www-authenticate")
        .iter()
        .collect();
    let url = "https://notes.example/.well-known/oauth-protected-resource/mcp";
    assert!(
        challenges
            .iter()
            .any(|one| one.to_str().unwrap().contains(url)),
        "{challenges:?}"
    );
    let request = http::Request::get("/.well-known/oauth-protected-resource/mcp")
        .body(Body::empty())
        .unwrap();
    let (status, document) = super::world::read(world.send(request).await).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(document["resource"], super::world::NOTES);
    assert_eq!(
        document["authorization_servers"],
        json!([super::issuer::ISSUER])
    );
    for path in ["/", "/mcp/", "/mcp/x", "/other"] {
        let request = http::Request::post(path).body(Body::empty()).unwrap();
        assert_eq!(
            world.send(request).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert!(world.reached().is_empty());
}
