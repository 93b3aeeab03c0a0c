//! A question to a person that is not taken: the answer says when another one may be asked.

use std::time::Duration;

use axum::response::Response;
use http::{HeaderValue, header};
use writ_core::checks::Endpoint;

use crate::approvals::create::Denied;
use crate::node::app::App;

/// Records it and answers it.
pub async fn refused(app: &App, endpoint: Endpoint, denied: Denied) -> Response {
    let mut response = app.answer_failure(endpoint, denied.failure).await;
    if let Some(wait) = denied.retry_after {
        let seconds = HeaderValue::from(whole_seconds(wait));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// Rounded up: whoever waits as long as told (RFC 9110 section 10.2.3) is not early.
fn whole_seconds(wait: Duration) -> u64 {
    let begun = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(begun).max(1)
}
