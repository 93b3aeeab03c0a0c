//! The crate `openidconnect`, unmodified, drives OpenID Connect Discovery, the code flow with PKCE and nonce, refresh,
//! userinfo and RP-Initiated Logout against the built binary, on both databases. Its own verifier judges the ID tokens.

mod world;

use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreIdToken,
    CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreRequestTokenError,
    CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, LogoutRequest, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl,
    ProviderMetadataWithLogout, RedirectUrl, Scope, SignatureVerificationError, SubjectIdentifier,
    TokenResponse,
};
use serde_json::{Value, json};
use url::Url;
use world::{Browser, Database, World, answered, send};

const REDIRECT: &str = "https://shop.example/cb";
const BYE: &str = "https://shop.example/bye";
const PASSWORD: &str = "correct horse battery staple";

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
type Outcome = Result<CoreTokenResponse, CoreRequestTokenError<reqwest::Error>>;

/// A server with alice, and two sites that openidconnect drives: one that says nothing of algorithms, one that wants ES256.
struct Scene {
    world: World,
    metadata: ProviderMetadataWithLogout,
    plain: Client,
    elliptic: Client,
}

/// What a site keeps while a person is away, and the code that came back.
struct Approved {
    code: AuthorizationCode,
    verifier: PkceCodeVerifier,
    nonce: Nonce,
}

struct Login {
    tokens: CoreTokenResponse,
    nonce: Nonce,
}

impl Scene {
    async fn on(database: Database) -> Self {
        let mut world = World::new(database).await;
        world
            .writ(&["user", "add", "alice", "--password-stdin"], PASSWORD)
            .await;
        let plain = world.add("client", &site("plain", &json!({}))).await;
        let es256 = json!({ "id_token_signed_response_alg": "ES256" });
        let elliptic = world.add("client", &site("elliptic", &es256)).await;
        world.serve().await;
        let issuer = IssuerUrl::new(world.issuer.clone()).unwrap();
        let discovered = ProviderMetadataWithLogout::discover_async(issuer, &send);
        let metadata = discovered.await.unwrap();
        Self {
            plain: client(&metadata, &plain["client_id"], &plain["client_secret"]),
            elliptic: client(
                &metadata,
                &elliptic["client_id"],
                &elliptic["client_secret"],
            ),
            metadata,
            world,
        }
    }

