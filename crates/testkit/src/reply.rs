//! A response, with what tests check of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Response};
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct TestReply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl TestReply {
    pub fn of(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("no JSON ({e}): {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// `error` of a refusal; empty on success.
    pub fn error(&self) -> String {
        self.json()
            .get("error")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }

    /// Status and `error` at once.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.error())
    }

    /// A string member of a JSON answer.
    pub fn member(&self, name: &str) -> String {
        let body = self.json();
        let found = body.get(name).and_then(Value::as_str);
        found
            .unwrap_or_else(|| panic!("no `{name}` in {body}"))
            .to_owned()
    }

    pub fn access_token(&self) -> String {
        self.member("access_token")
    }

    /// Claims of the access token, decoded and not verified.
    pub fn claims(&self) -> Value {
        claims(&self.access_token())
    }
}

/// The payload of a JWT, not verified.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
