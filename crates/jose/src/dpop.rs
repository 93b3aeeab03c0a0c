//! DPoP proofs: checks 2 to 12 of RFC 9449 section 4.3. The caller checks that there is one header field (check 1), and claims
//! the proof's replay digest in the transaction that uses the proof, so that a refused request does not use up a proof.

mod htu;

use std::time::Duration;

pub use htu::Htu;
use writ_wire::dpop::{PROOF_TYPE, ProofClaims};
use writ_wire::time::Timestamp;

use crate::hash::{constant_time_eq, digest_text};
use crate::jws::UnverifiedJwt;
use crate::key::{PublicKey, Thumbprint};
use crate::nonce::NonceKeys;

/// The oldest proof that is accepted without a nonce.
pub const MAX_AGE: Duration = Duration::from_secs(60);
/// The oldest proof that is accepted with a nonce, which limits its age even if the client's clock is wrong.
pub const MAX_AGE_WITH_NONCE: Duration = Duration::from_secs(300);
/// How far ahead the client's clock may be (FAPI 2.0 section 5.3.2.1).
pub const MAX_FUTURE: Duration = Duration::from_secs(10);
/// The longest `jti`, in bytes.
pub const MAX_JTI_BYTES: usize = 256;

/// The request that a proof must be for.
#[derive(Clone, Copy)]
pub struct ProofContext<'a> {
    pub method: &'a str,
    pub url: &'a Htu,
    pub now: Timestamp,
    pub nonce: NoncePolicy<'a>,
    pub token: TokenHash<'a>,
}

/// Whether a proof needs a nonce (RFC 9449 section 8).
#[derive(Clone, Copy)]
pub enum NoncePolicy<'a> {
    /// A nonce is ignored.
    NotUsed,
    /// A nonce may be absent; one that is sent must be valid.
    Optional(&'a NonceKeys),
    Required(&'a NonceKeys),
}

/// Whether a proof needs `ath`, and which: see [`crate::hash::access_token_hash`].
#[derive(Clone, Copy)]
pub enum TokenHash<'a> {
    /// A request without an access token: `ath` is ignored.
    None,
    /// A token request with a `subject_token`: `ath` may be absent, but must match.
    IfPresent(&'a str),
    /// A request to a resource.
    Required(&'a str),
}

/// Why a proof is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// `invalid_dpop_proof`, with a sentence for the developer.
    #[error("{0}")]
    Invalid(String),
    /// `use_dpop_nonce`: the response must bring a new nonce.
    #[error("the DPoP proof needs a valid nonce: take the one of this answer's `DPoP-Nonce`")]
    UseNonce,
}

/// A well-formed JWT from a `DPoP` header field.
#[derive(Clone, Debug)]
pub struct UnverifiedProof<'a>(UnverifiedJwt<'a>);

/// A verified proof that the sender of one request holds `key`. It may be used once: see [`DpopProof::replay_digest`].
#[derive(Clone, Debug)]
pub struct DpopProof {
    pub key: PublicKey,
    pub thumbprint: Thumbprint,
    pub jti: String,
    pub issued_at: Timestamp,
    /// Until then a replay must be detected; no node accepts the proof later.
    pub accepted_until: Timestamp,
}

impl<'a> UnverifiedProof<'a> {
    pub fn parse(header_value: &'a str) -> Result<Self, ProofError> {
        UnverifiedJwt::parse(header_value)
            .map(Self)
            .map_err(|e| invalid(format!("the DPoP proof cannot be read: {e}")))
    }

    /// Checks everything else before the nonce, so that only a holder of the key is told to use one.
    pub fn verify(self, context: &ProofContext<'_>) -> Result<DpopProof, ProofError> {
        let (key, claims) = self.verify_signature()?;
        check_jti(&claims)?;
        check_request(&claims, context)?;
        check_token(&claims, context.token)?;
        let max_age = max_age(&claims, context.nonce);
        let issued_at = check_time(&claims, context.now, max_age)?;
        check_nonce(&claims, context)?;
        Ok(DpopProof {
            thumbprint: key.thumbprint().clone(),
            key,
            jti: claims.jti,
            issued_at,
            // `MAX_FUTURE` more, because the clocks of the nodes may differ.
            accepted_until: issued_at.plus(max_age).plus(MAX_FUTURE),
        })
    }

