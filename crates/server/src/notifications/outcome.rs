//! How an attempt to send a notice went, and what an answer means.

use std::time::Duration;

use http::StatusCode;
use writ_outside::guard::{GuardError, GuardedResponse};

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Delivered(String),
    /// Again after the usual pause, or after this one if it is longer.
    Again(String, Option<Duration>),
    Never(String),
    /// What had to be written was written with the attempt.
    Settled,
}

impl Outcome {
    /// What an answer means: a refusal that will be the same tomorrow ends it (RFC 9110 section 15.5).
    pub fn of(reply: Result<GuardedResponse, GuardError>) -> Self {
        match reply {
            Ok(reply) if reply.status.is_success() => Self::Delivered(said(&reply)),
            Ok(reply) if is_final(reply.status) => Self::Never(said(&reply)),
            Ok(reply) => Self::Again(said(&reply), reply.retry_after),
            Err(refused) if refused.is_permanent() => Self::Never(refused.to_string()),
            Err(refused) => Self::Again(refused.to_string(), None),
        }
    }
}

fn said(reply: &GuardedResponse) -> String {
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
