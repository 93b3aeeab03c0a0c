//! Messages that two parsers read differently, mirrored headers, other methods: none of them reaches the server.

use http::StatusCode;
use serde_json::{Value, json};

use super::issuer::Decides;
use super::world::{World, call};

#[tokio::test]
async fn a_message_about_which_two_parsers_disagree_reaches_nobody() {
    let world = World::new().await;
    for bad in [
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm"}}]"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"rm"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call","params":{"name":"rm"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ls","name":"rm"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ls","\u006eame":"rm"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ls","NAME":"rm"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm","arguments":{"a":1,"a":2},"_meta":{"b":1,"b":2}}}"#,
        r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{"name":"rm"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"progressToken":1e400}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/x","params":{"arguments":{"a":1,"a":2}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm"}}{"x":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm"},"more":1}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"rm"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"\ufffe"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"rm"}}"#,
        "not json",
        "",
    ] {
        let (status, answer) = world.post(&[], bad).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}: {answer}");
        // MCP 2025-11-25, transports: an error that answers no request has no `id`.
        assert_ne!(answer.get("id"), Some(&Value::Null), "{bad}: {answer}");
    }
    // Who waits for an answer hears it under the id that every parser reads.
    let twice =
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"rm","name":"ls"}}"#;
    let (status, answer) = world.post(&[], twice).await;
    assert_eq!(
        (status, &answer["id"], &answer["error"]["code"]),
        (StatusCode::BAD_REQUEST, &json!(7), &json!(-32600))
    );
    assert!(world.reached().is_empty());
    assert!(world.issuer.state().evaluated.is_empty());
}

#[tokio::test]
async fn what_is_forwarded_is_the_gates_own_text_of_what_was_judged() {
    let world = World::new().await;
    let sent = r#" { "params" : { "arguments" : { "b":1.50, "\u0061" : "\u00e9" }, "name" : "rm",
        "_meta": { "progressToken": 7, "user": "root" } }, "method":"tools\/call", "id":"x", "jsonrpc":"2.0" } "#;
    let spoofed = [
        ("x-forwarded-user", "root"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("remote-user", "root"),
        ("cookie", "session=1"),
        ("mcp-param-user", "root"),
        ("x-http-method-override", "DELETE"),
    ];
    let (status, answer) = world.post(&spoofed, sent).await;
    assert_eq!(
        (status, &answer["id"]),
        (StatusCode::OK, &json!("x")),
        "{answer}"
    );
    let [call] = &world.calls()[..] else {
        panic!("not one call");
    };
    assert_eq!(
        call.text,
        r#"{"id":"x","jsonrpc":"2.0","method":"tools/call","params":{"_meta":{"progressToken":7},"arguments":{"a":"é","b":1.5},"name":"rm"}}"#
    );
    let mut names: Vec<&str> = call.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "content-length", "content-type", "host"]);
    let evaluated = world.issuer.state().evaluated.clone();
    assert_eq!(
        evaluated[0]["action"]["properties"]["arguments"],
        json!({ "a": "é", "b": 1.5 })
    );
    assert_eq!(
        evaluated[0]["resource"],
        json!({ "type": "tool", "id": "rm" })
    );
}

#[tokio::test]
async fn mirrored_headers_agree_with_the_body_or_nothing_is_forwarded() {
    let world = World::new().await;
    for fields in [
        &[("mcp-method", "tools/list")][..],
        &[("mcp-name", "ls")],
        &[("mcp-name", "rm"), ("mcp-name", "rm")],
        &[("mcp-method", "tools/call"), ("mcp-method", "tools/list")],
        &[("mcp-protocol-version", "2026-07-28")],
        &[
            ("mcp-protocol-version", "2025-11-25"),
            ("mcp-protocol-version", "2025-06-18"),
        ],
    ] {
        let (status, answer) = world.call(fields).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{fields:?}");
        assert_eq!(answer["error"]["code"], -32020, "{fields:?}");
    }
    assert!(world.calls().is_empty());
    let (status, _) = world
        .call(&[("mcp-method", "tools/call"), ("mcp-name", "rm")])
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(world.calls()[0].headers["mcp-name"], "rm");
}

#[tokio::test]
async fn what_is_decided_about_is_an_action_of_its_name() {
    let world = World::new().await;
    let sent = |method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    };
    world.issuer.state().decides = Decides::Deny;
    for (method, params) in [
        ("tools/call", json!({ "name": "rm" })),
        ("resources/read", json!({ "uri": "file:///a" })),
        ("resources/subscribe", json!({ "uri": "file:///a" })),
        ("prompts/get", json!({ "name": "p" })),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "p" }, "argument": { "name": "a", "value": "b" } }),
        ),
        (
            "subscriptions/listen",
            json!({ "notifications": { "toolsListChanged": true } }),
        ),
    ] {
        world.post(&[], &sent(method, params)).await;
        let evaluated = world.issuer.state().evaluated.clone();
        assert_eq!(evaluated.last().unwrap()["action"]["name"], method);
        let reached = world.reached();
        assert!(
            reached.iter().all(|one| one.body["method"] == "tools/list"),
            "{method}"
        );
    }
    let (_, listed) = world.post(&[], &sent("tools/list", json!({}))).await;
    assert_eq!(listed["result"]["tools"][0]["name"], "rm");
}

#[tokio::test]
async fn another_media_type_encoding_or_size_is_refused() {
    let world = World::new().await;
    let body = call("rm", &json!({}));
    for fields in [
        &[("content-type", "text/plain")][..],
        &[("content-type", "application/json; charset=utf-7")],
        &[
            ("content-type", "application/json"),
            ("content-type", "application/json"),
        ],
        &[("content-encoding", "gzip")],
    ] {
        let (status, _) = world.post(fields, &body).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{fields:?}");
    }
    let large = call("rm", &json!({ "a": "x".repeat(crate::MAX_MESSAGE) }));
    assert_eq!(
        world.post(&[], &large).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert!(world.reached().is_empty());
}
