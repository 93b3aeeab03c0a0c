//! Signed backchannel requests (CIBA 7.1.1): each check by a claim or header that breaks it.

use serde_json::{Value, json};

use super::super::*;
use super::{ISSUER, NOW, client_claims, client_header};
use crate::key::Algorithm;
use crate::testing::{Party, with};

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt" })
}

fn claims() -> Value {
    json!({
        "iss": "reports", "aud": ISSUER, "exp": NOW + 3600, "iat": NOW, "nbf": NOW, "jti": "one",
        "scope": "openid", "login_hint": "alice",
    })
}

fn verify(header: &Value, claims: &Value) -> Result<SignedRequest, AssertionError> {
    verify_with(header, claims, Algorithm::Es256)
}

fn verify_with(
    header: &Value,
    claims: &Value,
    algorithm: Algorithm,
) -> Result<SignedRequest, AssertionError> {
    let party = Party::new(1);
    let rules = SignedRequestRules {
        client_id: "reports",
        issuer: ISSUER,
        algorithm,
        now: Timestamp::from_seconds(NOW),
    };
    SignedRequest::verify(&party.sign(header, claims), &party.keys(), &rules)
}

fn claim(member: &str, value: Value) -> Result<SignedRequest, AssertionError> {
    verify(&header(), &with(&claims(), member, value))
}

#[test]
fn ciba_7_1_1_a_good_request_passes() {
    let request = verify(&header(), &claims()).unwrap();
    assert_eq!(request.claims["login_hint"], json!("alice"));
    assert_eq!(&request.thumbprint, Party::new(1).public().thumbprint());
    assert!(request.accepted_until >= Timestamp::from_seconds(NOW + 3600));
    assert!(claim("aud", json!(["https://other.example", ISSUER])).is_ok());
    assert!(verify(&json!({ "alg": "ES256" }), &claims()).is_ok());
    assert!(claim("client_id", json!("reports")).is_ok());
}

#[test]
fn ciba_7_1_1_each_registered_claim_is_required() {
    for name in ["iss", "aud", "exp", "iat", "nbf", "jti"] {
        assert!(claim(name, Value::Null).is_err(), "{name}");
    }
}

#[test]
fn ciba_7_1_1_each_claim_fits() {
    for (name, bad) in [
        ("iss", json!("other")),
        ("client_id", json!("other")),
        ("client_id", json!(1)),
        ("aud", json!("https://other.example")),
        ("aud", json!([])),
        ("exp", json!(NOW)),
        ("exp", json!("soon")),
        ("exp", json!(NOW + 3601)),
        ("iat", json!(NOW + 11)),
        ("nbf", json!(NOW + 11)),
        ("nbf", json!(NOW - 1)),
        ("jti", json!("")),
        ("jti", json!("j".repeat(MAX_JTI_BYTES + 1))),
        ("jti", json!(1)),
    ] {
        assert!(claim(name, bad.clone()).is_err(), "{name} {bad}");
    }
}

#[test]
fn fapi2_5_3_2_1_a_clock_that_is_ten_seconds_ahead_is_taken() {
    for name in ["iat", "nbf"] {
        assert!(claim(name, json!(NOW + 10)).is_ok(), "{name}");
        assert!(claim(name, json!(NOW + 11)).is_err(), "{name}");
    }
}

#[test]
fn rfc_9101_10_8_it_is_no_client_assertion_nor_the_other_way_round() {
    assert_eq!(
        claim("sub", json!("reports")).unwrap_err(),
        AssertionError::Forbidden("sub")
    );
    assert!(verify(&client_header(), &client_claims()).is_err());
    let plain = with(&client_header(), "typ", Value::Null);
    assert!(verify(&plain, &client_claims()).is_err());
    for typ in [
        "at+jwt",
        "dpop+jwt",
        "writ-actor+jwt",
        "client-authentication+jwt",
    ] {
        let header = with(&header(), "typ", json!(typ));
        assert!(verify(&header, &claims()).is_err(), "{typ}");
    }
}

#[test]
fn ciba_7_1_1_the_algorithm_is_the_registered_one() {
    let found = verify_with(&header(), &claims(), Algorithm::Ps256);
    assert_eq!(found.unwrap_err(), AssertionError::Algorithm("PS256"));
    let none = with(&header(), "alg", json!("none"));
    assert!(verify(&none, &claims()).is_err());
    let other = Party::new(2).sign(&header(), &claims());
    let rules = SignedRequestRules {
        client_id: "reports",
        issuer: ISSUER,
        algorithm: Algorithm::Es256,
        now: Timestamp::from_seconds(NOW),
    };
    let found = SignedRequest::verify(&other, &Party::new(1).keys(), &rules);
    assert_eq!(found.unwrap_err(), AssertionError::BadSignature);
}
