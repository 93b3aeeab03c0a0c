//! One connection, over any stream: its requests in turn, until it ends, one of its deadlines passes, or another takes its place.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tower::ServiceExt;
use writ_wire::error::{ErrorBody, ErrorCode};

use super::MAX_HEAD;
use super::body::{AnswerBody, TimedBody};
use super::places::Place;
use super::progress::{NotedStream, Progress};
use crate::node::client_address::ClientAddress;
use crate::node::metrics::CutConnection;

/// Serves the requests of one connection until it ends; `watcher` says when the server stops.
pub(super) async fn serve_stream<S>(stream: S, place: Arc<Place>, routes: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let progress = Arc::new(Progress::new(place));
    let noted = NotedStream {
        stream,
        progress: progress.clone(),
    };
    let service = {
        let progress = progress.clone();
        service_fn(move |request| answer(request, routes.clone(), progress.clone()))
    };
    // The deadline of heads is ours: hyper's counts the time between two requests too.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(noted), service);
    let mut connection = pin!(watcher.watch(connection));
    let mut late = pin!(sleep_until(Instant::now()));
    let mut must_leave = pin!(progress.place.must_leave());
    let cut = poll_fn(|context| {
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            // The client went away, or sent no HTTP: no error of this server.
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
            return Poll::Ready(None);
        }
        if must_leave.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        // Whatever moves a deadline happens while the connection is polled.
        let Some(deadline) = progress.deadline() else {
            return Poll::Pending;
        };
        if late.deadline() != deadline.at {
            late.as_mut().reset(deadline.at);
        }
        late.as_mut().poll(context).map(|()| Some(deadline.why))
    });
    if let Some(why) = cut.await {
        progress.place.cut(why);
    }
}

async fn answer(
    request: Request<Incoming>,
    routes: Router,
    progress: Arc<Progress>,
) -> Result<Response<AnswerBody>, Infallible> {
    let (mut parts, body) = request.into_parts();
    progress.request_began(head_size(&parts));
    if !names_one_host(&parts) {
        let refused = refused(StatusCode::BAD_REQUEST, "the request must have one `Host`");
        progress.place.works();
        return Ok(refused.map(|body| AnswerBody { body, progress }));
    }
    parts.extensions.insert(ClientAddress(progress.place.peer));
    let (body, lateness) = TimedBody::new(body, &progress);
    let answered = routes.oneshot(Request::from_parts(parts, body)).await?;
    progress.place.works();
    let mut answered = match lateness.is_late() {
        true => {
            progress.place.cut(CutConnection::LateBody);
            // RFC 9110 section 15.5.9.
            let sentence = "the body of the request did not come in time";
            refused(StatusCode::REQUEST_TIMEOUT, sentence)
        }
        false => answered,
    };
    if progress.is_long() {
        close(&mut answered);
    }
    Ok(answered.map(|body| AnswerBody { body, progress }))
}

/// RFC 9112 section 3.2: what stands before this server may have read another one than a program behind it.
fn names_one_host(head: &Parts) -> bool {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_host(host),
        (None, _) => head.version < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// RFC 9110 section 7.2: a host, perhaps with a port; nothing, where the target has none.
fn is_host(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else {
        return false;
    };
    text.is_empty() || (!text.contains('@') && text.parse::<Authority>().is_ok())
}

/// In JSON, whoever asked: no route saw it.
fn refused(status: StatusCode, sentence: &str) -> Response<Body> {
    let body = ErrorBody {
        error: ErrorCode::InvalidRequest,
        error_description: Some(sentence.to_owned()),
        excess: Vec::new(),
        error_id: None,
        retry_after: None,
    };
    let text = serde_json::to_vec(&body).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    close(&mut response);
    response
}

/// The connection ends with this answer.
fn close<T>(response: &mut Response<T>) {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
}

/// As it came, but for white space around values.
fn head_size(head: &Parts) -> usize {
    const LINE: usize = " HTTP/1.1\r\n\r\n".len();
    const FIELD: usize = ": \r\n".len();
    let uri = &head.uri;
    let target = uri.path_and_query().map_or(0, |text| text.as_str().len());
    // RFC 9112 section 3.2.2, the absolute form.
    let origin = uri.scheme_str().map_or(0, |scheme| scheme.len() + 3)
        + uri.authority().map_or(0, |host| host.as_str().len());
    let fields = head.headers.iter();
    let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + FIELD);
    head.method.as_str().len() + 1 + origin + target + LINE + fields.sum::<usize>()
}
