//! `/access/v1/forward-auth` (docs/forward-auth.md): a reverse proxy asks about one plain HTTP request, by its method and path. It is
//! an evaluation that only looks, so nothing is asked and nothing is spent; a proof is good once. About the caller's request every
//! answer is 200, 401 or 403: what else is answered is about the proxy, and proxies take it for a fault.

mod answer;
mod original;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value};
use writ_core::access::has_tools;
use writ_core::checks::Endpoint;
use writ_core::client::Resource;
use writ_core::forward_auth::{RouteRule, resource_at};
use writ_wire::access::{ActionRequest, DecisionReason, Entity, Evaluation, EvaluationResponse};
use writ_wire::error::{ErrorBody, ErrorCode};
use writ_wire::forward_auth::{FORWARD_AUTH_PATH, ForwardAuthReason as Reason, ORIGINAL_ORIGIN};

use self::answer::{DeniedForward, ForwardVerdict};
use self::original::{Original, PlainRequest};
use super::look::{LookedQuestion, look};
use super::question::AccessQuestion;
use crate::client::answer::json;
use crate::client::error::ClientError;
use crate::client::incoming::{RequestHead, any_method};
use crate::client::presented_token::{PresentedToken, Scheme, use_proof};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;

/// A proxy may append path and query to the path of the check.
const ROOT: &str = "/access/v1/forward-auth/";
const BELOW: &str = "/access/v1/forward-auth/{*uri}";

/// Whatever the method: it may be the caller's.
pub fn routes() -> Router<Arc<App>> {
    let check = any_method(forward_auth);
    Router::new()
        .route(FORWARD_AUTH_PATH, check.clone())
        .route(ROOT, check.clone())
        .route(BELOW, check)
}

/// A check whose path somebody in between resolved to another endpoint would be answered by that one.
pub async fn refuse_stray_check(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let rest = path.strip_prefix(FORWARD_AUTH_PATH);
    let is_here = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_here || !request.headers().contains_key(ORIGINAL_ORIGIN) {
        return next.run(request).await;
    }
    let sentence =
        format!("`{ORIGINAL_ORIGIN}` is for {FORWARD_AUTH_PATH}: see docs/forward-auth.md");
    let body = ErrorBody {
        error: ErrorCode::InvalidRequest,
        error_description: Some(sentence),
        excess: Vec::new(),
        error_id: None,
        retry_after: None,
    };
    json(StatusCode::BAD_REQUEST, &body)
}

async fn forward_auth(head: RequestHead) -> Result<Response, ClientError> {
    let endpoint = Endpoint::ForwardAuth;
    match head.app.wrong_clock().await {
        Ok(None) => {}
        Ok(Some(skew)) => return Ok(App::wrong_clock_answer(skew)),
        Err(error) => return Err(head.error(endpoint, error.into())),
    }
    let request = head.authenticate_server(endpoint).await?;
    let judged = judge(&request, &head).await;
    judged
        .and_then(ForwardVerdict::into_response)
        .map_err(|failure| request.error(failure))
}

async fn judge(request: &ClientRequest, head: &RequestHead) -> Result<ForwardVerdict, Failure> {
    let started = tokio::time::Instant::now();
    let original = Original::of(head).map_err(|refusal| request.refuse(refusal))?;
    let verdict = verdict(request, &original).await?;
    let metrics = &request.app.metrics;
    metrics.access.decided(verdict.outcome(), started.elapsed());
    Ok(verdict)
}

async fn verdict(
    request: &ClientRequest,
    original: &Original<'_>,
) -> Result<ForwardVerdict, Failure> {
    let token = match original.token() {
        Some(token) => token,
        None => return Ok(DeniedForward::token_missing().into()),
    };
    let plain = match original.plain() {
        Ok(plain) => plain,
        Err(why) => return Ok(DeniedForward::request_refused(&why).into()),
    };
    let catalogue = request.app.catalogue().await?;
    let served = catalogue.resources.served_by(&request.client().id);
    let Some(resource) = resource_at(served, &original.origin, plain.path) else {
        return Ok(DeniedForward::of(Reason::UnknownResource).into());
    };
    if has_tools(resource, &catalogue.types) {
        return Ok(DeniedForward::of(Reason::McpResource).into());
    }
    let Some(route) = resource.routes.find(plain.method, plain.path) else {
        return Ok(DeniedForward::of(Reason::NoRoute).into());
    };
    let (name, scope) = match route.rule {
        RouteRule::Action(name) => (name.clone(), None),
        RouteRule::Scope(scope) => (String::new(), Some(scope.clone())),
    };
    // An action of a type is covered by details, and by no scope.
    let action = resource.actions.get(&name);
    let needed = scope
        .clone()
        .or_else(|| action.map(|action| action.scope.clone()));
    let asked = Asked {
        original,
        plain,
        token: &token,
        resource,
    };
    let evaluation = asked.evaluation(name, route.arguments);
    let question = AccessQuestion::of(request, evaluation).await?;
    let question = question.of_holder(scope);
    Ok(match decide(request, &question, token.scheme).await? {
        None => ForwardVerdict::permit(&question)?,
        Some(denied) => denied.to(token.scheme, needed).into(),
    })
}

/// What a request means at the resource that it is for.
struct Asked<'a> {
    original: &'a Original<'a>,
    plain: PlainRequest<'a>,
    token: &'a PresentedToken<'a>,
    resource: &'a Resource,
}

impl Asked<'_> {
    fn evaluation(&self, name: String, properties: Map<String, Value>) -> Evaluation {
        Evaluation {
            subject: Entity {
                kind: "user".to_owned(),
                id: String::new(),
            },
            action: ActionRequest {
                name,
                properties,
                inexact: None,
            },
            resource: Entity {
                kind: "resource".to_owned(),
                id: self.resource.uri.to_string(),
            },
            access_token: self.token.token.to_owned(),
            dpop: self.original.proof(self.plain),
            approval: None,
            definition_hash: None,
            waited_by: None,
        }
    }
}

/// `None`: permitted, and the proof used up.
async fn decide(
    request: &ClientRequest,
    question: &AccessQuestion,
    scheme: Scheme,
) -> Result<Option<DeniedForward>, Failure> {
    let permitted = match look(request, question).await? {
        LookedQuestion::Uses(_) => return Ok(Some(DeniedForward::of(Reason::UsesUp))),
        LookedQuestion::Answer(answer) => denial_of(&answer),
    };
    if let Some(denied) = permitted {
        return Ok(Some(denied));
    }
    let claims = question.token.as_ref().map(|token| &token.claims);
    let is_bound = claims.is_some_and(|claims| claims.cnf.is_some());
    // RFC 9449 section 7.2: a bound token is no bearer token.
    if is_bound != (scheme == Scheme::DPoP) {
        let reason = match is_bound {
            true => DecisionReason::ProofInvalid,
            false => DecisionReason::TokenInvalid,
        };
        return Ok(Some(DeniedForward::wrong_scheme(reason)));
    }
    match question.proof() {
        Some(proof) if !use_proof(&request.app, proof).await? => {
            Ok(Some(DeniedForward::proof_used()))
        }
        Some(_) | None => Ok(None),
    }
}

fn denial_of(answer: &EvaluationResponse) -> Option<DeniedForward> {
    if answer.decision {
        return None;
    }
    let context = &answer.context;
    let reason = context.reason.unwrap_or(DecisionReason::TokenInvalid);
    let sentence = context.reason_user.get("en").cloned();
    Some(DeniedForward::decided(reason, sentence.unwrap_or_default()))
}
