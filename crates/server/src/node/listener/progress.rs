//! What a connection waits for, and until when: the head of a request, the next request, a client that reads. The body of a request has
//! a deadline of its own (`body.rs`), so that its client is told.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::LONG_REQUEST;
use super::places::Place;
use crate::node::metrics::CutConnection;

/// Of one connection.
pub(super) struct Progress {
    pub(super) place: Arc<Place>,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    came: Came,
    /// Since when the client has not read what is being written.
    unread_since: Option<Instant>,
}

/// Bytes of a client, since the request before was answered.
#[derive(Clone, Copy, Default)]
struct Came {
    all: usize,
    /// Those that came together, at last.
    last: usize,
    /// What they were of the request that is read.
    of_request: usize,
}

impl Came {
    /// What came behind the request: it began in what came at last.
    fn behind(self) -> Self {
        let all = self.all.saturating_sub(self.of_request).min(self.last);
        Self {
            all,
            last: all,
            of_request: 0,
        }
    }
}

#[derive(Clone, Copy)]
enum Phase {
    /// No byte of the next request came yet.
    Idle {
        since: Instant,
    },
    Head {
        since: Instant,
    },
    /// The head of a request is here, and its answer not yet sent.
    Request,
}

/// When the connection ends, if nothing happens.
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) why: CutConnection,
}

impl Progress {
    pub(super) fn new(place: Arc<Place>) -> Self {
        Self {
            place,
            state: Mutex::new(State {
                phase: Phase::Head {
                    since: Instant::now(),
                },
                came: Came::default(),
                unread_since: None,
            }),
        }
    }

    /// The head of a request is here, of so many bytes.
    pub(super) fn request_began(&self, head: usize) {
        let mut state = self.state();
        state.phase = Phase::Request;
        state.came.of_request = head;
    }

    /// So many bytes of its body were read.
    pub(super) fn body_came(&self, bytes: usize) {
        let came = &mut self.state().came;
        came.of_request = came.of_request.saturating_add(bytes);
    }

    /// Whether the buffer of the request should not stay.
    pub(super) fn is_long(&self) -> bool {
        self.state().came.of_request > LONG_REQUEST
    }

    /// Its answer is sent.
    pub(super) fn request_ended(&self) {
        let since = Instant::now();
        let behind = {
            let mut state = self.state();
            state.came = state.came.behind();
            // The next request began already.
            state.phase = match state.came.all {
                0 => Phase::Idle { since },
                _ => Phase::Head { since },
            };
            state.came.all
        };
        self.place.waits();
        if behind > 0 {
            self.place.holds(behind);
        }
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        let state = self.state();
        let deadlines = self.place.deadlines();
        let of_phase = match state.phase {
            Phase::Idle { since } => Some((since + deadlines.idle, CutConnection::Idle)),
            Phase::Head { since } => Some((since + deadlines.head, CutConnection::LateHead)),
            Phase::Request => None,
        };
        let of_reader = state
            .unread_since
            .map(|since| (since + deadlines.write, CutConnection::Unread));
        // As long as a client does not read, nothing that it sends is read either.
        let next = of_reader.or(of_phase);
        next.map(|(at, why)| Deadline { at, why })
    }

    fn bytes_came(&self, bytes: usize) {
        let all = {
            let mut state = self.state();
            if let Phase::Idle { .. } = state.phase {
                state.phase = Phase::Head {
                    since: Instant::now(),
                };
            }
            state.came.last = bytes;
            state.came.all = state.came.all.saturating_add(bytes);
            state.came.all
        };
        self.place.holds(all);
    }

    fn wrote<T>(&self, written: &Poll<T>) {
        let mut state = self.state();
        match written {
            Poll::Ready(_) => state.unread_since = None,
            Poll::Pending => _ = state.unread_since.get_or_insert_with(Instant::now),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that notes what its client does.
pub(super) struct NotedStream<S> {
    pub(super) stream: S,
    pub(super) progress: Arc<Progress>,
}

impl<S: AsyncRead + Unpin> AsyncRead for NotedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let came = buffer.filled().len().saturating_sub(before);
        if came > 0 {
            self.progress.bytes_came(came);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for NotedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.progress.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.progress.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.progress.wrote(&flushed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.progress.wrote(&ended);
        ended
    }
}
