//! Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0). Empty lists are left out.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerMetadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    pub pushed_authorization_request_endpoint: String,
    pub introspection_endpoint: String,
    /// RFC 7009.
    #[serde(default)]
    pub revocation_endpoint: String,
    pub userinfo_endpoint: String,
    /// OpenID Connect RP-Initiated Logout 1.0 section 2.1.
    #[serde(default)]
    pub end_session_endpoint: String,
    /// CIBA 4.
    pub backchannel_authentication_endpoint: String,
    /// RFC 8628 section 4.
    pub device_authorization_endpoint: String,
    /// draft-rosomakho-oauth-txn-challenge-00: only where that draft is switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_authorization_endpoint: Option<String>,
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    pub response_types_supported: Vec<String>,
    pub response_modes_supported: Vec<String>,
    pub grant_types_supported: Vec<String>,
    pub token_endpoint_auth_methods_supported: Vec<String>,
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<String>,
    pub code_challenge_methods_supported: Vec<String>,
    pub dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types_supported: Vec<String>,
    pub authorization_response_iss_parameter_supported: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected_resources: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission_bound_authorization_supported: Option<bool>,
    pub subject_types_supported: Vec<String>,
    pub id_token_signing_alg_values_supported: Vec<String>,
    pub claims_supported: Vec<String>,
    pub acr_values_supported: Vec<String>,
    pub backchannel_token_delivery_modes_supported: Vec<String>,
    pub backchannel_authentication_request_signing_alg_values_supported: Vec<String>,
    pub backchannel_user_code_parameter_supported: bool,
    /// Types of `login_hint_token`, by their `typ`.
    pub backchannel_endpoint_login_hint_token_types_supported: Vec<String>,
    /// RFC 7591 section 3: only where clients may register themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// draft-ietf-oauth-client-id-metadata-document-03 section 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id_metadata_document_supported: Option<bool>,
    /// OpenID Connect Discovery 1.0 section 3: `claims` and `display` are ignored.
    #[serde(default)]
    pub claims_parameter_supported: bool,
    #[serde(default)]
    pub prompt_values_supported: Vec<String>,
    #[serde(default)]
    pub ui_locales_supported: Vec<String>,
    pub request_parameter_supported: bool,
    pub request_uri_parameter_supported: bool,
}
