//! Refusals of access requests: problem details (RFC 9457) with the profile's types.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use writ_core::budget::{OverBudget, Why};
use writ_wire::access_request::{PROBLEM, ProblemBody, ProblemType};

use crate::client::answer::json;

/// Why nothing was asked or cancelled.
#[derive(Debug)]
pub struct AccessProblem {
    pub kind: ProblemType,
    /// For the developer of the resource server.
    pub detail: String,
    /// Seconds.
    pub retry_after: Option<u64>,
    /// Those that the client serves, where it could not know that it asks for another.
    pub resources: Vec<String>,
}

impl AccessProblem {
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after: None,
            resources: Vec::new(),
        }
    }

    /// Too many questions, a pause after a no, or a silence.
    pub fn over(over: OverBudget) -> Self {
        let wait = over.retry_after;
        let begun = u64::from(wait.subsec_nanos() > 0);
        Self {
            kind: match over.why {
                Why::Denied => ProblemType::Paused,
                Why::Silenced => ProblemType::Silenced,
                Why::TooMany => ProblemType::TooMany,
            },
            detail: over.refusal.sentence,
            retry_after: Some(wait.as_secs().saturating_add(begun).max(1)),
            resources: Vec::new(),
        }
    }

    pub fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = ProblemBody {
            resources: self.resources,
            ..ProblemBody::new(self.kind, self.detail)
        };
        let mut response = json(status, &body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
