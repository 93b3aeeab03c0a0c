//! Hints that are tokens (CIBA 7.1): a `login_hint_token` signed by the client, which names the user by RFC 9493, or an ID token
//! of this issuer (`id_token_hint`).

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use writ_wire::ciba::LOGIN_HINT_TYPE;
use writ_wire::time::Timestamp;

use super::{AssertionError, MAX_FUTURE, audiences, verified_by};
use crate::encoding::quoted;
use crate::jws::UnverifiedJwt;
use crate::key::{KeySet, PublicKey};

/// How long after its `exp` an ID token is still accepted as a hint.
pub const MAX_HINT_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a hint is verified against.
#[derive(Clone, Copy, Debug)]
pub struct HintRules<'a> {
    pub client_id: &'a str,
    pub issuer: &'a str,
    pub now: Timestamp,
}

#[derive(Deserialize)]
struct LoginHintClaims {
    iss: String,
    aud: Value,
    exp: i64,
    #[serde(default)]
    iat: Option<i64>,
    sub_id: SubjectIdentifier,
}

/// A subject identifier of format `opaque` (RFC 9493 section 3.2.4), the only supported one.
#[derive(Deserialize)]
struct SubjectIdentifier {
    format: String,
    id: String,
}

#[derive(Deserialize)]
struct HintedIdToken {
    iss: String,
    sub: String,
    aud: Value,
    exp: i64,
}

/// The user that a `login_hint_token` names. It may be used again until it expires: it grants nothing.
pub fn login_hint(
    text: &str,
    keys: &KeySet,
    rules: &HintRules<'_>,
) -> Result<String, AssertionError> {
    let jws = UnverifiedJwt::parse(text).map_err(AssertionError::Malformed)?;
    check_type(&jws, LOGIN_HINT_TYPE)?;
    verified_by(&jws, keys)?;
    let claims: LoginHintClaims = jws.unverified_claims().map_err(AssertionError::Malformed)?;
    if claims.iss != rules.client_id {
        return Err(AssertionError::Issuer(quoted(rules.client_id)));
    }
    if audiences(&claims.aud) != Some(vec![rules.issuer]) {
        return Err(AssertionError::Audience {
            expected: rules.issuer.to_owned(),
            form: "and nothing else",
        });
    }
    if rules.now >= Timestamp::from_seconds(claims.exp) {
        return Err(AssertionError::Expired);
    }
    let issued_at = claims.iat.map(Timestamp::from_seconds);
    if issued_at.is_some_and(|at| at > rules.now.plus(MAX_FUTURE)) {
        return Err(AssertionError::Future("iat"));
    }
    if claims.sub_id.format != "opaque" {
        return Err(AssertionError::SubjectFormat(quoted(&claims.sub_id.format)));
    }
    Ok(claims.sub_id.id)
}

/// The `kid` of an ID token, unverified: its key is looked up among all that this issuer ever published.
pub fn unverified_kid(text: &str) -> Option<String> {
    let unverified = UnverifiedJwt::parse_client_assertion(text).ok()?;
    unverified.header().kid.clone()
}

/// The user that an ID token of this issuer names; also one that expired at most [`MAX_HINT_AGE`] ago.
pub fn id_token_hint(
    text: &str,
    key: &PublicKey,
    rules: &HintRules<'_>,
) -> Result<String, AssertionError> {
    let hinted = HintedIdentity::verify(text, key, rules.issuer)?;
    hinted.check_audience(rules.client_id)?;
    if rules.now >= hinted.expires_at.plus(MAX_HINT_AGE) {
        return Err(AssertionError::Expired);
    }
    Ok(hinted.sub)
}

/// Whom an ID token of this issuer names, and to whom it was issued; however old it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HintedIdentity {
    pub sub: String,
    pub audiences: Vec<String>,
    pub expires_at: Timestamp,
}

impl HintedIdentity {
    pub fn verify(text: &str, key: &PublicKey, issuer: &str) -> Result<Self, AssertionError> {
        let jws = UnverifiedJwt::parse_client_assertion(text).map_err(AssertionError::Malformed)?;
        check_type(&jws, "JWT")?;
        jws.verify_signature(key)
            .map_err(|_| AssertionError::BadSignature)?;
        let claims: HintedIdToken = jws.unverified_claims().map_err(AssertionError::Malformed)?;
        if claims.iss != issuer {
            return Err(AssertionError::Issuer(quoted(issuer)));
        }
        let audiences = audiences(&claims.aud).unwrap_or_default();
        Ok(Self {
            sub: claims.sub,
            audiences: audiences.into_iter().map(str::to_owned).collect(),
            expires_at: Timestamp::from_seconds(claims.exp),
        })
    }

    /// Refuses a token that was issued to others than this client.
    pub fn check_audience(&self, client_id: &str) -> Result<(), AssertionError> {
        match self.audiences.iter().any(|one| one == client_id) {
            true => Ok(()),
            false => Err(AssertionError::Audience {
                expected: client_id.to_owned(),
                form: "among others",
            }),
        }
    }
}

fn check_type(jws: &UnverifiedJwt<'_>, expected: &'static str) -> Result<(), AssertionError> {
    if jws.typ_is(expected) {
        return Ok(());
    }
    let found = jws.header().typ.as_deref().unwrap_or_default();
    Err(AssertionError::Type {
        expected,
        found: quoted(found),
    })
}
