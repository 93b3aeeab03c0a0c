//! Refusals of the operators' API, all as problem details (RFC 9457): its own, and those that every endpoint of programs has.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use writ_core::OAuthError;
use writ_store::StoreError;
use writ_wire::api::{ApiProblemBody, PROBLEM_TYPE};
use writ_wire::error::{ErrorBody, ErrorCode};

use crate::client::answer::json;
use crate::node::failure::Failure;
use crate::operate::register::RegistrationError;

/// The largest refusal that is written anew.
const WHOLE_REFUSAL: usize = 64 * 1024;

/// What the API refuses by a status of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    NotFound,
    /// The record is in another state.
    Conflict,
    /// `If-Match` names another representation (RFC 9110 section 13.1.1).
    PreconditionFailed,
    /// RFC 6585 section 3.
    PreconditionRequired,
    /// Another request came with this `Idempotency-Key`.
    KeyReused,
    /// What is proposed is no valid record.
    Invalid,
    TooMany,
}

impl ProblemKind {
    pub const ALL: [Self; 7] = [
        Self::NotFound,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::PreconditionRequired,
        Self::KeyReused,
        Self::Invalid,
        Self::TooMany,
    ];

    pub const fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::KeyReused | Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition_failed",
            Self::PreconditionRequired => "precondition_required",
            Self::KeyReused => "idempotency_key_reused",
            Self::Invalid => "invalid_record",
            Self::TooMany => "too_many",
        }
    }
}

/// Why nothing was answered or changed.
#[derive(Debug)]
pub enum ApiFailure {
    Problem {
        kind: ProblemKind,
        detail: String,
    },
    /// What every endpoint of programs may refuse.
    Failure(Failure),
}

impl ApiFailure {
    pub fn problem(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self::Problem {
            kind,
            detail: detail.into(),
        }
    }

    pub fn not_found(what: &str) -> Self {
        Self::problem(ProblemKind::NotFound, format!("there is no such {what}"))
    }
}

impl From<Failure> for ApiFailure {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<StoreError> for ApiFailure {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<OAuthError> for ApiFailure {
    fn from(refusal: OAuthError) -> Self {
        Self::Failure(refusal.into())
    }
}

impl From<RegistrationError> for ApiFailure {
    fn from(error: RegistrationError) -> Self {
        let sentence = error.to_string();
        let kind = match error {
            RegistrationError::Store(error) => return error.into(),
            RegistrationError::Json(error) => {
                return Self::Failure(Failure::Broken(error.to_string()));
            }
            RegistrationError::Unknown(_)
            | RegistrationError::OtherKind { .. }
            | RegistrationError::Removed(_) => ProblemKind::NotFound,
            RegistrationError::ChangedMeanwhile(_) => ProblemKind::PreconditionFailed,
            RegistrationError::Exists(_) => ProblemKind::Conflict,
            _ => ProblemKind::Invalid,
        };
        Self::problem(kind, sentence)
    }
}

/// The answer of a problem of the API's own.
pub fn problem(kind: ProblemKind, detail: &str) -> Response {
    let retry_after = (kind == ProblemKind::TooMany).then_some(RETRY_AFTER);
    answer(ApiProblemBody {
        kind: format!("{URN}{}", kind.code()),
        title: title(kind.status()),
        status: kind.status().as_u16(),
        detail: Some(detail.to_owned()),
        code: kind.code().to_owned(),
        error_id: None,
        retry_after,
    })
}

fn answer(body: ApiProblemBody) -> Response {
    let status = StatusCode::from_u16(body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
    if let Some(seconds) = body.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn title(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or_default().to_owned()
}

/// Whatever refuses a request for the API says it as a problem, with its status and its header fields.
pub async fn as_problem(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_error_body = kind.is_some_and(|kind| kind == "application/json");
    if response.status().as_u16() < 400 || !is_error_body {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, WHOLE_REFUSAL).await else {
        return (parts, Body::empty()).into_response();
    };
    let Ok(error) = serde_json::from_slice::<ErrorBody>(&bytes) else {
        return (parts, Body::from(bytes)).into_response();
    };
    let mut response = answer(of_error(parts.status, error));
    let headers = response.headers_mut();
    for (name, value) in &parts.headers {
        if *name == header::WWW_AUTHENTICATE || !headers.contains_key(name) {
            headers.append(name, value.clone());
        }
    }
    *response.extensions_mut() = parts.extensions;
    response
}

fn of_error(status: StatusCode, error: ErrorBody) -> ApiProblemBody {
    let code = error.error.as_str();
    ApiProblemBody {
        kind: format!("{URN}{code}"),
        title: title(status),
        status: status.as_u16(),
        detail: error.error_description,
        code: code.to_owned(),
        error_id: error.error_id,
        // In its header field already.
        retry_after: None,
    }
}

/// Under which it is counted.
pub const fn counted_as(kind: ProblemKind) -> ErrorCode {
    match kind {
        ProblemKind::KeyReused => ErrorCode::IdempotencyKeyReused,
        _ => ErrorCode::InvalidRequest,
    }
}

const URN: &str = "urn:writ:problem:";
/// Seconds: some of what is too much is over by then.
const RETRY_AFTER: u64 = 60;
