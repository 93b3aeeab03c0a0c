//! The closed table of methods (MCP 2025-03-26 to 2026-07-28): what passes, what is decided about, and what is off. A method that is
//! not in it is refused.

use serde_json::{Map, Value};
use writ_verifier::{GatedAction, NotPermitted};

use crate::config::Allowed;
use crate::message::{ClientRequest, is_id};

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
    if method == "initialize" {
        return Ok(Treatment::Begins);
    }
    let known = members_of(method).ok_or(MethodRefusal::Unknown)?;
    only(&request.params, "params", known)?;
    if PASSES.contains(&method) {
        return Ok(Treatment::Passes);
    }
    action(method, &request.params).map(Treatment::Decided)
}

/// What is not judged could be acted upon.
fn only(members: &Map<String, Value>, of: &str, known: &[&str]) -> Result<(), MethodRefusal> {
    let unknown = members.keys().find(|name| !known.contains(&name.as_str()));
    unknown.map_or(Ok(()), |name| {
        Err(refused(&format!("`{of}.{name}` is not known here")))
    })
}

/// The members of `params` of each method that is taken.
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
        "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list" => {
            &["cursor", "_meta"]
        }
        "logging/setLevel" => &["level", "_meta"],
        "server/discover" | "ping" => &["_meta"],
        _ => return None,
    })
}

/// What is decided about: a tool with its arguments, or an action of the method's name with what it is about.
fn action(method: &str, params: &Map<String, Value>) -> Result<GatedAction, MethodRefusal> {
    let mut about = Map::new();
    match method {
        "tools/call" => {
            let arguments = object(params, "arguments")?;
            task(params)?;
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

/// How long a result is kept, and nothing else, is the client's to say (MCP 2025-11-25, tasks): no person sees it.
fn task(params: &Map<String, Value>) -> Result<(), MethodRefusal> {
    let task = object(params, "task")?;
    only(&task, "params.task", &["ttl"])?;
    let ttl = task.get("ttl");
    match ttl.is_none_or(|ttl| ttl.as_u64().is_some_and(|ttl| ttl <= MAX_TASK_TTL)) {
        true => Ok(()),
        false => Err(refused(&format!(
            "`params.task.ttl` is a number of milliseconds, up to {MAX_TASK_TTL}"
        ))),
    }
}

fn completion(
    params: &Map<String, Value>,
    about: &mut Map<String, Value>,
) -> Result<(), MethodRefusal> {
    let reference = object(params, "ref")?;
    let kind = reference.get("type").and_then(Value::as_str);
    let kind = kind.unwrap_or_default();
    let member = match kind {
        "ref/prompt" => "name",
        "ref/resource" => "uri",
        _ => return Err(refused("`params.ref` names no prompt and no resource")),
    };
    only(&reference, "params.ref", &["type", member])?;
    let argument = object(params, "argument")?;
    only(&argument, "params.argument", &["name", "value"])?;
    let context = object(params, "context")?;
    only(&context, "params.context", &["arguments"])?;
    about.insert("ref".to_owned(), kind.into());
    about.insert("of".to_owned(), text(&reference, member)?.into());
    about.insert("argument".to_owned(), text(&argument, "name")?.into());
    let value = argument.get("value").and_then(Value::as_str);
    let value = value.ok_or_else(|| refused("`params.argument.value` is no text"))?;
    about.insert("value".to_owned(), value.into());
    spread(about, "context", object(&context, "arguments")?);
    Ok(())
}

fn subscriptions(
    params: &Map<String, Value>,
    about: &mut Map<String, Value>,
) -> Result<(), MethodRefusal> {
    for (name, value) in object(params, "notifications")? {
        match value {
            Value::Bool(_) if !name.contains('/') => {
                about.insert(name, value);
            }
            Value::Array(uris)
                if name == "resourceSubscriptions" && uris.iter().all(Value::is_string) =>
            {
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

/// Whether a notification of the client is one that a server may get; the error is a sentence for the client's developer.
pub(crate) fn check_told(
    method: &str,
    params: &Map<String, Value>,
    allowed: Allowed,
) -> Result<(), String> {
    let (known, named): (&[&str], _) = match method {
        "notifications/initialized" => (&["_meta"], None),
        "notifications/roots/list_changed" if allowed.roots => (&["_meta"], None),
        "notifications/cancelled" => (&["requestId", "reason", "_meta"], Some("requestId")),
        "notifications/progress" => (
            &["progressToken", "progress", "total", "message", "_meta"],
            Some("progressToken"),
        ),
        _ => return Err("this notification is not taken here".to_owned()),
    };
    if let Err(MethodRefusal::Params(why)) = only(params, "params", known) {
        return Err(why);
    }
    match named.is_none_or(|name| params.get(name).is_some_and(is_id)) {
        true => Ok(()),
        false => Err(format!("`{method}` does not say of what it is")),
    }
}

/// Whether a notification of the server reaches the client.
pub(crate) fn tells_client(method: &str) -> bool {
    TOLD.contains(&method)
}

/// In milliseconds: as long as the gate remembers whose a task is.
const MAX_TASK_TTL: u64 = 24 * 3600 * 1000;
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
mod tests;
