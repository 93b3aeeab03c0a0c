//! Introspection of each token (RFC 7662): cached for a second at most, and a rejection without a response.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use writ_platform::{Clock, Transport};
use writ_wire::claims::AccessTokenClaims;

use super::world::{Says, World};
use crate::live::{Introspection, LiveQuestion};
use crate::{
    ClientSecret, ConfigError, LiveCheck, Reason, Verifier, VerifierConfig, VerifierEnvironment,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_stopped_token_is_refused_at_once_without_a_cache() {
    let world = World::live(Duration::ZERO);
    let token = world.token();
    assert!(world.present(&token).await.is_ok());
    world.issuer.say(Says::Inactive);
    let refused = world.present(&token).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::Inactive);
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(world.issuer.calls("/introspect"), 2);
}

#[tokio::test]
async fn an_answer_counts_at_most_one_second() {
    let world = World::live(SECOND);
    let token = world.token();
    assert!(world.present(&token).await.is_ok());
    world.issuer.say(Says::Inactive);
    world.clock.advance(Duration::from_millis(999));
    assert!(world.present(&token).await.is_ok());
    assert_eq!(world.issuer.calls("/introspect"), 1);
    world.clock.advance(Duration::from_millis(1));
    let refused = world.present(&token).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::Inactive);
}

#[tokio::test]
async fn an_answer_is_kept_for_its_own_token_only() {
    let world = World::live(SECOND);
    assert!(world.present(&world.token()).await.is_ok());
    world.issuer.say(Says::Inactive);
    let other = world.claims_with("jti", json!("at_2"));
    assert_eq!(world.refusal_of(&other).await, Reason::Inactive);
}

#[tokio::test]
async fn no_answer_is_a_503() {
    for says in [Says::Fails, Says::Nonsense, Says::AnotherToken] {
        let world = World::live(Duration::ZERO);
        world.issuer.say(says);
        let refused = world.present(&world.token()).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let world = World::live(Duration::ZERO);
    assert!(world.present(&world.token()).await.is_ok());
    world.issuer.go_down();
    let refused = world.present(&world.token()).await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_silent_issuer_is_a_503() {
    let world = World::new();
    world.issuer.say(Says::Nothing);
    let secret = ClientSecret::new("s".into());
    let mut live = Introspection::new("bank-api", &secret, Duration::ZERO);
    live.timeout = Duration::ZERO;
    let (token, claims) = (
        world.token(),
        serde_json::from_value(world.claims()).unwrap(),
    );
    let asked = of(&claims, &token, "h");
    let transport = Arc::clone(&world.issuer) as Arc<dyn Transport>;
    let clock = Clock::Manual(world.clock.clone());
    let answer = live
        .check(&asked, "https://as.example/introspect", &transport, &clock)
        .await;
    assert!(matches!(answer, Err(Reason::Unavailable { .. })));
}

#[tokio::test]
async fn the_memory_of_answers_is_bounded() {
    let world = World::new();
    let secret = ClientSecret::new("s".into());
    let mut live = Introspection::new("bank-api", &secret, SECOND);
    live.limit = 3;
    let (token, claims) = (
        world.token(),
        serde_json::from_value(world.claims()).unwrap(),
    );
    let transport = Arc::clone(&world.issuer) as Arc<dyn Transport>;
    let clock = Clock::Manual(world.clock.clone());
    for hash in ["a", "b", "c", "d", "e"] {
        let asked = of(&claims, &token, hash);
        let endpoint = "https://as.example/introspect";
        live.check(&asked, endpoint, &transport, &clock)
            .await
            .unwrap();
        assert!(live.kept() <= 3);
    }
    world.clock.advance(SECOND);
    let asked = of(&claims, &token, "f");
    live.check(&asked, "https://as.example/introspect", &transport, &clock)
        .await
        .unwrap();
    assert_eq!(live.kept(), 1, "old answers make room");
}

#[tokio::test]
async fn rfc_6749_2_3_1_both_parts_are_form_encoded() {
    let world = World::live(Duration::ZERO);
    assert!(world.present(&world.token()).await.is_ok());
    // base64 of `bank-api:p%40ss%3Aword`
    assert_eq!(
        world.issuer.last_credentials(),
        "Basic YmFuay1hcGk6cCU0MHNzJTNBd29yZA=="
    );
}

#[test]
fn a_longer_cache_does_not_start() {
    let world = World::new();
    let resource = writ_wire::resource::ResourceUri::parse("https://bank.example").unwrap();
    let mut config = VerifierConfig::new("https://as.example", resource, "https://bank.example");
    let secret = ClientSecret::new("hunter2".into());
    assert!(!format!("{secret:?}").contains("hunter2"));
    config.live = LiveCheck::Introspection {
        client_id: "bank-api".into(),
        client_secret: secret,
        cache: SECOND + Duration::from_micros(1),
    };
    let environment = VerifierEnvironment {
        transport: Arc::clone(&world.issuer) as Arc<dyn Transport>,
        clock: Clock::Manual(world.clock.clone()),
        random: writ_platform::Random::System,
    };
    assert_eq!(
        Verifier::new(config, environment).err(),
        Some(ConfigError::LiveCache)
    );
}

fn of<'a>(claims: &'a AccessTokenClaims, token: &'a str, hash: &'a str) -> LiveQuestion<'a> {
    LiveQuestion {
        token,
        hash,
        id: &claims.jti,
        issuer: &claims.iss,
        subject: &claims.sub,
    }
}
