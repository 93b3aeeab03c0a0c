//! Transaction authorization challenges: each check by a claim or header that breaks it.

use serde_json::{Value, json};
use writ_wire::rar::MAX_DETAILS;
use writ_wire::transaction::{CHALLENGE_TYPE, MAX_REASON, MAX_TXN};

use super::super::*;
use super::{ISSUER, NOW, client_claims, client_header};
use crate::key::{KeySet, SigningKey};
use crate::testing::{Party, key_set, with};

const BANK: &str = "https://bank.example";

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "txn-authz-challenge+jwt", "kid": "k1" })
}

fn claims() -> Value {
    json!({
        "iss": BANK, "aud": ISSUER, "iat": NOW, "exp": NOW + 300, "jti": "one", "txn": "order-7",
        "authorization_details": [{ "type": "payment" }], "reason": "More than 100 EUR need a person.",
    })
}

fn keys() -> KeySet {
    key_set(&[with(&Party::new(1).jwk(), "kid", json!("k1"))])
}

fn verify_text(text: &str) -> Result<TransactionChallenge, AssertionError> {
    let rules = TransactionRules {
        resource: BANK,
        issuer: ISSUER,
        now: Timestamp::from_seconds(NOW),
    };
    TransactionChallenge::verify(text, &keys(), &rules)
}

fn verify(header: &Value, claims: &Value) -> Result<TransactionChallenge, AssertionError> {
    verify_text(&Party::new(1).sign(header, claims))
}

fn claim(member: &str, value: Value) -> Result<TransactionChallenge, AssertionError> {
    verify(&header(), &with(&claims(), member, value))
}

#[test]
fn draft_challenge_a_good_one_passes() {
    let challenge = verify(&header(), &claims()).unwrap();
    assert_eq!(challenge.claims.txn, "order-7");
    assert_eq!(&challenge.signer, Party::new(1).public().thumbprint());
    assert!(challenge.accepted_until >= Timestamp::from_seconds(NOW + 300));
    assert!(claim("aud", json!(["https://other.example", ISSUER])).is_ok());
    assert!(claim("unknown", json!({ "is": "ignored" })).is_ok());
    assert!(claim("txn", json!("x".repeat(MAX_TXN))).is_ok());
    assert!(claim("exp", json!(NOW + 600)).is_ok());
    assert!(claim("iat", json!(NOW + 10)).is_ok());
}

#[test]
fn draft_challenge_the_type_is_exact() {
    for typ in [
        json!("JWT"),
        json!("at+jwt"),
        json!("application/txn-authz-challenge+jwt"),
        json!("TXN-AUTHZ-CHALLENGE+JWT"),
        Value::Null,
    ] {
        let refused = verify(&with(&header(), "typ", typ), &claims()).unwrap_err();
        assert!(matches!(refused, AssertionError::Type { .. }), "{refused}");
    }
    assert!(verify(&client_header(), &client_claims()).is_err());
}

#[test]
fn draft_challenge_the_key_is_named_and_registered() {
    let missing = verify(&with(&header(), "kid", Value::Null), &claims());
    assert_eq!(missing.unwrap_err(), AssertionError::Missing("kid"));
    let unknown = verify(&with(&header(), "kid", json!("k2")), &claims());
    assert_eq!(unknown.unwrap_err(), AssertionError::UnknownKey);
    let other = verify_text(&Party::new(2).sign(&header(), &claims()));
    assert_eq!(other.unwrap_err(), AssertionError::BadSignature);
    // RFC 8725 section 2.1: the algorithm is the key's, whatever the header says.
    assert_eq!(
        verify(&with(&header(), "alg", json!("PS256")), &claims()).unwrap_err(),
        AssertionError::UnknownKey
    );
    for alg in ["none", "HS256"] {
        let refused = verify(&with(&header(), "alg", json!(alg)), &claims());
        assert!(
            matches!(refused, Err(AssertionError::Malformed(_))),
            "{alg}"
        );
    }
}

#[test]
fn draft_challenge_each_required_claim_is_required() {
    for name in [
        "iss",
        "aud",
        "iat",
        "exp",
        "jti",
        "txn",
        "authorization_details",
        "reason",
    ] {
        assert!(claim(name, Value::Null).is_err(), "{name}");
    }
}

#[test]
fn draft_challenge_parties() {
    for iss in ["https://bank.example/", "https://other.example", ""] {
        let refused = claim("iss", json!(iss)).unwrap_err();
        assert!(matches!(refused, AssertionError::Issuer(_)), "{iss}");
    }
    for aud in [
        json!("https://other.example"),
        json!(["https://other.example"]),
        json!([]),
        json!({ "0": ISSUER }),
        json!([ISSUER, 1]),
    ] {
        let refused = claim("aud", aud.clone()).unwrap_err();
        assert!(matches!(refused, AssertionError::Audience { .. }), "{aud}");
    }
}

#[test]
fn draft_challenge_time() {
    assert_eq!(
        claim("exp", json!(NOW)).unwrap_err(),
        AssertionError::Expired
    );
    assert_eq!(
        claim("iat", json!(NOW + 11)).unwrap_err(),
        AssertionError::Future("iat")
    );
    assert_eq!(
        claim("exp", json!(NOW + 601)).unwrap_err(),
        AssertionError::Life(600)
    );
}

#[test]
fn draft_challenge_words_are_bounded() {
    for (name, value) in [
        ("txn", json!("")),
        ("txn", json!("x".repeat(MAX_TXN + 1))),
        ("txn", json!("a\nb")),
        ("authorization_details", json!([])),
        (
            "authorization_details",
            json!(vec![json!({ "type": "payment" }); MAX_DETAILS + 1]),
        ),
        ("reason", json!(" ")),
        ("reason", json!("x".repeat(MAX_REASON + 1))),
    ] {
        assert_eq!(
            claim(name, value).unwrap_err(),
            AssertionError::Bounds(name)
        );
    }
    for jti in [String::new(), "x".repeat(257)] {
        assert_eq!(claim("jti", json!(jti)).unwrap_err(), AssertionError::Jti);
    }
}

#[test]
fn a_jti_is_used_once_by_each_resource() {
    let digest = |challenge: Result<TransactionChallenge, _>| challenge.unwrap().replay_digest();
    let first = digest(verify(&header(), &claims()));
    assert_eq!(first, digest(claim("txn", json!("order-8"))));
    assert_ne!(first, digest(claim("jti", json!("two"))));
}

#[test]
fn what_a_resource_signs_verifies() {
    let key = SigningKey::generate().unwrap();
    let text = key.sign_jwt(CHALLENGE_TYPE, &claims()).unwrap();
    assert_eq!(
        TransactionChallenge::unverified_issuer(&text).as_deref(),
        Ok(BANK)
    );
    let keys = key_set(&[serde_json::to_value(key.public_jwk()).unwrap()]);
    let rules = TransactionRules {
        resource: BANK,
        issuer: ISSUER,
        now: Timestamp::from_seconds(NOW),
    };
    assert!(TransactionChallenge::verify(&text, &keys, &rules).is_ok());
}
