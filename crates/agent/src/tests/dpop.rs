//! Proofs, nonces and client authentication at the server.

use serde_json::json;

use super::{ISSUER, World, is_usage, jwk, token_answer, verified};
use crate::dpop::ath;
use crate::{Error, ErrorCode, RequestedAccess};

#[test]
fn rfc_9449_7_1_ath_of_the_example() {
    // The access token and the proof of the example request in RFC 9449 section 7.1.
    assert_eq!(
        ath("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
        "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    );
}

#[tokio::test]
async fn rfc_9449_4_2_a_proof_at_the_token_endpoint() {
    let world = World::new().await;
    world.answer(200, &[], &token_answer());
    world.answer(200, &[], &token_answer());
    world.agent.own(&RequestedAccess::default()).await.unwrap();
    world.agent.own(&RequestedAccess::default()).await.unwrap();
    let sent = world.sent();
    let (header, claims) = sent[0].proof();
    assert_eq!(header["typ"], "dpop+jwt");
    assert_eq!(header["alg"], "ES256");
    let members: Vec<_> = header["jwk"].as_object().unwrap().keys().collect();
    assert_eq!(members, ["crv", "kty", "x", "y"]);
    assert_eq!(header["jwk"]["x"], jwk(&world.dpop)["x"]);
    assert_eq!(claims["htm"], "POST");
    assert_eq!(claims["htu"], "https://as.example/t/acme/token");
    assert_eq!(claims["iat"], super::NOW);
    assert!(claims.get("ath").is_none() && claims.get("nonce").is_none());
    assert_ne!(claims["jti"], sent[1].proof().1["jti"]);
}

#[tokio::test]
async fn rfc_9449_8_a_nonce_is_answered_once_with_everything_fresh() {
    let world = World::new().await;
    let ask = json!({ "error": "use_dpop_nonce" });
    world.answer(400, &[("dpop-nonce", "n-1")], &ask);
    world.answer(200, &[("dpop-nonce", "n-2")], &token_answer());
    world.answer(200, &[], &token_answer());
    world.agent.own(&RequestedAccess::default()).await.unwrap();
    // The nonce of a success is used next (RFC 9449 8.2).
    world.agent.own(&RequestedAccess::default()).await.unwrap();
    let sent = world.sent();
    assert_eq!(sent.len(), 3);
    let nonce = |at: usize| sent[at].proof().1.get("nonce").cloned();
    assert_eq!(
        (nonce(0), nonce(1), nonce(2)),
        (None, Some("n-1".into()), Some("n-2".into()))
    );
    assert_ne!(sent[0].proof().1["jti"], sent[1].proof().1["jti"]);
    assert_ne!(
        sent[0].parameter("client_assertion"),
        sent[1].parameter("client_assertion")
    );
}

#[tokio::test]
async fn rfc_9449_8_a_second_challenge_is_not_answered() {
    let world = World::new().await;
    let ask = json!({ "error": "use_dpop_nonce" });
    for nonce in ["n-1", "n-2", "n-3"] {
        world.answer(400, &[("dpop-nonce", nonce)], &ask);
    }
    let error = world
        .agent
        .own(&RequestedAccess::default())
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UseDpopNonce));
    assert_eq!(world.sent().len(), 2);
}

#[tokio::test]
async fn rfc_9449_8_1_a_challenge_without_one_good_nonce_is_not_answered() {
    let ask = json!({ "error": "use_dpop_nonce" });
    let two = [("dpop-nonce", "a"), ("dpop-nonce", "b")];
    for headers in [&[][..], &two[..], &[("dpop-nonce", "a b")][..]] {
        let world = World::new().await;
        world.answer(400, headers, &ask);
        assert!(world.agent.own(&RequestedAccess::default()).await.is_err());
        assert_eq!(world.sent().len(), 1, "{headers:?}");
    }
}

#[tokio::test]
async fn the_client_assertion_names_issuer_and_client() {
    let world = World::new().await;
    world.answer(200, &[], &token_answer());
    world.agent.own(&RequestedAccess::default()).await.unwrap();
    let sent = world.sent();
    assert_eq!(sent[0].parameter("client_id"), "agt_planner");
    assert_eq!(
        sent[0].parameter("client_assertion_type"),
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    let (header, claims) = verified(
        &sent[0].parameter("client_assertion"),
        &jwk(&world.assertion),
    );
    assert_eq!(header["typ"], "client-authentication+jwt");
    assert_eq!(header["kid"], world.assertion.thumbprint());
    assert_eq!(claims["iss"], "agt_planner");
    assert_eq!(claims["sub"], "agt_planner");
    assert_eq!(claims["aud"], ISSUER);
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((1..=60).contains(&lifetime));
    assert!(claims.get("azp").is_none() && claims.get("cnf").is_none());
}

#[tokio::test]
async fn rfc_6749_2_3_1_basic_is_form_encoded_first() {
    let world = World::bearer().await;
    let mut answer = token_answer();
    answer["token_type"] = "Bearer".into();
    world.answer(200, &[], &answer);
    world.agent.own(&RequestedAccess::default()).await.unwrap();
    let sent = world.sent();
    // "reports:s+e%3Acret" in base64.
    assert_eq!(
        sent[0].header("authorization"),
        "Basic cmVwb3J0czpzK2UlM0FjcmV0"
    );
    assert!(!sent[0].0.headers().contains_key("dpop"));
    assert!(!sent[0].form().contains("client_assertion"));
    assert!(!format!("{:?}", sent[0].0.headers()).contains("cmVw"));
}

#[tokio::test]
async fn bearer_never_comes_in_silence() {
    let world = World::new().await;
    let mut answer = token_answer();
    answer["token_type"] = "Bearer".into();
    world.answer(200, &[], &answer);
    assert!(matches!(
        world.agent.own(&RequestedAccess::default()).await,
        Err(Error::Protocol(_))
    ));
    let bearer = World::bearer().await;
    bearer.answer(200, &[], &token_answer());
    assert!(matches!(
        bearer.agent.own(&RequestedAccess::default()).await,
        Err(Error::Protocol(_))
    ));
    // What is delegated is bound to a key: without one nothing is sent.
    bearer.sent();
    let mut grant = super::bound_grant();
    grant.token_type = crate::TokenType::Bearer;
    assert!(is_usage(
        bearer
            .agent
            .narrow(&grant, &RequestedAccess::default())
            .await
    ));
    assert_eq!(bearer.sent().len(), 0);
}
