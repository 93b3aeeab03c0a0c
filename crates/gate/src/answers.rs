//! What the gate itself answers: JSON-RPC errors with their HTTP status, and results of tools that say what did not happen.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use writ_verifier::NotPermitted;

/// JSON-RPC 2.0 section 5.1, and those of MCP.
pub(crate) const INVALID_REQUEST: i64 = -32600;
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;
pub(crate) const INVALID_PARAMS: i64 = -32602;
pub(crate) const INTERNAL: i64 = -32603;
/// MCP 2025-11-25: a page must be opened first.
pub(crate) const URL_ELICITATION_REQUIRED: i64 = -32042;
/// MCP 2026-07-28.
pub(crate) const HEADER_MISMATCH: i64 = -32020;
/// Implementation-defined: this caller may not do this, or not now.
pub(crate) const NOT_PERMITTED: i64 = -32010;

pub(crate) fn error(id: Option<&Value>, code: i64, message: &str) -> Value {
    with_data(id, code, message, None)
}

pub(crate) fn with_data(
    id: Option<&Value>,
    code: i64,
    message: &str,
    data: Option<Value>,
) -> Value {
    let mut error = json!({ "code": code, "message": message });
    if let (Some(data), Some(members)) = (data, error.as_object_mut()) {
        members.insert("data".to_owned(), data);
    }
    let mut message = json!({ "jsonrpc": "2.0", "error": error });
    // MCP 2025-11-25, transports: what answers no request has no `id`, and the schema knows no `null` there.
    if let Some(id) = id {
        set(&mut message, "id", id.clone());
    }
    message
}

/// A whole HTTP answer.
pub(crate) fn answered(status: StatusCode, message: Option<&Value>) -> Response<Body> {
    let mut response = Response::new(match message {
        Some(message) => Body::from(message.to_string()),
        None => Body::empty(),
    });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if message.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

/// What a model reads of a tool that was not run.
pub(crate) fn tool_refused(
    id: &Value,
    tool: &str,
    why: &NotPermitted,
    is_stateless: bool,
) -> Value {
    let text = match why {
        NotPermitted::StillWaiting { review, .. } => {
            let page = review.as_deref().map(decide_here);
            format!(
                "Waiting for a person's yes to {tool}. Nothing was done. \
                 Call this tool again with the same arguments in a few seconds to find the answer.{}",
                page.unwrap_or_default()
            )
        }
        why => why.sentence(),
    };
    let mut meta = json!({ "writ/code": why.code() });
    if let Some(seconds) = why.retry_after() {
        set(&mut meta, "writ/retry_after", seconds.into());
    }
    let mut result =
        json!({ "content": [{ "type": "text", "text": text }], "isError": true, "_meta": meta });
    if is_stateless {
        set(&mut result, "resultType", "complete".into());
    }
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

/// The same of what is no tool.
pub(crate) fn refused(id: &Value, method: &str, why: &NotPermitted) -> Value {
    let mut data = json!({ "code": why.code(), "advice": why.advice() });
    if let Some(seconds) = why.retry_after() {
        set(&mut data, "retry_after", seconds.into());
    }
    let mut message = format!("{method} was not done: {why}; {}.", why.advice());
    if let NotPermitted::StillWaiting {
        review: Some(page), ..
    } = why
    {
        message.push_str(&decide_here(page));
        set(&mut data, "page", page.as_str().into());
    }
    with_data(Some(id), NOT_PERMITTED, &message, Some(data))
}

fn decide_here(page: &str) -> String {
    format!(" The person can decide here: {page}")
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
