//! Signed backchannel requests (CIBA 7.1.1): every parameter is a claim. They do not authenticate the client.

use std::time::Duration;

use serde_json::{Map, Value};
use writ_wire::time::Timestamp;

use super::{AssertionError, MAX_FUTURE, MAX_JTI_BYTES, audiences, verified_by};
use crate::encoding::quoted;
use crate::hash::digest_text;
use crate::jws::UnverifiedJwt;
use crate::key::{Algorithm, KeySet, Thumbprint};

/// The longest lifetime of a signed request, from `nbf` to `exp` (FAPI-CIBA 5.2.2).
pub const MAX_REQUEST_LIFE: Duration = Duration::from_secs(3600);

/// What a signed request is verified against.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequestRules<'a> {
    pub client_id: &'a str,
    pub issuer: &'a str,
    /// The registered algorithm.
    pub algorithm: Algorithm,
    pub now: Timestamp,
}

/// A verified request. It may be used once: see [`Self::replay_digest`].
#[derive(Clone, Debug)]
pub struct SignedRequest {
    pub client_id: String,
    /// All claims, also `iss`, `aud`, `exp` and the like.
    pub claims: Map<String, Value>,
    /// Thumbprint of the key that verified.
    pub thumbprint: Thumbprint,
    pub jti: String,
    /// Until then a replay must be detected; no node accepts the request later.
    pub accepted_until: Timestamp,
}

impl SignedRequest {
    pub fn verify(
        text: &str,
        keys: &KeySet,
        rules: &SignedRequestRules<'_>,
    ) -> Result<Self, AssertionError> {
        let jws = UnverifiedJwt::parse(text).map_err(AssertionError::Malformed)?;
        check_type(&jws)?;
        if jws.header().alg != rules.algorithm {
            return Err(AssertionError::Algorithm(rules.algorithm.as_str()));
        }
        let key = verified_by(&jws, keys)?;
        let claims: Map<String, Value> =
            jws.unverified_claims().map_err(AssertionError::Malformed)?;
        check_party(&claims, rules)?;
        let jti = claims.get("jti").and_then(Value::as_str);
        let jti = jti.ok_or(AssertionError::Missing("jti"))?.to_owned();
        if !(1..=MAX_JTI_BYTES).contains(&jti.len()) {
            return Err(AssertionError::Jti);
        }
        let accepted_until = check_time(&claims, rules.now)?;
        Ok(Self {
            client_id: rules.client_id.to_owned(),
            thumbprint: key.thumbprint().clone(),
            claims,
            jti,
            accepted_until,
        })
    }

    /// What must be claimed once per request; by client.
    pub fn replay_digest(&self) -> String {
        digest_text(&[
            b"signed-request",
            self.client_id.as_bytes(),
            self.jti.as_bytes(),
        ])
    }
}

fn check_type(jws: &UnverifiedJwt<'_>) -> Result<(), AssertionError> {
    match &jws.header().typ {
        None => Ok(()),
        Some(_) if jws.typ_is("JWT") || jws.typ_is(REQUEST_TYPE) => Ok(()),
        Some(found) => Err(AssertionError::Type {
            expected: REQUEST_TYPE,
            found: quoted(found),
        }),
    }
}

/// Refuses `sub`, so that a request cannot be used as a client assertion (RFC 9101 section 10.8).
fn check_party(
    claims: &Map<String, Value>,
    rules: &SignedRequestRules<'_>,
) -> Result<(), AssertionError> {
    if claims.get("iss").and_then(Value::as_str) != Some(rules.client_id) {
        return Err(AssertionError::Issuer(quoted(rules.client_id)));
    }
    if claims.contains_key("sub") {
        return Err(AssertionError::Forbidden("sub"));
    }
    let named = claims.get("client_id").and_then(Value::as_str);
    if claims.contains_key("client_id") && named != Some(rules.client_id) {
        return Err(AssertionError::Issuer(quoted(rules.client_id)));
    }
    let ours = claims.get("aud").and_then(audiences);
    if !ours.is_some_and(|all| all.contains(&rules.issuer)) {
        return Err(AssertionError::Audience {
            expected: rules.issuer.to_owned(),
            form: "or a list that contains it",
        });
    }
    Ok(())
}

/// Checks `exp`, `iat` and `nbf`, which are all required (CIBA 7.1.1).
fn check_time(claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, AssertionError> {
    let time = |name: &'static str| {
        let found = claims.get(name).and_then(Value::as_i64);
        found
            .map(Timestamp::from_seconds)
            .ok_or(AssertionError::Missing(name))
    };
    let (expires_at, issued_at, not_before) = (time("exp")?, time("iat")?, time("nbf")?);
    if now >= expires_at {
        return Err(AssertionError::Expired);
    }
    let latest = now.plus(MAX_FUTURE);
    for (at, name) in [(issued_at, "iat"), (not_before, "nbf")] {
        if at > latest {
            return Err(AssertionError::Future(name));
        }
    }
    if expires_at > not_before.plus(MAX_REQUEST_LIFE) {
        return Err(AssertionError::Life(MAX_REQUEST_LIFE.as_secs()));
    }
    Ok(expires_at.plus(MAX_FUTURE))
}

const REQUEST_TYPE: &str = "oauth-authz-req+jwt";
