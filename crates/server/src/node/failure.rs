//! Why a request fails: the error that its client gets, the event that is recorded, and faults of this server.

use std::time::Duration;

use http::StatusCode;
use writ_core::OAuthError;
use writ_core::event::{Event, EventName};
use writ_jose::key::KeyError;
use writ_store::StoreError;
use writ_wire::form::FormError;

use crate::node::app::App;

/// Why a request fails.
#[derive(Debug)]
pub enum Failure {
    /// Before the client proved who it is: counted by the minute.
    Unauthenticated(Box<OAuthError>),
    /// For what is wrong HTTP has a status of its own: counted by the minute too.
    Unacceptable(Box<UnacceptableRequest>),
    /// One more than are admitted in a while: counted by the minute, and told when the next one is.
    Limited(Box<LimitedRequest>),
    /// Afterwards: an event of its own, in its own transaction.
    Refused(Box<RefusedRequest>),
    /// A person has not answered yet: nothing is refused, nothing is recorded.
    Waiting(Box<OAuthError>),
    /// A fault of this server: `server_error`, with the cause in its log.
    Broken(String),
    /// The database cannot be used just now: `temporarily_unavailable`, likewise.
    Unavailable(String),
    /// The same, after what was asked may have been done.
    InDoubt(String),
}

/// What is our fault, with the cause for our log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerFault {
    #[error("{0}")]
    Broken(String),
    /// The same may succeed later.
    #[error("{0}")]
    Unavailable(String),
    /// It may be done already: what may be used once must not be sent again.
    #[error("{0}")]
    InDoubt(String),
}

/// The cause of a fault that only its time shows.
pub const LATE: &str = "a request was not answered in time";

impl ServerFault {
    /// Of a commit, or of what must be known after it.
    pub fn of_commit(error: StoreError) -> Self {
        match error.leaves_commit_in_doubt() {
            true => Self::InDoubt(error.to_string()),
            false => error.into(),
        }
    }
}

impl From<StoreError> for ServerFault {
    fn from(error: StoreError) -> Self {
        match error.is_unavailable() {
            true => Self::Unavailable(error.to_string()),
            false => Self::Broken(error.to_string()),
        }
    }
}

impl From<ServerFault> for Failure {
    fn from(fault: ServerFault) -> Self {
        match fault {
            ServerFault::Broken(cause) => Self::Broken(cause),
            ServerFault::Unavailable(cause) => Self::Unavailable(cause),
            ServerFault::InDoubt(cause) => Self::InDoubt(cause),
        }
    }
}

/// A refusal by a rate limit.
#[derive(Debug)]
pub struct LimitedRequest {
    pub refusal: OAuthError,
    pub retry_after: Duration,
}

/// A request whose path, method or body is not taken, whatever it says.
#[derive(Debug)]
pub struct UnacceptableRequest {
    pub reason: Unacceptable,
    pub refusal: OAuthError,
}

/// Why a request is not taken (RFC 9110 sections 15.5.6, 15.5.14 and 15.5.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unacceptable {
    Method,
    TooLarge,
    /// Another one than this.
    MediaType(&'static str),
    /// It broke off, or was not encoded as HTTP says.
    Unreadable,
    /// It has characters that no path here has.
    Path,
}

impl Unacceptable {
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unreadable | Self::Path => StatusCode::BAD_REQUEST,
        }
    }
}

/// A refusal after client authentication. The endpoint that answers it gives the event its name.
#[derive(Debug)]
pub struct RefusedRequest {
    pub refusal: OAuthError,
    pub event: Event,
    /// When the same may be asked again.
    pub retry_after: Option<Duration>,
}

impl Failure {
    pub fn limited(refusal: OAuthError, retry_after: Duration) -> Self {
        Self::Limited(Box::new(LimitedRequest {
            refusal,
            retry_after,
        }))
    }

    pub fn unacceptable(reason: Unacceptable, refusal: OAuthError) -> Self {
        Self::Unacceptable(Box::new(UnacceptableRequest { reason, refusal }))
    }

    /// The same, and when the client may ask again.
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        if let Self::Refused(refused) = &mut self {
            refused.retry_after = Some(wait);
        }
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        ServerFault::from(error).into()
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<OAuthError> for Failure {
    fn from(refusal: OAuthError) -> Self {
        Self::Unauthenticated(Box::new(refusal))
    }
}

impl From<FormError> for Failure {
    fn from(error: FormError) -> Self {
        OAuthError::from(error).into()
    }
}

impl App {
    /// A refusal with its event, for after client authentication.
    pub fn refused(&self, refusal: OAuthError, fill: impl FnOnce(Event) -> Event) -> Failure {
        let now = self.clock.now();
        let event = Event::new(self.event_id(now), now, EventName::RequestRefused);
        Failure::Refused(Box::new(RefusedRequest {
            event: fill(event).denied(&refusal),
            refusal,
            retry_after: None,
        }))
    }
}
