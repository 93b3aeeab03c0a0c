//! Transaction authorization: well-formed and malformed requests and challenges.

use serde_json::json;

use super::*;
use crate::exchange::TOKEN_TYPE_ACCESS_TOKEN;

fn parse(pairs: &[(&str, &str)]) -> Result<TransactionRequest, FormError> {
    let form = Form::from_pairs(pairs.iter().copied());
    TransactionRequest::parse(&form)
}

#[test]
fn draft_transaction_authorization_request_one_of_two() {
    let presented = parse(&[
        ("transaction_challenge", "a.b.c"),
        ("subject_token", "t"),
        ("subject_token_type", TOKEN_TYPE_ACCESS_TOKEN),
        ("ui_hint", "ignored"),
    ]);
    let Ok(TransactionRequest::Present(presented)) = presented else {
        panic!("not taken");
    };
    assert_eq!(presented.challenge, "a.b.c");
    assert_eq!(presented.subject_token.as_deref(), Some("t"));
    assert!(
        parse(&[("transaction_challenge", "a.b.c")]).is_ok(),
        "`core` decides"
    );
    let polled = parse(&[("transaction_authorization_id", "x")]);
    assert!(matches!(polled, Ok(TransactionRequest::Poll(id)) if id == "x"));
}

#[test]
fn draft_transaction_authorization_request_what_is_not_well_formed() {
    let long = "x".repeat(MAX_USER_CODE + 1);
    for bad in [
        &[][..],
        &[
            ("transaction_challenge", "a"),
            ("transaction_authorization_id", "b"),
        ],
        &[
            ("transaction_challenge", "a"),
            ("transaction_challenge", "a"),
        ],
        &[
            ("transaction_authorization_id", "a"),
            ("transaction_authorization_id", "a"),
        ],
        &[("transaction_challenge", "a"), ("subject_token", "t")],
        &[
            ("transaction_challenge", "a"),
            ("subject_token_type", TOKEN_TYPE_ACCESS_TOKEN),
        ],
        &[
            ("transaction_challenge", "a"),
            ("subject_token", "t"),
            ("subject_token_type", "jwt"),
        ],
        &[("transaction_challenge", "a"), ("user_code", &long)],
    ] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://bank.example", "aud": "https://as.example", "iat": 1, "exp": 2, "jti": "j", "txn": "t",
        "authorization_details": [{ "type": "payment" }], "reason": "why", "other": { "is": "ignored" },
        "act": { "iss": "https://as.example", "sub": "agt_b", "sub_profile": "ai_agent", "act": { "sub": "agt_a" } }
    })
}

#[test]
fn draft_challenge_claims_are_read_and_unknown_ones_ignored() {
    let claims: ChallengeClaims = serde_json::from_value(claims()).unwrap();
    let chain: Vec<&str> = claims
        .act
        .iter()
        .flat_map(Requester::chain)
        .map(|a| a.sub.as_str())
        .collect();
    assert_eq!(chain, ["agt_b", "agt_a"]);
    assert_eq!(claims.reason_uri, None);
}

#[test]
fn draft_challenge_claims_each_required_one_is_required() {
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
        let mut without = claims();
        without.as_object_mut().unwrap().remove(name);
        let error = serde_json::from_value::<ChallengeClaims>(without).unwrap_err();
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
}

#[test]
fn draft_challenge_claims_of_a_wrong_type_are_none() {
    for (name, value) in [
        ("iss", json!(1)),
        ("iat", json!("1")),
        ("exp", json!(2.5)),
        ("txn", json!(7)),
        ("txn", Value::Null),
        ("authorization_details", json!({ "type": "payment" })),
        ("authorization_details", json!([{}])),
        ("reason", json!(["why"])),
        ("sub", Value::Null),
        ("reason_uri", json!(1)),
        ("act", Value::Null),
        ("act", json!("agt_b")),
        ("act", json!(["https://as.example", "agt_b"])),
        ("act", json!({ "iss": "https://as.example" })),
        ("act", json!({ "sub": "agt_b", "act": null })),
        ("act", json!({ "sub": "agt_b", "act": "agt_a" })),
        ("act", json!({ "sub": "agt_b", "iss": null })),
    ] {
        let mut wrong = claims();
        wrong[name] = value.clone();
        assert!(
            serde_json::from_value::<ChallengeClaims>(wrong).is_err(),
            "{name}: {value}"
        );
    }
}
