//! Bodies of requests with a deadline, and of answers whose end is noted.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::progress::Progress;

/// The body of a request, all of which must come before its deadline.
pub(super) struct TimedBody {
    body: Incoming,
    progress: Arc<Progress>,
    deadline: Instant,
    /// Most bodies come with their head, and need no timer.
    timer: Option<Pin<Box<Sleep>>>,
    is_late: Arc<AtomicBool>,
}

/// Whether a body did not come in time.
pub(super) struct Lateness(Arc<AtomicBool>);

/// The client did not send all of the body in time.
#[derive(Debug)]
pub(super) struct LateBody;

impl TimedBody {
    pub(super) fn new(body: Incoming, progress: &Arc<Progress>) -> (Self, Lateness) {
        let is_late = Arc::new(AtomicBool::new(false));
        if body.is_end_stream() {
            progress.place.works();
        }
        let timed = Self {
            body,
            progress: progress.clone(),
            deadline: Instant::now() + progress.place.deadlines().body,
            timer: None,
            is_late: is_late.clone(),
        };
        (timed, Lateness(is_late))
    }
}

impl Lateness {
    pub(super) fn is_late(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                if let Some(Ok(data)) = frame.as_ref().map(|f| f.as_ref().map(Frame::data_ref)) {
                    self.progress.body_came(data.map_or(0, Bytes::len));
                }
                if frame.is_none() || self.body.is_end_stream() {
                    self.progress.place.works();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let deadline = self.deadline;
                let timer = self
                    .timer
                    .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                timer.as_mut().poll(context).map(|()| {
                    self.is_late.store(true, Ordering::Relaxed);
                    Some(Err(LateBody.into()))
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Display for LateBody {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("the body of the request did not come in time")
    }
}

impl std::error::Error for LateBody {}

/// The body of an answer: once it is sent, the connection waits for its client again.
pub(super) struct AnswerBody {
    pub(super) body: Body,
    pub(super) progress: Arc<Progress>,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.progress.request_ended();
    }
}
