//! The operators' API (docs/api.md): lists and records of everything, containment, removal, and proposals of what widens. Its tokens are of
//! clients whose record says `operator`, and its refusals are problems (RFC 9457).

mod caller;
mod changing;
pub mod openapi;
pub mod operation;
pub mod operations;
mod problem;
mod reading;
mod representation;

pub use problem::{ProblemKind, as_problem};

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::extract::{FromRequest, RawPathParams, Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, any, get, on};
use writ_core::checks::Endpoint;
use writ_wire::api::API_PATH;

use self::caller::{ApiCaller, identify};
use self::operation::{Action, ApiMethod, ApiOperation};
use self::operations::OPERATIONS;
use self::problem::{ApiFailure, counted_as, problem};
use crate::client::error::add_nonce;
use crate::client::incoming::IncomingRequest;
use crate::node::app::App;

pub fn routes() -> Router<Arc<App>> {
    let mut router = Router::new()
        .route(&openapi::path(), get(openapi::description))
        .route(API_PATH, any(unknown))
        .route(&format!("{API_PATH}/{{*other}}"), any(unknown));
    for operation in OPERATIONS {
        let filter = match operation.method {
            ApiMethod::Get => MethodFilter::GET,
            ApiMethod::Post => MethodFilter::POST,
            ApiMethod::Delete => MethodFilter::DELETE,
        };
        let handler = move |request: ApiRequest| answer(operation, request);
        router = router.route(&operation.path(), on(filter, handler));
    }
    router
}

/// A request for one operation.
pub struct ApiRequest {
    pub incoming: IncomingRequest,
    /// `{id}` of the path, decoded.
    pub id: String,
    pub query: String,
}

impl FromRequest<Arc<App>> for ApiRequest {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Infallible> {
        let (mut parts, body) = request.into_parts();
        let found = RawPathParams::from_request_parts(&mut parts, app).await;
        let id = found.ok().and_then(|found| {
            let mut values = found.iter().map(|(_, value)| value.to_owned());
            values.next()
        });
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let request = Request::from_parts(parts, body);
        let incoming = IncomingRequest::from_request(request, app).await?;
        Ok(Self {
            incoming,
            id: id.unwrap_or_default(),
            query,
        })
    }
}

async fn answer(operation: &'static ApiOperation, request: ApiRequest) -> Response {
    let head = &request.incoming.head;
    let caller = match identify(head, operation.scope()).await {
        Ok(caller) => caller,
        Err(error) => return error.into_answer().await,
    };
    let app = head.app.clone();
    match perform(operation, &request, &caller).await {
        Ok(mut response) => {
            if caller.offers_nonce {
                add_nonce(&app, response.headers_mut());
            }
            response
        }
        Err(ApiFailure::Problem { kind, detail }) => {
            app.note_refusal(Endpoint::Api.label(), counted_as(kind));
            problem(kind, &detail)
        }
        Err(ApiFailure::Failure(failure)) => caller.error(head, failure).into_answer().await,
    }
}

async fn perform(
    operation: &ApiOperation,
    request: &ApiRequest,
    caller: &ApiCaller,
) -> Result<Response, ApiFailure> {
    match operation.action {
        Action::Read(view) => reading::read(view, request).await,
        action => changing::change(action, request, caller).await,
    }
}

async fn unknown(State(app): State<Arc<App>>) -> Response {
    app.note_refusal(Endpoint::Api.label(), counted_as(ProblemKind::NotFound));
    problem(
        ProblemKind::NotFound,
        "there is nothing here: see `/api/v1/openapi.json`",
    )
}
