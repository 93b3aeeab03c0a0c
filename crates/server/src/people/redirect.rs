//! Redirects between pages (303), and the redirect to the login page.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// 303: never 307, which would send a password on (RFC 9700 section 4.12).
pub fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Redirects to the login page, which comes back to `page`, a path of this server.
pub fn to_login(page: &str) -> Response {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", page)
        .finish();
    see_other(&format!("/login?{query}"))
}
