//! Narrow, hand over, actor assertions, and taking what was handed over (RFC 8693).

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    BANK, ISSUER, NOW, World, bound_grant, is_protocol, is_usage, jwk, token_answer, verified,
};
use crate::{ActorCredential, Agent, Error, ErrorCode, RequestedAccess, details, jwt};

#[tokio::test]
async fn the_actor_assertion_names_presenter_and_key() {
    let world = World::new().await;
    let minute = Duration::from_secs(60);
    let text = world.agent.actor_assertion("agt_other", minute).unwrap();
    let (header, claims) = verified(text.expose(), &jwk(&world.assertion));
    assert_eq!(header["typ"], "writ-actor+jwt");
    assert_eq!(header["alg"], "ES256");
    assert_eq!(header["kid"], world.assertion.thumbprint());
    let jti = claims["jti"].as_str().unwrap();
    assert_eq!(
        claims,
        json!({
            "iss": "agt_planner", "sub": "agt_planner", "aud": ISSUER, "azp": "agt_other",
            "cnf": { "jkt": world.dpop.thumbprint() }, "iat": NOW, "exp": NOW + 60, "jti": jti
        })
    );
    let again = world.agent.actor_assertion("agt_other", minute).unwrap();
    assert_ne!(
        verified(again.expose(), &jwk(&world.assertion)).1["jti"],
        jti
    );
}

#[tokio::test]
async fn an_actor_assertion_is_short_and_for_another() {
    let world = World::new().await;
    let make = |to: &str, seconds| {
        world
            .agent
            .actor_assertion(to, Duration::from_secs(seconds))
    };
    assert!(make("agt_other", 120).is_ok());
    assert!(is_usage(make("agt_other", 121)));
    assert!(is_usage(make("agt_other", 0)));
    assert!(is_usage(make("agt_planner", 60)));
    assert!(is_usage(make("", 60)));
    let bearer = World::bearer().await;
    assert!(is_usage(
        bearer
            .agent
            .actor_assertion("agt_other", Duration::from_secs(60))
    ));
}

#[tokio::test]
async fn rfc_8693_2_1_narrow_has_no_actor_token() {
    let world = World::new().await;
    world.answer(200, &[], &token_answer());
    let ask = RequestedAccess::resource(BANK)
        .scope("accounts:read")
        .details(details(json!([{ "type": "payment", "amount": "0.50" }])).unwrap());
    world.agent.narrow(&bound_grant(), &ask).await.unwrap();
    let form = world.sent()[0].form();
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let access_token = "urn:ietf:params:oauth:token-type:access_token";
    for (name, value) in [
        ("grant_type", exchange),
        ("subject_token", "at-1"),
        ("subject_token_type", access_token),
        ("resource", BANK),
        ("scope", "accounts:read"),
        (
            "authorization_details",
            r#"[{"amount":"0.50","type":"payment"}]"#,
        ),
    ] {
        assert_eq!(form.required(name), Ok(value));
    }
    assert!(!form.contains("actor_token") && !form.contains("actor_token_type"));
}

#[tokio::test]
async fn rfc_8693_2_1_hand_over_names_the_type_of_the_actor_token() {
    let world = World::new().await;
    for (credential, urn) in [
        (
            ActorCredential::assertion("actor"),
            "urn:ietf:params:oauth:token-type:jwt",
        ),
        (
            ActorCredential::access_token("actor"),
            "urn:ietf:params:oauth:token-type:access_token",
        ),
    ] {
        world.answer(200, &[], &token_answer());
        let handed = world
            .agent
            .delegate(
                &bound_grant(),
                &credential,
                &RequestedAccess::resource(BANK),
            )
            .await
            .unwrap();
        assert_eq!(handed.access_token.expose(), "at-1");
        let sent = world.sent();
        assert_eq!(sent[0].parameter("actor_token"), "actor");
        assert_eq!(sent[0].parameter("actor_token_type"), urn);
        // The holder agrees by its DPoP proof.
        assert_eq!(sent[0].proof().0["jwk"]["x"], jwk(&world.dpop)["x"]);
    }
}

#[tokio::test]
async fn an_excess_is_named() {
    let world = World::new().await;
    let body = json!({
        "error": "invalid_authorization_details", "error_description": "too wide",
        "excess": [{ "pointer": "/0/amount", "requested": "900.00" }]
    });
    world.answer(400, &[], &body);
    let error = world
        .agent
        .narrow(&bound_grant(), &RequestedAccess::default())
        .await
        .unwrap_err();
    assert!(error.advice().contains("`excess`"));
    assert!(error.to_string().contains("`/0/amount`"), "{error}");
    let Error::Refused(refusal) = error else {
        panic!("a refusal")
    };
    assert_eq!(refusal.code, ErrorCode::InvalidAuthorizationDetails);
    assert_eq!(refusal.excess[0].requested, "900.00");
}

fn handed_over(world: &World, change: fn(&mut Value, &mut Value)) -> String {
    let mut header = json!({ "typ": "at+jwt", "alg": "ES256" });
    let mut claims = json!({
        "iss": ISSUER, "aud": BANK, "client_id": "agt_planner", "jti": "t", "iat": NOW, "exp": NOW + 60,
        "sub": "usr_alice", "cnf": { "jkt": world.dpop.thumbprint() }, "scope": "accounts:read",
        "mission": { "id": "tsk_1", "issuer": ISSUER, "authority_hash": "sha-256:x", "expires_at": "" }
    });
    change(&mut header, &mut claims);
    jwt::sign(&world.assertion, &header, &claims).unwrap()
}

#[tokio::test]
async fn a_token_is_taken_only_if_it_is_for_this_agent_and_key() {
    let world = World::new().await;
    let agent: &Agent = &world.agent;
    let grant = agent.accept(&handed_over(&world, |_, _| ())).unwrap();
    assert_eq!(grant.scope.as_deref(), Some("accounts:read"));
    assert_eq!(grant.mission_id.as_deref(), Some("tsk_1"));
    assert_eq!(grant.expires_at.seconds(), NOW + 60);
    let wrong: [fn(&mut Value, &mut Value); 6] = [
        |header, _| header["typ"] = "JWT".into(),
        |_, claims| claims["iss"] = "https://as.example".into(),
        |_, claims| claims["client_id"] = "agt_other".into(),
        |_, claims| claims["cnf"]["jkt"] = "other".into(),
        |_, claims| claims["cnf"] = Value::Null,
        |_, claims| claims["exp"] = NOW.into(),
    ];
    for (case, change) in wrong.into_iter().enumerate() {
        assert!(
            is_protocol(agent.accept(&handed_over(&world, change))),
            "{case}"
        );
    }
    assert!(is_protocol(agent.accept("at-1")));
    let good = handed_over(&world, |_, _| ());
    world.clock.advance(Duration::from_secs(60));
    assert!(is_protocol(agent.accept(&good)));
}
