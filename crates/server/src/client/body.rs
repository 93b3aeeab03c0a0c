//! The body of a request, of programs and of browsers: read up to its bound, and taken in the one format of its endpoint.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use http::{HeaderMap, StatusCode, header};
use writ_core::OAuthError;
use writ_wire::form::Form;

use crate::node::failure::{Failure, Unacceptable};

/// The largest body, in bytes: a pushed request with full `authorization_details`.
pub const MAX_BODY: usize = 128 * 1024;

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const JSON: &str = "application/json";

/// A body as it came, or why it did not. Whoever takes it says which format it must have.
pub struct RequestBody {
    /// The media type, without its parameters.
    kind: String,
    bytes: Result<Bytes, Unacceptable>,
}

impl<S: Send + Sync> FromRequest<S> for RequestBody {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let kind = content_type(request.headers()).to_ascii_lowercase();
        let bytes = Bytes::from_request(request, state).await;
        Ok(Self {
            kind,
            bytes: bytes.map_err(|rejection| why(&rejection)),
        })
    }
}

impl RequestBody {
    pub fn form(&self) -> Result<Form, Failure> {
        Ok(Form::parse(self.bytes_of(FORM)?)?)
    }

    pub fn json(&self) -> Result<&[u8], Failure> {
        self.bytes_of(JSON)
    }

    /// `None`: there is no body.
    pub fn optional_json(&self) -> Result<Option<&[u8]>, Failure> {
        match &self.bytes {
            Ok(bytes) if bytes.is_empty() => Ok(None),
            _ => self.json().map(Some),
        }
    }

    pub fn is_json(&self) -> bool {
        self.kind == JSON
    }

    fn bytes_of(&self, kind: &'static str) -> Result<&[u8], Failure> {
        if self.kind != kind {
            return Err(unacceptable(Unacceptable::MediaType(kind)));
        }
        self.bytes.as_deref().map_err(|why| unacceptable(*why))
    }
}

fn why(rejection: &BytesRejection) -> Unacceptable {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Unacceptable::TooLarge,
        _ => Unacceptable::Unreadable,
    }
}

fn unacceptable(reason: Unacceptable) -> Failure {
    Failure::unacceptable(reason, OAuthError::invalid_request(sentence(reason)))
}

/// For the developer of whoever sent it.
pub fn sentence(reason: Unacceptable) -> String {
    match reason {
        Unacceptable::Method => {
            "this endpoint takes other methods: the header `Allow` names them".to_owned()
        }
        Unacceptable::TooLarge => format!("the body is larger than {MAX_BODY} bytes"),
        Unacceptable::MediaType(kind) => format!("the content type must be `{kind}`"),
        Unacceptable::Unreadable => "the body could not be read to its end".to_owned(),
        Unacceptable::Path => "the path has a control character, or is not valid UTF-8".to_owned(),
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}
