//! What a request brings: one `Authorization` field and, with the scheme `DPoP`, one proof (RFC 6750 section 2.1,
//! 9449 section 7.1). Nothing is verified yet.

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Uri};
use url::form_urlencoded;
use writ_wire::dpop::DPOP;

use crate::refused::Reason;

/// The part of a request that is verified. The body plays no role.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'a> {
    pub method: &'a Method,
    /// Only its path and query count.
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
}

impl<'a> From<&'a Parts> for RequestView<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
        }
    }
}

impl<'a, B> From<&'a Request<B>> for RequestView<'a> {
    fn from(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    DPoP,
    Bearer,
}

impl Scheme {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::DPoP => "DPoP",
            Self::Bearer => "Bearer",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::DPoP, Self::Bearer]
            .into_iter()
            .find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }
}

pub(crate) struct Credentials<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) token: &'a str,
}

impl<'a> Credentials<'a> {
    pub(crate) fn read(request: &RequestView<'a>) -> Result<Self, Reason> {
        let mut fields = request.headers.get_all(AUTHORIZATION).iter();
        let Some(field) = fields.next() else {
            return Err(Reason::NoCredentials);
        };
        if fields.next().is_some() || has_query_token(request.uri) {
            return Err(Reason::SeveralCredentials);
        }
        let text = field.to_str().map_err(|_| Reason::MalformedCredentials)?;
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        let scheme = Scheme::parse(scheme).ok_or(Reason::NoCredentials)?;
        let token = token.trim_matches(' ');
        if !is_token68(token) {
            return Err(Reason::MalformedCredentials);
        }
        Ok(Self { scheme, token })
    }
}

/// The text of the one proof (RFC 9449 section 4.3, check 1).
pub(crate) fn proof_text(headers: &HeaderMap) -> Result<&str, Reason> {
    let mut fields = headers.get_all(DPOP).iter();
    let field = fields.next().ok_or(Reason::MissingProof)?;
    if fields.next().is_some() {
        return Err(Reason::SeveralProofs);
    }
    field
        .to_str()
        .map_err(|_| Reason::Proof("the DPoP proof is not ASCII".to_owned()))
}

/// RFC 6750 section 2: one way to send a token per request.
fn has_query_token(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}

/// RFC 9110 section 11.2. A second scheme behind a comma is no token.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !body.is_empty() && body.bytes().all(allowed)
}