    fn verify_signature(self) -> Result<(PublicKey, ProofClaims), ProofError> {
        if !self.0.typ_is(PROOF_TYPE) {
            return Err(invalid("the DPoP proof's `typ` is not `dpop+jwt`"));
        }
        let jwk = self.0.header().jwk.as_ref();
        let jwk = jwk.ok_or_else(|| invalid("the DPoP proof's header has no `jwk`"))?;
        let key = PublicKey::from_jwk(jwk)
            .map_err(|e| invalid(format!("the DPoP proof's `jwk` is not usable: {e}")))?;
        let claims = self
            .0
            .verify(&key)
            .map_err(|e| invalid(format!("the DPoP proof is not valid: {e}")))?;
        Ok((key, claims))
    }
}

impl DpopProof {
    /// What must be claimed once per proof. It includes the key, so that no client can use up the `jti` of another.
    pub fn replay_digest(&self) -> String {
        digest_text(&[
            b"dpop",
            self.thumbprint.as_str().as_bytes(),
            self.jti.as_bytes(),
        ])
    }
}

fn check_jti(claims: &ProofClaims) -> Result<(), ProofError> {
    if !(1..=MAX_JTI_BYTES).contains(&claims.jti.len()) {
        return Err(invalid(format!(
            "the DPoP proof's `jti` must have 1 to {MAX_JTI_BYTES} bytes"
        )));
    }
    Ok(())
}

fn check_request(claims: &ProofClaims, context: &ProofContext<'_>) -> Result<(), ProofError> {
    if claims.htm != context.method {
        return Err(invalid(format!(
            "the DPoP proof's `htm` is not `{}`",
            context.method
        )));
    }
    if !context.url.matches(&claims.htu) {
        return Err(invalid(format!(
            "the DPoP proof's `htu` is not `{}`",
            context.url.as_str()
        )));
    }
    Ok(())
}

fn check_token(claims: &ProofClaims, token: TokenHash<'_>) -> Result<(), ProofError> {
    let (expected, required) = match token {
        TokenHash::None => return Ok(()),
        TokenHash::IfPresent(expected) => (expected, false),
        TokenHash::Required(expected) => (expected, true),
    };
    match claims.ath.as_deref() {
        Some(ath) if constant_time_eq(ath.as_bytes(), expected.as_bytes()) => Ok(()),
        Some(_) => Err(invalid(
            "the DPoP proof's `ath` is not the hash of this access token",
        )),
        None if required => Err(invalid("the DPoP proof has no `ath`")),
        None => Ok(()),
    }
}

/// Where a nonce is required, the age of a proof is limited by its nonce: so a client with a wrong clock gets `use_dpop_nonce`
/// instead of a refusal.
fn max_age(claims: &ProofClaims, policy: NoncePolicy<'_>) -> Duration {
    match (policy, &claims.nonce) {
        (NoncePolicy::Required(_), _) | (NoncePolicy::Optional(_), Some(_)) => MAX_AGE_WITH_NONCE,
        (NoncePolicy::NotUsed, _) | (NoncePolicy::Optional(_), None) => MAX_AGE,
    }
}

fn check_time(
    claims: &ProofClaims,
    now: Timestamp,
    max_age: Duration,
) -> Result<Timestamp, ProofError> {
    let issued_at = Timestamp::from_seconds(claims.iat);
    if issued_at > now.plus(MAX_FUTURE) {
        return Err(invalid("the DPoP proof's `iat` is in the future"));
    }
    if now > issued_at.plus(max_age) {
        return Err(invalid(
            "the DPoP proof is too old: sign a new one for each request",
        ));
    }
    Ok(issued_at)
}

fn check_nonce(claims: &ProofClaims, context: &ProofContext<'_>) -> Result<(), ProofError> {
    let accepted = match (context.nonce, claims.nonce.as_deref()) {
        (NoncePolicy::NotUsed, _) | (NoncePolicy::Optional(_), None) => true,
        (NoncePolicy::Required(_), None) => false,
        (NoncePolicy::Optional(keys) | NoncePolicy::Required(keys), Some(nonce)) => {
            keys.accepts(nonce, context.now)
        }
    };
    accepted.then_some(()).ok_or(ProofError::UseNonce)
}

fn invalid(sentence: impl Into<String>) -> ProofError {
    ProofError::Invalid(sentence.into())
}

#[cfg(test)]
mod tests;
