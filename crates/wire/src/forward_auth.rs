//! Forward-auth on the wire (docs/forward-auth.md): what a reverse proxy says of the request that came to it, and what it is
//! answered.

use serde::{Deserialize, Serialize};

use crate::access::DecisionReason;

pub const FORWARD_AUTH_PATH: &str = "/access/v1/forward-auth";

/// Scheme, host and port under which the proxy was called, as it is configured: never what a caller sent.
pub const ORIGINAL_ORIGIN: &str = "writ-original-origin";
pub const ORIGINAL_METHOD: &str = "writ-original-method";
/// Path and query as they came, nothing decoded or resolved.
pub const ORIGINAL_URI: &str = "writ-original-uri";
/// The caller's `Authorization`.
pub const ORIGINAL_AUTHORIZATION: &str = "writ-original-authorization";
/// The caller's `DPoP`.
pub const ORIGINAL_DPOP: &str = "writ-original-dpop";

/// Of the answer to what is permitted: who calls, for the API. Each is there, empty where there is nothing to say, so that
/// what a caller sent under this name is replaced.
pub const SUBJECT: &str = "writ-subject";
pub const CLIENT: &str = "writ-client";
pub const ACTOR: &str = "writ-actor";
pub const TASK: &str = "writ-task";
pub const SCOPE: &str = "writ-scope";
/// Of the answer to what is denied, for proxies that pass no body on.
pub const REASON: &str = "writ-reason";

/// Why the caller's request is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardAuthReason {
    /// As an evaluation denies.
    Decision(DecisionReason),
    TokenMissing,
    /// A path or method that two programs may read differently.
    RequestRefused,
    /// No resource that the proxy's client serves is at this URL.
    UnknownResource,
    /// The record says nothing of this method and path.
    NoRoute,
    /// What a call does stands in its body.
    McpResource,
    /// A use that is counted, or an approval: decided by the resource's own server.
    UsesUp,
}

impl ForwardAuthReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decision(reason) => reason.as_str(),
            Self::TokenMissing => "token_missing",
            Self::RequestRefused => "request_refused",
            Self::UnknownResource => "unknown_resource",
            Self::NoRoute => "no_route",
            Self::McpResource => "mcp_resource",
            Self::UsesUp => "uses_up",
        }
    }

    /// 401: another token may do. Nothing else is said of a caller's request, because a proxy takes other statuses for a fault.
    pub const fn status(self) -> u16 {
        match self {
            Self::TokenMissing
            | Self::Decision(DecisionReason::TokenInvalid | DecisionReason::ProofInvalid) => 401,
            Self::Decision(_)
            | Self::RequestRefused
            | Self::UnknownResource
            | Self::NoRoute
            | Self::McpResource
            | Self::UsesUp => 403,
        }
    }
}

/// A denial as problem details (RFC 9457 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ForwardAuthProblem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    pub reason: String,
}

impl ForwardAuthProblem {
    pub fn new(reason: ForwardAuthReason, detail: impl Into<String>) -> Self {
        let status = reason.status();
        // RFC 9457 section 4.2.1: with this type the title is that of the status.
        let title = if status == 401 {
            "Unauthorized"
        } else {
            "Forbidden"
        };
        Self {
            kind: "about:blank".to_owned(),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            reason: reason.as_str().to_owned(),
        }
    }
}
