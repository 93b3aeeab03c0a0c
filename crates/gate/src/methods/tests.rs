//! What becomes of each method, and of what stands beside it.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn treated(method: &str, params: Value) -> Result<Treatment, MethodRefusal> {
    let Value::Object(params) = params else {
        panic!("no object");
    };
    treatment(&ClientRequest {
        id: json!(1),
        method: method.to_owned(),
        params,
        misread: None,
    })
}

fn about(method: &str, params: Value) -> Value {
    match treated(method, params) {
        Ok(Treatment::Decided(action)) => json!([action.name(), action.arguments()]),
        other => panic!("{method}: {other:?}"),
    }
}

/// What is in no table, and what only resembles it.
#[test]
fn what_is_not_in_the_table_is_refused() {
    for method in [
        "Tools/List",
        "tools/call ",
        "tools//call",
        "sampling/createMessage",
        "elicitation/create",
        "roots/list",
        "tasks/update",
        "notifications/initialized",
        "rpc.discover",
        "",
    ] {
        assert_eq!(
            treated(method, json!({})),
            Err(MethodRefusal::Unknown),
            "{method}"
        );
    }
}

/// Every method and notification of the schemas, and nothing else, has a row; and the rows are what the gate does.
#[test]
fn each_message_of_each_revision_becomes_what_its_row_says() {
    let table = table();
    let rows = |of: &str| table[of].as_array().unwrap().clone();
    for (revision, methods) in table["schema"].as_object().unwrap() {
        let of_all = KINDS.into_iter().flat_map(rows);
        let here = of_all.filter(|row| row["in"].as_array().unwrap().contains(&json!(revision)));
        let found: BTreeSet<String> = here.map(|row| method_of(&row)).collect();
        let expected: BTreeSet<String> = serde_json::from_value(methods.clone()).unwrap();
        assert_eq!(found, expected, "{revision}");
    }
    for row in rows("client_requests") {
        let method = method_of(&row);
        let found = match treated(&method, row["params"].clone()) {
            Ok(Treatment::Begins) => "begins",
            Ok(Treatment::Passes) => "passes",
            Ok(Treatment::Decided(_)) => "decided",
            Err(MethodRefusal::Unknown) => "refused",
            Err(other) => panic!("{method}: {other:?}"),
        };
        assert_eq!(row["becomes"], found, "{method}");
    }
    for row in rows("client_notifications") {
        let (method, params) = (method_of(&row), row["params"].as_object().unwrap());
        let becomes = |allowed| told(&method, params, allowed).unwrap();
        let roots = Allowed {
            roots: true,
            ..Allowed::default()
        };
        let found = match (becomes(Allowed::default()), becomes(roots)) {
            (Told::Passes, Told::Passes) => ["passes", "about"],
            (Told::Dropped, Told::Passes) => ["allowed", ""],
            (_, Told::Dropped) => ["dropped", ""],
        };
        assert!(
            found.contains(&row["becomes"].as_str().unwrap()),
            "{method}"
        );
    }
    let all = Allowed {
        sampling: true,
        elicitation: true,
        roots: true,
    };
    for row in rows("server_requests") {
        let method = method_of(&row);
        let found = match (Allowed::default().takes(&method), all.takes(&method)) {
            (true, _) => "passes",
            (false, true) => "allowed",
            (false, false) => "refused",
        };
        assert_eq!(row["becomes"], found, "{method}");
    }
    let passes: BTreeSet<String> = rows("server_notifications").iter().map(method_of).collect();
    assert_eq!(passes, TOLD.map(str::to_owned).into());
}

const KINDS: [&str; 4] = [
    "client_requests",
    "client_notifications",
    "server_requests",
    "server_notifications",
];

fn table() -> Value {
    let text = include_str!("../../../../conformance/vectors/mcp_methods.json");
    serde_json::from_str(text).unwrap()
}

