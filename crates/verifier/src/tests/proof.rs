//! Proofs at a resource (RFC 9449 sections 4.3, 7.1 and 9).

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use writ_jose::nonce::NonceKeys;
use writ_platform::BoxFuture;
use writ_wire::error::ErrorCode;
use writ_wire::time::Timestamp;

use super::world::{Party, World, request};
use crate::{
    ConfigError, Nonces, Reason, Rejection, Replay, ReplayStore, StoreUnavailable, Verifier,
};

/// What comes of a proof whose claims were changed.
async fn changed(world: &World, name: &str, value: serde_json::Value) -> Rejection {
    let token = world.token();
    let nonce = world.nonce().await;
    let proof = world.proof_with(&token, Some(&nonce), |claims| claims[name] = value);
    world.send(&request(&token, &proof)).await.unwrap_err()
}

#[tokio::test]
async fn rfc_9449_4_3_each_claim_must_fit_the_request() {
    let world = World::new();
    for (name, value) in [
        ("htm", json!("POST")),
        ("htm", json!("get")),
        ("htu", json!("https://bank.example/other")),
        ("htu", json!("http://bank.example/accounts")),
        ("htu", json!("https://bank.example.evil.example/accounts")),
        ("ath", json!("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo")),
        ("iat", json!(1)),
        ("jti", json!("")),
    ] {
        let refused = changed(&world, name, value.clone()).await;
        assert_eq!(
            refused.error(),
            Some(ErrorCode::InvalidDpopProof),
            "{name} {value}"
        );
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn htu_is_normalised_and_forwarded_headers_never_count() {
    let world = World::new();
    let token = world.token();
    let nonce = world.nonce().await;
    let send = async |htu: &str| {
        let proof = world.proof_with(&token, Some(&nonce), |claims| claims["htu"] = json!(htu));
        let mut request = request(&token, &proof);
        for name in ["host", "x-forwarded-host"] {
            request
                .headers_mut()
                .insert(name, "evil.example".parse().unwrap());
        }
        world.send(&request).await
    };
    assert!(
        send("HTTPS://Bank.Example:443/%61ccounts?x=1#y")
            .await
            .is_ok()
    );
    let refused = send("https://evil.example/accounts").await.unwrap_err();
    assert_eq!(refused.error(), Some(ErrorCode::InvalidDpopProof));
}

#[tokio::test]
async fn a_public_url_may_have_a_path() {
    let world = World::with(|config| config.public_url = "https://bank.example/api/".into());
    let token = world.token();
    let nonce = {
        let proof = world.proof_with(&token, None, |c| {
            c["htu"] = json!("https://bank.example/api/accounts")
        });
        let refused = world.send(&request(&token, &proof)).await.unwrap_err();
        refused.nonce().unwrap().to_owned()
    };
    let proof = world.proof_with(&token, Some(&nonce), |c| {
        c["htu"] = json!("https://bank.example/api/accounts");
    });
    assert!(world.send(&request(&token, &proof)).await.is_ok());
}

#[tokio::test]
async fn rfc_9449_7_1_a_proof_is_required_and_only_one() {
    let world = World::new();
    let token = world.token();
    let proof = world.proof(&token).await;

    let mut without = request(&token, &proof);
    without.headers_mut().remove("dpop");
    let refused = world.send(&without).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::MissingProof);

    let mut two = request(&token, &proof);
    two.headers_mut().append("dpop", proof.parse().unwrap());
    let refused = world.send(&two).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::SeveralProofs);
    assert_eq!(refused.error(), Some(ErrorCode::InvalidDpopProof));

    let nonce = world.nonce().await;
    let proof = world.proof_with(&token, Some(&nonce), |claims| {
        claims.as_object_mut().unwrap().remove("ath");
    });
    let refused = world.send(&request(&token, &proof)).await.unwrap_err();
    assert_eq!(refused.error(), Some(ErrorCode::InvalidDpopProof));
}

#[tokio::test]
async fn a_stolen_token_is_worthless_without_its_key() {
    let mut world = World::new();
    let token = world.token();
    world.nonce().await;
    world.agent = Party::new(66);
    let refused = world.present(&token).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::WrongKey);
    assert_eq!(
        refused.error(),
        Some(ErrorCode::InvalidToken),
        "RFC 9449 7.1"
    );
}

