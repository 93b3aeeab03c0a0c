//! The crate `oauth2`, unmodified, drives code + PKCE (RFC 6749, 7636), refresh and introspection (RFC 7662) against the
//! built binary, for an `oauth21` client that may have bearer, on both databases.

mod world;

use oauth2::basic::{
    BasicClient, BasicErrorResponseType, BasicRequestTokenError, BasicTokenResponse,
};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    IntrospectionUrl, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope,
    TokenIntrospectionResponse, TokenResponse, TokenUrl,
};
use serde_json::{Value, json};
use world::{Browser, Database, World, answered, send};

const RECORDS: &str = "https://records.example";
const REDIRECT: &str = "https://reports.example/cb";
const PASSWORD: &str = "correct horse battery staple";

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointSet, EndpointNotSet, EndpointSet>;
type Outcome = Result<BasicTokenResponse, BasicRequestTokenError<reqwest::Error>>;

/// A server with alice, an API, and an application that oauth2 drives; `api` is the API's own client.
struct Scene {
    world: World,
    application: Client,
    api: Client,
}

impl Scene {
    async fn on(database: Database) -> Self {
        let mut world = World::new(database).await;
        world
            .writ(&["user", "add", "alice", "--password-stdin"], PASSWORD)
            .await;
        let api = world.add("client", &records_api()).await;
        world.add("resource", &records()).await;
        let application = world.add("client", &reports()).await;
        world.serve().await;
        let metadata = world.metadata().await;
        Self {
            application: client(&application, &metadata),
            api: client(&api, &metadata),
            world,
        }
    }

    /// A code that alice approved, with its verifier.
    async fn approved(&self) -> (AuthorizationCode, PkceCodeVerifier) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = self
            .application
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("records:read".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let callback = Browser::of("alice", PASSWORD).approve(url).await;
        assert!(callback.as_str().starts_with(REDIRECT), "{callback}");
        assert_eq!(answered(&callback, "state"), *state.secret());
        assert_eq!(answered(&callback, "iss"), self.world.issuer, "RFC 9207 2");
        let code = AuthorizationCode::new(answered(&callback, "code"));
        (code, verifier)
    }

    async fn redeem(&self, code: &AuthorizationCode, verifier: PkceCodeVerifier) -> Outcome {
        self.application
            .exchange_code(code.clone())
            .set_pkce_verifier(verifier)
            .request_async(&send)
            .await
    }

    async fn refresh(&self, token: &RefreshToken) -> Outcome {
        self.application
            .exchange_refresh_token(token)
            .request_async(&send)
            .await
    }
}

#[tokio::test]
async fn on_sqlite() {
    story(Scene::on(Database::Sqlite).await).await;
}

#[tokio::test]
async fn on_postgres() {
    story(Scene::on(Database::Postgres).await).await;
}

async fn story(scene: Scene) {
    let tokens = code_with_pkce_yields_bearer(&scene).await;
    the_api_may_introspect_and_nobody_else(&scene, &tokens).await;
    refresh_yields_the_same_authority(&scene, &tokens).await;
    a_code_is_good_once_and_with_its_verifier_only(&scene).await;
    a_repeated_parameter_is_refused(&scene, &tokens).await;
}

async fn code_with_pkce_yields_bearer(scene: &Scene) -> BasicTokenResponse {
    let (code, verifier) = scene.approved().await;
    let tokens = scene.redeem(&code, verifier).await.unwrap();
    assert_eq!(tokens.token_type().as_ref(), "bearer");
    assert!(tokens.expires_in().unwrap().as_secs() <= 300);
    assert!(tokens.refresh_token().is_some());
    tokens
}

