//! Calls to a resource: what is sent, the nonce, and what a refusal says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use serde_json::json;

use super::{World, bound_grant, is_usage, jwk};
use crate::{Error, ErrorCode, Grant, ResourceRefusal, TokenType};

const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const NONCE: &str = r#"DPoP error="use_dpop_nonce""#;

fn grant() -> Grant {
    Grant {
        access_token: TOKEN.into(),
        ..bound_grant()
    }
}

fn get(uri: &str) -> Request<Bytes> {
    Request::get(uri).body(Bytes::new()).unwrap()
}

fn refusal(error: Error) -> ResourceRefusal {
    match error {
        Error::Resource(refusal) => *refusal,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn rfc_9449_7_1_token_and_proof_at_a_resource() {
    let world = World::new().await;
    world.answer(200, &[], &json!({}));
    let request = Request::put("https://Bank.example:443/pay?id=1")
        .header("content-type", "application/json")
        .header("authorization", "Bearer other")
        .header("dpop", "other")
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    assert_eq!(
        world.agent.call(&grant(), request).await.unwrap().status(),
        200
    );
    let sent = world.sent();
    assert_eq!(sent[0].header("authorization"), format!("DPoP {TOKEN}"));
    assert_eq!(
        sent[0].0.headers().get_all("authorization").iter().count(),
        1
    );
    assert_eq!(sent[0].header("content-type"), "application/json");
    assert_eq!(sent[0].0.uri(), "https://bank.example/pay?id=1");
    assert_eq!(&sent[0].0.body()[..], b"{}");
    let (header, claims) = sent[0].proof();
    assert_eq!(header["jwk"]["x"], jwk(&world.dpop)["x"]);
    assert_eq!(claims["htm"], "PUT");
    // RFC 9449 4.2: without query and fragment; 7.1: `ath` of the example.
    assert_eq!(claims["htu"], "https://bank.example/pay");
    assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    assert!(!format!("{:?}", sent[0].0.headers()).contains(TOKEN));
}

#[tokio::test]
async fn rfc_9449_9_a_nonce_is_answered_once_and_kept_for_its_origin() {
    let world = World::new().await;
    world.answer(
        401,
        &[("www-authenticate", NONCE), ("dpop-nonce", "rs-1")],
        &json!({}),
    );
    world.answer(200, &[], &json!({}));
    world.answer(200, &[], &json!({}));
    world.answer(200, &[], &json!({}));
    world
        .agent
        .call(&grant(), get("https://bank.example/a"))
        .await
        .unwrap();
    world
        .agent
        .call(&grant(), get("https://bank.example/b"))
        .await
        .unwrap();
    world
        .agent
        .call(&grant(), get("https://bank.example:8443/b"))
        .await
        .unwrap();
    let sent = world.sent();
    let nonces: Vec<_> = sent
        .iter()
        .map(|s| s.proof().1.get("nonce").cloned())
        .collect();
    assert_eq!(
        nonces,
        [None, Some("rs-1".into()), Some("rs-1".into()), None]
    );
    assert_ne!(sent[0].proof().1["jti"], sent[1].proof().1["jti"]);
}

#[tokio::test]
async fn rfc_9449_9_a_second_challenge_is_a_refusal() {
    let world = World::new().await;
    for nonce in ["rs-1", "rs-2", "rs-3"] {
        world.answer(
            401,
            &[("www-authenticate", NONCE), ("dpop-nonce", nonce)],
            &json!({}),
        );
    }
    let error = world
        .agent
        .call(&grant(), get("https://bank.example/a"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UseDpopNonce));
    assert_eq!(world.sent().len(), 2);
}

#[tokio::test]
async fn rfc_6750_2_1_a_bearer_grant_goes_as_bearer_without_proof() {
    let world = World::bearer().await;
    world.answer(204, &[], &json!({}));
    let bearer = Grant {
        token_type: TokenType::Bearer,
        ..grant()
    };
    world
        .agent
        .call(&bearer, get("https://bank.example/a"))
        .await
        .unwrap();
    let sent = world.sent();
    assert_eq!(sent[0].header("authorization"), format!("Bearer {TOKEN}"));
    assert!(!sent[0].0.headers().contains_key("dpop"));
    // A bound token without its key is of no use, and is not sent.
    assert!(is_usage(
        world
            .agent
            .call(&grant(), get("https://bank.example/a"))
            .await
    ));
    assert_eq!(world.sent().len(), 0);
}

#[tokio::test]
async fn a_token_never_goes_out_in_clear_text() {
    let world = World::new().await;
    for uri in ["http://bank.example/", "/relative", "ftp://bank.example/"] {
        assert!(
            is_usage(world.agent.call(&grant(), get(uri)).await),
            "{uri}"
        );
    }
    assert_eq!(world.sent().len(), 0);
    world.answer(200, &[], &json!({}));
    assert!(
        world
            .agent
            .call(&grant(), get("http://127.0.0.1:9/"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_refusal_says_what_to_ask_for() {
    let world = World::new().await;
    let remediation = json!({
        "authorization_details": [{ "type": "payment", "amount": "900.00" }],
        "authorization_reference": "ref-1"
    });
    let challenge = format!(
        r#"DPoP error="insufficient_authorization", error_description="too much", authorization_remediation="{}""#,
        URL_SAFE_NO_PAD.encode(remediation.to_string())
    );
    let headers = [
        ("www-authenticate", "Basic realm=\"x\""),
        ("www-authenticate", &challenge),
    ];
    world.answer(401, &headers, &json!({ "reason": "amount" }));
    let error = world
        .agent
        .call(&grant(), get("https://bank.example/"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::InsufficientAuthorization));
    assert!(error.advice().contains("`insufficient`"));
    let refusal = refusal(error);
    assert_eq!(refusal.status, 401);
    assert_eq!(refusal.description.as_deref(), Some("too much"));
    assert_eq!(refusal.insufficient[0].members()["amount"], "900.00");
    assert_eq!(refusal.authorization_reference.as_deref(), Some("ref-1"));
    assert_eq!(&refusal.body[..], br#"{"reason":"amount"}"#);
}

#[tokio::test]
async fn rfc_6750_3_1_scope_and_rfc_9728_5_1_metadata() {
    let world = World::new().await;
    let scope = r#"DPoP error="insufficient_scope", scope="accounts:write""#;
    world.answer(403, &[("www-authenticate", scope)], &json!({}));
    let refused = world
        .agent
        .call(&grant(), get("https://bank.example/"))
        .await
        .unwrap_err();
    assert_eq!(refusal(refused).scope.as_deref(), Some("accounts:write"));
    let bare = r#"DPoP algs="ES256", resource_metadata="https://bank.example/.well-known/x""#;
    world.answer(401, &[("www-authenticate", bare)], &json!({}));
    let refused = world
        .agent
        .call(&grant(), get("https://bank.example/"))
        .await
        .unwrap_err();
    assert!(refused.advice().contains("`resource`"));
    let refused = refusal(refused);
    assert_eq!(refused.error, None);
    assert_eq!(
        refused.resource_metadata.as_deref(),
        Some("https://bank.example/.well-known/x")
    );
    // Without a challenge of ours an answer is the resource's own business.
    world.answer(403, &[], &json!({}));
    let answer = world
        .agent
        .call(&grant(), get("https://bank.example/"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 403);
}
