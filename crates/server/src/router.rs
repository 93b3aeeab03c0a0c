//! Routes of the public and the operator's listener, with the limit of request bodies, CORS and HSTS headers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, any, get};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use writ_core::checks::Endpoint;
use writ_core::realm::DEFAULT_TENANT;
use writ_pages::FailureKind;

use crate::client::incoming::program_route;
use crate::client::{
    ciba, device, introspect, metadata, par, registration, revoke, token, transaction, types,
    userinfo,
};
use crate::node::app::App;
use crate::node::request_log::log_requests;
use crate::people;

/// The largest request body, in bytes: a pushed request with full `authorization_details`.
pub const MAX_BODY: usize = 128 * 1024;

/// How long the database may take to prove that it can be written to.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// The public listener.
pub fn router(app: Arc<App>) -> Router {
    let metadata = get(metadata::metadata);
    let clients = Router::new()
        .route("/.well-known/oauth-authorization-server", metadata.clone())
        .route("/.well-known/openid-configuration", metadata)
        .route("/jwks", get(metadata::jwks))
        .route("/types/{hash}", get(types::document))
        .route("/.well-known/{*other}", any(no_metadata))
        .merge(program_endpoints())
        .merge(transaction::routes(&app))
        .merge(registration::routes(&app))
        .layer(middleware::from_fn(cross_origin));
    let people = people::routes(&app)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed);
    clients
        .merge(people)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::map_response_with_state(
            app.clone(),
            transport_security,
        ))
        .layer(middleware::from_fn_with_state(app.clone(), log_requests))
        .with_state(app)
}

/// The endpoints of the checks table; one more is [`transaction::routes`].
fn program_endpoints() -> Router<Arc<App>> {
    let (post, get) = (MethodFilter::POST, MethodFilter::GET);
    let device = program_route(post, device::authorize);
    let userinfo = program_route(get.or(post), userinfo::userinfo);
    Router::new()
        .route(Endpoint::Par.path(), program_route(post, par::push))
        .route(Endpoint::TOKEN_PATH, program_route(post, token::token))
        .route(
            Endpoint::Backchannel.path(),
            program_route(post, ciba::authorize),
        )
        .route(Endpoint::DeviceAuthorization.path(), device)
        .route(
            Endpoint::Introspect.path(),
            program_route(post, introspect::introspect),
        )
        .route(Endpoint::Revoke.path(), program_route(post, revoke::revoke))
        .route(Endpoint::Userinfo.path(), userinfo)
}

/// The operator's listener: never public.
pub fn operators(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route(
            "/metrics",
            get(|State(app): State<Arc<App>>| async move { app.metrics.render() }),
        )
        .with_state(app)
}

/// Ready to answer requests: keys can be read, the database takes a write, and the node is not about to stop.
async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.is_ending() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    let proven = async {
        app.keys().await?;
        app.store.prove_write(DEFAULT_TENANT).await
    };
    let cause = match tokio::time::timeout(READY_WITHIN, proven).await {
        Ok(Ok(())) => return "ready\n".into_response(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no write in time".to_owned(),
    };
    app.note_outage(&cause);
    (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
}

async fn not_found(State(app): State<Arc<App>>) -> Response {
    writ_pages::FailurePage::new(FailureKind::NotFound)
        .page(&app.texts)
        .into_http()
        .into_response()
}

async fn method_not_allowed(State(app): State<Arc<App>>) -> Response {
    writ_pages::FailurePage::new(FailureKind::MethodNotAllowed)
        .page(&app.texts)
        .into_http()
        .into_response()
}

/// Browser clients may call these endpoints, whatever the answer (Fetch section 3.3); the authorization endpoint never (RFC 9700
/// section 2.6). No credentials: a browser adds no cookie of its own, so any origin may read what it asked for with its token.
async fn cross_origin(request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        preflight()
    } else {
        next.run(request).await
    };
    add_headers(&mut response, &CROSS_ORIGIN);
    response
}

/// Asked by a browser before a request; no endpoint sees it.
fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    add_headers(&mut response, &PREFLIGHT);
    response
}

fn add_headers(response: &mut Response, headers: &[(HeaderName, &'static str)]) {
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name.clone(), value);
    }
}

/// A client in a browser looks for metadata in several places, and must be able to read that it is not there (RFC 8414 section 3).
async fn no_metadata() -> StatusCode {
    StatusCode::NOT_FOUND
}

const CROSS_ORIGIN: [(HeaderName, &str); 2] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "dpop-nonce, www-authenticate, retry-after, preference-applied, x-request-id",
    ),
];

const PREFLIGHT: [(HeaderName, &str); 3] = [
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "GET, POST, PUT, DELETE",
    ),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization, content-type, dpop, prefer, accept, mcp-protocol-version",
    ),
    // Two hours, which is as long as Chromium remembers one.
    (header::ACCESS_CONTROL_MAX_AGE, "7200"),
];

async fn transport_security(State(app): State<Arc<App>>, mut response: Response) -> Response {
    if app.config.is_https() {
        let value = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        response
            .headers_mut()
            .insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}
