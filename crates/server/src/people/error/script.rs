//! Errors at the routes that scripts of ours read: they get JSON, whatever went wrong, because they cannot read a page.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::json;
use writ_pages::{FailureKind, FailurePage};
use writ_wire::error::ErrorCode;

use super::PageError;
use crate::client::answer::json as json_answer;

/// Where nobody but a script asks.
const ROUTES: [&str; 5] = [
    "/account/passkey/options",
    "/login/passkey/options",
    "/app/devices/passkeys/prove",
    "/app/devices/passkeys/options",
    "/app/devices/push/key",
];

pub(super) fn reads(route: &str) -> bool {
    ROUTES.contains(&route)
}

/// As a script reads it: one cannot follow to the login.
pub(super) fn read_by(route: &str, error: Arc<PageError>) -> Arc<PageError> {
    match *error {
        PageError::SignedOut { .. } if reads(route) => Arc::new(PageError::needs_login()),
        _ => error,
    }
}

impl PageError {
    /// The person of a script of ours must sign in first.
    pub fn needs_login() -> Self {
        Self::script(StatusCode::FORBIDDEN, "needs_login")
    }

    /// A script of ours has sent too many, and learns until when it waits.
    pub fn paused(retry_after: Duration) -> Self {
        Self::Page(Box::new(FailurePage {
            error_code: Some("paused".to_owned()),
            retry_after: Some(retry_after),
            ..FailurePage::new(FailureKind::TooManyRequests)
        }))
    }
}

/// What the page says, with its status and its end.
pub(super) fn in_json(page: &FailurePage, answered: &Response) -> Response {
    let code = page.error_code.as_deref();
    let error = code.unwrap_or(ErrorCode::InvalidRequest.as_str());
    let mut response = json_answer(answered.status(), &json!({ "error": error }));
    if let Some(end) = answered.headers().get(RETRY_AFTER) {
        response.headers_mut().insert(RETRY_AFTER, end.clone());
    }
    response
}
