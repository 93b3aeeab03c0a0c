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
        if announces_too_much(request.headers()) {
            // Nobody is asked to send it (RFC 9110 section 10.1.1).
            let bytes = Err(Unacceptable::TooLarge);
            return Ok(Self { kind, bytes });
        }
        let bytes = Bytes::from_request(request, state).await;
        Ok(Self {
            kind,
            bytes: bytes.map_err(|rejection| why(&rejection)),
        })
    }
}

fn announces_too_much(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok());
    let length = length.and_then(|text| text.parse::<u64>().ok());
    length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > MAX_BODY))
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

    /// Of an endpoint that takes nothing from it: what it is not, it is not here either.
    pub fn unused(&self) -> Result<(), Failure> {
        match &self.bytes {
            Err(why) => Err(unacceptable(*why)),
            Ok(bytes) if self.kind == FORM => Ok(Form::parse(bytes).map(drop)?),
            Ok(_) => Ok(()),
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

#[cfg(test)]
mod tests {
    use axum::Router;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::watch;

    use super::*;
    use crate::node::listener::{ListenerBounds, serve};

    async fn told(body: RequestBody) -> String {
        match body.bytes {
            Ok(bytes) => format!("{} bytes.", bytes.len()),
            Err(why) => format!("{why:?}."),
        }
    }

    /// What comes until a full stop.
    async fn answer(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        while let Ok(byte) = stream.read_u8().await {
            text.push(char::from(byte));
            if text.ends_with("Continue\r\n\r\n") || text.ends_with("s.") || text.ends_with("e.") {
                break;
            }
        }
        text
    }

    #[tokio::test]
    async fn rfc_9110_10_1_1_nobody_is_asked_for_a_body_that_is_too_large() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_running, stopped) = watch::channel(false);
        let routes = Router::new().fallback(told);
        tokio::spawn(serve(listener, routes, ListenerBounds::default(), stopped));
        let send = async |length: usize| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let head = format!(
                "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream
        };
        for length in [MAX_BODY + 1, 99_000_000] {
            let answered = answer(&mut send(length).await).await;
            assert!(answered.starts_with("HTTP/1.1 200 OK"), "{answered}");
            assert!(answered.ends_with("TooLarge."), "{answered}");
        }
        let mut small = send(2).await;
        assert_eq!(answer(&mut small).await, "HTTP/1.1 100 Continue\r\n\r\n");
        small.write_all(b"{}").await.unwrap();
        assert!(answer(&mut small).await.ends_with("2 bytes."));
    }
}
