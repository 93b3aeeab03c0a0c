//! JWT access tokens (RFC 9068): signed by the authorization server, verified by it and by resource servers.

use std::borrow::Borrow;

use writ_wire::claims::{ACCESS_TOKEN_TYPE, AccessTokenClaims};
use writ_wire::time::Timestamp;

use crate::encoding::quoted;
use crate::jws::{JwsError, UnverifiedJwt};
use crate::key::{KeyError, PublicKey, SigningKey};

/// How far `iat` may be ahead, for clocks that differ.
pub const MAX_FUTURE_SECONDS: i64 = 10;

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    #[error("the access token is malformed: {0}")]
    Malformed(JwsError),
    #[error("the token's `typ` is not `at+jwt`: it is not an access token")]
    WrongType,
    #[error("the access token names no key (`kid`)")]
    NoKey,
    /// The issuer may have published new keys.
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

/// Verifies signature, type, issuer and time. The caller checks the audience, `cnf`, `act` and `may_act`.
/// `find` returns the issuer's key for a `kid`.
pub fn verify<K: Borrow<PublicKey>>(
    token: &str,
    find: impl FnOnce(&str) -> Option<K>,
    issuer: &str,
    now: Timestamp,
) -> Result<AccessTokenClaims, AccessTokenError> {
    let unverified = UnverifiedJwt::parse(token).map_err(AccessTokenError::Malformed)?;
    if !unverified.typ_is(ACCESS_TOKEN_TYPE) {
        return Err(AccessTokenError::WrongType);
    }
    let kid = unverified
        .header()
        .kid
        .as_deref()
        .ok_or(AccessTokenError::NoKey)?;
    let key = find(kid).ok_or_else(|| AccessTokenError::UnknownKey(quoted(kid)))?;
    unverified
        .verify_signature(key.borrow())
        .map_err(|_| AccessTokenError::BadSignature)?;
    let claims: AccessTokenClaims = unverified
        .unverified_claims()
        .map_err(AccessTokenError::Malformed)?;
    check(&claims, issuer, now)?;
    Ok(claims)
}

fn check(claims: &AccessTokenClaims, issuer: &str, now: Timestamp) -> Result<(), AccessTokenError> {
    if claims.iss != issuer {
        return Err(AccessTokenError::WrongIssuer);
    }
    if now >= Timestamp::from_seconds(claims.exp) {
        return Err(AccessTokenError::Expired);
    }
    if claims.iat > now.seconds().saturating_add(MAX_FUTURE_SECONDS) {
        return Err(AccessTokenError::NotYet);
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

    fn check(header: &Value, claims: &Value) -> Result<AccessTokenClaims, AccessTokenError> {
        let find = |kid: &str| (kid == "a").then(|| Party::new(1).public());
        let now = Timestamp::from_seconds(NOW);
        verify(&Party::new(1).sign(header, claims), find, ISSUER, now)
    }

    fn with_header(member: &str, value: Value) -> Result<AccessTokenClaims, AccessTokenError> {
        check(&with(&header(), member, value), &claims())
    }

    fn with_claim(member: &str, value: Value) -> Result<AccessTokenClaims, AccessTokenError> {
        check(&header(), &with(&claims(), member, value))
    }

    #[test]
    fn rfc_9068_4_typ() {
        for good in ["at+jwt", "application/at+jwt", "AT+JWT"] {
            assert!(with_header("typ", json!(good)).is_ok());
        }
        for bad in [json!("JWT"), json!("writ-actor+jwt"), Value::Null] {
            assert_eq!(
                with_header("typ", bad).unwrap_err(),
                AccessTokenError::WrongType
            );
        }
    }

    #[test]
    fn rfc_9068_4_key_and_signature() {
        assert_eq!(
            with_header("kid", Value::Null).unwrap_err(),
            AccessTokenError::NoKey
        );
        assert_eq!(
            with_header("kid", json!("b")).unwrap_err(),
            AccessTokenError::UnknownKey("b".into())
        );
        assert_eq!(
            with_header("alg", json!("PS256")).unwrap_err(),
            AccessTokenError::BadSignature
        );
        assert!(matches!(
            with_header("alg", json!("none")),
            Err(AccessTokenError::Malformed(_))
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
        assert_eq!(result.unwrap_err(), AccessTokenError::BadSignature);
    }

    #[test]
    fn rfc_9068_4_issuer_and_time() {
        for bad in ["https://as.example/", "https://other.example", ""] {
            assert_eq!(
                with_claim("iss", json!(bad)).unwrap_err(),
                AccessTokenError::WrongIssuer
            );
        }
        assert!(with_claim("exp", json!(NOW + 1)).is_ok());
        assert_eq!(
            with_claim("exp", json!(NOW)).unwrap_err(),
            AccessTokenError::Expired
        );
        assert!(with_claim("iat", json!(NOW + 10)).is_ok());
        assert_eq!(
            with_claim("iat", json!(NOW + 11)).unwrap_err(),
            AccessTokenError::NotYet
        );
        assert!(matches!(
            with_claim("exp", Value::Null),
            Err(AccessTokenError::Malformed(_))
        ));
    }

    #[test]
    fn rfc_8693_4_4_may_act_is_read() {
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
