//! What the client reads: challenges, body, metadata (RFC 6750 section 3, 9449 section 7.1, RFC 9728).

use std::collections::BTreeSet;

use http::{Request, StatusCode};
use serde_json::{Value, json};
use writ_wire::error::ErrorCode;
use writ_wire::resource::ResourceUri;

use super::world::World;
use crate::{BearerPolicy, ConfigError, Reason, VerifierConfig, metadata_url};

const METADATA: &str = "https://bank.example/.well-known/oauth-protected-resource";

#[tokio::test]
async fn rfc_6750_3_1_no_credentials_no_code() {
    let world = World::new();
    for authorization in [None, Some("Basic YTpi")] {
        let mut request = Request::get("/accounts");
        if let Some(text) = authorization {
            request = request.header("authorization", text);
        }
        let refused = world.send(&request.body(()).unwrap()).await.unwrap_err();
        assert_eq!(refused.error(), None);
        let response = refused.into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let challenges: Vec<_> = response
            .headers()
            .get_all("www-authenticate")
            .iter()
            .collect();
        assert_eq!(
            challenges,
            [&format!(
                r#"DPoP algs="ES256 EdDSA PS256", resource_metadata="{METADATA}""#
            )]
        );
        assert!(response.body().is_empty());
    }
    assert_eq!(world.issuer.calls("/jwks"), 0);
}

#[tokio::test]
async fn where_bearer_is_taken_both_schemes_are_named() {
    let world = World::with(|config| config.bearer = BearerPolicy::Allow);
    let refused = world
        .send(&Request::get("/").body(()).unwrap())
        .await
        .unwrap_err();
    let schemes: Vec<_> = refused
        .challenges()
        .iter()
        .map(|c| c.scheme.as_str())
        .collect();
    assert_eq!(schemes, ["DPoP", "Bearer"]);
    let wrong = Request::get("/")
        .header("authorization", "Bearer x")
        .body(())
        .unwrap();
    let refused = world.send(&wrong).await.unwrap_err();
    assert_eq!(refused.challenges()[0].scheme, "Bearer");
    assert_eq!(refused.challenges()[0].get("error"), Some("invalid_token"));
}

#[tokio::test]
async fn rfc_6750_3_1_insufficient_scope_is_a_403_that_names_the_scope() {
    let world = World::new();
    let caller = world.present(&world.token()).await.unwrap();
    let refused = caller.require_scope("accounts:write").unwrap_err();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(refused.error(), Some(ErrorCode::InsufficientScope));
    let challenge = &refused.challenges()[0];
    assert_eq!(challenge.get("scope"), Some("accounts:write"));
    assert_eq!(challenge.get("resource_metadata"), Some(METADATA));
}

#[tokio::test]
async fn no_refusal_shows_a_token_or_a_proof() {
    let world = World::new();
    let token = world.token();
    let proof = world.proof_with(&token, None, |claims| {
        claims["htu"] = json!("https://x.example")
    });
    let wrong_aud = world.sign(&world.claims_with("aud", json!("https://other.example")));
    for token in [
        token,
        wrong_aud,
        "a.b.c".to_owned(),
        "secret-opaque-token".to_owned(),
    ] {
        let request = super::world::request(&token, &proof);
        let refused = world.send(&request).await.unwrap_err();
        let response = refused.into_response();
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert!(body["error"].is_string() && body["error_description"].is_string());
        let all = format!("{:?} {}", response.headers(), body);
        assert!(!all.contains(&token) && !all.contains(&proof), "{all}");
    }
}

#[tokio::test]
async fn rfc_9449_7_1_the_nonce_travels_in_its_field() {
    let world = World::new();
    let token = world.token();
    let proof = world.proof_with(&token, None, |_| {});
    let refused = world
        .send(&super::world::request(&token, &proof))
        .await
        .unwrap_err();
    let response = refused.into_response();
    assert_eq!(response.headers().get_all("dpop-nonce").iter().count(), 1);
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["error"], "use_dpop_nonce");
}

#[test]
fn unavailable_has_no_challenge_and_says_when_to_come_back() {
    let challenger = crate::refused::Challenger {
        realm: "https://bank.example".into(),
        metadata_url: None,
        bearer: BearerPolicy::Refuse,
    };
    let reason = Reason::unavailable("the store is away", "password=hunter2");
    let response = challenger.refuse(None, None, reason).into_response();
    assert_eq!(response.headers()["retry-after"], "1");
    assert!(!response.headers().contains_key("www-authenticate"));
    assert!(!String::from_utf8_lossy(response.body()).contains("hunter2"));
}

