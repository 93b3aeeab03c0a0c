//! What a client tells without waiting for an answer: notifications, and its own answers to requests of the server. Each is about
//! something of its session, or it goes no further: a server without sessions could not tell whose it is.

use axum::body::Body;
use http::{HeaderMap, Method, Response, StatusCode};
use serde_json::{Map, Value};

use crate::answers::answered;
use crate::endpoint::refuse;
use crate::forward::keep_known_meta;
use crate::gate::GateParts;
use crate::headers;
use crate::message;
use crate::methods::{self, Told};
use crate::sessions::McpSession;
use crate::shapes::{self, ERROR, result_of};
use crate::upstream::UpstreamSession;

pub(crate) struct Notified {
    pub(crate) method: String,
    pub(crate) params: Map<String, Value>,
}

/// To a request of the server.
pub(crate) struct Reply {
    pub(crate) id: Value,
    pub(crate) message: Value,
}

pub(crate) async fn notified(
    gate: &GateParts,
    headers: &HeaderMap,
    session: Option<&McpSession>,
    notified: Notified,
) -> Response<Body> {
    let Notified { method, mut params } = notified;
    let is_taken = match methods::told(&method, &params, gate.config.allowed) {
        Ok(told) => told == Told::Passes,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, &why),
    };
    keep_known_meta(&mut params);
    match is_taken && is_for_server(session, &method, &params) {
        true => {
            let message = message::notification(&method, &params);
            told(gate, headers, session, message).await
        }
        false => answered(StatusCode::ACCEPTED, None),
    }
}

/// Whether it is about something that the server has of this session.
fn is_for_server(session: Option<&McpSession>, method: &str, params: &Map<String, Value>) -> bool {
    let about = |name: &str| session.zip(params.get(name));
    match method {
        // Of a call that waits for a person the server never heard.
        "notifications/cancelled" => about("requestId")
            .is_some_and(|(session, id)| !session.cancels(id) && session.is_running(id)),
        "notifications/progress" => {
            about("progressToken").is_some_and(|(session, token)| session.hears_of(token))
        }
        _ => true,
    }
}

pub(crate) async fn replied(
    gate: &GateParts,
    headers: &HeaderMap,
    session: Option<&McpSession>,
    reply: Reply,
) -> Response<Body> {
    let Reply { id, mut message } = reply;
    let asked = session.and_then(|session| session.takes_answer(&id));
    let Some(asked) = asked else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "this answers no request that came through here",
        );
    };
    for (name, known) in [("result", result_of(&asked.method)), ("error", ERROR)] {
        match message.get_mut(name) {
            None => {}
            Some(Value::Object(answer)) => shapes::keep(answer, known),
            Some(_) => return refuse(StatusCode::BAD_REQUEST, &format!("`{name}` is no object")),
        }
    }
    told(gate, headers, session, message).await
}

/// A notification or a response, which the server takes or not.
async fn told(
    gate: &GateParts,
    headers: &HeaderMap,
    session: Option<&McpSession>,
    message: Value,
) -> Response<Body> {
    let version = match headers::version(headers) {
        Ok(version) => version,
        Err(mismatch) => return refuse(StatusCode::BAD_REQUEST, &mismatch.0),
    };
    let upstream = upstream_session(session, version);
    match gate
        .upstream
        .send(Method::POST, upstream.fields(), Some(&message))
        .await
    {
        Ok(answer) if answer.status().is_success() => answered(StatusCode::ACCEPTED, None),
        Ok(answer) => refuse(
            if answer.status() == StatusCode::NOT_FOUND {
                StatusCode::NOT_FOUND
            } else {
                StatusCode::BAD_GATEWAY
            },
            "the server did not take it",
        ),
        Err(error) => {
            tracing::warn!(%error, "a message did not reach the server");
            refuse(
                StatusCode::BAD_GATEWAY,
                "the server behind the gate cannot be reached",
            )
        }
    }
}

pub(crate) fn upstream_session(
    session: Option<&McpSession>,
    said: Option<String>,
) -> UpstreamSession {
    UpstreamSession {
        id: session.and_then(|session| session.upstream_id.clone()),
        version: said.or_else(|| session.and_then(|session| session.version.clone())),
        is_stateless: false,
    }
}
