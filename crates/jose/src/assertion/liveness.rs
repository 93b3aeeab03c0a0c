//! What a verifier of liveness says (docs/liveness.md): one person, before one screen, a moment ago. Good once.

use std::time::Duration;

use writ_wire::liveness::{LivenessResultClaims, RESULT_TYPE};
use writ_wire::time::Timestamp;

use super::{AssertionError, UnverifiedAssertion};
use crate::encoding::quoted;
use crate::hash::digest_text;
use crate::jws::JwsError;
use crate::key::{KeySet, PublicKey};

/// The longest life of a result, from `iat` to `exp`.
pub const MAX_LIVENESS_LIFE: Duration = Duration::from_secs(300);
/// A longer result is not read: it is kept in the receipt.
pub const MAX_LIVENESS_BYTES: usize = 4096;

/// What a result has to fit.
#[derive(Clone, Copy, Debug)]
pub struct LivenessRules<'a> {
    /// Its `iss`.
    pub verifier: &'a str,
    /// Its `aud`.
    pub issuer: &'a str,
    pub now: Timestamp,
}

/// The verifier said all of this. Good once.
#[derive(Clone, Debug)]
pub struct Liveness {
    pub verifier: String,
    /// The pseudonym of our request.
    pub subject: String,
    pub finding: LivenessResultClaims,
    /// The verifier's key that signed it.
    pub signer: PublicKey,
    pub jti: String,
    /// No node accepts the result after this.
    pub accepted_until: Timestamp,
}

impl Liveness {
    /// By one of the pinned keys, with the algorithm of its type.
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

    /// What may happen once, by verifier.
    pub fn replay_digest(&self) -> String {
        digest_text(&[b"liveness", self.verifier.as_bytes(), self.jti.as_bytes()])
    }
}
