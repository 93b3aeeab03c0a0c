//! `initialize` (MCP 2025-11-25, lifecycle): what the server answers makes a session, which the gate names.

use http::{HeaderValue, StatusCode};
use serde_json::Value;

use crate::answers;
use crate::call::CallContext;
use crate::forward::{Exchange, failed, rewritten};
use crate::headers;
use crate::outbox::{Answer, Frame, Outbox};
use crate::sessions::NewSession;
use crate::upstream::UpstreamError;

pub(crate) async fn begin(call: &CallContext, outbox: &Outbox) {
    let answer = initialized(call, outbox).await;
    let answer = answer.unwrap_or_else(|error| failed(&call.request.id, &error));
    outbox.send(Frame::Answer(answer)).await;
}

async fn initialized(call: &CallContext, outbox: &Outbox) -> Result<Answer, UpstreamError> {
    let session = call.upstream_session();
    let request = rewritten(&call.request, None, call.gate.config.allowed);
    let message = request.message();
    let upstream = &call.gate.upstream;
    let sent = upstream.send(http::Method::POST, session.fields(), Some(&message));
    let answer = sent.await?;
    let upstream_id = headers::single(answer.headers(), &headers::SESSION_ID);
    let upstream_id = upstream_id.ok().flatten().map(str::to_owned);
    let exchange = Exchange {
        gate: &call.gate,
        session: &session,
        listener: call.listener(),
        outbox,
    };
    Ok(with_session(
        call,
        exchange.answer(answer).await?,
        upstream_id,
    ))
}

/// A refusal makes none.
fn with_session(call: &CallContext, mut answer: Answer, upstream_id: Option<String>) -> Answer {
    let result = answer
        .message
        .as_ref()
        .and_then(|message| message.get("result"));
    let Some(result) = result else {
        return answer;
    };
    let version = result.get("protocolVersion").and_then(Value::as_str);
    let capabilities = call.request.params.get("capabilities");
    let modes = capabilities.and_then(|all| all.get("elicitation"));
    let new = NewSession {
        owner: call.owner.clone(),
        upstream_id,
        version: version.map(str::to_owned),
        opens_pages: modes.and_then(|modes| modes.get("url")).is_some(),
    };
    let gate = &call.gate;
    match gate.sessions.begin(new, &gate.random, gate.clock.now()) {
        Some(session) => {
            if let Ok(id) = HeaderValue::from_str(&session.id) {
                answer.fields.insert(headers::SESSION_ID, id);
            }
            answer
        }
        None => {
            let why = "there are too many sessions: end one, or try again later";
            let message = call.error(answers::NOT_PERMITTED, why);
            Answer::of(StatusCode::SERVICE_UNAVAILABLE, message)
        }
    }
}
