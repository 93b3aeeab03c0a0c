//! Transaction challenges: what is said to a resource, checked of its challenge, and sent to the server
//! (draft-rosomakho-oauth-txn-challenge-00, "Client Processing").

use http::Request;
use serde_json::{Value, json};
use writ_platform::Random;
use writ_wire::jwk::JwkSet;

use super::{BANK, ISSUER, NOW, World, bound_grant, is_protocol, is_usage, token_answer};
use crate::{Confirm, Error, Grant, Key, ResourceKeys, ResourceRefusal, jwt};

const ENDPOINT: &str = "https://as.example/t/acme/transaction_authorization";

/// A world whose server has the endpoint, and whose agent knows the bank's key.
async fn opened() -> (World, Key) {
    let mut world = World::new().await;
    let bank = Key::generate(&Random::System);
    world.agent.metadata.transaction_authorization_endpoint = Some(ENDPOINT.to_owned());
    let keys = ResourceKeys::default().with(BANK, &set(&bank)).unwrap();
    world.agent.resource_keys = keys;
    (world, bank)
}

fn set(key: &Key) -> JwkSet {
    JwkSet {
        keys: vec![key.public_jwk()],
    }
}

fn grant(world: &World) -> Grant {
    let claims = json!({
        "iss": ISSUER, "aud": BANK, "client_id": "agt_planner", "jti": "t", "iat": NOW, "exp": NOW + 60,
        "sub": "usr_alice", "cnf": { "jkt": world.dpop.thumbprint() }
    });
    let token = jwt::sign(&world.assertion, &json!({ "typ": "at+jwt" }), &claims).unwrap();
    Grant {
        access_token: token.into(),
        ..bound_grant()
    }
}

fn header(key: &Key) -> Value {
    json!({ "alg": "ES256", "typ": "txn-authz-challenge+jwt", "kid": key.kid() })
}

fn claims() -> Value {
    json!({
        "iss": BANK, "aud": ISSUER, "iat": NOW, "exp": NOW + 300, "jti": "j", "txn": "order-7",
        "authorization_details": [{ "type": "payment" }], "reason": "why"
    })
}

fn changed(object: Value, name: &str, value: Value) -> Value {
    let mut object = object;
    object[name] = value;
    object
}

async fn refusal(world: &World, challenge: &str) -> ResourceRefusal {
    let field = format!(
        r#"DPoP error="transaction_authorization_required", transaction_challenge="{challenge}""#
    );
    world.answer(401, &[("www-authenticate", &field)], &json!({}));
    let request = Request::post(format!("{BANK}/payments")).body("{}".into());
    match world.agent.call(&grant(world), request.unwrap()).await {
        Err(Error::Resource(refused)) => *refused,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn draft_client_processing_a_good_challenge_is_presented_as_it_is() {
    let (world, bank) = opened().await;
    let challenge = jwt::sign(&bank, &header(&bank), &claims()).unwrap();
    let refused = refusal(&world, &challenge).await;
    assert_eq!(world.sent()[0].header("accept-txn-challenge"), "?1");
    let uri = "https://as.example/app/requests/apr_1";
    world.answer(
        200,
        &[],
        &json!({ "transaction_authorization_id": "txn-1", "expires_in": 120, "authorization_uri": uri }),
    );
    let grant = grant(&world);
    let ask = Confirm::refused(&refused).binding_message("not sent");
    let mut question = world.agent.confirm(&grant, &ask).await.unwrap();
    assert_eq!(question.authorization_uri.as_deref(), Some(uri));
    assert_eq!(question.interval().as_secs(), 5, "the usual one");
    let sent = world.sent();
    assert_eq!(sent[0].0.uri(), ENDPOINT);
    assert_eq!(sent[0].parameter("transaction_challenge"), challenge);
    assert_eq!(
        sent[0].parameter("subject_token"),
        grant.access_token.expose()
    );
    assert_eq!(sent[0].form().optional("binding_message"), Ok(None));
    sent[0].proof();

    world.answer(400, &[], &json!({ "error": "authorization_pending" }));
    assert!(question.poll(&world.agent).await.unwrap().is_none());
    world.answer(200, &[], &token_answer());
    assert!(question.poll(&world.agent).await.unwrap().is_some());
    for poll in world.sent() {
        assert_eq!(poll.0.uri(), ENDPOINT);
        assert_eq!(poll.parameter("transaction_authorization_id"), "txn-1");
        assert_eq!(poll.form().optional("grant_type"), Ok(None));
        assert_eq!(poll.header("prefer"), "wait=25");
    }
}

#[tokio::test]
async fn draft_client_processing_what_cannot_be_verified_is_not_presented() {
    let (world, bank) = opened().await;
    let other = Key::generate(&Random::System);
    let sign = |key: &Key, header: &Value, claims: &Value| jwt::sign(key, header, claims).unwrap();
    let good = sign(&bank, &header(&bank), &claims());
    let (start, _) = good.rsplit_once('.').unwrap();
    let mut bad = vec![
        sign(&other, &header(&bank), &claims()),
        sign(&other, &header(&other), &claims()),
        format!("{start}."),
        "x.y.z".to_owned(),
    ];
    for (name, value) in [
        ("typ", json!("JWT")),
        ("alg", json!("none")),
        ("alg", json!("EdDSA")),
        ("kid", json!("k")),
    ] {
        bad.push(sign(&bank, &changed(header(&bank), name, value), &claims()));
    }
    for (name, value) in [
        ("iss", json!("https://shop.example")),
        ("aud", json!("https://other.example")),
        ("aud", json!(["https://other.example"])),
        ("exp", json!(NOW)),
        ("txn", json!(7)),
    ] {
        bad.push(sign(&bank, &header(&bank), &changed(claims(), name, value)));
    }
    for challenge in bad {
        let refused = refusal(&world, &challenge).await;
        world.sent();
        let presented = world
            .agent
            .confirm(&grant(&world), &Confirm::refused(&refused))
            .await;
        assert!(is_protocol(presented), "{challenge}");
        assert!(world.sent().is_empty(), "nothing is disclosed");
    }
}

#[tokio::test]
async fn draft_capability_signal_only_where_a_challenge_could_be_verified() {
    let (mut world, bank) = opened().await;
    world.agent.resource_keys = ResourceKeys::default()
        .with("https://shop.example", &set(&bank))
        .unwrap();
    world.answer(200, &[], &json!({}));
    let request = Request::get(format!("{BANK}/accounts")).header("accept-txn-challenge", "?1");
    let request = request.body("".into()).unwrap();
    world.agent.call(&grant(&world), request).await.unwrap();
    assert!(
        !world.sent()[0]
            .0
            .headers()
            .contains_key("accept-txn-challenge")
    );
}

#[tokio::test]
async fn draft_a_server_without_the_endpoint_takes_no_challenges() {
    let world = World::new().await;
    assert!(is_usage(
        world.agent.accept_challenges(ResourceKeys::default())
    ));
    let no_key = JwkSet { keys: Vec::new() };
    assert!(is_usage(ResourceKeys::default().with(BANK, &no_key)));
}
