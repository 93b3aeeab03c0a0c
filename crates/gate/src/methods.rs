//! The closed table of methods (MCP 2025-03-26 to 2026-07-28): what passes, what is decided about, and what is off. A method that is
//! not in it is refused.

use serde_json::{Map, Value};
use writ_verifier::{GatedAction, NotPermitted};

use crate::config::Allowed;
use crate::message::ClientRequest;

/// What becomes of a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Treatment {
    /// It begins a session.
    Begins,
    /// It tells what there is, and changes nothing.
    Passes,
    /// The authorization server is asked.
    Decided(GatedAction),
}

/// Why a request is refused.
#[derive(Debug, PartialEq)]
pub(crate) enum MethodRefusal {
    Unknown,
    Params(String),
}

pub(crate) fn treatment(request: &ClientRequest) -> Result<Treatment, MethodRefusal> {
    let method = request.method.as_str();
    match method {
        "initialize" => return Ok(Treatment::Begins),
        _ if PASSES.contains(&method) => return Ok(Treatment::Passes),
        _ => {}
    }
    let known = members_of(method).ok_or(MethodRefusal::Unknown)?;
    // What is not judged could be acted upon.
    if let Some(name) = request
        .params
        .keys()
        .find(|name| !known.contains(&name.as_str()))
    {
        return Err(refused(&format!(
            "`params.{name}` is not known of `{method}`"
        )));
    }
    action(method, &request.params).map(Treatment::Decided)
}

/// The members of `params` of each method that is decided about.
fn members_of(method: &str) -> Option<&'static [&'static str]> {
    Some(match method {
        "tools/call" => &[
            "name",
            "arguments",
            "_meta",
            "task",
            "inputResponses",
            "requestState",
        ],
        "resources/read" => &["uri", "_meta", "inputResponses", "requestState"],
        "resources/subscribe" | "resources/unsubscribe" => &["uri", "_meta"],
        "prompts/get" => &[
            "name",
            "arguments",
            "_meta",
            "inputResponses",
            "requestState",
        ],
        "completion/complete" => &["ref", "argument", "context", "_meta"],
        "subscriptions/listen" => &["notifications", "_meta"],
        "tasks/get" | "tasks/result" | "tasks/cancel" => &["taskId", "_meta"],
        _ => return None,
    })
}

/// What is decided about: a tool with its arguments, or an action of the method's name with what it is about.
fn action(method: &str, params: &Map<String, Value>) -> Result<GatedAction, MethodRefusal> {
    let mut about = Map::new();
    match method {
        "tools/call" => {
            let arguments = object(params, "arguments")?;
            return GatedAction::tool(text(params, "name")?, arguments).map_err(unusable);
        }
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            about.insert("uri".to_owned(), text(params, "uri")?.into());
        }
        "prompts/get" => {
            about.insert("name".to_owned(), text(params, "name")?.into());
            spread(&mut about, "arguments", object(params, "arguments")?);
        }
        "completion/complete" => completion(params, &mut about)?,
        "subscriptions/listen" => subscriptions(params, &mut about)?,
        "tasks/get" | "tasks/result" | "tasks/cancel" => {
            about.insert("task".to_owned(), text(params, "taskId")?.into());
        }
        _ => {}
    }
    GatedAction::named(method, about).map_err(unusable)
}

fn completion(
    params: &Map<String, Value>,
    about: &mut Map<String, Value>,
) -> Result<(), MethodRefusal> {
    let reference = object(params, "ref")?;
    let of = match reference.get("type").and_then(Value::as_str) {
        Some("ref/prompt") => text(&reference, "name")?,
        Some("ref/resource") => text(&reference, "uri")?,
        _ => return Err(refused("`params.ref` names no prompt and no resource")),
    };
    let argument = object(params, "argument")?;
    about.insert("of".to_owned(), of.into());
    about.insert("argument".to_owned(), text(&argument, "name")?.into());
    let value = argument.get("value").and_then(Value::as_str);
    let value = value.ok_or_else(|| refused("`params.argument.value` is no text"))?;
    about.insert("value".to_owned(), value.into());
    spread(
        about,
        "context",
        object(&object(params, "context")?, "arguments")?,
    );
    Ok(())
}

fn subscriptions(
    params: &Map<String, Value>,
    about: &mut Map<String, Value>,
) -> Result<(), MethodRefusal> {
    for (name, value) in object(params, "notifications")? {
        match value {
            Value::Bool(_) => {
                about.insert(name, value);
            }
            Value::Array(uris) if name == "resourceSubscriptions" => {
                for (place, uri) in uris.into_iter().enumerate() {
                    about.insert(format!("resource/{place}"), uri);
                }
            }
            _ => {
                return Err(refused(&format!(
                    "`params.notifications.{name}` is not known"
                )));
            }
        }
    }
    Ok(())
}

fn spread(about: &mut Map<String, Value>, of: &str, members: Map<String, Value>) {
    for (name, value) in members {
        about.insert(format!("{of}/{name}"), value);
    }
}

fn text<'a>(params: &'a Map<String, Value>, name: &str) -> Result<&'a str, MethodRefusal> {
    let found = params.get(name).and_then(Value::as_str);
    found
        .filter(|text| !text.is_empty())
        .ok_or_else(|| refused(&format!("`params` has no text `{name}`")))
}

fn object(params: &Map<String, Value>, name: &str) -> Result<Map<String, Value>, MethodRefusal> {
    match params.get(name) {
        None => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members.clone()),
        Some(_) => Err(refused(&format!("`params.{name}` is no object"))),
    }
}

fn refused(why: &str) -> MethodRefusal {
    MethodRefusal::Params(why.to_owned())
}

fn unusable(why: NotPermitted) -> MethodRefusal {
    MethodRefusal::Params(why.to_string())
}

/// Whether a notification of the client reaches the server.
pub(crate) fn tells_server(method: &str, allowed: Allowed) -> bool {
    match method {
        "notifications/initialized" | "notifications/cancelled" | "notifications/progress" => true,
        "notifications/roots/list_changed" => allowed.roots,
        _ => false,
    }
}

/// Whether a notification of the server reaches the client.
pub(crate) fn tells_client(method: &str) -> bool {
    TOLD.contains(&method)
}

/// Discovery, lists and `ping`.
const PASSES: [&str; 7] = [
    "server/discover",
    "ping",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
    "logging/setLevel",
];
const TOLD: [&str; 10] = [
    "notifications/cancelled",
    "notifications/progress",
    "notifications/message",
    "notifications/resources/updated",
    "notifications/resources/list_changed",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/tasks/status",
    "notifications/elicitation/complete",
    "notifications/subscriptions/acknowledged",
];

#[cfg(test)]
mod tests {
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
                json!(["completion/complete", { "of": "p", "argument": "a", "value": "v", "context/b": "c" }]),
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
            ("tasks/get", json!({ "id": "t" })),
        ] {
            let refused = treated(method, params.clone());
            assert!(
                matches!(refused, Err(MethodRefusal::Params(_))),
                "{method} {params}"
            );
        }
    }
}
