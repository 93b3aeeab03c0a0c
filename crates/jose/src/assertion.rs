//! Signed assertions: client authentication (RFC 7523 with 7523bis), actor assertions (an agent accepts a delegation), signed
//! backchannel requests and hints (CIBA), transaction challenges, liveness results. They differ in `typ` or in the claims that they
//! must or must not have, so that none is accepted as another. The caller detects replay by `replay_digest`.

mod actor;
mod client;
mod hint;
mod liveness;
mod request;
mod transaction;

pub use actor::{ActorAssertion, ActorAssertionRules, MAX_ACTOR_ASSERTION_LIFE};
pub use client::{
    AudienceRule, ClientAssertion, ClientAssertionRules, MAX_CLIENT_ASSERTION_LIFE,
    MAX_LONG_ASSERTION_LIFE, unverified_subject,
};
pub use hint::{
    HintRules, HintedIdentity, MAX_HINT_AGE, id_token_hint, login_hint, unverified_kid,
};
pub use liveness::{LivenessResult, LivenessRules, MAX_LIVENESS_BYTES, MAX_LIVENESS_LIFE};
pub use request::{MAX_REQUEST_LIFE, SignedRequest, SignedRequestRules};
pub use transaction::{MAX_CHALLENGE_LIFE, TransactionChallenge, TransactionRules};

use std::time::Duration;

use serde_json::Value;
use writ_wire::claims::AssertionClaims;
use writ_wire::time::Timestamp;

use crate::encoding::quoted;
use crate::jws::{JwsError, UnverifiedJwt};
use crate::key::{KeySet, PublicKey};

/// How far ahead the sender's clock may be (FAPI 2.0 section 5.3.2.1).
pub const MAX_FUTURE: Duration = Duration::from_secs(10);
/// The longest `jti`, in bytes.
pub const MAX_JTI_BYTES: usize = 256;

