//! Metadata (RFC 8414, OpenID Connect Discovery) made from the enabled features, and the JWK Set (RFC 7517).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use writ_authority::Level;
use writ_core::checks::Endpoint;
use writ_core::registration::dynamic::RegistrationMode;
use writ_core::scope::{IDENTITY, is_identity};
use writ_core::task::ACR_VALUES;
use writ_wire::ciba::LOGIN_HINT_TYPE;
use writ_wire::dpop::{ASSERTION_ALGORITHMS, SIGNING_ALGORITHMS};
use writ_wire::metadata::ServerMetadata;
use writ_wire::openid::ResponseMode;
use writ_wire::registration::{AuthMethod, Delivery};
use writ_wire::token::GrantType;

use crate::client::answer::json;
use crate::client::registration;
use crate::node::app::App;
use crate::node::registry::Catalogue;

/// How long clients may keep metadata and keys.
const CACHE: &str = "public, max-age=60";
/// The most scopes of resources in `scopes_supported`.
const MAX_LISTED_SCOPES: usize = 256;
/// The most resources in `protected_resources`.
const MAX_LISTED_RESOURCES: usize = 256;

pub async fn metadata(State(app): State<Arc<App>>) -> Response {
    match app.catalogue_or_known().await {
        Ok(catalogue) => encoded(&app, &catalogue),
        Err(error) => app.fault(&error.into()),
    }
}

