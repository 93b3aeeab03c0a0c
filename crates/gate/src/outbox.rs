//! What goes to the client for one request: one answer, or a stream of events when it takes longer. The stream's place is given back
//! when it ends, by whomever.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_core::Stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::answers::answered;
use crate::gate::StreamPlace;
use crate::sse;

/// How long an answer may take before it becomes a stream.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// Between two comments of a stream in which nothing happens.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Events that the client has not read yet; the server waits then.
const UNREAD: usize = 16;

pub(crate) enum Frame {
    Event {
        id: Option<String>,
        message: Value,
    },
    /// The last one.
    Answer(Answer),
}

pub(crate) struct Answer {
    /// Where the answer is no stream.
    pub(crate) status: StatusCode,
    pub(crate) message: Option<Value>,
    /// More header fields, where the answer is no stream.
    pub(crate) fields: HeaderMap,
}

impl Answer {
    pub(crate) fn of(status: StatusCode, message: Value) -> Self {
        Self {
            status,
            message: Some(message),
            fields: HeaderMap::new(),
        }
    }
}

/// Where a request's story puts what the client is to hear.
#[derive(Clone)]
pub(crate) struct Outbox(mpsc::Sender<Frame>);

/// The client's side of it.
pub(crate) struct Inbox(mpsc::Receiver<Frame>);

pub(crate) fn channel() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(UNREAD);
    (Outbox(sender), Inbox(receiver))
}

impl Outbox {
    /// `false` where the client has gone.
    pub(crate) async fn send(&self, frame: Frame) -> bool {
        self.0.send(frame).await.is_ok()
    }

    /// What nobody misses if the client reads too slowly.
    pub(crate) fn offer(&self, message: Value) {
        let _ = self.0.try_send(Frame::Event { id: None, message });
    }

    pub(crate) async fn answer(&self, status: StatusCode, message: Value) {
        self.send(Frame::Answer(Answer::of(status, message))).await;
    }

    /// Resolves when the client has gone.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}

/// Whether an answer that takes long becomes a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    AnswerOrStream,
    AnswerOnly,
}

impl Inbox {
    pub(crate) async fn response(mut self, form: Form, place: StreamPlace) -> Response<Body> {
        let first = match form {
            Form::AnswerOnly => Ok(self.0.recv().await),
            Form::AnswerOrStream => timeout(HEAD_PATIENCE, self.0.recv()).await,
        };
        match first {
            Ok(Some(Frame::Answer(answer))) => whole(answer),
            Ok(None) => answered(StatusCode::BAD_GATEWAY, None),
            Ok(first @ Some(Frame::Event { .. })) => stream(first, self.0, place),
            Err(_) => stream(None, self.0, place),
        }
    }

    /// A stream from the start, whatever comes.
    pub(crate) fn stream(self, place: StreamPlace) -> Response<Body> {
        stream(None, self.0, place)
    }
}

fn whole(answer: Answer) -> Response<Body> {
    let mut response = answered(answer.status, answer.message.as_ref());
    response.headers_mut().extend(answer.fields);
    response
}

fn stream(first: Option<Frame>, rest: mpsc::Receiver<Frame>, place: StreamPlace) -> Response<Body> {
    let mut keep_alive = interval(KEEP_ALIVE);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let events = Events {
        first,
        rest,
        keep_alive,
        is_over: false,
        _place: place,
    };
    let mut response = Response::new(Body::from_stream(events));
    for (name, value) in STREAM_FIELDS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

struct Events {
    first: Option<Frame>,
    rest: mpsc::Receiver<Frame>,
    keep_alive: Interval,
    is_over: bool,
    _place: StreamPlace,
}

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let events = self.get_mut();
        loop {
            if events.is_over {
                return Poll::Ready(None);
            }
            let frame = match events.first.take() {
                Some(first) => Some(first),
                None => match events.rest.poll_recv(context) {
                    Poll::Ready(frame) => frame,
                    Poll::Pending => {
                        let ticked = events.keep_alive.poll_tick(context);
                        return ticked.map(|_| Some(Ok(sse::COMMENT)));
                    }
                },
            };
            match frame {
                Some(Frame::Event { id, message }) => {
                    return Poll::Ready(Some(Ok(sse::written(
                        id.as_deref(),
                        &message.to_string(),
                    ))));
                }
                Some(Frame::Answer(answer)) => {
                    events.is_over = true;
                    if let Some(message) = answer.message {
                        return Poll::Ready(Some(Ok(sse::written(None, &message.to_string()))));
                    }
                }
                None => events.is_over = true,
            }
        }
    }
}

const STREAM_FIELDS: [(HeaderName, &str); 3] = [
    (CONTENT_TYPE, "text/event-stream"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("x-accel-buffering"), "no"),
];
