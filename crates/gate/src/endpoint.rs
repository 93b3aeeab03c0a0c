//! The one endpoint of a gate, and the document of its resource (RFC 9728): who comes in, and by which door.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use http::header::{ACCEPT, ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use writ_verifier::{Caller, CrossOrigin};

use crate::answers::{self, answered};
use crate::body;
use crate::call::{self, CallContext};
use crate::forward::Exchange;
use crate::gate::{GateParts, StreamPlace};
use crate::headers::{self, LAST_EVENT_ID, Mismatch, SESSION_ID};
use crate::message::{self, ClientMessage, ClientRequest, Unread};
use crate::outbox::{self, Form, Frame, Outbox};
use crate::owner::Owner;
use crate::relay::Listener;
use crate::sealed::Carried;
use crate::sessions::McpSession;
use crate::told::{self, Notified, Reply, upstream_session};
use crate::upstream::{AnswerKind, UpstreamSession, kind};
use crate::watch::until_ended;

pub(crate) async fn serve(State(gate): State<Arc<GateParts>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let cross_origin = CrossOrigin::Open;
    if parts.uri.path() == gate.paths.document {
        return gate.document.answer(&parts.method).map(Body::from);
    }
    if parts.uri.path() != gate.paths.endpoint {
        return answered(StatusCode::NOT_FOUND, None);
    }
    if let Some(answer) = cross_origin.preflight(&parts.method, &parts.headers) {
        return answer.map(Body::from);
    }
    let mut response = match gate.verifier.verify(&parts).await {
        Ok(caller) => arrived(gate, Arrival::new(parts, caller), body).await,
        Err(refused) => {
            body::passed_over(body).await;
            refused.into_response().map(Body::from)
        }
    };
    cross_origin.allow(response.headers_mut());
    response
}

/// A request of an accepted caller.
struct Arrival {
    method: Method,
    headers: HeaderMap,
    caller: Caller,
    owner: Owner,
}

impl Arrival {
    fn new(parts: Parts, caller: Caller) -> Self {
        Self {
            method: parts.method,
            headers: parts.headers,
            owner: Owner::of(&caller),
            caller,
        }
    }
}

async fn arrived(gate: Arc<GateParts>, arrival: Arrival, body: Body) -> Response<Body> {
    let place = match StreamPlace::take(&gate, &arrival.owner) {
        Some(place) => place,
        None => return refuse(StatusCode::TOO_MANY_REQUESTS, "too many requests are open"),
    };
    let session = match session_of(&gate, &arrival) {
        Ok(session) => session,
        Err(refused) => return refused.response(),
    };
    match (arrival.method.clone(), session) {
        (Method::POST, session) => {
            let post = Post {
                arrival,
                session,
                place,
            };
            posted(gate, post, body).await
        }
        (Method::GET, Some(session)) => listen(gate, arrival, session, place).await,
        (Method::DELETE, Some(session)) => end(&gate, &session).await,
        _ => {
            let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, "send messages by POST");
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
            response
        }
    }
}

/// Why a request goes no further.
struct Refused(StatusCode, String);

impl Refused {
    fn response(&self) -> Response<Body> {
        refuse(self.0, &self.1)
    }
}

impl From<Mismatch> for Refused {
    fn from(mismatch: Mismatch) -> Self {
        Self(StatusCode::BAD_REQUEST, mismatch.0)
    }
}

/// The session that a header field names: the caller's own, or there is none.
fn session_of(gate: &GateParts, arrival: &Arrival) -> Result<Option<Arc<McpSession>>, Refused> {
    let Some(id) = headers::single(&arrival.headers, &SESSION_ID)? else {
        return Ok(None);
    };
    let found = gate.sessions.find(id, &arrival.owner, gate.clock.now());
    let session = found.ok_or_else(|| {
        let why = "there is no such session: initialize a new one";
        Refused(StatusCode::NOT_FOUND, why.to_owned())
    })?;
    let said = headers::version(&arrival.headers)?;
    let agreed = session.version.as_ref();
    if said.is_some() && agreed.is_some() && said.as_ref() != agreed {
        let why = "`mcp-protocol-version` is not what this session agreed upon";
        return Err(Refused(StatusCode::BAD_REQUEST, why.to_owned()));
    }
    Ok(Some(session))
}

/// A message on its way in, with the session that it names.
struct Post {
    arrival: Arrival,
    session: Option<Arc<McpSession>>,
    place: StreamPlace,
}

async fn posted(gate: Arc<GateParts>, post: Post, body: Body) -> Response<Body> {
    let (headers, session) = (&post.arrival.headers, post.session.as_deref());
    if let Err(why) = check_media(headers) {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, why);
    }
    let Some(body) = body::whole(body).await else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the message is too large, or did not come whole",
        );
    };
    match message::parse(&body) {
        Err(Unread { id, why }) => {
            let message = answers::error(id.as_ref(), answers::INVALID_REQUEST, &why.to_string());
            answered(StatusCode::BAD_REQUEST, Some(&message))
        }
        Ok(ClientMessage::Request(request)) => requested(gate, post, request).await,
        Ok(ClientMessage::Notification { method, params }) => {
            told::notified(&gate, headers, session, Notified { method, params }).await
        }
        Ok(ClientMessage::Response { id, message }) => {
            told::replied(&gate, headers, session, Reply { id, message }).await
        }
    }
}

/// One media type, and no encoding that another reader would undo differently.
fn check_media(headers: &HeaderMap) -> Result<(), &'static str> {
    let wrong = "send `Content-Type: application/json`, once, in UTF-8 and not compressed";
    let media = headers::single(headers, &CONTENT_TYPE).map_err(|_| wrong)?;
    let mut parts = media.unwrap_or_default().split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts
        .all(|parameter| parameter.is_empty() || parameter.eq_ignore_ascii_case("charset=utf-8"));
    match is_json && is_utf8 && !headers.contains_key(CONTENT_ENCODING) {
        true => Ok(()),
        false => Err(wrong),
    }
}

