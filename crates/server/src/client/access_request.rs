//! `/access/v1/requests` (AuthZEN Access Request and Approval Profile, draft 1; docs/access-requests.md): a resource server asks a
//! person about an evaluation that was denied, waits, and takes its question back. Its client alone knows of it.

mod problem;
mod submit;
mod task;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::MethodFilter;
use http::{HeaderValue, StatusCode, header};
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::id::ApprovalId;
use writ_core::pending::{POLL_INTERVAL, PendingRequest};
use writ_core::words;
use writ_wire::access::REQUESTS_PATH;
use writ_wire::access_request::{Cancellation, MAX_CANCEL_WORDS, ProblemType};
use writ_wire::error::ErrorCode;
use writ_wire::strict_json;

use self::problem::AccessProblem;
use crate::approvals::access_request;
use crate::approvals::long_poll;
use crate::client::answer::json;
use crate::client::error::ClientError;
use crate::client::incoming::{IncomingRequest, RequestHead, program_route};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;

/// The most resources that a client is told it serves.
const MAX_LISTED_RESOURCES: usize = 256;
const TASK: &str = "/access/v1/requests/{id}";
const CANCEL: &str = "/access/v1/requests/{id}/cancel";

pub fn routes() -> Router<Arc<App>> {
    let cancelled = program_route(MethodFilter::POST, cancel)
        .merge(program_route(MethodFilter::DELETE, cancel));
    Router::new()
        .route(REQUESTS_PATH, program_route(MethodFilter::POST, submit))
        .route(TASK, program_route(MethodFilter::GET, show))
        .route(CANCEL, cancelled)
}

/// What there is to answer: the task, or a problem.
type Answered<T> = Result<Result<T, AccessProblem>, Failure>;

