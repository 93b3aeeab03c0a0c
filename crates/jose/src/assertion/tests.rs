//! Client assertions (RFC 7523): each check by a claim or header that breaks it.

use serde_json::{Value, json};

use super::*;
use crate::key::Thumbprint;
use crate::testing::{Party, key_set, with};

mod actor;
mod hint;
mod request;
mod transaction;

use actor::{actor, actor_claim, actor_claims, actor_header};

const NOW: i64 = 1_790_000_000;
const ISSUER: &str = "https://as.example";
const ENDPOINT: &str = "https://as.example/token";
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn client_header() -> Value {
    json!({ "alg": "ES256", "typ": "client-authentication+jwt" })
}

fn client_claims() -> Value {
    json!({ "iss": "reports", "sub": "reports", "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "one" })
}

fn client_rules(audience: AudienceRule<'_>) -> ClientAssertionRules<'_> {
    ClientAssertionRules {
        client_id: "reports",
        issuer: ISSUER,
        audience,
        algorithm: None,
        max_life: MAX_CLIENT_ASSERTION_LIFE,
        now: Timestamp::from_seconds(NOW),
    }
}

fn client(
    header: &Value,
    claims: &Value,
    audience: AudienceRule<'_>,
) -> Result<ClientAssertion, AssertionError> {
    let party = Party::new(1);
    ClientAssertion::verify(
        &party.sign(header, claims),
        &party.keys(),
        &client_rules(audience),
    )
}

fn client_claim(member: &str, value: Value) -> Result<ClientAssertion, AssertionError> {
    client(
        &client_header(),
        &with(&client_claims(), member, value),
        AudienceRule::IssuerString,
    )
}

fn client_type(typ: Value) -> Result<ClientAssertion, AssertionError> {
    client(
        &with(&client_header(), "typ", typ),
        &client_claims(),
        AudienceRule::IssuerString,
    )
}

fn client_audience(aud: &Value, rule: AudienceRule<'_>) -> bool {
    let result = client(
        &client_header(),
        &with(&client_claims(), "aud", aud.clone()),
        rule,
    );
    match result {
        Ok(_) => true,
        Err(AssertionError::Audience { .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_good_client_assertion_passes() {
    let assertion = client(
        &client_header(),
        &client_claims(),
        AudienceRule::IssuerString,
    )
    .unwrap();
    assert_eq!(assertion.client_id, "reports");
    assert_eq!(&assertion.thumbprint, Party::new(1).public().thumbprint());
    assert!(assertion.accepted_until >= Timestamp::from_seconds(NOW + 60));
    let text = Party::new(1).sign(&client_header(), &client_claims());
    assert_eq!(unverified_subject(&text).as_deref(), Some("reports"));
    assert_eq!(unverified_subject("a.b.c"), None);
}

#[test]
fn rfc_7523bis_typ_is_absent_jwt_or_its_own() {
    for good in [
        Value::Null,
        json!("JWT"),
        json!("jwt"),
        json!("application/client-authentication+jwt"),
    ] {
        assert!(client_type(good).is_ok());
    }
    for bad in [
        "writ-actor+jwt",
        "dpop+jwt",
        "at+jwt",
        "oauth-id-jag+jwt",
        "",
    ] {
        assert!(
            matches!(client_type(json!(bad)), Err(AssertionError::Type { .. })),
            "{bad}"
        );
    }
}

#[test]
fn rfc_7523_3_iss_and_sub_are_the_client() {
    for member in ["iss", "sub"] {
        assert_eq!(
            client_claim(member, json!("other")).unwrap_err(),
            AssertionError::Subject("reports".into())
        );
        assert!(matches!(
            client_claim(member, Value::Null),
            Err(AssertionError::Malformed(_))
        ));
    }
}

#[test]
fn rfc7523bis_audience_by_profile() {
    let issuer = json!(ISSUER);
    let issuer_list = json!([ISSUER]);
    let endpoint = json!(ENDPOINT);
    let both = json!([ISSUER, ENDPOINT]);
    let foreign = json!([ISSUER, "https://other.example"]);
    let odd = [
        json!([]),
        json!([1]),
        json!(1),
        json!({}),
        json!("https://as.example/"),
        json!("HTTPS://as.example"),
    ];
    let endpoints = [ENDPOINT.to_owned()];
    let expected = [
        (
            AudienceRule::IssuerString,
            [true, false, false, false, false],
        ),
        (AudienceRule::Issuer, [true, true, false, false, false]),
        (
            AudienceRule::IssuerOr(&endpoints),
            [true, true, true, true, false],
        ),
        (AudienceRule::Contains(&endpoints), [true; 5]),
    ];
    for (rule, taken) in expected {
        let found = [&issuer, &issuer_list, &endpoint, &both, &foreign]
            .map(|aud| client_audience(aud, rule));
        assert_eq!(found, taken, "{rule:?}");
        assert!(
            odd.iter().all(|aud| !client_audience(aud, rule)),
            "{rule:?}"
        );
    }
}

#[test]
fn rfc_7523_3_exp_is_required_ahead_and_near() {
    assert!(matches!(
        client_claim("exp", Value::Null),
        Err(AssertionError::Malformed(_))
    ));
    assert_eq!(
        client_claim("exp", json!(NOW)).unwrap_err(),
        AssertionError::Expired
    );
    assert_eq!(
        client_claim("exp", json!(i64::MIN)).unwrap_err(),
        AssertionError::Expired
    );
    assert!(client_claim("exp", json!(NOW + 300)).is_ok());
    assert_eq!(
        client_claim("exp", json!(NOW + 301)).unwrap_err(),
        AssertionError::Life(300)
    );
    assert_eq!(
        client_claim("exp", json!(i64::MAX)).unwrap_err(),
        AssertionError::Life(300)
    );
}

#[test]
fn without_iat_the_life_counts_from_now() {
    let at = |exp: i64| {
        let claims = with(
            &with(&client_claims(), "iat", Value::Null),
            "exp",
            json!(exp),
        );
        client(&client_header(), &claims, AudienceRule::IssuerString)
    };
    assert!(at(NOW + 310).is_ok());
    assert_eq!(at(NOW + 311).unwrap_err(), AssertionError::Life(300));
}

#[test]
fn fapi_2_5_3_2_1_iat_and_nbf_up_to_10_s_ahead() {
    for member in ["iat", "nbf"] {
        assert!(client_claim(member, json!(NOW + 10)).is_ok());
        for ahead in [11, 61] {
            let error = client_claim(member, json!(NOW + ahead)).unwrap_err();
            assert!(
                matches!(error, AssertionError::Future(_)),
                "{member} {ahead}"
            );
        }
    }
}

#[test]
fn jti_is_required_and_bounded() {
    assert!(matches!(
        client_claim("jti", Value::Null),
        Err(AssertionError::Malformed(_))
    ));
    let longest = json!("j".repeat(MAX_JTI_BYTES));
    assert!(client_claim("jti", longest.clone()).is_ok());
    assert!(actor_claim("jti", longest).is_ok());
    for bad in [String::new(), "j".repeat(MAX_JTI_BYTES + 1)] {
        assert_eq!(
            client_claim("jti", json!(bad)).unwrap_err(),
            AssertionError::Jti
        );
        assert_eq!(
            actor_claim("jti", json!(bad)).unwrap_err(),
            AssertionError::Jti
        );
    }
}

#[test]
fn neither_assertion_passes_as_the_other() {
    assert_eq!(
        client_claim("cnf", json!({ "jkt": JKT })).unwrap_err(),
        AssertionError::Forbidden("cnf")
    );
    assert_eq!(
        client_claim("azp", json!("agt_planner")).unwrap_err(),
        AssertionError::Forbidden("azp")
    );
    assert!(matches!(
        client_claim("cnf", json!({})),
        Err(AssertionError::Malformed(_))
    ));
    assert!(matches!(
        client(&actor_header(), &actor_claims(), AudienceRule::Issuer),
        Err(AssertionError::Type { .. })
    ));
    assert!(matches!(
        actor(&client_header(), &client_claims()),
        Err(AssertionError::Type { .. })
    ));
    assert!(matches!(
        actor(&client_header(), &actor_claims()),
        Err(AssertionError::Type { .. })
    ));
}

#[test]
fn only_a_registered_key_of_that_kid_and_algorithm_counts() {
    let party = Party::new(1);
    let text = party.sign(&with(&client_header(), "kid", json!("a")), &client_claims());
    let verify = |keys: &[Value]| {
        let rules = client_rules(AudienceRule::Issuer);
        ClientAssertion::verify(&text, &key_set(keys), &rules).map(|a| a.thumbprint)
    };
    let named = |seed, kid: &str| with(&Party::new(seed).jwk(), "kid", json!(kid));
    let mine: Thumbprint = party.public().thumbprint().clone();
    assert_eq!(verify(&[named(2, "b"), named(1, "a")]), Ok(mine));
    assert_eq!(verify(&[named(1, "b")]), Err(AssertionError::UnknownKey));
    assert_eq!(verify(&[]), Err(AssertionError::UnknownKey));
    assert_eq!(verify(&[named(2, "a")]), Err(AssertionError::BadSignature));
    let okp = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert_eq!(verify(&[okp]), Err(AssertionError::UnknownKey));
}

#[test]
fn without_a_kid_all_keys_are_tried() {
    let text = Party::new(3).sign(&client_header(), &client_claims());
    let keys = key_set(&[1, 2, 3].map(|seed| Party::new(seed).jwk()));
    let found = ClientAssertion::verify(&text, &keys, &client_rules(AudienceRule::Issuer)).unwrap();
    assert_eq!(&found.thumbprint, Party::new(3).public().thumbprint());
}

#[test]
fn a_key_in_the_header_counts_for_nothing() {
    let thief = Party::new(2);
    let text = thief.sign(
        &with(&client_header(), "jwk", thief.jwk()),
        &client_claims(),
    );
    let keys = Party::new(1).keys();
    let found = ClientAssertion::verify(&text, &keys, &client_rules(AudienceRule::Issuer));
    assert_eq!(found.unwrap_err(), AssertionError::BadSignature);
}

#[test]
fn the_replay_digest_is_by_purpose_party_and_jti() {
    let one = client_claim("jti", json!("one")).unwrap();
    let two = client_claim("jti", json!("two")).unwrap();
    assert_eq!(
        one.replay_digest(),
        client_claim("exp", json!(NOW + 61))
            .unwrap()
            .replay_digest()
    );
    assert_ne!(one.replay_digest(), two.replay_digest());
    let other = ClientAssertion {
        client_id: "other".into(),
        ..one.clone()
    };
    assert_ne!(one.replay_digest(), other.replay_digest());
    let actor = ActorAssertion {
        agent: "reports".into(),
        ..actor(&actor_header(), &actor_claims()).unwrap()
    };
    assert_eq!(actor.jti, one.jti);
    assert_ne!(one.replay_digest(), actor.replay_digest());
}
