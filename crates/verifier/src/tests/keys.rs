//! The issuer's keys: cached, rotated, bounded (RFC 8414 section 3.3, RFC 7517).

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use writ_jose::access_token::AccessTokenError;
use writ_jose::key::SigningKey;
use writ_wire::jwk::MAX_KEYS;

use super::world::{World, request};
use crate::{KEYS_LIFETIME, MAX_KEYS_STALENESS, MIN_FETCH_INTERVAL, Reason};

const METADATA: &str = "/.well-known/oauth-authorization-server";

/// The answer to one more request, with a fresh nonce.
async fn status(world: &World, token: &str) -> StatusCode {
    world.forget_nonce();
    let proof = world.proof_with(token, None, |_| {});
    let refused = world.send(&request(token, &proof)).await.unwrap_err();
    let Some(nonce) = refused.nonce() else {
        return refused.status();
    };
    let proof = world.proof_with(token, Some(nonce), |_| {});
    let answer = world.send(&request(token, &proof)).await;
    answer.map_or_else(|refused| refused.status(), |_| StatusCode::OK)
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_after_their_lifetime() {
    let world = World::new();
    for _ in 0..3 {
        assert_eq!(status(&world, &world.token()).await, StatusCode::OK);
    }
    assert_eq!(
        (world.issuer.calls(METADATA), world.issuer.calls("/jwks")),
        (1, 1)
    );
    world.clock.advance(KEYS_LIFETIME);
    assert_eq!(status(&world, &world.token()).await, StatusCode::OK);
    assert_eq!(world.issuer.calls("/jwks"), 2);
}

#[tokio::test]
async fn a_rotated_key_is_found_at_once_and_a_removed_one_is_refused() {
    let mut world = World::new();
    assert_eq!(status(&world, &world.token()).await, StatusCode::OK);
    let old = std::mem::replace(&mut world.key, SigningKey::generate().unwrap());
    world.issuer.publish(&[&world.key]);
    world.clock.advance(MIN_FETCH_INTERVAL);
    assert_eq!(status(&world, &world.token()).await, StatusCode::OK);
    let removed = old.sign_jwt("at+jwt", &world.claims()).unwrap();
    assert_eq!(status(&world, &removed).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_one_fetch_in_ten_seconds() {
    let world = World::new();
    assert_eq!(status(&world, &world.token()).await, StatusCode::OK);
    world.clock.advance(MIN_FETCH_INTERVAL);
    for _ in 0..20 {
        let stranger = SigningKey::generate().unwrap();
        let token = stranger.sign_jwt("at+jwt", &world.claims()).unwrap();
        assert_eq!(status(&world, &token).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.issuer.calls("/jwks"), 2);
    world.clock.advance(MIN_FETCH_INTERVAL);
    let stranger = SigningKey::generate().unwrap();
    let token = stranger.sign_jwt("at+jwt", &world.claims()).unwrap();
    assert_eq!(status(&world, &token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.issuer.calls("/jwks"), 3);
}

#[tokio::test]
async fn an_issuer_that_is_down_is_a_503_and_asked_rarely() {
    let world = World::new();
    world.issuer.go_down();
    for _ in 0..5 {
        let refused = world.send(&request(&world.token(), "x")).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let response = refused.into_response();
        assert!(!String::from_utf8_lossy(response.body()).contains("internal-host-7"));
    }
    assert_eq!(world.issuer.calls(METADATA), 1);
    world.issuer.come_back();
    world.clock.advance(MIN_FETCH_INTERVAL);
    assert_eq!(status(&world, &world.token()).await, StatusCode::OK);
}

#[tokio::test]
async fn known_keys_outlive_an_outage_but_not_for_ever() {
    let world = World::new();
    assert_eq!(status(&world, &world.token()).await, StatusCode::OK);
    world.issuer.go_down();
    world.clock.advance(KEYS_LIFETIME + Duration::from_secs(60));
    assert_eq!(status(&world, &world.token()).await, StatusCode::OK);
    let stranger = SigningKey::generate().unwrap();
    let token = stranger.sign_jwt("at+jwt", &world.claims()).unwrap();
    let unknown = status(&world, &token).await;
    assert_eq!(
        unknown,
        StatusCode::SERVICE_UNAVAILABLE,
        "it may be a new key"
    );
    world.clock.advance(MAX_KEYS_STALENESS);
    let stale = status(&world, &world.token()).await;
    assert_eq!(stale, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cold_start_under_load_fetches_once() {
    let world = World::new();
    let token = world.token();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (verifier, request) = (world.verifier.clone(), request(&token, "x"));
            tokio::spawn(async move { verifier.verify(&request).await.is_ok() })
        })
        .collect();
    for task in tasks {
        assert!(!task.await.unwrap(), "`x` is no proof");
    }
    assert_eq!(world.issuer.calls("/jwks"), 1);
}

#[tokio::test]
async fn rfc_8414_3_3_metadata_of_another_issuer_is_refused() {
    for (name, value) in [
        ("issuer", "https://as.example/"),
        ("issuer", "https://evil.example"),
        ("jwks_uri", "http://as.example/jwks"),
        ("jwks_uri", "http://127.0.0.1/jwks"),
        ("introspection_endpoint", "ftp://as.example/introspect"),
    ] {
        let world = World::new();
        world.issuer.set_metadata(name, value);
        let answer = status(&world, &world.token()).await;
        assert_eq!(answer, StatusCode::SERVICE_UNAVAILABLE, "{name} {value}");
    }
}

#[tokio::test]
async fn key_sets_are_bounded_and_keys_for_other_uses_are_passed_over() {
    let world = World::new();
    let good = json!(world.key.public_jwk());
    let rsa = json!({ "kty": "RSA", "alg": "RS256", "kid": "r", "n": "AQAB", "e": "AQAB" });
    world.issuer.publish_raw(vec![rsa.clone(), good.clone()]);
    assert_eq!(status(&world, &world.token()).await, StatusCode::OK);

    let mut encryption = good.clone();
    encryption["use"] = json!("enc");
    let too_many: Vec<Value> = std::iter::once(good.clone())
        .chain((0..MAX_KEYS).map(|_| rsa.clone()))
        .collect();
    for bad in [vec![], vec![encryption], too_many, vec![good.clone(), good]] {
        let fresh = World::new();
        fresh.issuer.publish_raw(bad);
        let answer = status(&fresh, &fresh.token()).await;
        assert_eq!(answer, StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[tokio::test]
async fn a_token_without_kid_is_refused() {
    let world = World::new();
    let header = json!({ "typ": "at+jwt", "alg": "ES256" });
    let token = world.agent.sign(&header, &world.claims());
    let refused = world.send(&request(&token, "x")).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::Token(AccessTokenError::NoKey));
}
