//! Hints that are tokens (CIBA 7.1): each check by a claim or header that breaks it.

use serde_json::{Value, json};

use super::super::*;
use super::{ISSUER, NOW};
use crate::testing::{Party, with};

fn rules() -> HintRules<'static> {
    HintRules {
        client_id: "reports",
        issuer: ISSUER,
        now: Timestamp::from_seconds(NOW),
    }
}

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "writ-login-hint+jwt" })
}

fn claims() -> Value {
    json!({ "iss": "reports", "aud": ISSUER, "exp": NOW + 60, "sub_id": { "format": "opaque", "id": "usr_alice" } })
}

fn hint(header: &Value, claims: &Value) -> Result<String, AssertionError> {
    let party = Party::new(1);
    login_hint(&party.sign(header, claims), &party.keys(), &rules())
}

fn id_token() -> Value {
    json!({ "iss": ISSUER, "aud": "reports", "sub": "usr_alice", "exp": NOW - 60 })
}

fn hinted(header: &Value, claims: &Value) -> Result<String, AssertionError> {
    let party = Party::new(1);
    id_token_hint(&party.sign(header, claims), &party.public(), &rules())
}

#[test]
fn rfc_9493_a_login_hint_token_names_one_person() {
    assert_eq!(hint(&header(), &claims()), Ok("usr_alice".to_owned()));
    for (name, bad) in [
        ("iss", json!("other")),
        ("iss", Value::Null),
        ("aud", json!("https://other.example")),
        ("aud", json!([ISSUER, "https://other.example"])),
        ("aud", Value::Null),
        ("exp", Value::Null),
        ("iat", json!(NOW + 11)),
        ("sub_id", Value::Null),
        ("sub_id", json!("usr_alice")),
        ("sub_id", json!({ "format": "email", "id": "usr_alice" })),
        ("sub_id", json!({ "format": "opaque" })),
    ] {
        let found = hint(&header(), &with(&claims(), name, bad.clone()));
        assert!(found.is_err(), "{name} {bad}");
        assert_ne!(found, Err(AssertionError::Expired), "{name} {bad}");
    }
}

#[test]
fn ciba_13_an_expired_login_hint_token_is_told_apart() {
    let late = with(&claims(), "exp", json!(NOW));
    assert_eq!(hint(&header(), &late), Err(AssertionError::Expired));
}

#[test]
fn a_login_hint_token_is_explicitly_typed_and_signed_by_the_client() {
    for typ in [
        Value::Null,
        json!("JWT"),
        json!("at+jwt"),
        json!("oauth-authz-req+jwt"),
    ] {
        let found = hint(&with(&header(), "typ", typ.clone()), &claims());
        assert!(matches!(found, Err(AssertionError::Type { .. })), "{typ}");
    }
    let other = Party::new(2).sign(&header(), &claims());
    let found = login_hint(&other, &Party::new(1).keys(), &rules());
    assert_eq!(found, Err(AssertionError::BadSignature));
}

#[test]
fn ciba_7_1_an_id_token_hint_may_have_expired_for_a_while() {
    let typed = json!({ "alg": "ES256", "typ": "JWT" });
    assert_eq!(hinted(&typed, &id_token()), Ok("usr_alice".to_owned()));
    let at = |exp: i64| hinted(&typed, &with(&id_token(), "exp", json!(exp)));
    let month = 30 * 24 * 3600;
    assert!(at(NOW - month + 1).is_ok());
    assert_eq!(at(NOW - month), Err(AssertionError::Expired));
    for (name, bad) in [
        ("iss", json!("https://other.example")),
        ("aud", json!("other")),
        ("sub", Value::Null),
        ("exp", Value::Null),
    ] {
        assert!(
            hinted(&typed, &with(&id_token(), name, bad)).is_err(),
            "{name}"
        );
    }
    let access_token = json!({ "alg": "ES256", "typ": "at+jwt" });
    assert!(hinted(&access_token, &id_token()).is_err());
    let forged = Party::new(2).sign(&typed, &id_token());
    let found = id_token_hint(&forged, &Party::new(1).public(), &rules());
    assert_eq!(found, Err(AssertionError::BadSignature));
}
