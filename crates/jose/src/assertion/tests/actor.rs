//! Actor assertions: each check by a claim or header that breaks it.

use serde_json::{Value, json};

use super::super::*;
use super::{ENDPOINT, ISSUER, JKT, NOW};
use crate::testing::{Party, with};

pub(super) fn actor_header() -> Value {
    json!({ "alg": "ES256", "typ": "writ-actor+jwt" })
}

pub(super) fn actor_claims() -> Value {
    json!({
        "iss": "agt_booker", "sub": "agt_booker", "aud": ISSUER, "azp": "agt_planner",
        "cnf": { "jkt": JKT }, "iat": NOW, "exp": NOW + 120, "jti": "one",
    })
}

pub(super) fn actor(header: &Value, claims: &Value) -> Result<ActorAssertion, AssertionError> {
    let party = Party::new(1);
    let rules = ActorAssertionRules {
        agent: "agt_booker",
        issuer: ISSUER,
        presenter: "agt_planner",
        now: Timestamp::from_seconds(NOW),
    };
    ActorAssertion::verify(&party.sign(header, claims), &party.keys(), &rules)
}

pub(super) fn actor_claim(member: &str, value: Value) -> Result<ActorAssertion, AssertionError> {
    actor(&actor_header(), &with(&actor_claims(), member, value))
}

#[test]
fn a_good_actor_assertion_passes() {
    let assertion = actor(&actor_header(), &actor_claims()).unwrap();
    assert_eq!(
        (assertion.agent.as_str(), assertion.binds.as_str()),
        ("agt_booker", JKT)
    );
    assert_eq!(&assertion.signer, Party::new(1).public().thumbprint());
    assert!(assertion.accepted_until >= Timestamp::from_seconds(NOW + 120));
}

#[test]
fn actor_typ_is_exact() {
    for bad in [
        Value::Null,
        json!("JWT"),
        json!("client-authentication+jwt"),
        json!("Writ-Actor+JWT"),
        json!("application/writ-actor+jwt"),
    ] {
        let result = actor(&with(&actor_header(), "typ", bad), &actor_claims());
        assert!(matches!(result, Err(AssertionError::Type { .. })));
    }
}

#[test]
fn actor_rules_each_broken_once() {
    let subject = AssertionError::Subject("agt_booker".into());
    assert_eq!(
        actor_claim("iss", json!("agt_planner")).unwrap_err(),
        subject
    );
    assert_eq!(
        actor_claim("sub", json!("agt_planner")).unwrap_err(),
        subject
    );
    for aud in [json!([ISSUER]), json!(ENDPOINT), json!("")] {
        assert!(matches!(
            actor_claim("aud", aud),
            Err(AssertionError::Audience { .. })
        ));
    }
    assert_eq!(
        actor_claim("azp", json!("agt_thief")).unwrap_err(),
        AssertionError::Presenter("agt_planner".into())
    );
    assert_eq!(
        actor_claim("azp", Value::Null).unwrap_err(),
        AssertionError::Missing("azp")
    );
    assert_eq!(
        actor_claim("cnf", Value::Null).unwrap_err(),
        AssertionError::Missing("cnf")
    );
    assert_eq!(
        actor_claim("cnf", json!({ "jkt": "short" })).unwrap_err(),
        AssertionError::Confirmation
    );
    assert_eq!(
        actor_claim("iat", Value::Null).unwrap_err(),
        AssertionError::Missing("iat")
    );
    assert_eq!(
        actor_claim("exp", json!(NOW + 121)).unwrap_err(),
        AssertionError::Life(120)
    );
    assert_eq!(
        actor_claim("iat", json!(NOW - 1)).unwrap_err(),
        AssertionError::Life(120)
    );
    assert_eq!(
        actor_claim("exp", json!(NOW)).unwrap_err(),
        AssertionError::Expired
    );
    assert_eq!(
        actor_claim("nbf", json!(NOW + 11)).unwrap_err(),
        AssertionError::Future("nbf")
    );
    let stolen = Party::new(2).sign(&actor_header(), &actor_claims());
    let rules = ActorAssertionRules {
        agent: "agt_booker",
        issuer: ISSUER,
        presenter: "agt_planner",
        now: Timestamp::from_seconds(NOW),
    };
    let result = ActorAssertion::verify(&stolen, &Party::new(1).keys(), &rules);
    assert_eq!(result.unwrap_err(), AssertionError::BadSignature);
}
