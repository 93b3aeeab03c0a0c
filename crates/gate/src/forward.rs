//! What goes on to the server, and back: the gate's own text of a message, and whatever the server answers to it.

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value};

use crate::answers;
use crate::config::Allowed;
use crate::gate::GateParts;
use crate::message::ClientRequest;
use crate::methods::TITLE;
use crate::outbox::{Answer, Frame, Outbox};
use crate::relay::{Listener, Relayed, relayed, response};
use crate::sealed::Carried;
use crate::shapes::{self, INITIALIZE, META};
use crate::sse::EventReader;
use crate::upstream::{
    AnswerKind, UpstreamError, UpstreamSession, kind, message, message_in, next_piece,
};

/// What a server may answer to a request that it does not take, beside a JSON-RPC error.
const REFUSALS: [StatusCode; 4] = [
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::NOT_ACCEPTABLE,
];

/// The request as the server gets it, with the arguments that were judged.
pub(crate) fn rewritten(
    request: &ClientRequest,
    judged: Option<&Map<String, Value>>,
    allowed: Allowed,
) -> ClientRequest {
    let mut rewritten = request.clone();
    let params = &mut rewritten.params;
    match request.method.as_str() {
        "initialize" => shapes::keep(params, INITIALIZE),
        _ => keep_known_meta(params),
    }
    if let Some(Value::Object(reference)) = params.get_mut("ref") {
        reference.remove(TITLE);
    }
    if let Some(Value::Object(meta)) = params.get_mut("_meta")
        && let Some(capabilities) = meta.get_mut("io.modelcontextprotocol/clientCapabilities")
    {
        shown(capabilities, allowed);
    }
    if let Some(capabilities) = params
        .get_mut("capabilities")
        .filter(|_| request.method == "initialize")
    {
        shown(capabilities, allowed);
    }
    if let Some(arguments) = judged {
        params.insert("arguments".to_owned(), arguments.clone().into());
    }
    rewritten
}

pub(crate) fn keep_known_meta(params: &mut Map<String, Value>) {
    match params.get_mut("_meta") {
        None => {}
        Some(Value::Object(meta)) => shapes::keep(meta, META),
        Some(_) => {
            params.remove("_meta");
        }
    }
}

/// Leaves out what the server could not use anyway.
fn shown(capabilities: &mut Value, allowed: Allowed) {
    if let Value::Object(members) = capabilities {
        members.retain(|name, _| allowed.shows(name));
    }
}

/// The end of one request at the server.
pub(crate) struct Exchange<'a> {
    pub(crate) gate: &'a GateParts,
    pub(crate) session: &'a UpstreamSession,
    pub(crate) listener: Listener<'a>,
    pub(crate) outbox: &'a Outbox,
}

impl Exchange<'_> {
    /// Sends a request and passes on what comes before its response, which is returned.
    pub(crate) async fn request(
        &self,
        fields: HeaderMap,
        request: &Value,
    ) -> Result<Answer, UpstreamError> {
        let answer = self
            .gate
            .upstream
            .send(Method::POST, fields, Some(request))
            .await?;
        self.answer(answer).await
    }

    pub(crate) async fn answer(&self, answer: reqwest::Response) -> Result<Answer, UpstreamError> {
        let status = answer.status();
        match kind(&answer) {
            AnswerKind::Json if REFUSALS.contains(&status) => {
                let mut refusal = message_in(answer).await?;
                if refusal.get("error").is_none() {
                    return Err(UpstreamError::Status(status));
                }
                // What answers no request has no `id` that could be made up for it.
                let (Value::Object(members), Some(id)) = (&mut refusal, self.listener.answers)
                else {
                    return Err(UpstreamError::Status(status));
                };
                members.insert("id".to_owned(), id.clone());
                let refusal = response(self.gate, refusal, id, &self.listener);
                Ok(Answer::of(status, refusal))
            }
            _ if !status.is_success() => Err(UpstreamError::Status(status)),
            AnswerKind::Json => match relayed(self.gate, message_in(answer).await?, &self.listener)
            {
                Relayed::Response(response) => Ok(Answer::of(StatusCode::OK, response)),
                _ => Err(UpstreamError::NoMessage(
                    "it is no response to this request".to_owned(),
                )),
            },
            AnswerKind::Events => self.events(answer).await,
            AnswerKind::Other => Err(UpstreamError::NoMessage(
                "it has another media type".to_owned(),
            )),
        }
    }

    async fn events(&self, mut answer: reqwest::Response) -> Result<Answer, UpstreamError> {
        let mut reader = EventReader::default();
        while let Some(piece) = next_piece(&mut answer).await? {
            reader.push(&piece).map_err(|_| UpstreamError::TooLarge)?;
            while let Some(event) = reader.next().map_err(|_| UpstreamError::TooLarge)? {
                if event.data.is_empty() {
                    continue;
                }
                let found = message(event.data.as_bytes())?;
                if let Some(response) = self.pass(event.id.as_deref(), found).await {
                    return Ok(Answer::of(StatusCode::OK, response));
                }
            }
        }
        Err(UpstreamError::Lost(
            "the stream ended without an answer".to_owned(),
        ))
    }

    /// Returns the response that ends a request; everything else goes on its way.
    async fn pass(&self, id: Option<&str>, found: Value) -> Option<Value> {
        let changed =
            found.get("method").and_then(Value::as_str) == Some("notifications/tools/list_changed");
        if changed {
            self.gate.definitions.forget(self.session);
        }
        let message = match relayed(self.gate, found, &self.listener) {
            Relayed::Response(response) if self.listener.answers.is_some() => {
                return Some(response);
            }
            Relayed::Response(message) | Relayed::Passed(message) => message,
            Relayed::Dropped => return None,
            Relayed::Refused(reply) => {
                self.reply(reply).await;
                return None;
            }
        };
        let id = self.event_id(id);
        self.outbox.send(Frame::Event { id, message }).await;
        None
    }

    /// Sealed for this caller and session: another's is none.
    fn event_id(&self, id: Option<&str>) -> Option<String> {
        let session = self.listener.session?;
        let carried = Carried::Event(&session.id);
        self.gate.sealer.seal(carried, self.listener.owner, id?)
    }

    /// To a request of the server that goes nowhere.
    async fn reply(&self, reply: Value) {
        let sent = self
            .gate
            .upstream
            .send(Method::POST, self.session.fields(), Some(&reply))
            .await;
        if let Err(error) = sent {
            tracing::info!(%error, "the server could not be told that its request goes nowhere");
        }
    }
}

/// What the client is answered where the server did not answer as it should.
pub(crate) fn failed(id: &Value, error: &UpstreamError) -> Answer {
    tracing::warn!(%error, "a request failed at the server");
    let (status, sentence) = match error {
        UpstreamError::Status(StatusCode::NOT_FOUND) => (
            StatusCode::NOT_FOUND,
            "the server knows this session no longer",
        ),
        UpstreamError::NotSent(_) => (
            StatusCode::BAD_GATEWAY,
            "the server behind the gate cannot be reached",
        ),
        UpstreamError::TooLarge => (
            StatusCode::BAD_GATEWAY,
            "the answer of the server behind the gate is larger than 4 MiB",
        ),
        _ => (
            StatusCode::BAD_GATEWAY,
            "the server behind the gate gave no answer that can be passed on",
        ),
    };
    Answer::of(
        status,
        answers::error(Some(id), answers::INTERNAL, sentence),
    )
}