fn method_of(row: &Value) -> String {
    row["method"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_decided_about_holds_everything_that_the_server_acts_upon() {
    for (method, params, expected) in [
        (
            "tools/call",
            json!({ "name": "rm", "arguments": { "path": "/a" }, "_meta": {} }),
            json!(["rm", { "path": "/a" }]),
        ),
        ("tools/call", json!({ "name": "rm" }), json!(["rm", {}])),
        (
            "resources/read",
            json!({ "uri": "file:///a" }),
            json!(["resources/read", { "uri": "file:///a" }]),
        ),
        (
            "prompts/get",
            json!({ "name": "p", "arguments": { "a": "b" } }),
            json!(["prompts/get", { "name": "p", "arguments/a": "b" }]),
        ),
        (
            "completion/complete",
            json!({
                "ref": { "type": "ref/prompt", "name": "p" },
                "argument": { "name": "a", "value": "v" },
                "context": { "arguments": { "b": "c" } }
            }),
            json!(["completion/complete", { "ref": "ref/prompt", "of": "p", "argument": "a", "value": "v", "context/b": "c" }]),
        ),
        (
            "subscriptions/listen",
            json!({ "notifications": { "toolsListChanged": true, "resourceSubscriptions": ["x:/a"] } }),
            json!(["subscriptions/listen", { "toolsListChanged": true, "resource/0": "x:/a" }]),
        ),
        (
            "tasks/result",
            json!({ "taskId": "t" }),
            json!(["tasks/result", { "task": "t" }]),
        ),
    ] {
        assert_eq!(about(method, params), expected, "{method}");
    }
}

#[test]
fn a_completion_is_of_one_prompt_or_one_resource_and_of_nothing_more() {
    let with = |reference: Value, argument: Value, context: Value| {
        let params = json!({ "ref": reference, "argument": argument, "context": context });
        treated("completion/complete", params)
    };
    let (prompt, resource) = (
        json!({ "type": "ref/prompt", "name": "x:" }),
        json!({ "type": "ref/resource", "uri": "x:" }),
    );
    let argument = json!({ "name": "a", "value": "v" });
    let (one, other) = (
        with(prompt.clone(), argument.clone(), json!({})),
        with(resource, argument.clone(), json!({})),
    );
    assert!(one.is_ok() && other.is_ok() && one != other);
    for (reference, argument, context) in [
        (
            json!({ "type": "ref/resource", "uri": "x:", "name": "b" }),
            argument.clone(),
            json!({}),
        ),
        (
            json!({ "type": "ref/prompt", "name": "p", "uri": "x:" }),
            argument.clone(),
            json!({}),
        ),
        (
            json!({ "type": "ref/prompt", "name": "p", "title": { "x": 1 } }),
            argument.clone(),
            json!({}),
        ),
        (
            json!({ "type": "ref/resource", "uri": "x:", "title": "t" }),
            argument.clone(),
            json!({}),
        ),
        (
            json!({ "type": "ref/prompt", "name": "p", "evil": [1] }),
            argument.clone(),
            json!({}),
        ),
        (
            prompt.clone(),
            json!({ "name": "a", "value": "v", "evil": 1 }),
            json!({}),
        ),
        (prompt, argument, json!({ "other": 1 })),
    ] {
        let refused = with(reference.clone(), argument, context);
        assert!(
            matches!(refused, Err(MethodRefusal::Params(_))),
            "{reference}"
        );
    }
}

#[test]
fn of_a_task_the_client_says_how_long_its_result_is_kept_and_nothing_else() {
    let with = |task: Value| treated("tools/call", json!({ "name": "a", "task": task }));
    for good in [json!({}), json!({ "ttl": 0 }), json!({ "ttl": 86_400_000 })] {
        assert!(with(good.clone()).is_ok(), "{good}");
    }
    for bad in [
        json!({ "ttl": 99, "run_as": "root" }),
        json!({ "ttl": "99" }),
        json!({ "ttl": -1 }),
        json!({ "ttl": 86_400_001 }),
        json!({ "ttl": null }),
        json!(null),
        json!([1]),
    ] {
        let refused = with(bad.clone());
        assert!(matches!(refused, Err(MethodRefusal::Params(_))), "{bad}");
    }
}

#[test]
fn a_notification_says_nothing_that_nobody_judges() {
    for (method, params, expected) in [
        ("notifications/initialized", json!({}), Some(Told::Passes)),
        ("notifications/initialized", json!({ "x": 1 }), None),
        (
            "notifications/cancelled",
            json!({ "requestId": 1, "reason": "r" }),
            Some(Told::Passes),
        ),
        ("notifications/cancelled", json!({}), None),
        ("notifications/cancelled", json!({ "requestId": [1] }), None),
        (
            "notifications/cancelled",
            json!({ "requestId": 1, "taskId": "t" }),
            None,
        ),
        (
            "notifications/progress",
            json!({ "progressToken": "p", "progress": 1 }),
            Some(Told::Passes),
        ),
        ("notifications/progress", json!({ "progress": 1 }), None),
        (
            "notifications/roots/list_changed",
            json!({}),
            Some(Told::Dropped),
        ),
        (
            "notifications/other",
            json!({ "x": [1] }),
            Some(Told::Dropped),
        ),
        ("other", json!({}), Some(Told::Dropped)),
        // Who leaves out the id of a request is told so.
        ("tools/call", json!({ "name": "rm" }), None),
        ("initialize", json!({}), None),
    ] {
        let found = told(method, params.as_object().unwrap(), Allowed::default());
        assert_eq!(found.ok(), expected, "{method} {params}");
    }
}

#[test]
fn members_that_nobody_judges_are_refused() {
    for (method, params) in [
        ("tools/call", json!({})),
        ("tools/call", json!({ "name": "" })),
        ("tools/call", json!({ "name": 1 })),
        ("tools/call", json!({ "name": "a", "arguments": [1] })),
        ("tools/call", json!({ "name": "a", "arguments": null })),
        ("tools/call", json!({ "name": "a", "args": {} })),
        ("tools/call", json!({ "name": "a", "tool": "b" })),
        ("resources/read", json!({ "uri": "a", "uris": ["b"] })),
        ("resources/read", json!({ "uri": ["a"] })),
        ("prompts/get", json!({ "name": "p", "arguments": 1 })),
        ("completion/complete", json!({ "ref": { "type": "x" } })),
        (
            "subscriptions/listen",
            json!({ "notifications": { "all": ["a"] } }),
        ),
        (
            "subscriptions/listen",
            json!({ "notifications": { "resource/0": true, "resourceSubscriptions": ["a"] } }),
        ),
        (
            "subscriptions/listen",
            json!({ "notifications": { "resourceSubscriptions": [{ "uri": "a" }] } }),
        ),
        ("tasks/get", json!({ "id": "t" })),
        ("tools/list", json!({ "requestState": "a" })),
        ("prompts/list", json!({ "inputResponses": {} })),
        ("ping", json!({ "x": 1 })),
        ("logging/setLevel", json!({ "level": "info", "x": 1 })),
    ] {
        let refused = treated(method, params.clone());
        assert!(
            matches!(refused, Err(MethodRefusal::Params(_))),
            "{method} {params}"
        );
    }
}