async fn the_api_may_introspect_and_nobody_else(scene: &Scene, tokens: &BasicTokenResponse) {
    let token = tokens.access_token();
    let seen = scene
        .api
        .introspect(token)
        .request_async(&send)
        .await
        .unwrap();
    assert!(seen.active());
    assert_eq!(seen.aud().unwrap(), &[RECORDS.to_owned()]);
    assert_eq!(seen.iss(), Some(scene.world.issuer.as_str()));
    assert_eq!(seen.client_id().unwrap().as_str(), "reports");
    assert_eq!(
        seen.scopes().unwrap(),
        &[Scope::new("records:read".to_owned())]
    );
    assert!(seen.sub().unwrap().starts_with("usr_"));
    assert!(seen.exp().unwrap() > seen.iat().unwrap());

    let hidden = scene
        .application
        .introspect(token)
        .request_async(&send)
        .await;
    let hidden = hidden.unwrap();
    assert!(!hidden.active());
    assert_eq!((hidden.sub(), hidden.scopes()), (None, None));
}

async fn refresh_yields_the_same_authority(scene: &Scene, tokens: &BasicTokenResponse) {
    let fresh = scene
        .refresh(tokens.refresh_token().unwrap())
        .await
        .unwrap();
    assert_eq!(fresh.token_type().as_ref(), "bearer");
    assert_ne!(
        fresh.access_token().secret(),
        tokens.access_token().secret()
    );
    let seen = scene.api.introspect(fresh.access_token());
    let seen = seen.request_async(&send).await.unwrap();
    assert!(seen.active());
    assert_eq!(
        seen.scopes().unwrap(),
        &[Scope::new("records:read".to_owned())]
    );
}

async fn a_code_is_good_once_and_with_its_verifier_only(scene: &Scene) {
    let (code, verifier) = scene.approved().await;
    let again = PkceCodeVerifier::new(verifier.secret().clone());
    scene.redeem(&code, verifier).await.unwrap();
    refused(
        scene.redeem(&code, again).await,
        BasicErrorResponseType::InvalidGrant,
    );

    let (code, _) = scene.approved().await;
    let (_, other) = PkceCodeChallenge::new_random_sha256();
    refused(
        scene.redeem(&code, other).await,
        BasicErrorResponseType::InvalidGrant,
    );
}

/// OAuth 2.1 section 3.2: parameters must not be repeated.
async fn a_repeated_parameter_is_refused(scene: &Scene, tokens: &BasicTokenResponse) {
    let outcome = scene
        .application
        .exchange_refresh_token(tokens.refresh_token().unwrap())
        .add_extra_param("grant_type", "refresh_token")
        .request_async(&send)
        .await;
    refused(outcome, BasicErrorResponseType::InvalidRequest);
}

fn refused(outcome: Outcome, code: BasicErrorResponseType) {
    match outcome {
        Err(BasicRequestTokenError::ServerResponse(body)) => assert_eq!(*body.error(), code),
        other => panic!("expected {code:?}, got {other:?}"),
    }
}

fn client(registered: &Value, metadata: &Value) -> Client {
    let text = |from: &Value, name: &str| from[name].as_str().unwrap().to_owned();
    BasicClient::new(ClientId::new(text(registered, "client_id")))
        .set_client_secret(ClientSecret::new(text(registered, "client_secret")))
        .set_auth_uri(AuthUrl::new(text(metadata, "authorization_endpoint")).unwrap())
        .set_token_uri(TokenUrl::new(text(metadata, "token_endpoint")).unwrap())
        .set_introspection_url(
            IntrospectionUrl::new(text(metadata, "introspection_endpoint")).unwrap(),
        )
        .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).unwrap())
}

fn reports() -> Value {
    json!({
        "client_id": "reports",
        "client_name": "Reports",
        "profile": "oauth21",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "records:read",
        "bearer": true,
    })
}

fn records_api() -> Value {
    json!({
        "client_id": "records-api",
        "client_name": "Records API",
        "profile": "oauth21",
        "redirect_uris": [],
        "grant_types": [],
        "response_types": [],
        "token_endpoint_auth_method": "client_secret_basic",
    })
}

fn records() -> Value {
    json!({
        "resource": RECORDS,
        "name": "Records",
        "scopes": ["records:read"],
        "client_id": "records-api",
    })
}
