//! What becomes of each method, and of what stands beside it.

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
    })
}

fn about(method: &str, params: Value) -> Value {
    match treated(method, params) {
        Ok(Treatment::Decided(action)) => json!([action.name(), action.arguments()]),
        other => panic!("{method}: {other:?}"),
    }
}

#[test]
fn discovery_passes_and_what_is_not_in_the_table_is_refused() {
    assert_eq!(treated("initialize", json!({})), Ok(Treatment::Begins));
    for method in PASSES {
        assert_eq!(
            treated(method, json!({})),
            Ok(Treatment::Passes),
            "{method}"
        );
    }
    for method in [
        "Tools/List",
        "tools/call ",
        "tools//call",
        "sampling/createMessage",
        "elicitation/create",
        "roots/list",
        "tasks/update",
        "tasks/list",
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
    for (method, params, is_taken) in [
        ("notifications/initialized", json!({}), true),
        ("notifications/initialized", json!({ "x": 1 }), false),
        (
            "notifications/cancelled",
            json!({ "requestId": 1, "reason": "r" }),
            true,
        ),
        ("notifications/cancelled", json!({}), false),
        (
            "notifications/cancelled",
            json!({ "requestId": [1] }),
            false,
        ),
        (
            "notifications/cancelled",
            json!({ "requestId": 1, "taskId": "t" }),
            false,
        ),
        (
            "notifications/progress",
            json!({ "progressToken": "p", "progress": 1 }),
            true,
        ),
        ("notifications/progress", json!({ "progress": 1 }), false),
        ("notifications/roots/list_changed", json!({}), false),
        ("notifications/other", json!({}), false),
    ] {
        let told = check_told(method, params.as_object().unwrap(), Allowed::default());
        assert_eq!(told.is_ok(), is_taken, "{method} {params}");
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
