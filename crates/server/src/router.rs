//! Routes of the public and the operator's listener, with the limit of request bodies, CORS and HSTS headers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, any, get, post};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use writ_core::checks::Endpoint;
use writ_core::realm::DEFAULT_TENANT;
use writ_pages::FailureKind;
use writ_wire::access::METADATA_PATH;
use writ_wire::text;

use crate::approvals::long_poll;
use crate::client::access::OPENAPI_PATH;
pub use crate::client::body::MAX_BODY;
use crate::client::incoming::{self, program_route};
use crate::client::{
    access, access_request, api, ciba, device, introspect, metadata, par, registration, revoke,
    token, transaction, types, upstream_logout, userinfo,
};
use crate::console;
use crate::node::app::App;
use crate::node::failure::{LATE, ServerFault};
use crate::node::listener::REQUEST_TIMEOUT;
use crate::node::request_log::log_requests;
use crate::people;

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
        .route(upstream_logout::PATH, post(upstream_logout::logout))
        .route(upstream_logout::JWKS_PATH, get(upstream_logout::jwks))
        .route(METADATA_PATH, get(access::metadata))
        .route(OPENAPI_PATH, get(access::openapi::description))
        .route("/.well-known/{*other}", any(no_metadata))
        .merge(timed_endpoints(&app))
        // What ends something does not depend on the time.
        .route(
            Endpoint::Revoke.path(),
            program_route(MethodFilter::POST, revoke::revoke),
        )
        .method_not_allowed_fallback(incoming::other_method)
        .layer(middleware::from_fn(incoming::check_target))
        .layer(middleware::from_fn_with_state(app.clone(), in_time))
        .layer(middleware::from_fn(cross_origin));
    let people = people::routes(&app)
        .merge(console::routes(&app))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), check_page_path));
    // A browser's preflight is the caller's here: it is judged as everything else.
    let proxies =
        access::forward_auth::routes().layer(middleware::from_fn_with_state(app.clone(), in_time));
    clients
        .merge(people)
        .merge(proxies)
        .merge(operators_api(&app))
        .layer(middleware::from_fn(
            access::forward_auth::refuse_stray_check,
        ))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::map_response_with_state(
            app.clone(),
            transport_security,
        ))
        .layer(middleware::from_fn_with_state(app.clone(), log_requests))
        .with_state(app)
}

/// No page of another site calls it: no `Access-Control` is sent.
fn operators_api(app: &Arc<App>) -> Router<Arc<App>> {
    api::routes()
        .method_not_allowed_fallback(incoming::other_method)
        .layer(middleware::from_fn_with_state(
            app.clone(),
            incoming::check_clock,
        ))
        .layer(middleware::from_fn(incoming::check_target))
        .layer(middleware::from_fn_with_state(app.clone(), in_time))
        .layer(middleware::from_fn(api::as_problem))
}

/// The endpoints of the checks table that judge by the time, and registration: closed while this node's clock is wrong.
fn timed_endpoints(app: &Arc<App>) -> Router<Arc<App>> {
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
        .route(Endpoint::Userinfo.path(), userinfo)
        .merge(transaction::routes(app))
        .merge(access::routes())
        .merge(access_request::routes())
        .merge(registration::routes(app))
        .route_layer(middleware::from_fn_with_state(
            app.clone(),
            incoming::check_clock,
        ))
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

/// Ready to answer requests: keys can be read, the database takes a write, the clock is right, and the node is not about to stop.
async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.is_ending() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    let proven = async {
        app.keys().await?;
        app.store.prove_write(DEFAULT_TENANT).await?;
        app.compare_clock().await?;
        app.wrong_clock().await
    };
    let cause = match tokio::time::timeout(READY_WITHIN, proven).await {
        Ok(Ok(None)) => return "ready\n".into_response(),
        Ok(Ok(Some(skew))) => {
            let said = format!("not ready: {}\n", skew.sentence());
            return (StatusCode::SERVICE_UNAVAILABLE, said).into_response();
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no write in time".to_owned(),
    };
    app.note_outage(&cause);
    (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
}

async fn not_found(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    failure_page(&app, &headers, FailureKind::NotFound)
}

async fn method_not_allowed(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    failure_page(&app, &headers, FailureKind::MethodNotAllowed)
}

/// What stands in a path is looked up: it is text, in one line.
async fn check_page_path(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match text::is_path(request.uri().path()) {
        true => next.run(request).await,
        false => failure_page(&app, request.headers(), FailureKind::UntrustedRequest),
    }
}

fn failure_page(app: &App, headers: &HeaderMap, kind: FailureKind) -> Response {
    let texts = app.languages.of_request(headers);
    let page = writ_pages::FailurePage::new(kind).page(texts);
    page.into_http().into_response()
}

/// Whatever happens, a program gets an answer; whether what it asked for was done nobody can tell then.
async fn in_time(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let held = long_poll::preference(request.headers()).unwrap_or_default();
    let answer = tokio::time::timeout(REQUEST_TIMEOUT + held, next.run(request));
    let late = |_| app.fault(&ServerFault::InDoubt(LATE.to_owned()));
    answer.await.unwrap_or_else(late)
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
        // Of this host alone: what others serve below it may be plain http.
        let value = HeaderValue::from_static("max-age=31536000");
        response
            .headers_mut()
            .insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}