async fn requested(gate: Arc<GateParts>, post: Post, request: ClientRequest) -> Response<Body> {
    let Post {
        arrival,
        session,
        place,
    } = post;
    let mirrored = match headers::check(&arrival.headers, &request) {
        Ok(mirrored) => mirrored,
        Err(mismatch) => {
            let message = answers::error(Some(&request.id), answers::HEADER_MISMATCH, &mismatch.0);
            return answered(StatusCode::BAD_REQUEST, Some(&message));
        }
    };
    let begins = request.method == "initialize";
    if begins && (session.is_some() || mirrored.is_stateless) {
        return refuse(
            StatusCode::BAD_REQUEST,
            "`initialize` begins a session: it is sent without one",
        );
    }
    let form = if begins {
        Form::AnswerOnly
    } else {
        Form::AnswerOrStream
    };
    let (outbox, inbox) = outbox::channel();
    let call = CallContext {
        what: request.method.clone(),
        definition: None,
        caller: arrival.caller,
        owner: arrival.owner,
        headers: arrival.headers,
        question: None,
        place: None,
        gate,
        session,
        request,
        progress: Arc::default(),
        mirrored,
    };
    tokio::spawn(watched(call, outbox));
    inbox.response(form, place).await
}

/// Ends with the client, with the caller's token, and with a stop.
async fn watched(call: CallContext, outbox: Outbox) {
    let (gate, caller, id) = (
        Arc::clone(&call.gate),
        call.caller.clone(),
        call.request.id.clone(),
    );
    tokio::select! {
        () = call::run(call, &outbox) => {}
        () = outbox.closed() => {}
        ended = until_ended(&gate.verifier, &caller) => {
            outbox.send(Frame::Answer(ended.answer(&id))).await;
        }
    }
}

/// The stream of a session (MCP 2025-11-25): it is cut when the caller is no longer good.
async fn listen(
    gate: Arc<GateParts>,
    arrival: Arrival,
    session: Arc<McpSession>,
    place: StreamPlace,
) -> Response<Body> {
    let upstream = upstream_session(Some(&session), None);
    let answer = match opened(&gate, &arrival, &session, &upstream).await {
        Ok(answer) => answer,
        Err(refused) => return refused.response(),
    };
    let (outbox, inbox) = outbox::channel();
    tokio::spawn(async move {
        let exchange = Exchange {
            gate: &gate,
            session: &upstream,
            listener: Listener {
                owner: &arrival.owner,
                session: Some(&session),
                answers: None,
                progress_token: None,
                told: None,
                call: None,
                now: gate.clock.now(),
            },
            outbox: &outbox,
        };
        tokio::select! {
            _ = exchange.answer(answer) => {}
            () = outbox.closed() => {}
            ended = until_ended(&gate.verifier, &arrival.caller) => tracing::info!(why = ended.why, "a stream was cut"),
        }
    });
    inbox.stream(place)
}

/// The server's stream, from the event that the client had last.
async fn opened(
    gate: &GateParts,
    arrival: &Arrival,
    session: &McpSession,
    upstream: &UpstreamSession,
) -> Result<reqwest::Response, Refused> {
    let refused = |status, why: &str| Refused(status, why.to_owned());
    let accepts = arrival.headers.get_all(ACCEPT).iter();
    let mut accepts = accepts.filter_map(|value| value.to_str().ok());
    if !accepts.any(|text| text.contains("text/event-stream")) {
        let why = "a stream is `text/event-stream`";
        return Err(refused(StatusCode::NOT_ACCEPTABLE, why));
    }
    let mut fields = upstream.fields();
    fields.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    if let Some(sealed) = headers::single(&arrival.headers, &LAST_EVENT_ID)? {
        let carried = Carried::Event(&session.id);
        let last = gate.sealer.open(carried, &arrival.owner, sealed);
        let last = last.and_then(|id| HeaderValue::from_str(&id).ok());
        let why = "`last-event-id` is of no stream of this session";
        let last = last.ok_or_else(|| refused(StatusCode::BAD_REQUEST, why))?;
        fields.insert(LAST_EVENT_ID, last);
    }
    match gate.upstream.send(Method::GET, fields, None).await {
        Ok(answer) if answer.status().is_success() && kind(&answer) == AnswerKind::Events => {
            Ok(answer)
        }
        Ok(_) => {
            let why = "the server has no such stream";
            Err(refused(StatusCode::METHOD_NOT_ALLOWED, why))
        }
        Err(error) => {
            tracing::warn!(%error, "a stream of the server could not be opened");
            let why = "the server behind the gate cannot be reached";
            Err(refused(StatusCode::BAD_GATEWAY, why))
        }
    }
}

/// `DELETE`: the session ends here, whatever the server says to it.
async fn end(gate: &GateParts, session: &McpSession) -> Response<Body> {
    gate.sessions.end(&session.id);
    let upstream = upstream_session(Some(session), None);
    if upstream.id.is_some()
        && let Err(error) = gate
            .upstream
            .send(Method::DELETE, upstream.fields(), None)
            .await
    {
        tracing::info!(%error, "a session could not be ended at the server");
    }
    answered(StatusCode::NO_CONTENT, None)
}

/// Without the id of a request.
pub(crate) fn refuse(status: StatusCode, why: &str) -> Response<Body> {
    answered(
        status,
        Some(&answers::error(None, answers::INVALID_REQUEST, why)),
    )
}
