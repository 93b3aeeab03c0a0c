//! JWT access tokens (RFC 9068): signed by the server, verified by the server and by resource servers.

use std::borrow::Borrow;

use writ_wire::claims::{ACCESS_TOKEN_TYPE, AccessTokenClaims};
use writ_wire::time::Timestamp;

use crate::encoding::quoted;
use crate::jws::{JwsError, Unverified};
use crate::key::{KeyError, PublicKey, SigningKey};

/// Between the clock of the server and that of a resource server.
pub const MAX_FUTURE_SECONDS: i64 = 10;

/// Why a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the access token is malformed: {0}")]
    Malformed(JwsError),
    #[error("the token's `typ` is not `at+jwt`: it is not an access token")]
    WrongType,
    #[error("the access token names no key (`kid`)")]
    NoKey,
    /// Fetching the issuer's keys again may help.
    #[error("the access token is signed by the unknown key `{0}`")]
    UnknownKey(String),
    #[error("the access token's signature does not verify")]
    BadSignature,
    #[error("the access token is from another issuer")]
    WrongIssuer,
    #[error("the access token has expired")]
    Expired,
    #[error("the access token was issued in the future")]
    NotYet,
}

pub fn sign(key: &SigningKey, claims: &AccessTokenClaims) -> Result<String, KeyError> {
    key.sign_jwt(ACCESS_TOKEN_TYPE, claims)
}

/// Signature, type, issuer and time. The audience, `cnf`, `act` and `may_act` are the caller's to judge.
/// `find` gives the issuer's key for a `kid`.
pub fn verify<K: Borrow<PublicKey>>(
    token: &str,
    find: impl FnOnce(&str) -> Option<K>,
    issuer: &str,
    now: Timestamp,
) -> Result<AccessTokenClaims, TokenError> {
    let unverified = Unverified::parse(token).map_err(TokenError::Malformed)?;
    if !unverified.typ_is(ACCESS_TOKEN_TYPE) {
        return Err(TokenError::WrongType);
    }
    let kid = unverified
        .header()
        .kid
        .as_deref()
        .ok_or(TokenError::NoKey)?;
    let key = find(kid).ok_or_else(|| TokenError::UnknownKey(quoted(kid)))?;
    unverified
        .verify_signature(key.borrow())
        .map_err(|_| TokenError::BadSignature)?;
    let claims: AccessTokenClaims = unverified
        .unverified_claims()
        .map_err(TokenError::Malformed)?;
    check(&claims, issuer, now)?;
    Ok(claims)
}

fn check(claims: &AccessTokenClaims, issuer: &str, now: Timestamp) -> Result<(), TokenError> {
    if claims.iss != issuer {
        return Err(TokenError::WrongIssuer);
    }
    if now >= Timestamp::from_seconds(claims.exp) {
        return Err(TokenError::Expired);
    }
    if claims.iat > now.seconds().saturating_add(MAX_FUTURE_SECONDS) {
        return Err(TokenError::NotYet);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Party, with};

    const NOW: i64 = 1_790_000_000;
    const ISSUER: &str = "https://as.example";

    fn header() -> Value {
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": "a" })
    }

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "aud": "https://bank.example", "client_id": "agt_booker", "jti": "one",
            "iat": NOW, "exp": NOW + 300, "sub": "usr_alice",
        })
    }

    fn check(header: &Value, claims: &Value) -> Result<AccessTokenClaims, TokenError> {
        let find = |kid: &str| (kid == "a").then(|| Party::new(1).public());
        let now = Timestamp::from_seconds(NOW);
        verify(&Party::new(1).sign(header, claims), find, ISSUER, now)
    }

    fn with_header(member: &str, value: Value) -> Result<AccessTokenClaims, TokenError> {
        check(&with(&header(), member, value), &claims())
    }

    fn with_claim(member: &str, value: Value) -> Result<AccessTokenClaims, TokenError> {
        check(&header(), &with(&claims(), member, value))
    }

    #[test]
    fn rfc_9068_4_typ() {
        for good in ["at+jwt", "application/at+jwt", "AT+JWT"] {
            assert!(with_header("typ", json!(good)).is_ok());
        }
        for bad in [json!("JWT"), json!("writ-actor+jwt"), Value::Null] {
            assert_eq!(with_header("typ", bad).unwrap_err(), TokenError::WrongType);
        }
    }

    #[test]
    fn rfc_9068_4_key_and_signature() {
        assert_eq!(
            with_header("kid", Value::Null).unwrap_err(),
            TokenError::NoKey
        );
        assert_eq!(
            with_header("kid", json!("b")).unwrap_err(),
            TokenError::UnknownKey("b".into())
        );
        assert_eq!(
            with_header("alg", json!("PS256")).unwrap_err(),
            TokenError::BadSignature
        );
        assert!(matches!(
            with_header("alg", json!("none")),
            Err(TokenError::Malformed(_))
        ));
        let (stolen, other) = (
            Party::new(1).sign(&header(), &claims()),
            Party::new(2).public(),
        );
        let result = verify(
            &stolen,
            |_| Some(&other),
            ISSUER,
            Timestamp::from_seconds(NOW),
        );
        assert_eq!(result.unwrap_err(), TokenError::BadSignature);
    }

    #[test]
    fn rfc_9068_4_issuer_and_time() {
        for bad in ["https://as.example/", "https://other.example", ""] {
            assert_eq!(
                with_claim("iss", json!(bad)).unwrap_err(),
                TokenError::WrongIssuer
            );
        }
        assert!(with_claim("exp", json!(NOW + 1)).is_ok());
        assert_eq!(
            with_claim("exp", json!(NOW)).unwrap_err(),
            TokenError::Expired
        );
        assert!(with_claim("iat", json!(NOW + 10)).is_ok());
        assert_eq!(
            with_claim("iat", json!(NOW + 11)).unwrap_err(),
            TokenError::NotYet
        );
        assert!(matches!(
            with_claim("exp", Value::Null),
            Err(TokenError::Malformed(_))
        ));
    }

    #[test]
    fn lessons_8_may_act_is_seen() {
        let claims = with_claim("may_act", json!({ "sub": "x" })).unwrap();
        assert_eq!(claims.may_act, Some(json!({ "sub": "x" })));
    }

    #[test]
    fn what_we_sign_verifies() {
        let key = SigningKey::generate().unwrap();
        let claims: AccessTokenClaims = serde_json::from_value(claims()).unwrap();
        let token = sign(&key, &claims).unwrap();
        let find = |kid: &str| (kid == key.kid()).then_some(key.public());
        let now = Timestamp::from_seconds(NOW);
        assert_eq!(verify(&token, find, ISSUER, now), Ok(claims));
    }
}
