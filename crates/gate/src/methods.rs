//! The closed table of methods (MCP 2025-03-26 to 2026-07-28): what passes, what is decided about, and what is off. A method that is
//! not in it is refused.

use serde_json::{Map, Value};
use writ_verifier::{GatedAction, NotPermitted};
use writ_wire::exact_json::Misread;

use crate::config::Allowed;
use crate::message::ClientRequest;
use crate::shapes::{check, params_of};

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
    /// Of what is decided about: the caller can mend it.
    Arguments(NotPermitted),
}

pub(crate) fn treatment(request: &ClientRequest) -> Result<Treatment, MethodRefusal> {
    let treated = treatment_of(request)?;
    match &request.misread {
        None => Ok(treated),
        Some(Misread { place, why }) => {
            let why = format!("`{place}`: {}", why.at_its_place());
            Err(MethodRefusal::Arguments(
                NotPermitted::arguments_not_judged(&why),
            ))
        }
    }
}

fn treatment_of(request: &ClientRequest) -> Result<Treatment, MethodRefusal> {
    let method = request.method.as_str();
    if method == "initialize" {
        return Ok(Treatment::Begins);
    }
    let known = params_of(method).filter(|_| is_request(method));
    let known = known.ok_or(MethodRefusal::Unknown)?;
    // What is not judged could be acted upon.
    check(&request.params, "params", known).map_err(MethodRefusal::Params)?;
    if PASSES.contains(&method) {
        return Ok(Treatment::Passes);
    }
    action(method, &request.params).map(Treatment::Decided)
}

/// What is decided about: a tool with its arguments, or an action of the method's name with what it is about.
fn action(method: &str, params: &Map<String, Value>) -> Result<GatedAction, MethodRefusal> {
    let mut about = Map::new();
    match method {
        "tools/call" => {
            let arguments = object(params, "arguments")?;
            task(params)?;
            return GatedAction::tool(text(params, "name")?, arguments)
                .map_err(MethodRefusal::Arguments);
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
    GatedAction::named(method, about).map_err(MethodRefusal::Arguments)
}

/// How long a result is kept, and nothing else, is the client's to say (MCP 2025-11-25, tasks): no person sees it.
fn task(params: &Map<String, Value>) -> Result<(), MethodRefusal> {
    let task = object(params, "task")?;
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
    // What a prompt is called for people names nothing, and stays here.
    let names = reference.keys().filter(|name| *name != TITLE);
    if names.count() > 2 || (kind == "ref/resource" && reference.contains_key(TITLE)) {
        return Err(refused("`params.ref` names more than one thing"));
    }
    let argument = object(params, "argument")?;
    let context = object(params, "context")?;
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

fn is_request(method: &str) -> bool {
    method == "initialize" || (params_of(method).is_some() && !method.starts_with(NOTIFICATION))
}

/// What becomes of a notification.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Passes,
    /// It is taken, and goes no further: nobody waits for an answer to it (JSON-RPC 2.0 section 4.1).
    Dropped,
}

/// Whether a notification of the client is one that a server may get; the error is a sentence for the client's developer.
pub(crate) fn told(
    method: &str,
    params: &Map<String, Value>,
    allowed: Allowed,
) -> Result<Told, String> {
    let named = match method {
        "notifications/initialized" => None,
        "notifications/roots/list_changed" if allowed.roots => None,
        "notifications/cancelled" => Some("requestId"),
        "notifications/progress" => Some("progressToken"),
        // Something is to be done, and nobody could be told that it was not.
        request if is_request(request) => {
            return Err(format!("`{request}` is a request, and has an `id`"));
        }
        _ => return Ok(Told::Dropped),
    };
    check(params, "params", params_of(method).unwrap_or_default())?;
    match named.is_none_or(|name| params.contains_key(name)) {
        true => Ok(Told::Passes),
        false => Err(format!("`{method}` does not say of what it is")),
    }
}

/// Whether an action of this name is a method: a tool that is called so would be decided about as that.
pub fn is_action_of_method(name: &str) -> bool {
    let is_other = ["initialize", "tools/call"].contains(&name) || PASSES.contains(&name);
    is_request(name) && !is_other
}

/// Whether a notification of the server reaches the client.
pub(crate) fn tells_client(method: &str) -> bool {
    TOLD.contains(&method)
}

const NOTIFICATION: &str = "notifications/";
/// Of a prompt, in `ref` of a completion.
pub(crate) const TITLE: &str = "title";
/// In milliseconds: as long as the gate remembers whose a task is.
const MAX_TASK_TTL: u64 = 24 * 3600 * 1000;
/// Discovery, lists and `ping`. Of tasks a caller sees its own (`relay.rs`).
const PASSES: [&str; 8] = [
    "server/discover",
    "ping",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
    "tasks/list",
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