    /// A login that alice approved, not yet redeemed.
    async fn approved(&self, client: &Client, browser: &mut Browser) -> Approved {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("profile".to_owned()))
            .add_scope(Scope::new("offline_access".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let callback = browser.approve(url).await;
        assert!(callback.as_str().starts_with(REDIRECT), "{callback}");
        assert_eq!(answered(&callback, "state"), *state.secret());
        assert_eq!(answered(&callback, "iss"), self.world.issuer, "RFC 9207 2");
        Approved {
            code: AuthorizationCode::new(answered(&callback, "code")),
            verifier,
            nonce,
        }
    }

    async fn login(&self, client: &Client, browser: &mut Browser) -> Login {
        let approved = self.approved(client, browser).await;
        let tokens = redeem(client, &approved.code, approved.verifier).await;
        Login {
            tokens: tokens.unwrap(),
            nonce: approved.nonce,
        }
    }

    /// The client of somebody else, who knows the server as well.
    fn stranger(&self) -> Client {
        client(&self.metadata, &json!("stranger"), &json!("secret"))
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
    let browser = &mut Browser::of("alice", PASSWORD);
    let login = scene.login(&scene.plain, browser).await;
    an_id_token_is_verified(&scene.plain, &login, &RS256);
    let es256 = scene.login(&scene.elliptic, browser).await;
    an_id_token_is_verified(&scene.elliptic, &es256, &ES256);
    an_id_token_is_for_one_login_one_client_one_issuer(&scene, &login);
    a_changed_id_token_is_not_taken(&scene, &login);
    userinfo_names_the_same_person(&scene, &login).await;
    a_refresh_gives_an_id_token_of_the_same_login(&scene, &login).await;
    logout_ends_the_login_and_leads_back(&scene, &login, browser).await;
    // A code that comes twice ends what was remembered, too.
    a_code_is_good_once_and_a_secret_must_be_right(&scene).await;
}

const RS256: CoreJwsSigningAlgorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
const ES256: CoreJwsSigningAlgorithm = CoreJwsSigningAlgorithm::EcdsaP256Sha256;

/// OpenID Connect Core section 3.1.3.7, and `at_hash` by section 3.1.3.8.
fn an_id_token_is_verified(client: &Client, login: &Login, algorithm: &CoreJwsSigningAlgorithm) {
    let id_token = id_token(&login.tokens);
    let verifier = client.id_token_verifier();
    let claims = id_token.claims(&verifier, &login.nonce).unwrap();
    assert_eq!(id_token.signing_alg().unwrap(), algorithm);
    let key = id_token.signing_key(&verifier).unwrap();
    let access_token = login.tokens.access_token();
    let hash = AccessTokenHash::from_token(access_token, algorithm, key).unwrap();
    assert_eq!(claims.access_token_hash(), Some(&hash));
    assert!(claims.subject().starts_with("usr_"));
    assert_eq!(username(claims), "alice");
    assert!(claims.auth_time().unwrap() <= claims.issue_time());
}

fn an_id_token_is_for_one_login_one_client_one_issuer(scene: &Scene, login: &Login) {
    let id_token = id_token(&login.tokens);
    let verified = id_token.claims(&scene.plain.id_token_verifier(), &Nonce::new_random());
    let reason = verified.unwrap_err();
    assert!(
        matches!(reason, ClaimsVerificationError::InvalidNonce(_)),
        "{reason}"
    );

    let stranger = scene.stranger();
    let verified = id_token.claims(&stranger.id_token_verifier(), &login.nonce);
    let reason = verified.unwrap_err();
    assert!(
        matches!(reason, ClaimsVerificationError::InvalidAudience(_)),
        "{reason}"
    );

    let verifier = CoreIdTokenVerifier::new_public_client(
        scene.plain.client_id().clone(),
        IssuerUrl::new("https://elsewhere.example".to_owned()).unwrap(),
        scene.metadata.jwks().clone(),
    );
    let reason = id_token.claims(&verifier, &login.nonce).unwrap_err();
    assert!(
        matches!(reason, ClaimsVerificationError::InvalidIssuer(_)),
        "{reason}"
    );
}

fn a_changed_id_token_is_not_taken(scene: &Scene, login: &Login) {
    let text = id_token(&login.tokens).to_string();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{other}{}", &signature[1..]);
    let changed: CoreIdToken = format!("{signed}.{changed}").parse().unwrap();
    let verified = changed.claims(&scene.plain.id_token_verifier(), &login.nonce);
    let reason = verified.unwrap_err();
    assert!(
        matches!(
            reason,
            ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::CryptoError(_)
            )
        ),
        "{reason}"
    );
}

async fn userinfo_names_the_same_person(scene: &Scene, login: &Login) {
    let claims = claims(scene, login);
    let ask = |subject: SubjectIdentifier| {
        let token = login.tokens.access_token().clone();
        scene.plain.user_info(token, Some(subject)).unwrap()
    };
    let said: CoreUserInfoClaims = ask(claims.subject().clone())
        .request_async(&send)
        .await
        .unwrap();
    assert_eq!(said.subject(), claims.subject());
    assert_eq!(said.preferred_username().unwrap().as_str(), "alice");

    let other = SubjectIdentifier::new("usr_somebody_else".to_owned());
    let said: Result<CoreUserInfoClaims, _> = ask(other).request_async(&send).await;
    assert!(said.is_err());
}

/// OpenID Connect Core section 12.2.
async fn a_refresh_gives_an_id_token_of_the_same_login(scene: &Scene, login: &Login) {
    let before = claims(scene, login);
    let refresh_token = login.tokens.refresh_token().unwrap();
    let fresh = scene.plain.exchange_refresh_token(refresh_token).unwrap();
    let fresh = fresh.request_async(&send).await.unwrap();
    let no_nonce = |nonce: Option<&Nonce>| match nonce {
        None => Ok(()),
        Some(_) => Err("there is a nonce".to_owned()),
    };
    let after = id_token(&fresh).claims(&scene.plain.id_token_verifier(), no_nonce);
    let after = after.unwrap();
    assert_eq!(after.subject(), before.subject());
    assert_eq!(after.audiences(), before.audiences());
    assert_eq!(after.auth_time(), before.auth_time());
    assert_ne!(
        fresh.access_token().secret(),
        login.tokens.access_token().secret()
    );
}

async fn a_code_is_good_once_and_a_secret_must_be_right(scene: &Scene) {
    let browser = &mut Browser::of("alice", PASSWORD);
    let approved = scene.approved(&scene.plain, browser).await;
    let copy = || PkceCodeVerifier::new(approved.verifier.secret().clone());
    let wrong = json!("wrong");
    let impostor = client(
        &scene.metadata,
        &json!(scene.plain.client_id().as_str()),
        &wrong,
    );
    refused(
        redeem(&impostor, &approved.code, copy()).await,
        CoreErrorResponseType::InvalidClient,
    );
    refused(
        redeem(&scene.elliptic, &approved.code, copy()).await,
        CoreErrorResponseType::InvalidGrant,
    );
    redeem(&scene.plain, &approved.code, copy()).await.unwrap();
    refused(
        redeem(&scene.plain, &approved.code, copy()).await,
        CoreErrorResponseType::InvalidGrant,
    );
}

/// OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3.
async fn logout_ends_the_login_and_leads_back(scene: &Scene, login: &Login, browser: &mut Browser) {
    assert!(answered_silently(scene, browser).await.contains("code="));
    let endpoint = &scene.metadata.additional_metadata().end_session_endpoint;
    let url = LogoutRequest::from(endpoint.clone().unwrap())
        .set_id_token_hint(id_token(&login.tokens))
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(BYE.to_owned()).unwrap())
        .set_state(CsrfToken::new("later".to_owned()))
        .http_get_url();
    assert_eq!(
        browser.approve(url).await.as_str(),
        format!("{BYE}?state=later")
    );
    let said = answered_silently(scene, browser).await;
    assert!(said.contains("error=login_required"), "{said}");
}

