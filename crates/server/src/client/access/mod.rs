//! Decisions per action (OpenID AuthZEN Authorization API 1.0; docs/decisions.md): a resource server asks before it acts, and tells
//! afterwards what became of it.

mod answer;
mod approved;
mod caller;
mod decide;
pub mod denied;
mod evaluate;
pub mod forward_auth;
pub mod look;
pub mod openapi;
mod outcome;
pub mod own;
mod proof;
pub mod question;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;
use http::{HeaderValue, StatusCode, header};
use writ_core::checks::Endpoint;
use writ_wire::access::{ACCESS_REQUEST_CAPABILITY, DecisionPointMetadata, REQUESTS_PATH};

use crate::client::answer::json;
use crate::client::incoming::program_route;
use crate::node::app::App;

pub fn routes() -> Router<Arc<App>> {
    let post = MethodFilter::POST;
    Router::new()
        .route(
            Endpoint::Evaluation.path(),
            program_route(post, evaluate::evaluation),
        )
        .route(
            Endpoint::Evaluations.path(),
            program_route(post, evaluate::evaluations),
        )
        .route(
            Endpoint::Outcomes.path(),
            program_route(post, outcome::outcome),
        )
}

/// AuthZEN 1.0 section 9.
pub async fn metadata(State(app): State<Arc<App>>) -> Response {
    let url = |path: &str| app.config.url(path);
    let document = DecisionPointMetadata {
        policy_decision_point: app.config.issuer.to_string(),
        access_evaluation_endpoint: url(Endpoint::Evaluation.path()),
        access_evaluations_endpoint: url(Endpoint::Evaluations.path()),
        access_request_endpoint: url(REQUESTS_PATH),
        capabilities: vec![ACCESS_REQUEST_CAPABILITY.to_owned()],
    };
    let mut response = json(StatusCode::OK, &document);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    headers.remove(header::PRAGMA);
    response.into_response()
}

/// Everything below `/access`, as OpenAPI 3.1.
pub const OPENAPI_PATH: &str = "/access/v1/openapi.json";
/// How long the document may be kept.
const CACHE: &str = "public, max-age=60";
