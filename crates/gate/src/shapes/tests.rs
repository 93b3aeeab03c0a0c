//! Everything that the protocol has passes at every level, and nothing else.

use serde_json::json;

use super::*;

/// What is left of `initialize`.
fn initialized(mut params: Value) -> Value {
    keep(params.as_object_mut().unwrap(), INITIALIZE);
    params
}

fn known(method: &str, params: &Value) -> Result<(), String> {
    check(
        params.as_object().unwrap(),
        "params",
        params_of(method).unwrap(),
    )
}

/// MCP 2025-11-25 and 2026-07-28: `Implementation`, `ClientCapabilities`, `RequestMetaObject`.
fn whole() -> Value {
    json!({
        "protocolVersion": "2025-11-25",
        "clientInfo": {
            "name": "n", "title": "t", "version": "1", "description": "d", "websiteUrl": "https://n.example",
            "icons": [{ "src": "https://n.example/i", "mimeType": "image/png", "sizes": ["48x48"], "theme": "dark" }]
        },
        "capabilities": {
            "roots": { "listChanged": true },
            "sampling": { "context": {}, "tools": {} }, "elicitation": { "form": {}, "url": {} }
        },
        "_meta": { "progressToken": 7, "io.modelcontextprotocol/logLevel": "info" }
    })
}

#[test]
fn what_the_protocol_has_stays() {
    assert_eq!(initialized(whole()), whole());
    let meta = json!({ "_meta": {
        "progressToken": "p", "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": whole()["clientInfo"],
        "io.modelcontextprotocol/clientCapabilities": whole()["capabilities"],
    } });
    assert_eq!(initialized(meta.clone()), meta);
}

/// Nobody judges what they say, and an empty one would say something else (MCP 2026-07-28, `ClientCapabilities`).
#[test]
fn experimental_capabilities_and_extensions_are_left_out_whole() {
    let mut said = whole();
    let apps =
        json!({ "io.modelcontextprotocol/ui": { "mimeTypes": ["text/html;profile=mcp-app"] } });
    said["capabilities"]["extensions"] = apps;
    said["capabilities"]["experimental"] = json!({ "a": {} });
    assert_eq!(initialized(said), whole());
}

#[test]
fn what_the_protocol_does_not_have_is_left_out_at_every_level() {
    let nasty = [json!("x"), json!(1), json!([1]), json!({ "x": 1 })];
    for place in [
        "",
        "/clientInfo",
        "/clientInfo/icons/0",
        "/capabilities",
        "/capabilities/roots",
        "/capabilities/sampling",
        "/capabilities/sampling/tools",
        "/capabilities/elicitation",
        "/capabilities/elicitation/url",
        "/_meta",
    ] {
        for value in &nasty {
            let mut said = whole();
            said.pointer_mut(place).unwrap()["x"] = value.clone();
            assert_eq!(initialized(said), whole(), "{place}/x: {value}");
        }
    }
}

/// The value goes, and nothing beside it.
#[test]
fn what_is_of_another_kind_is_left_out_at_every_level() {
    let mut places = Vec::new();
    collect(&whole(), "", &mut places);
    assert!(places.len() > 20);
    for place in places {
        for value in [json!(null), json!(-1.5), json!([[]]), json!("\u{202e}x")] {
            let mut said = whole();
            let known = said.pointer(&place).unwrap().clone();
            let is_kind = known.is_string()
                && value.is_string()
                && !place.contains("theme")
                && !place.contains("logLevel");
            *said.pointer_mut(&place).unwrap() = value.clone();
            let left = initialized(said);
            let found = left.pointer(&place);
            let is_id = place.ends_with("progressToken") && value.is_string();
            match is_kind || is_id {
                true => assert_eq!(found, Some(&value), "{place}"),
                // Of a list that is one the elements are judged.
                false if known.is_array() && value.is_array() => {
                    assert_eq!(found, Some(&json!([])))
                }
                false => assert_eq!(found, None, "{place}: {value}"),
            }
        }
    }
}

fn collect(value: &Value, place: &str, places: &mut Vec<String>) {
    if !place.is_empty() {
        places.push(place.to_owned());
    }
    match value {
        Value::Object(members) => members.iter().for_each(|(name, one)| {
            collect(one, &format!("{place}/{}", name.replace('/', "~1")), places);
        }),
        Value::Array(values) => {
            for (at, one) in values.iter().enumerate() {
                collect(one, &format!("{place}/{at}"), places);
            }
        }
        _ => {}
    }
}

