//! Verifies the result of a liveness verifier (docs/liveness.md): a live person was in front of one approval screen just now.

use std::time::Duration;

use writ_wire::liveness::{LivenessResultClaims, RESULT_TYPE};
use writ_wire::time::Timestamp;

use super::{AssertionError, UnverifiedAssertion};
use crate::encoding::quoted;
use crate::hash::digest_text;
use crate::jws::JwsError;
use crate::key::{KeySet, PublicKey};

/// The longest lifetime of a result, from `iat` to `exp`.
pub const MAX_LIVENESS_LIFE: Duration = Duration::from_secs(300);
/// The longest result that is read, in bytes: it is stored in the receipt.
pub const MAX_LIVENESS_BYTES: usize = 4096;

/// What a result is verified against.
#[derive(Clone, Copy, Debug)]
pub struct LivenessRules<'a> {
    /// Its `iss`.
    pub verifier: &'a str,
    /// Its `aud`.
    pub issuer: &'a str,
    pub now: Timestamp,
}

/// A verified result. It may be used once: see [`Self::replay_digest`].
#[derive(Clone, Debug)]
pub struct LivenessResult {
    pub verifier: String,
    /// The pseudonym in the request.
    pub subject: String,
    pub finding: LivenessResultClaims,
    /// The verifier's key that verified.
    pub signer: PublicKey,
    pub jti: String,
    /// Until then a replay must be detected; no node accepts the result later.
    pub accepted_until: Timestamp,
}

impl LivenessResult {
    /// Verifies with one of the pinned `keys`.
    pub fn verify(
        text: &str,
        keys: &KeySet,
        rules: &LivenessRules<'_>,
    ) -> Result<Self, AssertionError> {
        if text.len() > MAX_LIVENESS_BYTES {
            return Err(AssertionError::Malformed(JwsError::TooLong));
        }
        let assertion = UnverifiedAssertion::parse(text)?;
        if assertion.jws.header().typ.as_deref() != Some(RESULT_TYPE) {
            let found = assertion.jws.header().typ.as_deref();
            return Err(AssertionError::Type {
                expected: RESULT_TYPE,
                found: quoted(found.unwrap_or_default()),
            });
        }
        let signer = assertion.verify_signature(keys)?.clone();
        if assertion.claims.iss != rules.verifier {
            return Err(AssertionError::Issuer(quoted(rules.verifier)));
        }
        if !assertion.audience_is_string(rules.issuer) {
            return Err(AssertionError::Audience {
                expected: rules.issuer.to_owned(),
                form: "as a string, not a list",
            });
        }
        assertion.check_jti()?;
        assertion.claims.iat.ok_or(AssertionError::Missing("iat"))?;
        let accepted_until = assertion.check_time(rules.now, MAX_LIVENESS_LIFE)?;
        let finding = assertion.jws.unverified_claims();
        Ok(Self {
            finding: finding.map_err(AssertionError::Malformed)?,
            verifier: assertion.claims.iss,
            subject: assertion.claims.sub,
            signer,
            jti: assertion.claims.jti,
            accepted_until,
        })
    }

    /// What must be claimed once per result; by verifier.
    pub fn replay_digest(&self) -> String {
        digest_text(&[b"liveness", self.verifier.as_bytes(), self.jti.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use writ_wire::jwk::JwkSet;

    use super::*;

    /// What is longer is not even taken apart.
    #[test]
    fn a_result_has_a_longest_text() {
        let keys = KeySet::from_jwks(&JwkSet { keys: Vec::new() }).unwrap();
        let rules = LivenessRules {
            verifier: "https://seer.example",
            issuer: "https://as.example",
            now: Timestamp::from_seconds(1_790_000_000),
        };
        for (length, is_too_long) in [(MAX_LIVENESS_BYTES, false), (MAX_LIVENESS_BYTES + 1, true)] {
            let refused = LivenessResult::verify(&"x".repeat(length), &keys, &rules).unwrap_err();
            let too_long = AssertionError::Malformed(JwsError::TooLong);
            assert_eq!(refused == too_long, is_too_long, "{length}: {refused}");
        }
    }
}
