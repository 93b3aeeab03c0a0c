//! A request of a program as it comes in: its form is read, its client authenticated and its proof verified, by the endpoint's row
//! of the checks table. Handlers answer, or give a [`ClientError`], which [`program_route`] records and answers.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequest, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, any, on};
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use writ_core::checks::{Endpoint, ProofRule};
use writ_wire::error::{ErrorBody, ErrorCode, description};
use writ_wire::form::Form;
use writ_wire::text;

use crate::approvals::long_poll;
use crate::client::answer::{empty, json};
use crate::client::authentication::PresentedCredentials;
use crate::client::body::{RequestBody, sentence};
use crate::client::error::{ClientError, ProgramRoute, add_nonce};
use crate::node::app::App;
use crate::node::client_address::ClientAddress;
use crate::node::failure::{Failure, Unacceptable};
use crate::node::request_log::{ClientStanding, note_client};
use crate::request::caller::Caller;
use crate::request::client_request::{AuthorizationHeader, ClientRequest};

/// A route of programs: whatever its handler refuses is recorded, counted and answered.
pub fn program_route<R, H, F>(methods: MethodFilter, handler: H) -> MethodRouter<Arc<App>>
where
    R: FromRequest<Arc<App>> + Send + 'static,
    H: Fn(R) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, ClientError>> + Send + 'static,
{
    on(methods, move |request: R| answered(handler(request)))
}

/// The same whatever the method: it is judged by the handler.
pub fn any_method<R, H, F>(handler: H) -> MethodRouter<Arc<App>>
where
    R: FromRequest<Arc<App>> + Send + 'static,
    H: Fn(R) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response, ClientError>> + Send + 'static,
{
    any(move |request: R| answered(handler(request)))
}

async fn answered<F>(handled: F) -> Response
where
    F: Future<Output = Result<Response, ClientError>>,
{
    match handled.await {
        Ok(response) => response,
        Err(error) => error.into_answer().await,
    }
}

/// A request without its body.
pub struct RequestHead {
    pub app: Arc<App>,
    pub method: Method,
    pub headers: HeaderMap,
    pub path: String,
    /// From where it came, if that is known.
    pub address: Option<IpAddr>,
}

impl RequestHead {
    fn of(request: &Request, app: &Arc<App>) -> Self {
        let peer = request.extensions().get::<ClientAddress>();
        Self {
            app: app.clone(),
            method: request.method().clone(),
            headers: request.headers().clone(),
            path: request.uri().path().to_owned(),
            address: app.address_of(peer.copied().map(Extension), request.headers()),
        }
    }

    /// Why it has no success, before a client is known.
    pub fn error(&self, route: impl Into<ProgramRoute>, failure: Failure) -> ClientError {
        ClientError {
            app: self.app.clone(),
            route: route.into(),
            authorization: AuthorizationHeader::of(&self.headers),
            address: self.address,
            failure,
            offers_nonce: false,
            wait: None,
        }
    }

    /// Authenticates the client of a form and verifies its proof; consumes nothing.
    pub async fn authenticate(
        &self,
        endpoint: Endpoint,
        form: Form,
    ) -> Result<ClientRequest, ClientError> {
        let Self {
            app,
            headers,
            address,
            ..
        } = self;
        let presented = PresentedCredentials {
            endpoint,
            headers,
            form: &form,
            address: *address,
            now: app.clock.now(),
        };
        let authenticated = app.authenticate(&presented).await;
        let authenticated = authenticated.map_err(|failure| self.error(endpoint, failure))?;
        let client = authenticated.client;
        if !client.is_public() {
            note_client(&client, ClientStanding::Proved);
        }
        let offers_nonce =
            endpoint.checks().proof != ProofRule::Ignored && app.config.nonces.of(client.profile);
        let proof = app.verify_proof(&presented, &client);
        let proof = proof.map_err(|failure| ClientError {
            offers_nonce,
            ..self.error(endpoint, failure)
        })?;
        Ok(ClientRequest {
            endpoint,
            authorization: AuthorizationHeader::of(headers),
            address: *address,
            wait: long_poll::preference(headers),
            offers_nonce,
            now: presented.now,
            caller: Arc::new(Caller {
                client,
                proof,
                assertion: authenticated.assertion,
            }),
            app: app.clone(),
            form,
        })
    }
}

