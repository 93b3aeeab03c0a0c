//! Whoever listens to a stream, or waits for an answer, is still good: until the token expires, and as long as the issuer says so.

use std::time::Duration;

use writ_verifier::{Caller, Reason, Verifier};

/// Between two questions to the issuer.
const EACH: Duration = Duration::from_secs(1);
/// Questions that may go unanswered, one after the other.
const MAX_UNANSWERED: u32 = 5;

/// Resolves when the caller is no longer good, with a sentence about it.
pub(crate) async fn until_ended(verifier: &Verifier, caller: &Caller) -> &'static str {
    let mut unanswered = 0;
    loop {
        tokio::time::sleep(EACH).await;
        match verifier.still_good(caller).await {
            Ok(()) => unanswered = 0,
            Err(refused) => match refused.reason() {
                Reason::Unavailable { .. } if unanswered < MAX_UNANSWERED => unanswered += 1,
                Reason::Unavailable { .. } => return "the issuer cannot be asked about this token",
                _ => return "the token is no longer good: it expired, or was stopped",
            },
        }
    }
}
