//! One log line for each request, and the id that its answer, its events and all other lines about it carry. Nothing that a stranger
//! wrote is in the line but a method and the id of a client that exists: neither path nor query, which hold codes and `request_uri`s.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::Instant;
use tracing::Instrument as _;
use writ_core::client::Client;
use writ_core::id::RequestId;
use writ_store::in_request;
use writ_wire::error::ErrorCode;

use crate::node::app::App;
use crate::node::client_address::ClientAddress;
use crate::node::traces::{RequestSpan, SentBy, SpanContext};

/// In each answer; in a request it is read from trusted proxies alone.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id of a proxy that is taken over.
const MAX_ID: usize = 64;
/// The route of a request that met none.
const NO_ROUTE: &str = "none";

tokio::task_local! {
    static CURRENT: RequestNotes;
}

/// What is learnt of a request while it is answered.
struct RequestNotes {
    id: String,
    client: RefCell<Option<NotedClient>>,
    error: Cell<Option<ErrorCode>>,
}

#[derive(Clone)]
struct NotedClient {
    id: String,
    standing: ClientStanding,
}

/// Whether a client showed that the request is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientStanding {
    /// By its secret or an assertion.
    Proved,
    /// The request names it: it is public, or its proof is wrong or still to come.
    Named,
}

impl ClientStanding {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Named => "named",
        }
    }
}

/// The client of the request that is being answered.
pub fn note_client(client: &Client, standing: ClientStanding) {
    let noted = NotedClient {
        id: client.id.to_string(),
        standing,
    };
    // Work that runs by itself has no line.
    let _ = CURRENT.try_with(|notes| notes.client.replace(Some(noted)));
}

/// The error that the request is answered with.
pub fn note_error(code: ErrorCode) {
    let _ = CURRENT.try_with(|notes| notes.error.set(Some(code)));
}

/// The id of the request that is being answered.
pub fn current_request() -> Option<String> {
    CURRENT.try_with(|notes| notes.id.clone()).ok()
}

/// The outermost layer over all routes.
pub async fn log_requests(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = app.request_id(&request);
    let notes = RequestNotes {
        id: id.clone(),
        client: RefCell::default(),
        error: Cell::default(),
    };
    let line = RequestLine::begin(&app, &request);
    // Whatever the filter, a line about a fault names its request.
    let span = tracing::error_span!("request", id);
    let answered = async {
        let response = next.run(request).instrument(span).await;
        line.end(response.status());
        response
    };
    let mut response = CURRENT.scope(notes, in_request(&id, answered)).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// A line that is written when it is dropped, also if the client goes away before it is answered.
struct RequestLine {
    method: &'static str,
    route: String,
    begun: Instant,
    status: Option<StatusCode>,
    span: Option<(Arc<App>, SpanContext)>,
}

impl RequestLine {
    fn begin(app: &Arc<App>, request: &Request) -> Self {
        let headers = (request.headers(), app.sent_by(request));
        let span = app.traces.begin(headers, &app.random, app.clock.now());
        let route = request.extensions().get::<MatchedPath>();
        Self {
            method: known_method(request.method()),
            route: route.map_or(NO_ROUTE, MatchedPath::as_str).to_owned(),
            begun: Instant::now(),
            status: None,
            span: span.map(|span| (app.clone(), span)),
        }
    }

    fn end(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for RequestLine {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|notes| self.write(notes));
    }
}

impl RequestLine {
    fn keep_span(&self, notes: &RequestNotes) {
        let Some((app, context)) = &self.span else {
            return;
        };
        let client = notes.client.borrow();
        let span = RequestSpan {
            context: context.clone(),
            ended: context.began.plus(self.begun.elapsed()),
            request: notes.id.clone(),
            method: self.method,
            route: self.route.clone(),
            status: self.status.map(|status| status.as_u16()),
            error: notes.error.get().map(ErrorCode::as_str),
            client: client.as_ref().map(|client| client.id.clone()),
        };
        app.traces.keep(span, &app.metrics.events_out);
    }

    fn write(&self, notes: &RequestNotes) {
        self.keep_span(notes);
        let client = notes.client.borrow();
        let client = client.as_ref();
        let milliseconds = self.begun.elapsed().as_millis();
        tracing::info!(
            target: "writ::request",
            id = notes.id,
            method = self.method,
            route = self.route,
            status = self.status.map(|status| status.as_u16()),
            error = notes.error.get().map(ErrorCode::as_str),
            client = client.map(|client| client.id.as_str()),
            client_is = client.map(|client| client.standing.as_str()),
            ms = u64::try_from(milliseconds).unwrap_or(u64::MAX),
            "{}",
            if self.status.is_some() { "answered" } else { "the client went away" }
        );
    }
}

/// A stranger may send any word as a method.
const fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

impl App {
    /// The id that a trusted proxy gave this request, so that its log and ours can be laid side by side; else one of our own.
    fn request_id(&self, request: &Request) -> String {
        let of_proxy = self.sent_by(request) == SentBy::TrustedProxy;
        let mut given = request.headers().get_all(REQUEST_ID).into_iter();
        // Of several, one is the client's.
        let given = given.next().filter(|_| of_proxy && given.next().is_none());
        let given = given.and_then(|id| id.to_str().ok());
        match given.filter(|id| is_request_id(id)) {
            Some(id) => id.to_owned(),
            None => self.own_request_id(),
        }
    }

    fn sent_by(&self, request: &Request) -> SentBy {
        let peer = request.extensions().get::<ClientAddress>();
        let trusted = &self.config.trusted_proxies;
        match peer.is_some_and(|peer| trusted.contains(peer.0.to_canonical())) {
            true => SentBy::TrustedProxy,
            false => SentBy::Anybody,
        }
    }

    pub fn own_request_id(&self) -> String {
        RequestId::make(self.clock.now(), self.entropy()).to_string()
    }

    /// A refusal, in the metrics and in the line of its request. `route`: as [`crate::node::metrics::Metrics::refused`] has it.
    pub fn note_refusal(&self, route: &str, code: ErrorCode) {
        self.metrics.refused(route, code);
        note_error(code);
    }
}

/// Letters, digits and a few signs, so that it means nothing else in a log, a record or a header.
fn is_request_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_proxy_is_plain_and_short() {
        let longest = "a".repeat(MAX_ID);
        for id in ["7f3c", "A-b_c.d:1", longest.as_str()] {
            assert!(is_request_id(id), "{id}");
        }
        let longer = "a".repeat(MAX_ID + 1);
        for id in [
            "",
            "a b",
            "a\tb",
            "a=b",
            "a\"b",
            "a,b",
            "ä",
            longer.as_str(),
        ] {
            assert!(!is_request_id(id), "{id}");
        }
    }
}
