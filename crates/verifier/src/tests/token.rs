//! The token itself (RFC 9068 section 4, RFC 6750 section 2).

use http::{Request, StatusCode};
use serde_json::{Value, json};
use writ_jose::access_token::{self, AccessTokenError};
use writ_jose::key::SigningKey;
use writ_wire::claims::{AccessTokenClaims, ApprovalBasis};
use writ_wire::error::ErrorCode;
use writ_wire::time::Timestamp;

use super::world::{Party, START, World, act, request, with};
use crate::{BearerPolicy, CallerSubject, Reason};

#[tokio::test]
async fn alice_s_agent_is_accepted_and_told_apart_from_alice() {
    let world = World::new();
    let claims: AccessTokenClaims = serde_json::from_value(world.claims()).unwrap();
    let token = access_token::sign(&world.key, &claims).unwrap();

    let caller = world.present(&token).await.unwrap();

    assert_eq!(caller.subject, CallerSubject::Person("usr_alice".into()));
    let actors: Vec<_> = caller.actors.iter().map(|a| a.sub.as_str()).collect();
    assert_eq!(actors, ["agt_booker", "agt_planner"], "outermost first");
    assert_eq!(caller.actors[1].delegation, "dlg_agt_planner");
    assert_eq!(caller.agent(), Some("agt_booker"));
    assert_eq!(caller.delegation.as_deref(), Some("dlg_agt_booker"));
    assert_eq!(caller.client, "agt_booker");
    let task = caller.task.as_ref().unwrap();
    assert_eq!(
        (task.id.as_str(), task.purpose.as_deref()),
        ("tsk_1", Some("Book a flight"))
    );
    assert_eq!(
        caller.approval.as_ref().unwrap().basis,
        ApprovalBasis::Password
    );
    assert_eq!(
        caller.authentication.acr.as_deref(),
        Some("urn:writ:password")
    );
    assert_eq!(caller.expires_at, Timestamp::from_seconds(START + 300));
    assert!(caller.require_scope("accounts:read").is_ok());
}

#[tokio::test]
async fn rfc_9068_4_another_audience_is_refused() {
    let world = World::new();
    for aud in ["https://bank.example/", "https://other.example"] {
        let reason = world
            .refusal_of(&world.claims_with("aud", json!(aud)))
            .await;
        assert_eq!(reason, Reason::WrongAudience, "{aud}");
    }
    let list = world.claims_with("aud", json!(["https://bank.example", "https://b.example"]));
    let reason = world.refusal_of(&list).await;
    assert!(matches!(
        reason,
        Reason::Token(AccessTokenError::Malformed(_))
    ));
}

#[tokio::test]
async fn rfc_9068_4_another_issuer_is_refused() {
    let world = World::new();
    let claims = world.claims_with("iss", json!("https://as.example/t/other"));
    assert_eq!(
        world.refusal_of(&claims).await,
        Reason::Token(AccessTokenError::WrongIssuer)
    );
}

#[tokio::test]
async fn rfc_9068_4_an_expired_token_is_refused() {
    let world = World::new();
    let claims = world.claims_with("exp", json!(START));
    assert_eq!(
        world.refusal_of(&claims).await,
        Reason::Token(AccessTokenError::Expired)
    );
}

#[tokio::test]
async fn rfc_9068_4_another_type_of_jwt_is_refused() {
    let world = World::new();
    for typ in ["JWT", "dpop+jwt", "writ-actor+jwt"] {
        let token = world.key.sign_jwt(typ, &world.claims()).unwrap();
        let refused = world.present(&token).await.unwrap_err();
        assert_eq!(
            refused.reason(),
            &Reason::Token(AccessTokenError::WrongType),
            "{typ}"
        );
        assert_eq!(refused.error(), Some(ErrorCode::InvalidToken));
    }
}

#[tokio::test]
async fn rfc_9068_4_a_forged_signature_is_refused() {
    let world = World::new();
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": world.key.kid() });
    let forged = Party::new(9).sign(&header, &world.claims());
    let refused = world.present(&forged).await.unwrap_err();
    assert_eq!(
        refused.reason(),
        &Reason::Token(AccessTokenError::BadSignature)
    );

    for alg in ["none", "HS256"] {
        let header = with(header.clone(), "alg", json!(alg));
        let forged = Party::new(9).sign(&header, &world.claims());
        let refused = world.present(&forged).await.unwrap_err();
        assert!(
            matches!(
                refused.reason(),
                Reason::Token(AccessTokenError::Malformed(_))
            ),
            "{alg}"
        );
    }
}

#[tokio::test]
async fn rfc_6750_2_two_ways_to_send_a_token_are_refused() {
    let world = World::new();
    let token = world.token();
    let proof = world.proof(&token).await;

    let mut two_fields = request(&token, &proof);
    let second = format!("Bearer {token}").parse().unwrap();
    two_fields.headers_mut().append("authorization", second);
    let mut query = request(&token, &proof);
    *query.uri_mut() = "/accounts?access_token=x".parse().unwrap();
    for request in [two_fields, query] {
        let refused = world.send(&request).await.unwrap_err();
        assert_eq!(refused.reason(), &Reason::SeveralCredentials);
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        assert_eq!(refused.error(), Some(ErrorCode::InvalidRequest));
    }
    for field in [
        format!("DPoP {token}, Bearer {token}"),
        "DPoP".into(),
        "DPoP ".into(),
    ] {
        let request = Request::get("/")
            .header("authorization", field)
            .body(())
            .unwrap();
        let refused = world.send(&request).await.unwrap_err();
        assert_eq!(refused.reason(), &Reason::MalformedCredentials);
    }
}

