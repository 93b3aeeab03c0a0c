//! Introspection (RFC 7662). The response about an inactive token has no other member.

use serde::{Deserialize, Serialize};

use crate::claims::{Act, ApprovalClaim, ConfirmationClaim, MissionClaim};
use crate::rar::Detail;
use crate::token::TokenType;

/// The response; `active: false` has no other member (RFC 7662 section 2.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IntrospectionResponse {
    pub active: bool,
    #[serde(flatten)]
    pub token: Option<Box<ActiveToken>>,
}

impl IntrospectionResponse {
    pub const INACTIVE: Self = Self {
        active: false,
        token: None,
    };
}

/// The members for an active token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveToken {
    pub iss: String,
    pub aud: String,
    pub sub: String,
    pub client_id: String,
    pub token_type: TokenType,
    pub exp: i64,
    pub iat: i64,
    pub jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<ConfirmationClaim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_profile: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Detail>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission: Option<MissionClaim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalClaim>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7662_2_2_inactive_says_nothing_else() {
        let text = serde_json::to_string(&IntrospectionResponse::INACTIVE).unwrap();
        assert_eq!(text, r#"{"active":false}"#);
        let read: IntrospectionResponse = serde_json::from_str(&text).unwrap();
        assert_eq!(read, IntrospectionResponse::INACTIVE);
    }
}
