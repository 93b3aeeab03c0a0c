//! The operators' API: where it is, what a token for it may do, and how it refuses (RFC 9457; docs/api.md).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Below the issuer; with it, the audience of its tokens.
pub const API_PATH: &str = "/api/v1";
/// The media type of its refusals (RFC 9457 section 6.1).
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// What a token for the API may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub enum ApiScope {
    /// Look at everything.
    #[serde(rename = "api:read")]
    Read,
    /// Contain: stop, suspend, disable, end.
    #[serde(rename = "api:stop")]
    Stop,
    /// Take away for good what was registered.
    #[serde(rename = "api:change")]
    Change,
    /// Propose what widens, which an operator signs or lets lapse.
    #[serde(rename = "api:propose")]
    Propose,
}

impl ApiScope {
    pub const ALL: [Self; 4] = [Self::Read, Self::Stop, Self::Change, Self::Propose];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "api:read",
            Self::Stop => "api:stop",
            Self::Change => "api:change",
            Self::Propose => "api:propose",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

impl FromStr for ApiScope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || format!("there are {}", Self::ALL.map(Self::as_str).join(", "));
        Self::parse(text).ok_or_else(known)
    }
}

impl fmt::Display for ApiScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Problem details (RFC 9457 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ApiProblemBody {
    /// `urn:writ:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// For the developer of whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What a program decides by.
    pub code: String,
    /// Of a fault of the server: the id under which it is in its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_id: Option<String>,
    /// Seconds, as `Retry-After` says too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_as_they_are_read() {
        for scope in ApiScope::ALL {
            assert_eq!(ApiScope::parse(scope.as_str()), Some(scope));
            let text = serde_json::to_string(&scope).unwrap();
            assert_eq!(text, format!("\"{scope}\""));
        }
        assert_eq!(ApiScope::parse("api:write"), None);
    }
}