#[tokio::test]
async fn oauth21_5_1_a_token_in_the_query_is_no_token() {
    let world = World::with(|config| config.bearer = BearerPolicy::Allow);
    let token = world.sign(&plain(&world));
    let header = format!("Bearer {token}");
    let good = Request::get("/accounts").header("authorization", header);
    assert!(world.send(&good.body(()).unwrap()).await.is_ok());
    let query = format!("/accounts?access_token={token}");
    let query = Request::get(query).body(()).unwrap();
    let refused = world.send(&query).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::NoCredentials);
    assert_eq!(refused.error(), None);
}

#[tokio::test]
async fn rfc_9449_7_1_a_bound_token_is_no_bearer_token() {
    let world = World::with(|config| config.bearer = BearerPolicy::Allow);
    let token = world.token();
    let bearer = Request::get("/accounts").header("authorization", format!("Bearer {token}"));
    let bearer = bearer.body(()).unwrap();
    let refused = world.send(&bearer).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::BoundTokenAsBearer);
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.challenges()[0].scheme, "DPoP");

    let world = World::new();
    let refused = world.send(&bearer).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::BearerRefused);
}

/// The token of a plain client, bound to no key.
fn plain(world: &World) -> Value {
    let claims = ["act", "mission", "cnf"]
        .into_iter()
        .fold(world.claims(), |claims, name| {
            with(claims, name, Value::Null)
        });
    with(claims, "client_id", json!("notes"))
}

#[tokio::test]
async fn bearer_is_a_permission_of_plain_clients_never_of_agents() {
    let world = World::with(|config| config.bearer = BearerPolicy::Allow);
    let bearer = |claims: &Value| {
        Request::get("/accounts")
            .header("authorization", format!("bearer {}", world.sign(claims)))
            .body(())
            .unwrap()
    };
    let caller = world.send(&bearer(&plain(&world))).await.unwrap();
    assert_eq!((caller.agent(), caller.key.as_ref()), (None, None));

    let unbound = world.claims_with("cnf", Value::Null);
    let refused = world.send(&bearer(&unbound)).await.unwrap_err();
    assert_eq!(refused.reason(), &Reason::UnboundAgent);

    let reason = world.refusal_of(&plain(&world)).await;
    assert_eq!(reason, Reason::UnboundToken, "with the scheme DPoP");
}

#[tokio::test]
async fn agents_only_refuses_plain_clients() {
    let world = World::with(|config| config.agents_only = true);
    let jkt = json!({ "jkt": world.agent.thumbprint() });
    let claims = with(plain(&world), "cnf", jkt);
    assert_eq!(world.refusal_of(&claims).await, Reason::NotAnAgent);
    assert!(world.present(&world.token()).await.is_ok());
}

#[tokio::test]
async fn subjects_are_persons_agents_or_clients() {
    let world = World::new();
    let own_work = with(
        world.claims_with("act", Value::Null),
        "sub_profile",
        json!("ai_agent"),
    );
    let own_work = with(
        with(own_work, "sub", json!("agt_booker")),
        "dlg",
        json!("dlg_1"),
    );
    let caller = world.present(&world.sign(&own_work)).await.unwrap();
    assert_eq!(caller.subject, CallerSubject::Agent("agt_booker".into()));
    assert_eq!(caller.agent(), Some("agt_booker"));

    let jkt = json!({ "jkt": world.agent.thumbprint() });
    let client = with(with(plain(&world), "cnf", jkt), "sub_profile", Value::Null);
    let reason = world.refusal_of(&client).await;
    assert_eq!(
        reason,
        Reason::Claim("sub_profile"),
        "nobody says who `sub` is"
    );
    let client = with(client, "sub", json!("notes"));
    let caller = world.present(&world.sign(&client)).await.unwrap();
    assert_eq!(caller.subject, CallerSubject::Client("notes".into()));

    let chained = with(client, "act", act("agt_booker", Value::Null));
    assert_eq!(
        world.refusal_of(&chained).await,
        Reason::Claim("sub_profile")
    );
    let robot = world.claims_with("sub_profile", json!("device"));
    assert_eq!(world.refusal_of(&robot).await, Reason::Claim("sub_profile"));
}

#[tokio::test]
async fn an_unknown_key_is_fetched_once_then_refused() {
    let world = World::new();
    world.present(&world.token()).await.unwrap();
    let stranger = SigningKey::generate().unwrap();
    let token = stranger.sign_jwt("at+jwt", &world.claims()).unwrap();
    world.clock.advance(crate::MIN_FETCH_INTERVAL);
    let before = world.issuer.calls("/jwks");
    let refused = world.present(&token).await.unwrap_err();
    assert!(matches!(
        refused.reason(),
        Reason::Token(AccessTokenError::UnknownKey(_))
    ));
    assert_eq!(world.issuer.calls("/jwks"), before + 1);
}