/// The query of the answer to `prompt=none`.
async fn answered_silently(scene: &Scene, browser: &mut Browser) -> String {
    let (challenge, _) = PkceCodeChallenge::new_random_sha256();
    let request = scene.plain.authorize_url(
        CoreAuthenticationFlow::AuthorizationCode,
        CsrfToken::new_random,
        Nonce::new_random,
    );
    let silent = request.add_prompt(CoreAuthPrompt::None);
    let (url, ..) = silent.set_pkce_challenge(challenge).url();
    let callback: Url = browser.approve(url).await;
    callback.query().unwrap().to_owned()
}

async fn redeem(client: &Client, code: &AuthorizationCode, verifier: PkceCodeVerifier) -> Outcome {
    let request = client.exchange_code(code.clone()).unwrap();
    request
        .set_pkce_verifier(verifier)
        .request_async(&send)
        .await
}

fn refused(outcome: Outcome, code: CoreErrorResponseType) {
    match outcome {
        Err(CoreRequestTokenError::ServerResponse(body)) => assert_eq!(*body.error(), code),
        other => panic!("expected {code:?}, got {other:?}"),
    }
}

fn id_token(tokens: &CoreTokenResponse) -> &CoreIdToken {
    tokens.id_token().expect("there is an ID token")
}

fn claims<'a>(scene: &Scene, login: &'a Login) -> &'a CoreIdTokenClaims {
    let verifier = scene.plain.id_token_verifier();
    id_token(&login.tokens)
        .claims(&verifier, &login.nonce)
        .unwrap()
}

fn username(claims: &CoreIdTokenClaims) -> &str {
    claims.preferred_username().unwrap().as_str()
}

fn client(metadata: &ProviderMetadataWithLogout, id: &Value, secret: &Value) -> Client {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let secret = Some(ClientSecret::new(text(secret)));
    CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(text(id)), secret)
        .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).unwrap())
}

fn site(id: &str, more: &Value) -> Value {
    let mut file = json!({
        "client_id": id,
        "client_name": "Shop",
        "profile": "oauth21",
        "redirect_uris": [REDIRECT],
        "post_logout_redirect_uris": [BYE],
        "grant_types": ["authorization_code", "refresh_token"],
        "remember_consent": true,
        "bearer": true,
    });
    for (name, value) in more.as_object().unwrap() {
        file[name] = value.clone();
    }
    file
}
