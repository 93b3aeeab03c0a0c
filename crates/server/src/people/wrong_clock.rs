//! What browsers may still do while this node's clock is wrong: take authority away.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;

use crate::node::app::App;
use crate::people::error::PageError;

/// What only takes authority away, and the pages from which a person does it. A form with two answers asks [`require_right_clock`]
/// before a yes.
const WITHOUT_CLOCK: [(Method, &str); 11] = [
    (Method::GET, "/"),
    (Method::GET, "/app"),
    (Method::GET, "/app/agents"),
    (Method::POST, "/app/agents/forget"),
    (Method::POST, "/app/agents/stop"),
    (Method::GET, "/app/requests/{id}"),
    (Method::POST, "/app/requests/{id}"),
    (Method::POST, "/app/stop"),
    (Method::POST, "/consent"),
    (Method::GET, "/logout"),
    (Method::POST, "/logout"),
];

/// Logins, requests and codes expire by this node's clock: while it is wrong, nobody signs in and nothing is granted.
pub async fn check_clock(
    State(app): State<Arc<App>>,
    route: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let goes_on = WITHOUT_CLOCK.contains(&(request.method().clone(), route.as_str()));
    let skew = match app.wrong_clock().await {
        Ok(None) => return next.run(request).await,
        Ok(Some(skew)) => skew,
        Err(error) => return PageError::from(error).into_response(),
    };
    if !goes_on {
        return PageError::WrongClock(skew).into_response();
    }
    let response = next.run(request).await;
    match PageError::asks_to_sign_in(&response) {
        // The login is closed.
        true => PageError::WrongClock(skew).into_response(),
        false => response,
    }
}

/// Before what grants anything.
pub async fn require_right_clock(app: &App) -> Result<(), PageError> {
    match app.wrong_clock().await? {
        Some(skew) => Err(PageError::WrongClock(skew)),
        None => Ok(()),
    }
}