/// Why an assertion is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    #[error("the assertion cannot be read: {0}")]
    Malformed(JwsError),
    #[error("the assertion's `typ` must be `{expected}`, not `{found}`")]
    Type {
        expected: &'static str,
        found: String,
    },
    /// The sender may have published new keys.
    #[error(
        "no registered key fits the assertion's `kid` and `alg`: register it in `jwks`, or publish it at `jwks_uri`"
    )]
    UnknownKey,
    #[error("the assertion's signature does not verify with the registered key")]
    BadSignature,
    #[error("the assertion's `iss` and `sub` must both be `{0}`")]
    Subject(String),
    #[error("the `iss` (and `client_id`) must be `{0}`")]
    Issuer(String),
    #[error("the `alg` must be `{0}`, the registered `token_endpoint_auth_signing_alg`")]
    RegisteredAlgorithm(&'static str),
    #[error("the `alg` must be the registered one, {0}")]
    Algorithm(&'static str),
    #[error("`sub_id` must have the format `opaque`, not `{0}`")]
    SubjectFormat(String),
    #[error("the assertion's `aud` must be `{expected}` {form}")]
    Audience {
        expected: String,
        form: &'static str,
    },
    #[error("the assertion has expired: its `exp` is not in the future")]
    Expired,
    #[error("the assertion's `{0}` is more than 10 s in the future: check the clock")]
    Future(&'static str),
    #[error("the assertion lives too long: at most {0} s")]
    Life(u64),
    #[error("the assertion has no `{0}`")]
    Missing(&'static str),
    #[error("the JWT has `{0}`: it is no client assertion, and a client assertion has none")]
    Forbidden(&'static str),
    #[error("the assertion's `jti` must have 1 to {MAX_JTI_BYTES} bytes")]
    Jti,
    #[error("the challenge's `{0}` is empty, too long, or holds control characters")]
    Bounds(&'static str),
    #[error("the actor assertion's `azp` is not the agent that presents it, `{0}`")]
    Presenter(String),
    #[error("the actor assertion's `cnf.jkt` is not a SHA-256 thumbprint")]
    Confirmation,
}

/// A well-formed assertion; not to be trusted before one of its `verify` functions.
#[derive(Clone, Debug)]
pub struct UnverifiedAssertion<'a> {
    jws: UnverifiedJwt<'a>,
    claims: AssertionClaims,
}

impl<'a> UnverifiedAssertion<'a> {
    pub fn parse(text: &'a str) -> Result<Self, AssertionError> {
        Self::of(UnverifiedJwt::parse(text))
    }

    /// The same, with the algorithms of a client assertion.
    pub fn parse_of_client(text: &'a str) -> Result<Self, AssertionError> {
        Self::of(UnverifiedJwt::parse_client_assertion(text))
    }

    fn of(jws: Result<UnverifiedJwt<'a>, JwsError>) -> Result<Self, AssertionError> {
        let jws = jws.map_err(AssertionError::Malformed)?;
        let claims = jws.unverified_claims().map_err(AssertionError::Malformed)?;
        Ok(Self { jws, claims })
    }

    /// The claimed `sub`, unverified: only for looking up the keys.
    pub fn subject(&self) -> &str {
        &self.claims.sub
    }

    fn verify_signature<'k>(&self, keys: &'k KeySet) -> Result<&'k PublicKey, AssertionError> {
        verified_by(&self.jws, keys)
    }

    fn check_subject(&self, expected: &str) -> Result<(), AssertionError> {
        if self.claims.iss != expected || self.claims.sub != expected {
            return Err(AssertionError::Subject(quoted(expected)));
        }
        Ok(())
    }

    fn check_jti(&self) -> Result<(), AssertionError> {
        if !(1..=MAX_JTI_BYTES).contains(&self.claims.jti.len()) {
            return Err(AssertionError::Jti);
        }
        Ok(())
    }

    /// Checks `exp`, `iat` and `nbf`, and that the lifetime is at most `max_life`, counted from now if `iat` is absent. Returns until
    /// when a replay must be detected.
    fn check_time(&self, now: Timestamp, max_life: Duration) -> Result<Timestamp, AssertionError> {
        let expires_at = Timestamp::from_seconds(self.claims.exp);
        if now >= expires_at {
            return Err(AssertionError::Expired);
        }
        let latest = now.plus(MAX_FUTURE);
        for (time, name) in [(self.claims.iat, "iat"), (self.claims.nbf, "nbf")] {
            if time.is_some_and(|t| Timestamp::from_seconds(t) > latest) {
                return Err(AssertionError::Future(name));
            }
        }
        let start = self.claims.iat.map_or(latest, Timestamp::from_seconds);
        if expires_at > start.plus(max_life) {
            return Err(AssertionError::Life(max_life.as_secs()));
        }
        // `MAX_FUTURE` more, because the clocks of the nodes may differ.
        Ok(expires_at.plus(MAX_FUTURE))
    }

    fn audience_is_string(&self, expected: &str) -> bool {
        self.claims.aud.as_str() == Some(expected)
    }
}

/// The registered key that verifies the signature.
fn verified_by<'k>(
    jws: &UnverifiedJwt<'_>,
    keys: &'k KeySet,
) -> Result<&'k PublicKey, AssertionError> {
    let header = jws.header();
    let mut candidates = keys
        .candidates(header.kid.as_deref())
        .filter(|key| key.takes(header.alg))
        .peekable();
    candidates.peek().ok_or(AssertionError::UnknownKey)?;
    candidates
        .find(|key| jws.verify_signature(key).is_ok())
        .ok_or(AssertionError::BadSignature)
}

/// `aud` as a string or an array of strings (RFC 7519 section 4.1.3); `None` for anything else.
fn audiences(aud: &Value) -> Option<Vec<&str>> {
    match aud {
        Value::String(one) => Some(vec![one]),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