async fn submit(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let head = &incoming.head;
    let request = head.authenticate_server(Endpoint::AccessRequest).await?;
    let wait = long_poll::preference(&head.headers);
    let asked = submit::ask_person(&request, &incoming).await;
    let pending = match settled(&request, asked).await? {
        Ok(pending) => pending,
        Err(refused) => return Ok(refused),
    };
    let id = pending.id.clone();
    let waited = task::wait_for_end(&request.app, pending, &request.client().id, wait).await;
    let mut response = answer(&request, head, waited, StatusCode::CREATED)?;
    if response.status() == StatusCode::CREATED
        && response.headers().contains_key(header::RETRY_AFTER)
    {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    let location = request.app.config.url(&format!("{REQUESTS_PATH}/{id}"));
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn show(head: RequestHead) -> Result<Response, ClientError> {
    let request = head.authenticate_server(Endpoint::AccessRequest).await?;
    let wait = long_poll::preference(&head.headers);
    let found = settled(&request, find(&request, &head).await).await?;
    match found {
        Ok(pending) => {
            let app = &request.app;
            let waited = task::wait_for_end(app, pending, &request.client().id, wait).await;
            answer(&request, &head, waited, StatusCode::OK)
        }
        Err(refused) => Ok(refused),
    }
}

async fn cancel(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let head = &incoming.head;
    let request = head.authenticate_server(Endpoint::AccessRequest).await?;
    let cancelled = take_back(&request, &incoming).await;
    match settled(&request, cancelled).await? {
        Ok(pending) => answer(&request, head, Ok(pending), StatusCode::OK),
        Err(refused) => Ok(refused),
    }
}

async fn find(request: &ClientRequest, head: &RequestHead) -> Answered<PendingRequest> {
    let id = ApprovalId::from_text(id_of(&head.path));
    let (app, client) = (&request.app, &request.client().id);
    if let Some(found) = task::look(app, &id, client).await? {
        return Ok(Ok(found));
    }
    let detail = "no task of this id was made for a resource that this client serves, or it ended more than a day ago";
    // A resource that was registered a moment ago counts: by this a server finds at its start whether it asks as the right client.
    let catalogue = app.fresh_catalogue().await?;
    let served = catalogue.resources.served_by(client);
    let served: Vec<String> = served.map(|resource| resource.uri.to_string()).collect();
    let resources = match served.len() > MAX_LISTED_RESOURCES {
        true => Vec::new(),
        false => served,
    };
    Ok(Err(AccessProblem {
        resources,
        ..AccessProblem::new(ProblemType::UnknownTask, detail)
    }))
}

async fn take_back(
    request: &ClientRequest,
    incoming: &IncomingRequest,
) -> Answered<PendingRequest> {
    let because = match incoming.body.optional_json()? {
        None => None,
        Some(json) => match strict_json::read::<Cancellation>(json) {
            Ok(said) => because(&said),
            Err(_) => {
                let detail = "the body is no JSON object with `reason` and `comment` as text";
                return Ok(Err(AccessProblem::new(ProblemType::Blank(400), detail)));
            }
        },
    };
    let found = match find(request, &incoming.head).await? {
        Ok(found) => found,
        Err(unknown) => return Ok(Err(unknown)),
    };
    let (app, now) = (&request.app, request.now);
    let ended = access_request::cancel(app, &found, because.as_deref(), now).await?;
    if !ended {
        let detail = "it was answered, expired or cancelled before: there is nothing to cancel";
        return Ok(Err(AccessProblem::new(
            ProblemType::InvalidTaskState,
            detail,
        )));
    }
    find(request, &incoming.head).await
}

/// What the resource server says of a cancellation, for the record.
fn because(said: &Cancellation) -> Option<String> {
    let words = [&said.reason, &said.comment].into_iter().flatten();
    let words: Vec<String> = words
        .map(|text| words::clean(text, MAX_CANCEL_WORDS))
        .collect();
    (!words.is_empty()).then(|| words.join(": "))
}

/// The id in the path of a task.
fn id_of(path: &str) -> &str {
    let rest = path.strip_prefix(REQUESTS_PATH).unwrap_or_default();
    let rest = rest.trim_start_matches('/');
    rest.split('/').next().unwrap_or_default()
}

/// A problem is on record like every refusal.
async fn settled<T>(
    request: &ClientRequest,
    answered: Answered<T>,
) -> Result<Result<T, Response>, ClientError> {
    let problem = match answered {
        Ok(Ok(value)) => return Ok(Ok(value)),
        Ok(Err(problem)) => problem,
        Err(failure) => return Err(request.error(failure)),
    };
    match record(request, &problem).await {
        Ok(()) => Ok(Err(problem.into_response())),
        Err(failure) => Err(request.error(failure)),
    }
}

async fn record(request: &ClientRequest, problem: &AccessProblem) -> Result<(), Failure> {
    let code = match problem.kind {
        ProblemType::TooMany
        | ProblemType::Paused
        | ProblemType::Silenced
        | ProblemType::Denied => ErrorCode::AccessDenied,
        _ => ErrorCode::InvalidRequest,
    };
    request.app.note_refusal(request.endpoint.label(), code);
    let refusal = OAuthError::new(code, problem.detail.clone());
    if let Failure::Refused(refused) = request.refuse(refusal) {
        let event = refused.event.clone().refused_at(request.endpoint);
        let mut transaction = request.app.begin().await?;
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// The task as it is now; while nobody decided, when to ask again.
fn answer(
    request: &ClientRequest,
    head: &RequestHead,
    found: Result<PendingRequest, Failure>,
    status: StatusCode,
) -> Result<Response, ClientError> {
    let pending = found.map_err(|failure| request.error(failure))?;
    let (app, now) = (&request.app, request.app.clock.now());
    let mut response = json(status, &task::answer(app, &pending, now));
    let headers = response.headers_mut();
    if pending.is_open(now) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(POLL_INTERVAL));
    }
    long_poll::add_preference_applied(headers, long_poll::preference(&head.headers));
    Ok(response)
}
