//! Whoever listens to a stream, or waits for an answer, is still good: until the token expires, and as long as the issuer says so.

use std::time::Duration;

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use writ_verifier::{Caller, Reason, Rejection, Verifier};

/// Between two questions to the issuer.
const EACH: Duration = Duration::from_secs(1);
/// Questions that may go unanswered, one after the other.
const MAX_UNANSWERED: u32 = 5;

/// Why a caller is good no longer, as the verifier would answer its next request.
pub(crate) struct Ended {
    pub(crate) status: StatusCode,
    /// Where to get another token, or when to try again.
    pub(crate) fields: HeaderMap,
    pub(crate) why: &'static str,
}

impl Ended {
    fn of(refused: Rejection, why: &'static str) -> Self {
        let answer = refused.into_response();
        let mut fields = answer.headers().clone();
        let kept = [WWW_AUTHENTICATE, RETRY_AFTER];
        let others: Vec<_> = fields
            .keys()
            .filter(|name| !kept.contains(name))
            .cloned()
            .collect();
        for name in others {
            fields.remove(name);
        }
        Self {
            status: answer.status(),
            fields,
            why,
        }
    }
}

/// Resolves when the caller is no longer good.
pub(crate) async fn until_ended(verifier: &Verifier, caller: &Caller) -> Ended {
    let mut unanswered = 0;
    loop {
        tokio::time::sleep(EACH).await;
        match verifier.still_good(caller).await {
            Ok(()) => unanswered = 0,
            Err(refused) => match refused.reason() {
                Reason::Unavailable { .. } if unanswered < MAX_UNANSWERED => unanswered += 1,
                Reason::Unavailable { .. } => {
                    return Ended::of(refused, "the issuer cannot be asked about this token");
                }
                _ => {
                    let why = "the token is no longer good: it expired, or was stopped";
                    return Ended::of(refused, why);
                }
            },
        }
    }
}
