//! One JSON-RPC message of a client (JSON-RPC 2.0 sections 4 and 5; MCP takes no batches since 2025-06-18), read so that the server
//! behind the gate cannot read another one: no unknown members, no doubt about any value.

use std::str;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use writ_verifier::MAX_ARGUMENTS_DEPTH;
use writ_wire::exact_json::{self, ExactJsonError, Misread};

/// The longest id of a request, and of a progress token, in characters.
pub(crate) const MAX_ID: usize = 256;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ClientMessage {
    Request(ClientRequest),
    Notification {
        method: String,
        params: Map<String, Value>,
    },
    /// To a request of the server.
    Response {
        id: Value,
        message: Value,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClientRequest {
    pub(crate) id: Value,
    pub(crate) method: String,
    pub(crate) params: Map<String, Value>,
    /// What two parsers may read differently in `params.arguments`, which are left out then: it is answered, and goes no further.
    pub(crate) misread: Option<Misread>,
}

/// Why a message is refused: a sentence for the client's developer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageError {
    #[error(transparent)]
    Json(#[from] ExactJsonError),
    #[error("batches are not taken: send one message in one request")]
    Batch,
    #[error("the message is no JSON object")]
    NotAnObject,
    #[error("`jsonrpc` is not \"2.0\"")]
    Version,
    #[error("the member `{0}` belongs in no JSON-RPC message")]
    UnknownMember(String),
    #[error("the message is no request, notification or response")]
    Kind,
    #[error("`id` is an integer, or text of 1 to {MAX_ID} characters")]
    Id,
    #[error("`params` is no object")]
    Params,
}

/// A message that is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unread {
    /// Of a request, where every parser reads the same `id`.
    pub(crate) id: Option<Value>,
    pub(crate) why: MessageError,
}

pub(crate) fn parse(body: &[u8]) -> Result<ClientMessage, Unread> {
    parse_whole(body).map_err(|why| Unread {
        id: id_alone(body),
        why,
    })
}

fn parse_whole(body: &[u8]) -> Result<ClientMessage, MessageError> {
    let error = match exact_json::read(body) {
        Ok(value) => return message_of(value),
        Err(error) => error,
    };
    match without_arguments(body) {
        Some((value, misread)) => match message_of(value)? {
            ClientMessage::Request(request) => Ok(ClientMessage::Request(ClientRequest {
                misread: Some(misread),
                ..request
            })),
            ClientMessage::Notification { .. } | ClientMessage::Response { .. } => {
                Err(error.into())
            }
        },
        None => Err(error.into()),
    }
}

/// Of a request, whatever else is wrong with it (JSON-RPC 2.0 section 5).
fn id_alone(body: &[u8]) -> Option<Value> {
    let members = exact_json::written_members(str::from_utf8(body).ok()?).ok()?;
    let of = |name| {
        let members = members.iter();
        members.filter(move |(written, _)| exact_json::is_same_name(written, name))
    };
    let has = |name| of(name).next().is_some();
    if !has("method") || has("result") || has("error") {
        return None;
    }
    let mut ids = of("id");
    let (name, id) = ids.next().filter(|_| ids.next().is_none())?;
    let id = exact_json::read(id.get().as_bytes()).ok()?;
    (name == "id" && is_id(&id)).then_some(id)
}

/// The message with no arguments, and what is wrong with those; `None` where something is wrong elsewhere.
fn without_arguments(body: &[u8]) -> Option<(Value, Misread)> {
    let mut message = Map::new();
    let mut found = None;
    for (name, value) in exact_json::members(str::from_utf8(body).ok()?).ok()? {
        let value = match name.as_str() {
            "params" => {
                let (params, misread) = params_without_arguments(value)?;
                found = Some(misread);
                params
            }
            _ => exact_json::read(value.get().as_bytes()).ok()?,
        };
        message.insert(name, value);
    }
    Some((message.into(), found?))
}

fn params_without_arguments(params: &RawValue) -> Option<(Value, Misread)> {
    let members = exact_json::written_members(params.get()).ok()?;
    let is_arguments = |name: &str| exact_json::is_same_name(name, ARGUMENTS);
    let (arguments, others): (Vec<_>, Vec<_>) = members
        .into_iter()
        .partition(|(name, _)| is_arguments(name));
    let misread = match arguments.as_slice() {
        [(name, only)] if name == ARGUMENTS => {
            exact_json::misread(only, PLACE, MAX_ARGUMENTS_DEPTH)?
        }
        several => Misread {
            place: PLACE.to_owned(),
            why: check_names(several).err()?,
        },
    };
    check_names(&others).ok()?;
    let mut kept = Map::new();
    for (name, value) in others {
        kept.insert(name, exact_json::read(value.get().as_bytes()).ok()?);
    }
    kept.insert(ARGUMENTS.to_owned(), Map::new().into());
    Some((kept.into(), misread))
}

fn check_names(members: &[(String, &RawValue)]) -> Result<(), ExactJsonError> {
    exact_json::check_names(members.iter().map(|(name, _)| name.as_str()))
}

fn message_of(value: Value) -> Result<ClientMessage, MessageError> {
    let mut members = match value {
        Value::Object(members) => members,
        Value::Array(_) => return Err(MessageError::Batch),
        _ => return Err(MessageError::NotAnObject),
    };
    if let Some(name) = members
        .keys()
        .find(|name| !MEMBERS.contains(&name.as_str()))
    {
        return Err(MessageError::UnknownMember(name.clone()));
    }
    if members.get("jsonrpc") != Some(&json!("2.0")) {
        return Err(MessageError::Version);
    }
    let id = members.get("id").cloned();
    if id.as_ref().is_some_and(|id| !is_id(id)) {
        return Err(MessageError::Id);
    }
    let has = |name: &str| members.contains_key(name);
    let answers = usize::from(has("result")) + usize::from(has("error"));
    match (members.get("method"), id, answers) {
        (Some(Value::String(method)), id, 0) => {
            let method = method.clone();
            let params = match members.remove("params") {
                None => Map::new(),
                Some(Value::Object(params)) => params,
                Some(_) => return Err(MessageError::Params),
            };
            Ok(match id {
                Some(id) => ClientMessage::Request(ClientRequest {
                    id,
                    method,
                    params,
                    misread: None,
                }),
                None => ClientMessage::Notification { method, params },
            })
        }
        (None, Some(id), 1) if !has("params") => Ok(ClientMessage::Response {
            id,
            message: Value::Object(members),
        }),
        _ => Err(MessageError::Kind),
    }
}

impl ClientRequest {
    /// The gate's own text of it.
    pub(crate) fn message(&self) -> Value {
        let mut message = json!({ "jsonrpc": "2.0", "id": self.id, "method": self.method });
        if !self.params.is_empty()
            && let Some(members) = message.as_object_mut()
        {
            members.insert("params".to_owned(), self.params.clone().into());
        }
        message
    }

    pub(crate) fn meta(&self, name: &str) -> Option<&Value> {
        self.params.get("_meta")?.get(name)
    }

    /// By which the client hears of progress.
    pub(crate) fn progress_token(&self) -> Option<&Value> {
        self.meta("progressToken").filter(|token| is_id(token))
    }
}

pub(crate) fn notification(method: &str, params: &Map<String, Value>) -> Value {
    let mut message = json!({ "jsonrpc": "2.0", "method": method });
    if !params.is_empty()
        && let Some(members) = message.as_object_mut()
    {
        members.insert("params".to_owned(), params.clone().into());
    }
    message
}

pub(crate) fn is_id(id: &Value) -> bool {
    match id {
        Value::String(text) => (1..=MAX_ID).contains(&text.chars().count()),
        Value::Number(number) => number.is_i64() || number.is_u64(),
        _ => false,
    }
}

const ARGUMENTS: &str = "arguments";
/// As decisions name it.
const PLACE: &str = "/arguments";
const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

#[cfg(test)]
mod tests;
