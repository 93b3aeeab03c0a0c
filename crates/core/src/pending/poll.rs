//! Which error or token a poll gets (CIBA section 11, RFC 8628 section 3.5), checked in the order of the specification.

use writ_wire::error::ErrorCode;
use writ_wire::time::Timestamp;

use super::{Decision, Delivery, Kind, MAX_HASTY_POLLS, PendingRequest, PendingStatus, Polling};
use crate::id::ClientId;
use crate::oauth_error::OAuthError;

/// What there is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Poll<'a> {
    /// The final answer: the client stops polling.
    Refuse(OAuthError),
    /// Nobody decided yet: the poll is counted, and answered `authorization_pending` or `slow_down`.
    Wait(&'a PendingRequest),
    Redeem(&'a PendingRequest, &'a Decision),
}

/// Decides by what was found under the handle.
pub fn poll<'a>(
    found: Option<&'a PendingRequest>,
    kind: Kind,
    client: &ClientId,
    now: Timestamp,
) -> Poll<'a> {
    // Unknown, another client's and used up look the same.
    let Some(request) = found.filter(|r| r.kind == kind && r.client == *client) else {
        return Poll::Refuse(unknown(kind));
    };
    if request.asked.delivery == Delivery::Push {
        let sentence = "the answer to this request is pushed: it cannot be fetched";
        return Poll::Refuse(OAuthError::new(ErrorCode::UnauthorizedClient, sentence));
    }
    match request.status_at(now) {
        PendingStatus::Redeemed { .. } => Poll::Refuse(unknown(kind)),
        // The last word is a no.
        taken_back if taken_back.was_taken_back() => Poll::Refuse(OAuthError::new(
            ErrorCode::AccessDenied,
            "a person approved this, and said no to the same before the answer was fetched",
        )),
        PendingStatus::Expired { .. } | PendingStatus::Superseded | PendingStatus::Cancelled => {
            Poll::Refuse(OAuthError::new(
                ErrorCode::ExpiredToken,
                "nobody decided in time, or the answer was not fetched in time: ask again",
            ))
        }
        PendingStatus::Denied(_) => Poll::Refuse(OAuthError::new(
            ErrorCode::AccessDenied,
            "the person did not agree",
        )),
        _ if request.polling.hasty >= MAX_HASTY_POLLS => Poll::Refuse(too_hasty()),
        PendingStatus::Approved(decision) => Poll::Redeem(request, decision),
        PendingStatus::Pending | PendingStatus::Viewed => Poll::Wait(request),
    }
}

impl Polling {
    /// What an undecided request answers; `hasty` after a poll that came too early.
    pub fn answer(self, hasty: Hasty) -> OAuthError {
        match hasty {
            Hasty::No => OAuthError::new(
                ErrorCode::AuthorizationPending,
                format!("nobody decided yet: ask again in {} s", self.interval),
            ),
            Hasty::Yes if self.hasty >= MAX_HASTY_POLLS => too_hasty(),
            Hasty::Yes => OAuthError::new(
                ErrorCode::SlowDown,
                format!("too fast: ask every {} s from now on", self.interval),
            ),
        }
    }
}

/// Whether a poll came before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hasty {
    No,
    Yes,
}

fn unknown(kind: Kind) -> OAuthError {
    OAuthError::invalid_grant(format!(
        "this `{}` is not known, was used before, or belongs to another client",
        kind.handle()
    ))
}

fn too_hasty() -> OAuthError {
    OAuthError::invalid_request("too many polls came too fast: this request is over")
}
