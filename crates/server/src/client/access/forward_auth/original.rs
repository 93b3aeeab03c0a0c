//! The request that came to the proxy, as the proxy says it: its method and path by header fields, or as those of the check itself,
//! never both.

use http::{HeaderMap, HeaderValue};
use writ_core::OAuthError;
use writ_core::forward_auth::{PlainPath, origin, plain_method};
use writ_wire::access::PresentedProof;
use writ_wire::forward_auth::{
    FORWARD_AUTH_PATH, ORIGINAL_AUTHORIZATION, ORIGINAL_DPOP, ORIGINAL_METHOD, ORIGINAL_ORIGIN,
    ORIGINAL_URI,
};

use crate::client::incoming::RequestHead;
use crate::client::presented_token::PresentedToken;

/// The caller's request, of which only the origin is the proxy's own word.
pub struct Original<'a> {
    pub origin: String,
    method: Told<'a>,
    uri: Told<'a>,
    authorization: Told<'a>,
    dpop: Told<'a>,
}

/// What a caller sent: `None` for bytes that are no visible ASCII.
type Told<'a> = Option<&'a str>;

/// Its method and path, when every program reads them in the same way.
#[derive(Clone, Copy)]
pub struct PlainRequest<'a> {
    pub method: &'a str,
    pub path: PlainPath<'a>,
}

impl<'a> Original<'a> {
    /// What is wrong is the proxy's configuration.
    pub fn of(head: &'a RequestHead) -> Result<Self, OAuthError> {
        let headers = &head.headers;
        let said = one(headers, ORIGINAL_ORIGIN)?.and_then(|value| value.to_str().ok());
        let origin = said.and_then(origin).ok_or_else(|| {
            invalid(format!(
                "`{ORIGINAL_ORIGIN}` is missing, or is no scheme, host and port, such as `https://api.example`"
            ))
        })?;
        let (method, uri) = (one(headers, ORIGINAL_METHOD)?, one(headers, ORIGINAL_URI)?);
        let appended = head
            .path
            .strip_prefix(FORWARD_AUTH_PATH)
            .unwrap_or_default();
        let (method, uri) = match (method, uri, appended) {
            (Some(method), Some(uri), "") => (told(method), told(uri)),
            (None, None, uri) if !uri.is_empty() => (Some(head.method.as_str()), Some(uri)),
            _ => {
                return Err(invalid(format!(
                    "send `{ORIGINAL_METHOD}` and `{ORIGINAL_URI}`, or neither, with the caller's method and its path after `{FORWARD_AUTH_PATH}`"
                )));
            }
        };
        Ok(Self {
            origin,
            method,
            uri,
            authorization: one(headers, ORIGINAL_AUTHORIZATION)?.and_then(told),
            dpop: one(headers, ORIGINAL_DPOP)?.and_then(told),
        })
    }

    /// The caller's token; `None` where none came, or something else did.
    pub fn token(&self) -> Option<PresentedToken<'a>> {
        PresentedToken::read(self.authorization?)
    }

    /// Why it is none, otherwise.
    pub fn plain(&self) -> Result<PlainRequest<'a>, String> {
        let method = self.method.filter(|method| plain_method(method));
        let method = method.ok_or_else(|| "its method is not in capital letters".to_owned())?;
        let uri = self.uri.ok_or_else(|| "its path is no ASCII".to_owned())?;
        let path = PlainPath::of_uri(uri).map_err(|error| format!("its path: {error}"))?;
        Ok(PlainRequest { method, path })
    }

    /// The proof that came along, if one did, and what it must be for.
    pub fn proof(&self, plain: PlainRequest<'_>) -> Option<PresentedProof> {
        Some(PresentedProof {
            proof: self.dpop?.to_owned(),
            htm: plain.method.to_owned(),
            htu: format!("{}{}", self.origin, plain.path.as_str()),
        })
    }
}

fn told(value: &HeaderValue) -> Told<'_> {
    value.to_str().ok()
}

/// An empty field says nothing. Where there are two, one may be the caller's.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a HeaderValue>, OAuthError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().filter(|value| !value.is_empty());
    match values.next() {
        None => Ok(first),
        Some(_) => Err(invalid(format!("`{name}` is there twice"))),
    }
}

fn invalid(sentence: String) -> OAuthError {
    OAuthError::invalid_request(sentence)
}
