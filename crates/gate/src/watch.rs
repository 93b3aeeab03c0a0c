//! Whoever listens to a stream, or waits for an answer, is still good: until the token expires, and as long as the issuer says so.

use std::time::Duration;

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use writ_verifier::{Caller, Reason, Rejection, Verifier};

use crate::answers;
use crate::outbox::Answer;

/// Between two questions to the issuer.
const EACH: Duration = Duration::from_secs(1);
/// Questions that may go unanswered, one after the other.
pub(crate) const MAX_UNANSWERED: u32 = 5;

/// Why a caller is good no longer, as the verifier would answer its next request.
pub(crate) struct Ended {
    status: StatusCode,
    /// Where to get another token, or when to try again.
    fields: HeaderMap,
    pub(crate) why: &'static str,
}

impl Ended {
    fn of(refused: Rejection) -> Self {
        let why = match is_unanswered(&refused) {
            true => "the issuer cannot be asked about this token",
            false => "the token is no longer good: it expired, or was stopped",
        };
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

    /// To the request of this id, which is not answered yet.
    pub(crate) fn answer(self, id: &Value) -> Answer {
        let message = answers::error(Some(id), answers::NOT_PERMITTED, self.why);
        Answer {
            fields: self.fields,
            ..Answer::of(self.status, message)
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

/// Whether the caller is no longer good now. Where the issuer does not say, [`until_ended`] goes on asking.
pub(crate) async fn has_ended(verifier: &Verifier, caller: &Caller) -> Option<Ended> {
    let refused = verifier.still_good(caller).await.err()?;
    (!is_unanswered(&refused)).then(|| Ended::of(refused))
}

/// One question to the issuer. `unanswered` counts those that had no answer, one after the other.
pub(crate) async fn look(
    verifier: &Verifier,
    caller: &Caller,
    unanswered: &mut u32,
) -> Option<Ended> {
    match verifier.still_good(caller).await {
        Ok(()) => {
            *unanswered = 0;
            None
        }
        Err(refused) if is_unanswered(&refused) && *unanswered < MAX_UNANSWERED => {
            *unanswered += 1;
            None
        }
        Err(refused) => Some(Ended::of(refused)),
    }
}

fn is_unanswered(refused: &Rejection) -> bool {
    matches!(refused.reason(), Reason::Unavailable { .. })
}