/// The document is written once for each change of resources and types.
fn encoded(app: &App, catalogue: &Catalogue) -> Response {
    let made = || serde_json::to_vec(&document(app, catalogue)).map(Bytes::from);
    let document = catalogue.metadata.get_or_init(|| made().ok());
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, CACHE),
    ];
    match document.clone() {
        Some(document) => (headers, document).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

pub async fn jwks(State(app): State<Arc<App>>) -> Response {
    // With the one of RS256 ID tokens: some clients read this once, and never again for an unknown `kid`.
    let complete = app.id_token_keys().await;
    match app.or_known(complete, || app.keys.known()) {
        Ok(keys) => cacheable(json(StatusCode::OK, &keys.jwks())),
        Err(error) => app.fault(&error.into()),
    }
}

/// The document; `tests/client/discovery.rs` asks each endpoint whether it is there.
pub fn document(app: &App, catalogue: &Catalogue) -> ServerMetadata {
    let url = |path: &str| app.config.url(path);
    let features = app.config.features;
    let algorithms = || SIGNING_ALGORITHMS.map(str::to_owned).to_vec();
    let names = |methods: &[AuthMethod]| methods.iter().map(|m| m.as_str().to_owned()).collect();
    let assertions = || ASSERTION_ALGORITHMS.map(str::to_owned).to_vec();
    let confidential = [
        AuthMethod::PrivateKeyJwt,
        AuthMethod::ClientSecretBasic,
        AuthMethod::ClientSecretPost,
    ];
    ServerMetadata {
        issuer: app.config.issuer.to_string(),
        authorization_endpoint: url(Endpoint::Authorize.path()),
        token_endpoint: url(Endpoint::TOKEN_PATH),
        jwks_uri: url("/jwks"),
        pushed_authorization_request_endpoint: url(Endpoint::Par.path()),
        introspection_endpoint: url(Endpoint::Introspect.path()),
        revocation_endpoint: url(Endpoint::Revoke.path()),
        userinfo_endpoint: url(Endpoint::Userinfo.path()),
        end_session_endpoint: url("/logout"),
        backchannel_authentication_endpoint: url(Endpoint::Backchannel.path()),
        device_authorization_endpoint: url(Endpoint::DeviceAuthorization.path()),
        transaction_authorization_endpoint: features
            .transaction_challenge
            .then(|| url(Endpoint::Transaction.path())),
        require_pushed_authorization_requests: false,
        scopes_supported: scopes(catalogue),
        response_types_supported: vec!["code".to_owned()],
        response_modes_supported: ResponseMode::ALL.map(|m| m.as_str().to_owned()).to_vec(),
        grant_types_supported: GrantType::ALL.map(|g| g.as_str().to_owned()).to_vec(),
        token_endpoint_auth_methods_supported: names(&AuthMethod::ALL),
        token_endpoint_auth_signing_alg_values_supported: assertions(),
        introspection_endpoint_auth_methods_supported: names(&confidential),
        introspection_endpoint_auth_signing_alg_values_supported: assertions(),
        revocation_endpoint_auth_methods_supported: names(&AuthMethod::ALL),
        revocation_endpoint_auth_signing_alg_values_supported: assertions(),
        code_challenge_methods_supported: vec!["S256".to_owned()],
        dpop_signing_alg_values_supported: algorithms(),
        authorization_details_types_supported: catalogue.types.names().map(str::to_owned).collect(),
        authorization_response_iss_parameter_supported: true,
        protected_resources: resources(catalogue),
        mission_bound_authorization_supported: features.mission_intent.then_some(true),
        subject_types_supported: vec!["public".to_owned()],
        id_token_signing_alg_values_supported: ["RS256", "ES256"].map(str::to_owned).to_vec(),
        claims_supported: CLAIMS.map(str::to_owned).to_vec(),
        acr_values_supported: reachable_classes(app.strongest()),
        backchannel_token_delivery_modes_supported: deliveries(),
        backchannel_authentication_request_signing_alg_values_supported: algorithms(),
        backchannel_user_code_parameter_supported: true,
        backchannel_endpoint_login_hint_token_types_supported: vec![LOGIN_HINT_TYPE.to_owned()],
        registration_endpoint: (app.config.registration.mode != RegistrationMode::Off)
            .then(|| url(registration::PATH)),
        client_id_metadata_document_supported: features.guests.then_some(true),
        claims_parameter_supported: false,
        prompt_values_supported: PROMPTS.map(str::to_owned).to_vec(),
        ui_locales_supported: languages(app),
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
    }
}

/// Tags of the languages of the pages (RFC 5646).
fn languages(app: &App) -> Vec<String> {
    let names = app.languages.names().into_iter();
    names.map(|(tag, _)| tag).collect()
}

/// Those of identity, and what resources register, each once: as many as [`MAX_LISTED_SCOPES`] (RFC 8414 section 2 leaves it to
/// the server which ones it lists).
fn scopes(catalogue: &Catalogue) -> Vec<String> {
    let registered = catalogue.resources.scopes();
    let registered = registered.filter(|name| !is_identity(name));
    let registered = registered.take(MAX_LISTED_SCOPES).cloned();
    IDENTITY
        .map(str::to_owned)
        .into_iter()
        .chain(registered)
        .collect()
}

/// All of them or none: a client that compares with this list (RFC 9728 section 4) would refuse a resource that is missing.
fn resources(catalogue: &Catalogue) -> Vec<String> {
    if catalogue.resources.len() > MAX_LISTED_RESOURCES {
        return Vec::new();
    }
    let registered = catalogue.resources.values();
    registered
        .map(|resource| resource.uri.to_string())
        .collect()
}

fn deliveries() -> Vec<String> {
    Delivery::ALL.map(|mode| mode.as_str().to_owned()).to_vec()
}

/// What nobody can reach here is not offered (RFC 9470 section 6.2). The last one only by an approval.
fn reachable_classes(strongest: Level) -> Vec<String> {
    let reachable = ACR_VALUES
        .into_iter()
        .filter(|(_, level)| *level <= strongest);
    reachable.map(|(name, _)| name.to_owned()).collect()
}

fn cacheable(mut response: Response) -> Response {
    if response.status() == StatusCode::OK {
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
        response.headers_mut().remove(header::PRAGMA);
    }
    response.into_response()
}

/// `prompt_values_supported` (OpenID Connect Core 3.1.2.1).
const PROMPTS: [&str; 4] = ["none", "login", "consent", "select_account"];

/// Of ID tokens and of `/userinfo`.
const CLAIMS: [&str; 13] = [
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "preferred_username",
    "name",
    "email",
    "email_verified",
];
