//! Discovery, the pushed request, the callback and the code.

use serde_json::json;
use url::Url;
use writ_wire::pkce::{CodeChallenge, CodeVerifier};
use writ_wire::time::Timestamp;

use super::{BANK, ISSUER, NOW, World, is_protocol, is_usage, metadata, push, token_answer};
use crate::metadata::{read, well_known};
use crate::{Agent, AuthorizationIntent, Error, ErrorCode, PendingAuthorization, Purpose, details};

fn intent() -> AuthorizationIntent {
    AuthorizationIntent {
        redirect_uri: "http://127.0.0.1:8400/cb".into(),
        scope: "accounts:read".into(),
        resource: vec![BANK.into(), "https://cal.example".into()],
        authorization_details: details(json!([{ "type": "payment", "amount": "1.00" }])).unwrap(),
        acr_values: vec!["urn:a".into(), "urn:b".into()],
        max_age: Some(300),
        purpose: Some(Purpose {
            goal: "book a flight".into(),
            expires_at: Some(Timestamp::from_seconds(NOW)),
        }),
    }
}

async fn pending(world: &World, intent: &AuthorizationIntent) -> PendingAuthorization {
    let pushed = json!({ "request_uri": "urn:ietf:params:oauth:request_uri:x", "expires_in": 90 });
    world.answer(201, &[], &pushed);
    world.agent.authorize(intent).await.unwrap()
}

fn callback(pending: &PendingAuthorization, more: &str) -> String {
    format!(
        "http://127.0.0.1:8400/cb?code=c-1&state={}&iss=https%3A%2F%2Fas.example%2Ft%2Facme{more}",
        pending.state()
    )
}

#[test]
fn rfc_8414_3_1_the_well_known_part_goes_before_the_path() {
    for (issuer, url) in [
        (
            "https://as.example",
            "https://as.example/.well-known/oauth-authorization-server",
        ),
        (
            "https://as.example/",
            "https://as.example/.well-known/oauth-authorization-server",
        ),
        (
            ISSUER,
            "https://as.example/.well-known/oauth-authorization-server/t/acme",
        ),
        (
            "http://127.0.0.1:8080/t/a",
            "http://127.0.0.1:8080/.well-known/oauth-authorization-server/t/a",
        ),
    ] {
        assert_eq!(well_known(issuer).unwrap(), url);
    }
    for bad in [
        "http://as.example",
        "https://as.example?x",
        "https://u@as.example",
        "as.example",
    ] {
        assert!(is_usage(well_known(bad)), "{bad}");
    }
}

#[tokio::test]
async fn rfc_8414_3_3_metadata_of_another_issuer_is_refused() {
    let world = World::new().await;
    let (config, environment) = (world.agent.config.clone(), world.agent.environment.clone());
    for issuer in ["https://as.example/t/other", "https://as.example/t/acme/"] {
        let mut foreign = metadata();
        foreign["issuer"] = issuer.into();
        push(&world.fake, 200, &[], &foreign);
        let found = Agent::discover(ISSUER, config.clone(), environment.clone()).await;
        assert!(is_protocol(found), "{issuer}");
    }
    push(&world.fake, 404, &[], &metadata());
    assert!(is_protocol(
        Agent::discover(ISSUER, config, environment).await
    ));
}

#[test]
fn an_endpoint_in_clear_text_is_refused() {
    let mut clear = metadata();
    clear["token_endpoint"] = "http://as.example/token".into();
    let response = http::Response::new(clear.to_string().into());
    assert!(is_protocol(read(ISSUER, &response)));
}

#[tokio::test]
async fn rfc_9126_2_1_the_pushed_request_and_the_url() {
    let world = World::new().await;
    let pending = pending(&world, &intent()).await;
    let sent = world.sent();
    assert_eq!(sent[0].0.uri(), "https://as.example/t/acme/par");
    for (name, value) in [
        ("client_id", "agt_planner"),
        ("response_type", "code"),
        ("redirect_uri", "http://127.0.0.1:8400/cb"),
        ("scope", "accounts:read"),
        ("state", pending.state()),
        ("code_challenge_method", "S256"),
        ("acr_values", "urn:a urn:b"),
        ("max_age", "300"),
        (
            "authorization_details",
            r#"[{"amount":"1.00","type":"payment"}]"#,
        ),
        (
            "mission_intent",
            r#"{"intent":{"goal":"book a flight","expires_at":"2026-09-21T14:13:20Z"}}"#,
        ),
    ] {
        assert_eq!(sent[0].parameter(name), value);
    }
    let form = sent[0].form();
    assert_eq!(
        form.all("resource").collect::<Vec<_>>(),
        [BANK, "https://cal.example"]
    );
    assert_eq!(form.refuse_repeats(&["resource"]), Ok(()));
    assert!(!form.contains("nonce"));
    assert_eq!(sent[0].proof().1["htu"], "https://as.example/t/acme/par");

    let url = Url::parse(&pending.url).unwrap();
    assert_eq!(url.path(), "/t/acme/authorize");
    let query: Vec<_> = url.query_pairs().into_owned().collect();
    assert_eq!(query[0], ("client_id".into(), "agt_planner".into()));
    let uri = "urn:ietf:params:oauth:request_uri:x";
    assert_eq!(query[1], ("request_uri".into(), uri.into()));
    assert_eq!(query.len(), 2);
    assert_eq!(pending.expires_at, Timestamp::from_seconds(NOW + 90));
}

