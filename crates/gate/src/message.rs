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

pub(crate) fn parse(body: &[u8]) -> Result<ClientMessage, MessageError> {
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
    let mut kept = Map::new();
    let mut found = None;
    for (name, value) in exact_json::members(params.get()).ok()? {
        let value = match name.as_str() {
            ARGUMENTS => {
                found = exact_json::misread(value, PLACE, MAX_ARGUMENTS_DEPTH);
                Map::new().into()
            }
            _ => exact_json::read(value.get().as_bytes()).ok()?,
        };
        kept.insert(name, value);
    }
    Some((kept.into(), found?))
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
mod tests {
    use super::*;

    /// Whatever stands in arguments, the rest of the message says whose answer it is.
    #[test]
    fn of_a_request_whose_arguments_two_parsers_read_differently_the_rest_is_read() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        for (bad, place) in [
            ("9007199254740993", "/arguments/a"),
            ("1e400", "/arguments/a"),
            (r#"[{"b":1,"b":2}]"#, "/arguments/a/0"),
            (r#"{"b":1,"B":2}"#, "/arguments/a"),
            (r#"{"__proto__":1}"#, "/arguments/a"),
            (r#""\ud800""#, "/arguments/a"),
            (r#""\u0000""#, "/arguments/a"),
            (deep.as_str(), "/arguments/a/0"),
        ] {
            let text = format!(
                r#"{{"params":{{"arguments":{{"a":{bad}}},"name":"rm"}},"id":"x","method":"tools/call","jsonrpc":"2.0"}}"#
            );
            let ClientMessage::Request(request) = parse(text.as_bytes()).unwrap() else {
                panic!("{text}");
            };
            assert_eq!(
                (request.id, request.params),
                (
                    json!("x"),
                    json!({ "name": "rm", "arguments": {} })
                        .as_object()
                        .unwrap()
                        .clone()
                )
            );
            assert!(request.misread.unwrap().place.starts_with(place), "{text}");
            // Beside arguments nothing is read of a message about which parsers disagree.
            for other in [
                format!(
                    r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"rm","_meta":{{"a":{bad}}}}}}}"#
                ),
                text.replace("\"id\":\"x\",", ""),
                text.replace("\"x\"", "1,\"id\":2"),
                text.replace("\"rm\"", "\"rm\",\"Name\":\"ls\""),
                text.replace("\"rm\"", "\"rm\",\"arguments\":{}"),
                text.replace("\"rm\"", "9007199254740993"),
                format!("{text}{text}"),
            ] {
                assert!(parse(other.as_bytes()).is_err(), "{other}");
            }
        }
    }

    #[test]
    fn a_message_is_a_request_a_notification_or_a_response() {
        let request = parse(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).unwrap();
        assert!(matches!(request, ClientMessage::Request(one) if one.method == "ping"));
        let told = parse(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).unwrap();
        assert!(matches!(told, ClientMessage::Notification { .. }));
        let answer = parse(br#"{"jsonrpc":"2.0","id":"a","result":{}}"#).unwrap();
        assert!(matches!(answer, ClientMessage::Response { .. }));
    }

    /// Each is a message that one parser takes for a harmless one, and another for a call.
    #[test]
    fn what_could_be_read_as_another_message_is_refused() {
        for bad in [
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            "[]",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","METHOD":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","\u006dethod":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","more":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","__proto__":{"method":"tools/call"}}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":"","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"tools/call"}"#,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n{}",
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
            r#""ping""#,
            "",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        // UTF-16, which some parsers guess.
        let wide: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(parse(&wide).is_err());
    }
}