#[tokio::test]
async fn a_proof_is_good_once() {
    let world = World::new();
    let token = world.token();
    let proof = world.proof(&token).await;
    assert!(world.send(&request(&token, &proof)).await.is_ok());
    let refused = world.send(&request(&token, &proof)).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::ProofReplayed);
    assert_eq!(refused.error(), Some(ErrorCode::InvalidDpopProof));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_at_once_one_wins() {
    let world = World::new();
    let token = world.token();
    let proof = world.proof(&token).await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (verifier, request) = (world.verifier.clone(), request(&token, &proof));
            tokio::spawn(async move { verifier.verify(&request).await.is_ok() })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        accepted += usize::from(task.await.unwrap());
    }
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn rfc_9449_9_a_missing_old_or_foreign_nonce_is_answered_with_a_new_one() {
    let world = World::new();
    let old = world.nonce().await;
    // Of another process.
    let foreign = World::new().nonce().await;
    world.clock.advance(Duration::from_secs(301));
    let token = &world.token();
    for nonce in [None, Some(&old), Some(&foreign)] {
        let proof = world.proof_with(token, nonce.map(String::as_str), |_| {});
        let refused = world.send(&request(token, &proof)).await.unwrap_err();
        assert_eq!(refused.reason(), &Reason::UseNonce);
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(refused.challenges()[0].get("error"), Some("use_dpop_nonce"));

        let fresh = refused.nonce().unwrap().to_owned();
        let proof = world.proof_with(token, Some(&fresh), |_| {});
        assert!(world.send(&request(token, &proof)).await.is_ok());
    }
}

#[tokio::test]
async fn a_nonce_challenge_consumes_nothing() {
    let world = World::new();
    let token = world.token();
    let nonce = world.nonce().await;
    let fixed = |claims: &mut serde_json::Value| claims["jti"] = json!("same");
    let without = world.proof_with(&token, None, fixed);
    let refused = world.send(&request(&token, &without)).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::UseNonce);
    let with = world.proof_with(&token, Some(&nonce), fixed);
    assert!(world.send(&request(&token, &with)).await.is_ok());
}

#[tokio::test]
async fn a_restart_does_not_reopen_the_replay_window() {
    let world = World::new();
    let token = world.token();
    let proof = world.proof(&token).await;
    assert!(world.send(&request(&token, &proof)).await.is_ok());
    let restarted = world.restarted();
    let refused = restarted
        .verify(&request(&token, &proof))
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), &Reason::UseNonce);
}

#[test]
fn memory_without_fresh_nonces_is_refused() {
    for nonces in [Nonces::Off, Nonces::Shared([7; 32].into())] {
        let world = World::new();
        let mut config = crate::VerifierConfig::new(
            "https://as.example",
            writ_wire::resource::ResourceUri::parse("https://bank.example").unwrap(),
            "https://bank.example",
        );
        config.nonces = nonces;
        let environment = crate::VerifierEnvironment {
            transport: Arc::clone(&world.issuer) as Arc<dyn writ_platform::Transport>,
            clock: writ_platform::Clock::Manual(world.clock.clone()),
            random: writ_platform::Random::System,
        };
        let error = Verifier::new(config, environment).err();
        assert_eq!(error, Some(ConfigError::ReplayNeedsNonces));
    }
}

struct Broken;

impl ReplayStore for Broken {
    fn claim<'a>(
        &'a self,
        _: &'a str,
        _: Timestamp,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        let broken = Err(StoreUnavailable("table replays: disk full".into()));
        Box::pin(std::future::ready(broken))
    }
}

#[tokio::test]
async fn a_failing_store_is_a_503_never_an_acceptance() {
    let world = World::with(|config| config.replay = Replay::Store(Arc::new(Broken)));
    let refused = world.present(&world.token()).await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = String::from_utf8(refused.into_response().into_body().to_vec()).unwrap();
    assert!(!body.contains("disk"), "the cause is for the log: {body}");
}

#[tokio::test]
async fn with_a_durable_store_nonces_may_be_off() {
    let store = Arc::new(crate::MemoryReplays::default());
    let world = World::with(|config| {
        config.replay = Replay::Store(store);
        config.nonces = Nonces::Off;
    });
    let token = world.token();
    let proof = world.proof_with(&token, None, |_| {});
    assert!(world.send(&request(&token, &proof)).await.is_ok());
    let refused = world.send(&request(&token, &proof)).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::ProofReplayed);
}

#[tokio::test]
async fn rfc_9449_9_a_nonce_of_another_realm_is_refused() {
    let store = Arc::new(crate::MemoryReplays::default());
    let world = World::with(|config| {
        config.replay = Replay::Store(store);
        config.nonces = Nonces::Shared([7; 32].into());
    });
    let token = world.token();
    for (realm, accepted) in [
        ("https://as.example", false),
        ("https://bank.example", true),
    ] {
        let nonce = NonceKeys::new(&[7; 32], realm).issue(world.clock.now());
        let proof = world.proof_with(&token, Some(&nonce), |_| {});
        let answer = world.send(&request(&token, &proof)).await;
        assert_eq!(answer.is_ok(), accepted, "{realm}");
    }
}