#[test]
fn rfc_9728_2_the_document() {
    let world = World::new();
    let document = world
        .verifier
        .resource_metadata(&["accounts:read"], &["payment"]);
    assert_eq!(
        serde_json::to_value(document).unwrap(),
        json!({
            "resource": "https://bank.example",
            "authorization_servers": ["https://as.example"],
            "scopes_supported": ["accounts:read"],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "PS256"],
            "dpop_bound_access_tokens_required": true,
            "authorization_details_types_supported": ["payment"],
        })
    );
}

#[test]
fn rfc_9728_3_2_what_has_no_value_is_left_out() {
    let world = World::new();
    let document = serde_json::to_value(world.verifier.resource_metadata(&[], &[])).unwrap();
    let members = document.as_object().unwrap();
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    let expected = [
        "authorization_servers",
        "bearer_methods_supported",
        "dpop_bound_access_tokens_required",
        "dpop_signing_alg_values_supported",
        "resource",
    ];
    assert_eq!(names, expected);
    let empty = [json!([]), json!(""), Value::Null];
    assert!(members.values().all(|value| !empty.contains(value)));
}

/// No attribute comes twice, a scheme never stands alone, and no value breaks out of its quotes.
#[tokio::test]
async fn rfc_6750_3_the_form_of_a_challenge() {
    let bearer = |config: &mut VerifierConfig| config.bearer = BearerPolicy::Allow;
    let bare = |config: &mut VerifierConfig| {
        config.bearer = BearerPolicy::Allow;
        config.resource_metadata_url = None;
    };
    for world in [World::with(bearer), World::with(bare)] {
        let caller = world.present(&world.token()).await.unwrap();
        let nothing = Request::get("/").body(()).unwrap();
        let wrong = Request::get("/").header("authorization", "Bearer x");
        let refusals = [
            world.send(&nothing).await.unwrap_err(),
            world.send(&wrong.body(()).unwrap()).await.unwrap_err(),
            caller.require_scope("a\"b\\").unwrap_err(),
        ];
        for challenge in refusals.iter().flat_map(|refused| refused.challenges()) {
            let text = challenge.render();
            assert!(!challenge.parameters.is_empty(), "{text}");
            let names = challenge.parameters.iter().map(|(name, _)| name);
            let once: BTreeSet<_> = names.clone().collect();
            assert_eq!(once.len(), names.count(), "{text}");
            let values = challenge.parameters.iter().map(|(_, value)| value);
            let allowed = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(
                values.into_iter().all(|value| value.bytes().all(allowed)),
                "{text}"
            );
        }
    }
}

#[test]
fn rfc_9728_3_1_the_document_s_place() {
    for (resource, expected) in [
        ("https://bank.example", METADATA.to_owned()),
        ("https://bank.example/", METADATA.to_owned()),
        (
            "https://api.example/payments",
            "https://api.example/.well-known/oauth-protected-resource/payments".to_owned(),
        ),
        (
            "https://api.example:8443/a?b=c",
            "https://api.example:8443/.well-known/oauth-protected-resource/a?b=c".to_owned(),
        ),
    ] {
        assert_eq!(
            metadata_url(&ResourceUri::parse(resource).unwrap()),
            Some(expected)
        );
    }
    assert_eq!(metadata_url(&ResourceUri::parse("urn:bank").unwrap()), None);
}

#[test]
fn unsafe_urls_do_not_start() {
    let config = |issuer: &str, public_url: &str| {
        let resource = ResourceUri::parse("https://bank.example").unwrap();
        VerifierConfig::new(issuer, resource, public_url).check()
    };
    for bad in [
        "http://as.example",
        "as.example",
        "https://as.example?x",
        "https://u@as.example",
        "ftp://as.example",
    ] {
        assert_eq!(
            config(bad, "https://bank.example"),
            Err(ConfigError::Issuer(bad.into()))
        );
        assert_eq!(
            config("https://as.example", bad),
            Err(ConfigError::PublicUrl(bad.into()))
        );
    }
    for good in [
        "http://127.0.0.1:9000",
        "http://[::1]:9000",
        "http://localhost:9000/t/acme",
    ] {
        assert_eq!(config(good, good), Ok(()));
    }
}
