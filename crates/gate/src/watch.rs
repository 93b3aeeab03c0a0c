//! Whoever listens to a stream, or waits for an answer, is still good: until the token expires, and as long as the issuer says so.

use std::time::Duration;

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use writ_verifier::{Caller, Reason, Rejection, Verifier};

/// Between two questions to the issuer.
const EACH: Duration = Duration::from_secs(1);
/// Questions that may go unanswered, one after the other.
pub(crate) const MAX_UNANSWERED: u32 = 5;

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
        if let Some(ended) = look(verifier, caller, &mut unanswered).await {
            return ended;
        }
    }
}

/// One question to the issuer. `unanswered` counts those that had no answer, one after the other.
pub(crate) async fn look(
    verifier: &Verifier,
    caller: &Caller,
    unanswered: &mut u32,
) -> Option<Ended> {
    let Err(refused) = verifier.still_good(caller).await else {
        *unanswered = 0;
        return None;
    };
    let why = match refused.reason() {
        Reason::Unavailable { .. } if *unanswered < MAX_UNANSWERED => {
            *unanswered += 1;
            return None;
        }
        Reason::Unavailable { .. } => "the issuer cannot be asked about this token",
        _ => "the token is no longer good: it expired, or was stopped",
    };
    Some(Ended::of(refused, why))
}
