//! What is answered: JSON with a strong validator (RFC 9110 section 8.8.3), which says whether a record is still the same.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use writ_jose::hash;

use super::problem::{ApiFailure, ProblemKind};
use crate::node::failure::Failure;

/// A record or a page, as it is sent.
pub struct Representation {
    pub text: String,
    etag: String,
}

impl Representation {
    pub fn of<T: Serialize>(value: &T) -> Result<Self, ApiFailure> {
        let text = serde_json::to_string(value);
        let text = text.map_err(|e| Failure::Broken(e.to_string()))?;
        let etag = format!("\"{}\"", hash::digest_text(&[b"etag", text.as_bytes()]));
        Ok(Self { text, etag })
    }

    /// To a request that reads: without a body where it is known already (RFC 9110 section 13.1.2).
    pub fn answer(self, headers: &HeaderMap) -> Response {
        let known = names(
            headers,
            &header::IF_NONE_MATCH,
            &self.etag,
            Compared::Weakly,
        );
        let mut response = match known {
            Some(true) => StatusCode::NOT_MODIFIED.into_response(),
            _ => sent(StatusCode::OK, self.text),
        };
        let fields = response.headers_mut();
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            fields.insert(header::ETAG, etag);
        }
        let cache = HeaderValue::from_static("private, no-cache");
        fields.insert(header::CACHE_CONTROL, cache);
        response
    }

    /// Whether a change is meant for this (RFC 9110 section 13.1.1); without the field nothing is changed.
    pub fn require_match(&self, headers: &HeaderMap) -> Result<(), ApiFailure> {
        match names(headers, &header::IF_MATCH, &self.etag, Compared::Strongly) {
            Some(true) => Ok(()),
            Some(false) => Err(ApiFailure::problem(
                ProblemKind::PreconditionFailed,
                "the record is not the one that `If-Match` names: read it again",
            )),
            None => Err(ApiFailure::problem(
                ProblemKind::PreconditionRequired,
                "send `If-Match` with the `ETag` of the record as you read it",
            )),
        }
    }
}

/// How two validators are compared (RFC 9110 section 8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    Weakly,
    Strongly,
}

/// Whether the field names this validator; `None` where it is absent. `*` names whatever there is only for who reads: a change is of
/// something that was read.
fn names(headers: &HeaderMap, field: &HeaderName, etag: &str, compared: Compared) -> Option<bool> {
    let mut values = headers.get_all(field).iter().peekable();
    values.peek()?;
    let texts = values.filter_map(|value| value.to_str().ok());
    let mut named = texts.flat_map(|text| text.split(',')).map(str::trim);
    Some(named.any(|one| match compared {
        Compared::Weakly => one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag,
        Compared::Strongly => one == etag,
    }))
}

/// JSON that was written already.
pub fn sent(status: StatusCode, text: String) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, Body::from(text)).into_response()
}
