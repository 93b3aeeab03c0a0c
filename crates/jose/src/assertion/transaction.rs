//! Verifies transaction authorization challenges (draft-rosomakho-oauth-txn-challenge-00), in which a resource server names the
//! operation that needs a user's approval. They are signed by `SigningKey::sign_jwt` with [`CHALLENGE_TYPE`].

use std::time::Duration;

use writ_wire::rar;
use writ_wire::time::Timestamp;
use writ_wire::transaction::{CHALLENGE_TYPE, ChallengeClaims, MAX_REASON, MAX_TXN};

use super::{AssertionError, MAX_FUTURE, MAX_JTI_BYTES, audiences, verified_by};
use crate::encoding::quoted;
use crate::hash::digest_text;
use crate::jws::UnverifiedJwt;
use crate::key::{KeySet, Thumbprint};

/// The longest lifetime of a challenge, from `iat` to `exp`: its `jti` is remembered that long.
pub const MAX_CHALLENGE_LIFE: Duration = Duration::from_secs(600);

/// What a challenge is verified against.
#[derive(Clone, Copy, Debug)]
pub struct TransactionRules<'a> {
    /// The registered identifier of the resource server whose keys these are.
    pub resource: &'a str,
    pub issuer: &'a str,
    pub now: Timestamp,
}

/// A verified challenge. It may be used once: see [`Self::replay_digest`].
#[derive(Clone, Debug)]
pub struct TransactionChallenge {
    pub claims: ChallengeClaims,
    /// Thumbprint of the key that verified.
    pub signer: Thumbprint,
    /// Until then a replay must be detected; no node accepts the challenge later.
    pub accepted_until: Timestamp,
}

impl TransactionChallenge {
    /// The claimed `iss`, unverified: only for looking up the keys.
    pub fn unverified_issuer(text: &str) -> Result<String, AssertionError> {
        let jws = UnverifiedJwt::parse(text).map_err(AssertionError::Malformed)?;
        let claims: ChallengeClaims = jws.unverified_claims().map_err(AssertionError::Malformed)?;
        Ok(claims.iss)
    }

    pub fn verify(
        text: &str,
        keys: &KeySet,
        rules: &TransactionRules<'_>,
    ) -> Result<Self, AssertionError> {
        let jws = UnverifiedJwt::parse(text).map_err(AssertionError::Malformed)?;
        check_header(&jws)?;
        let key = verified_by(&jws, keys)?;
        let claims: ChallengeClaims = jws.unverified_claims().map_err(AssertionError::Malformed)?;
        check_parties(&claims, rules)?;
        check_words(&claims)?;
        Ok(Self {
            signer: key.thumbprint().clone(),
            accepted_until: check_time(&claims, rules.now)?,
            claims,
        })
    }

    /// What must be claimed once per challenge; by resource server.
    pub fn replay_digest(&self) -> String {
        digest_text(&[
            b"transaction-challenge",
            self.claims.iss.as_bytes(),
            self.claims.jti.as_bytes(),
        ])
    }
}

/// Checks `typ` exactly, and that there is a `kid`.
fn check_header(jws: &UnverifiedJwt<'_>) -> Result<(), AssertionError> {
    let found = jws.header().typ.as_deref();
    if found != Some(CHALLENGE_TYPE) {
        return Err(AssertionError::Type {
            expected: CHALLENGE_TYPE,
            found: quoted(found.unwrap_or_default()),
        });
    }
    let kid = jws.header().kid.as_deref();
    kid.map(|_| ()).ok_or(AssertionError::Missing("kid"))
}

fn check_parties(
    claims: &ChallengeClaims,
    rules: &TransactionRules<'_>,
) -> Result<(), AssertionError> {
    if claims.iss != rules.resource {
        return Err(AssertionError::Issuer(quoted(rules.resource)));
    }
    if !audiences(&claims.aud).is_some_and(|all| all.contains(&rules.issuer)) {
        return Err(AssertionError::Audience {
            expected: rules.issuer.to_owned(),
            form: "or a list that contains it",
        });
    }
    Ok(())
}

fn check_words(claims: &ChallengeClaims) -> Result<(), AssertionError> {
    if !(1..=MAX_JTI_BYTES).contains(&claims.jti.len()) {
        return Err(AssertionError::Jti);
    }
    let txn = &claims.txn;
    let is_name = (1..=MAX_TXN).contains(&txn.len()) && !txn.chars().any(char::is_control);
    let is_said = !claims.reason.trim().is_empty() && claims.reason.len() <= MAX_REASON;
    let details = &claims.authorization_details;
    let is_one_or_more = !details.is_empty() && rar::is_bounded(details);
    for (holds, name) in [
        (is_name, "txn"),
        (is_one_or_more, "authorization_details"),
        (is_said, "reason"),
    ] {
        if !holds {
            return Err(AssertionError::Bounds(name));
        }
    }
    Ok(())
}

/// Checks `exp` and `iat`, and the lifetime. Returns until when a replay must be detected.
fn check_time(claims: &ChallengeClaims, now: Timestamp) -> Result<Timestamp, AssertionError> {
    let issued_at = Timestamp::from_seconds(claims.iat);
    let expires_at = Timestamp::from_seconds(claims.exp);
    if now >= expires_at {
        return Err(AssertionError::Expired);
    }
    if issued_at > now.plus(MAX_FUTURE) {
        return Err(AssertionError::Future("iat"));
    }
    if expires_at > issued_at.plus(MAX_CHALLENGE_LIFE) {
        return Err(AssertionError::Life(MAX_CHALLENGE_LIFE.as_secs()));
    }
    // `MAX_FUTURE` more, because the clocks of the nodes may differ.
    Ok(expires_at.plus(MAX_FUTURE))
}