impl FromRequest<Arc<App>> for RequestHead {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&request, app))
    }
}

/// A request with its body.
pub struct IncomingRequest {
    pub head: RequestHead,
    pub body: RequestBody,
}

impl FromRequest<Arc<App>> for IncomingRequest {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let head = RequestHead::of(&request, app);
        let body = RequestBody::from_request(request, app).await?;
        Ok(Self { head, body })
    }
}

impl IncomingRequest {
    /// Reads the form and identifies the client.
    pub async fn authenticate(self, endpoint: Endpoint) -> Result<ClientRequest, ClientError> {
        match self.body.form() {
            Ok(form) => self.authenticate_form(endpoint, form).await,
            Err(failure) => Err(self.head.error(endpoint, failure)),
        }
    }

    /// Authenticates the client of a form and verifies its proof; consumes nothing.
    pub async fn authenticate_form(
        self,
        endpoint: Endpoint,
        form: Form,
    ) -> Result<ClientRequest, ClientError> {
        self.head.authenticate(endpoint, form).await
    }
}

impl ClientRequest {
    /// JSON, with the client's next nonce if its profile wants any.
    pub fn answer<T: Serialize>(
        &self,
        status: StatusCode,
        result: Result<T, Failure>,
    ) -> Result<Response, ClientError> {
        match result {
            Ok(body) => {
                let mut response = json(status, &body);
                if self.offers_nonce {
                    add_nonce(&self.app, response.headers_mut());
                }
                Ok(response)
            }
            Err(failure) => Err(self.error(failure)),
        }
    }

    /// The answer of a request whose success has nothing to say.
    pub fn answer_empty(&self, result: Result<(), Failure>) -> Result<Response, ClientError> {
        result
            .map(|()| empty())
            .map_err(|failure| self.error(failure))
    }

    /// Why it has no success.
    pub fn error(&self, failure: Failure) -> ClientError {
        ClientError {
            app: self.app.clone(),
            route: self.endpoint.into(),
            authorization: self.authorization,
            address: self.address,
            failure,
            offers_nonce: self.offers_nonce,
            wait: self.wait,
        }
    }

    /// The answer of a poll: it says how long it was held (RFC 7240 section 3).
    pub fn answer_poll<T: Serialize>(
        &self,
        result: Result<T, Failure>,
    ) -> Result<Response, ClientError> {
        let mut response = self.answer(StatusCode::OK, result)?;
        long_poll::add_preference_applied(response.headers_mut(), self.wait);
        Ok(response)
    }
}

/// The answer to a method that an endpoint of programs does not take.
pub async fn other_method() -> Response {
    refused_before_route(Unacceptable::Method)
}

/// What stands in a path is looked up: it is text, in one line. A query is text too, also where nobody reads it.
pub async fn check_target(request: Request, next: Next) -> Response {
    if !text::is_path(request.uri().path()) {
        return refused_before_route(Unacceptable::Path);
    }
    let query = request.uri().query().unwrap_or_default();
    match Form::parse(query.as_bytes()) {
        Ok(_) => next.run(request).await,
        Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

/// What expires and what was used is judged by this node's clock: while it is wrong, no endpoint is asked. The end of a registration
/// (RFC 7592 section 2.3) only takes away.
pub async fn check_clock(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match app.wrong_clock().await {
        Ok(Some(skew)) if *request.method() != Method::DELETE => App::wrong_clock_answer(skew),
        Ok(_) => next.run(request).await,
        Err(error) => app.fault(&error.into()),
    }
}

/// Nothing is counted: no endpoint saw it.
fn refused_before_route(reason: Unacceptable) -> Response {
    refused(reason.status(), &sentence(reason))
}

fn refused(status: StatusCode, sentence: &str) -> Response {
    let body = ErrorBody {
        error: ErrorCode::InvalidRequest,
        error_description: Some(description(sentence)),
        excess: Vec::new(),
        error_id: None,
        retry_after: None,
    };
    json(status, &body)
}
