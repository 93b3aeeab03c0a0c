//! Error codes of every endpoint and the body that carries them (RFC 6749 section 5.2 and its extensions).

use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// An error code of a specification. Each endpoint maps it to an HTTP status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        pub enum ErrorCode { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl ErrorCode {
            /// All codes, for documentation and exhaustiveness tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

error_codes! {
    InvalidRequest = "invalid_request",
    InvalidClient = "invalid_client",
    InvalidGrant = "invalid_grant",
    UnauthorizedClient = "unauthorized_client",
    UnsupportedGrantType = "unsupported_grant_type",
    UnsupportedResponseType = "unsupported_response_type",
    InvalidScope = "invalid_scope",
    AccessDenied = "access_denied",
    ServerError = "server_error",
    TemporarilyUnavailable = "temporarily_unavailable",
    /// RFC 8707 section 2.
    InvalidTarget = "invalid_target",
    /// RFC 9396 section 5.
    InvalidAuthorizationDetails = "invalid_authorization_details",
    /// RFC 9449 section 5.
    InvalidDpopProof = "invalid_dpop_proof",
    /// RFC 9449 section 8.
    UseDpopNonce = "use_dpop_nonce",
    /// OpenID Connect Core section 3.1.2.6.
    LoginRequired = "login_required",
    ConsentRequired = "consent_required",
    InteractionRequired = "interaction_required",
    InvalidRequestUri = "invalid_request_uri",
    RequestNotSupported = "request_not_supported",
    RequestUriNotSupported = "request_uri_not_supported",
    /// RFC 6750 section 3.1.
    InvalidToken = "invalid_token",
    InsufficientScope = "insufficient_scope",
    /// draft-ietf-oauth-rar-metadata-remediation-00.
    InsufficientAuthorization = "insufficient_authorization",
    /// RFC 9470 section 3, at a resource server.
    InsufficientUserAuthentication = "insufficient_user_authentication",
    /// OpenID Connect Unmet Authentication Requirements 1.0.
    UnmetAuthenticationRequirements = "unmet_authentication_requirements",
    InvalidRequestObject = "invalid_request_object",
    /// CIBA 11, RFC 8628 section 3.5.
    AuthorizationPending = "authorization_pending",
    SlowDown = "slow_down",
    ExpiredToken = "expired_token",
    /// CIBA 13.
    ExpiredLoginHintToken = "expired_login_hint_token",
    UnknownUserId = "unknown_user_id",
    MissingUserCode = "missing_user_code",
    InvalidUserCode = "invalid_user_code",
    InvalidBindingMessage = "invalid_binding_message",
    /// CIBA 12.
    TransactionFailed = "transaction_failed",
    /// draft-rosomakho-oauth-txn-challenge-00, at a resource server.
    TransactionAuthorizationRequired = "transaction_authorization_required",
    /// RFC 7591 section 3.2.2.
    InvalidClientMetadata = "invalid_client_metadata",
    InvalidRedirectUri = "invalid_redirect_uri",
    InvalidSoftwareStatement = "invalid_software_statement",
    UnapprovedSoftwareStatement = "unapproved_software_statement",
    /// draft-ietf-httpapi-idempotency-key-header section 2.7, at `/access/v1/evaluation`: another request came with this key.
    IdempotencyKeyReused = "idempotency_key_reused",
    /// At `/access/v1/outcomes`: another outcome was reported before.
    OutcomeReported = "outcome_reported",
}

/// A requested scope or member of `authorization_details` that is wider than what was granted or may be granted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Excess {
    /// JSON pointer (RFC 6901) into the request's `authorization_details`, or `/scope/NAME`.
    pub pointer: String,
    pub requested: Value,
    /// The granted value; only if the token in the request already shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Value>,
}

/// The JSON body of an error response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ErrorBody {
    pub error: ErrorCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excess: Vec<Excess>,
    /// Of a `server_error`: the id under which it is in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_id: Option<String>,
    /// Seconds after which the same may be asked again, as `Retry-After` says too (RFC 9110 section 10.2.3). With it nobody said no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// A valid `error_description`: each character that RFC 6749 section 5.2 does not allow becomes `?`.
pub fn description(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => '\'',
            '\\' => '/',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
        }
        assert_eq!(ErrorCode::parse("no_such_code"), None);
    }

    #[test]
    fn rfc_6749_5_2_description_has_no_forbidden_character() {
        assert_eq!(description("a \"b\" \\ \u{202e}"), "a 'b' / ?");
    }
}