/// Method, `params`, and the place of what is refused.
const REFUSED: [[&str; 3]; 22] = [
    ["tools/list", r#"{"cursor":{"x":1}}"#, "params.cursor"],
    ["tools/list", r#"{"cursor":["x"]}"#, "params.cursor"],
    ["prompts/list", r#"{"cursor":1}"#, "params.cursor"],
    ["resources/list", r#"{"cursor":null}"#, "params.cursor"],
    [
        "resources/templates/list",
        r#"{"cursor":true}"#,
        "params.cursor",
    ],
    ["logging/setLevel", r#"{"level":"x"}"#, "params.level"],
    [
        "logging/setLevel",
        r#"{"level":{"x":"info"}}"#,
        "params.level",
    ],
    ["logging/setLevel", r#"{"level":["info"]}"#, "params.level"],
    [
        "notifications/cancelled",
        r#"{"requestId":1,"reason":{"x":1}}"#,
        "params.reason",
    ],
    [
        "notifications/cancelled",
        r#"{"requestId":1,"reason":["x"]}"#,
        "params.reason",
    ],
    [
        "notifications/cancelled",
        r#"{"requestId":{"x":1}}"#,
        "params.requestId",
    ],
    [
        "notifications/progress",
        r#"{"progressToken":1,"progress":"1"}"#,
        "params.progress",
    ],
    [
        "notifications/progress",
        r#"{"progressToken":1,"total":[1]}"#,
        "params.total",
    ],
    [
        "notifications/progress",
        r#"{"progressToken":1,"message":{}}"#,
        "params.message",
    ],
    [
        "tools/call",
        r#"{"name":"a","task":{"ttl":"1"}}"#,
        "params.task.ttl",
    ],
    [
        "tools/call",
        r#"{"name":"a","task":{"x":1}}"#,
        "params.task.x",
    ],
    [
        "tools/call",
        r#"{"name":"a","requestState":["s"]}"#,
        "params.requestState",
    ],
    ["tasks/get", r#"{"taskId":["t"]}"#, "params.taskId"],
    ["completion/complete", r#"{"ref":{"x":1}}"#, "params.ref.x"],
    [
        "completion/complete",
        r#"{"argument":{"name":["a"]}}"#,
        "params.argument.name",
    ],
    [
        "completion/complete",
        r#"{"context":{"x":1}}"#,
        "params.context.x",
    ],
    ["ping", r#"{"x":1}"#, "params.x"],
];
const TAKEN: [[&str; 2]; 5] = [
    ["tools/list", r#"{"cursor":""}"#],
    ["logging/setLevel", r#"{"level":"emergency"}"#],
    [
        "notifications/cancelled",
        r#"{"requestId":"1","reason":"r"}"#,
    ],
    [
        "notifications/progress",
        r#"{"progressToken":1,"progress":0.5,"total":1,"message":"m"}"#,
    ],
    [
        "tools/call",
        r#"{"name":"a","task":{"ttl":1},"requestState":"s"}"#,
    ],
];

#[test]
fn params_are_of_their_kind_or_refused() {
    for [method, params, place] in REFUSED {
        let why = known(method, &serde_json::from_str(params).unwrap()).expect_err(params);
        assert!(
            why.starts_with(&format!("`{place}` is ")),
            "{method}: {why}"
        );
    }
    for [method, params] in TAKEN {
        assert_eq!(
            known(method, &serde_json::from_str(params).unwrap()),
            Ok(()),
            "{method}"
        );
    }
}

#[test]
fn an_answer_of_the_client_is_one_to_what_was_asked() {
    for (method, result, kept) in [
        (
            "elicitation/create",
            json!({ "action": "accept", "content": { "a": "b", "c": [1], "d": ["e"], "f": {}, "g": 1, "h": true }, "x": 1 }),
            json!({ "action": "accept", "content": { "a": "b", "d": ["e"], "g": 1, "h": true } }),
        ),
        (
            "elicitation/create",
            json!({ "action": "perhaps", "content": [1] }),
            json!({}),
        ),
        (
            "roots/list",
            json!({ "roots": [{ "uri": "file:///a", "name": "a", "x": 1 }, "file:///b"], "_meta": { "x": 1 } }),
            json!({ "roots": [{ "uri": "file:///a", "name": "a" }], "_meta": {} }),
        ),
        (
            "sampling/createMessage",
            json!({ "role": "assistant", "content": { "type": "text", "text": "t" }, "model": "m", "stopReason": "endTurn", "x": 1 }),
            json!({ "role": "assistant", "content": { "type": "text", "text": "t" }, "model": "m", "stopReason": "endTurn" }),
        ),
        ("ping", json!({ "x": 1 }), json!({})),
    ] {
        let mut found = result;
        keep(found.as_object_mut().unwrap(), result_of(method));
        assert_eq!(found, kept, "{method}");
    }
}

/// MCP 2026-07-28, `InputResponse`: `ElicitResult`, `CreateMessageResult`, `ListRootsResult`.
#[test]
fn input_is_a_whole_answer_to_one_method() {
    let root = json!({ "uri": "file:///a", "name": "a" });
    let said =
        json!({ "role": "assistant", "content": { "type": "text", "text": "t" }, "model": "m" });
    for (method, good) in [
        ("elicitation/create", json!({ "action": "decline" })),
        ("roots/list", json!({ "roots": [root] })),
        ("sampling/createMessage", said),
    ] {
        let checked = |answer: &Value| {
            let mut answer = answer.as_object().unwrap().clone();
            check_input(method, &mut answer, "p").map(|()| Value::Object(answer))
        };
        assert_eq!(checked(&good), Ok(good.clone()), "{method}");
        let mut more = good.clone();
        more["resultType"] = json!("complete");
        more["_meta"] = json!({ "x": 1 });
        assert_eq!(checked(&more), Ok(good.clone()), "{method}");
        for name in good.as_object().unwrap().keys() {
            let mut without = good.clone();
            without.as_object_mut().unwrap().remove(name);
            assert_eq!(checked(&without), Err(format!("`p.{name}` is missing")));
        }
        for (name, value) in [("x", json!(1)), ("resultType", json!("input_required"))] {
            let mut more = good.clone();
            more[name] = value;
            assert_eq!(checked(&more), Err(format!("`p.{name}` is not known here")));
        }
    }
}
