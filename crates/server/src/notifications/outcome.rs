//! The outcome of an attempt to send a notice.

use std::time::Duration;

use http::StatusCode;
use writ_platform::guard::{GuardError, GuardedResponse};
use writ_store::StoreError;

use crate::node::failure::Failure;

/// The outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver took it; with its answer.
    Delivered(String),
    /// Tried again after the usual pause, or after this one if it is longer.
    Retry(String, Option<Duration>),
    /// Not tried again.
    Failed(String),
    /// Recorded already, in the transaction of the attempt itself.
    Recorded,
}

impl DeliveryOutcome {
    /// By the answer of a receiver: a client error is final, unless its status says that it is temporary (RFC 9110 section 15.5).
    pub fn of(reply: Result<GuardedResponse, GuardError>) -> Self {
        match reply {
            Ok(reply) if reply.status.is_success() => Self::Delivered(status_text(&reply)),
            Ok(reply) if is_final(reply.status) => Self::Failed(status_text(&reply)),
            Ok(reply) => Self::Retry(status_text(&reply), reply.retry_after),
            Err(refused) if refused.is_permanent() => Self::Failed(refused.to_string()),
            Err(refused) => Self::Retry(refused.to_string(), None),
        }
    }
}

/// Why a notice is not sent now.
#[derive(Debug)]
pub(crate) enum NotSent {
    /// What is recorded of the attempt.
    Outcome(DeliveryOutcome),
    /// A failure of this server: tried again.
    Failure(Failure),
}

impl From<DeliveryOutcome> for NotSent {
    fn from(outcome: DeliveryOutcome) -> Self {
        Self::Outcome(outcome)
    }
}

impl From<Failure> for NotSent {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<StoreError> for NotSent {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

fn status_text(reply: &GuardedResponse) -> String {
    format!("status {}", reply.status.as_u16())
}

fn is_final(status: StatusCode) -> bool {
    let temporary = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status.is_client_error() && !temporary.contains(&status)
}