#[tokio::test]
async fn rfc_7636_4_the_code_goes_with_the_verifier_of_its_challenge() {
    let world = World::new().await;
    let pending = pending(&world, &intent()).await;
    world.answer(200, &[], &token_answer());
    let grant = pending
        .complete(&world.agent, &callback(&pending, ""), Some(BANK))
        .await
        .unwrap();
    let sent = world.sent();
    assert_eq!(sent[1].parameter("grant_type"), "authorization_code");
    assert_eq!(sent[1].parameter("code"), "c-1");
    assert_eq!(sent[1].parameter("resource"), BANK);
    let verifier = CodeVerifier::parse(&sent[1].parameter("code_verifier")).unwrap();
    let challenge = CodeChallenge::parse(&sent[0].parameter("code_challenge")).unwrap();
    assert!(challenge.matches(&verifier));
    assert_eq!(sent[1].proof().0["jwk"], sent[0].proof().0["jwk"]);
    assert_eq!(grant.access_token.expose(), "at-1");
    assert_eq!(grant.expires_at, Timestamp::from_seconds(NOW + 300));
    assert_eq!(grant.mission_id.as_deref(), Some("tsk_1"));
}

#[tokio::test]
async fn rfc_9207_2_4_and_9700_4_4_a_wrong_state_or_issuer_sends_no_code() {
    let world = World::new().await;
    let pending = pending(&world, &intent()).await;
    world.sent();
    let state = pending.state();
    for bad in [
        "code=c&state=other&iss=https://as.example/t/acme".to_owned(),
        "code=c&iss=https://as.example/t/acme".to_owned(),
        format!("code=c&state={state}"),
        format!("code=c&state={state}&iss=https://as.example"),
        format!("code=c&state={state}&iss=https://as.example/t/acme/"),
        format!("code=c&code=d&state={state}&iss=https://as.example/t/acme"),
        format!("code=c&state={state}&state={state}&iss=https://as.example/t/acme"),
        format!("error=access_denied&state={state}"),
        format!("state={state}&iss=https://as.example/t/acme"),
        format!("#code=c&state={state}&iss=https://as.example/t/acme"),
    ] {
        assert!(
            is_protocol(pending.complete(&world.agent, &bad, None).await),
            "{bad}"
        );
    }
    assert_eq!(world.sent().len(), 0);
    // After all that the true answer still counts.
    world.answer(200, &[], &token_answer());
    let query = format!("code=c&state={state}&iss=https://as.example/t/acme");
    assert!(pending.complete(&world.agent, &query, None).await.is_ok());
}

#[tokio::test]
async fn oauth21_4_1_2_1_the_person_says_no() {
    let world = World::new().await;
    let pending = pending(&world, &intent()).await;
    let iss = "iss=https://as.example/t/acme";
    let denied = format!("error=access_denied&state={}&{iss}", pending.state());
    let error = pending
        .complete(&world.agent, &denied, None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Denied { .. }));
    let other = format!("error=login_required&state={}&{iss}", pending.state());
    let error = pending
        .complete(&world.agent, &other, None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::LoginRequired));
}

#[tokio::test]
async fn a_purpose_is_never_dropped_in_silence() {
    let mut world = World::new().await;
    world.agent.metadata.mission_bound_authorization_supported = None;
    assert!(is_usage(world.agent.authorize(&intent()).await));
    assert_eq!(world.sent().len(), 0);
}

#[tokio::test]
async fn openid_core_3_1_3_7_the_id_token_answers_this_request() {
    let world = World::new().await;
    let asked = AuthorizationIntent {
        scope: "openid".into(),
        ..intent()
    };
    let pending = pending(&world, &asked).await;
    let nonce = world.sent()[0].parameter("nonce");
    // Access token and `at_hash` of the example in OpenID Connect Core A.3.
    let access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    let right = json!({
        "iss": ISSUER, "sub": "usr_alice", "aud": "agt_planner", "azp": "agt_planner", "iat": NOW,
        "exp": NOW + 300, "auth_time": NOW, "nonce": nonce, "acr": "1", "amr": ["pwd"],
        "at_hash": "77QmUPtjPfzWtF2AnpK9RQ"
    });
    for (name, wrong) in [
        ("", json!("")),
        ("nonce", json!("other")),
        ("iss", json!("https://as.example")),
        ("aud", json!("agt_other")),
        ("exp", json!(NOW)),
        ("at_hash", json!("AAAA")),
    ] {
        let mut claims = right.clone();
        if !name.is_empty() {
            claims[name] = wrong;
        }
        let key = &world.assertion;
        let mut answer = token_answer();
        let id_token = crate::jwt::sign(key, &json!({ "alg": "ES256" }), &claims).unwrap();
        answer["id_token"] = id_token.into();
        answer["access_token"] = access_token.into();
        world.answer(200, &[], &answer);
        let result = pending
            .complete(&world.agent, &callback(&pending, ""), None)
            .await;
        assert_eq!(result.is_ok(), name.is_empty(), "{name}");
    }
}
