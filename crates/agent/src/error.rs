//! Errors of the kit, each with advice what to do next. Codes are those of RFC 6749 section 5.2 and its extensions.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use writ_platform::TransportError;
use writ_wire::error::{ErrorBody, ErrorCode, Excess, description};
use writ_wire::strict_json;

use crate::advice::advice;
use crate::key::PrivateKeyError;
use crate::resource::ResourceRefusal;

/// Every error of the kit. [`Error::advice`] says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authorization server refused, with a code.
    #[error(transparent)]
    Refused(Box<ErrorResponse>),
    /// The person, or the server for the person, said no.
    #[error("the request was denied{}", said(.description.as_deref()))]
    Denied { description: Option<String> },
    /// A resource refused, with a challenge.
    #[error(transparent)]
    Resource(Box<ResourceRefusal>),
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An answer that breaks the specification; nothing of it was used.
    #[error("the answer breaks the specification: {0}")]
    Protocol(String),
    /// A call that cannot be made as it was asked; nothing was sent.
    #[error("{0}")]
    Usage(String),
    /// A person agreed to this, and the resource refuses it again with the same `authorization_reference`.
    #[error("a person confirmed this, and it was refused again")]
    Repeated,
    #[error(transparent)]
    Key(#[from] PrivateKeyError),
}

impl Error {
    /// What the agent's developer, or the agent, should do next.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.advice(),
            Self::Denied { .. } => advice(ErrorCode::AccessDenied),
            Self::Resource(refusal) => refusal.advice(),
            Self::Transport(_) => {
                "nothing is known of the outcome: check the address and the network, then make the request anew"
            }
            Self::Protocol(_) => {
                "do not go on with this answer: compare the issuer with the server's configuration, and suspect an attack"
            }
            Self::Usage(_) => "correct the call: the message names what is wrong",
            Self::Repeated => {
                "stop asking: tell the person, or who runs the resource, that what was agreed to is still refused"
            }
            Self::Key(_) => "give a P-256 private key in PKCS #8, or make one with `Key::generate`",
        }
    }

    /// The code that the server or the resource gave, if one did.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::Denied { .. } => Some(ErrorCode::AccessDenied),
            Self::Resource(refusal) => refusal.code(),
            Self::Transport(_)
            | Self::Protocol(_)
            | Self::Usage(_)
            | Self::Repeated
            | Self::Key(_) => None,
        }
    }
}

/// An error response of the authorization server (RFC 6749 section 5.2).
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorResponse {
    pub code: ErrorCode,
    pub description: Option<String>,
    /// The members that were too wide, by JSON pointer.
    pub excess: Vec<Excess>,
    /// Names a `server_error` in the server's log.
    pub error_id: Option<String>,
    /// When the same may be asked again. With `access_denied` nobody said no: people are asked too often, or said no just before.
    pub retry_after: Option<Duration>,
}

impl ErrorResponse {
    pub const fn advice(&self) -> &'static str {
        if self.retry_after.is_some() {
            return "nobody was asked now: wait as long as `retry_after` says, then ask again";
        }
        advice(self.code)
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server refused with `{}`", self.code.as_str())?;
        f.write_str(&said(self.description.as_deref()))?;
        for (place, excess) in self.excess.iter().enumerate() {
            let gap = if place == 0 { "; too wide:" } else { "," };
            write!(f, "{gap} `{}`", description(&excess.pointer))?;
        }
        match &self.error_id {
            Some(id) => write!(f, " (id `{}`)", description(id)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ErrorResponse {}

impl From<ErrorBody> for Error {
    fn from(body: ErrorBody) -> Self {
        // The text comes from outside and goes into logs.
        let said = body.error_description.as_deref().map(description);
        if body.error == ErrorCode::AccessDenied && body.retry_after.is_none() {
            return Self::Denied { description: said };
        }
        Self::Refused(Box::new(ErrorResponse {
            code: body.error,
            description: said,
            excess: body.excess,
            error_id: body.error_id,
            retry_after: body.retry_after.map(Duration::from_secs),
        }))
    }
}

/// Reads an answer that is no success (RFC 6749 section 5.2).
pub(crate) fn refused(response: &Response<Bytes>) -> Error {
    match strict_json::read::<ErrorBody>(response.body()) {
        Ok(body) => body.into(),
        Err(_) => Error::Protocol(format!(
            "status {} without an error that we know (RFC 6749 5.2)",
            response.status().as_u16()
        )),
    }
}

pub(crate) fn protocol(text: impl Into<String>) -> Error {
    Error::Protocol(text.into())
}

fn said(description: Option<&str>) -> String {
    description.map_or_else(String::new, |text| format!(": {text}"))
}
