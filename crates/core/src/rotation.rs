//! A refresh token that was rotated away and comes again (RFC 9700 section 4.14.2): its client lost the answer, or somebody else has
//! it. Each use is judged by what had happened when the request came in, so that requests at the same moment are no theft.

use std::time::Duration;

use writ_jose::key::Thumbprint;
use writ_wire::time::Timestamp;

use crate::code::Consumed;
use crate::refresh::FoundRefreshToken;

/// How long a client without a key may come again. With a key there is no such end: nobody else can come with it.
pub const KEYLESS_GRACE: Duration = Duration::from_secs(60);

/// The refresh token that took the place of a rotated one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    pub digest: String,
    /// When it, or the access token that came with it, was first presented: then its answer was not lost.
    pub seen_at: Option<Timestamp>,
}

/// What a further use is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// The answer was lost: one more successor, in the place of the one with this digest, which dies.
    Twin { replaces: String },
    /// Two requests at the same moment: this one is refused, nothing is stopped.
    Raced,
    /// A second party has it.
    Theft,
}

/// `None` for a token that was not used yet.
pub fn reuse(
    found: &FoundRefreshToken,
    proof: Option<&Thumbprint>,
    now: Timestamp,
) -> Option<Reuse> {
    if let Some(dead_at) = found.dead_at {
        return Some(after(dead_at, now));
    }
    let consumed = found.consumed.as_ref()?;
    if let Some(twin_at) = found.twin_at {
        return Some(after(twin_at, now));
    }
    let Some(successor) = &found.successor else {
        return Some(after(consumed.at, now));
    };
    if let Some(seen_at) = successor.seen_at {
        return Some(after(seen_at.max(consumed.at), now));
    }
    if now <= consumed.at {
        return Some(Reuse::Raced);
    }
    if !is_same_client(consumed, proof, now) {
        return Some(Reuse::Theft);
    }
    Some(Reuse::Twin {
        replaces: successor.digest.clone(),
    })
}

/// A request that came in before that cannot have known of it.
fn after(happened_at: Timestamp, now: Timestamp) -> Reuse {
    if now <= happened_at {
        Reuse::Raced
    } else {
        Reuse::Theft
    }
}

/// Two absent keys are not the same key: without one only the time speaks for the client.
fn is_same_client(consumed: &Consumed, proof: Option<&Thumbprint>, now: Timestamp) -> bool {
    match (&consumed.jkt, proof) {
        (Some(first), Some(second)) => first == second,
        (None, None) => now <= consumed.at.plus(KEYLESS_GRACE),
        (Some(_), None) | (None, Some(_)) => false,
    }
}
