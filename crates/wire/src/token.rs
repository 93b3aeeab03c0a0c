//! Token requests by grant, and the token response (OAuth 2.1 section 3.2, RFC 6749 section 5.1, RFC 8693 section 2.2).

use serde::{Deserialize, Serialize};

use crate::authorization::{self, RequestError};
use crate::exchange::ExchangeRequest;
use crate::form::{Form, FormError};
use crate::pkce::CodeVerifier;
use crate::rar::Detail;
use crate::resource::ResourceUri;
use crate::scope::Scope;

/// A supported grant type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GrantType {
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
    #[serde(rename = "refresh_token")]
    RefreshToken,
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
    #[serde(rename = "urn:openid:params:grant-type:ciba")]
    Ciba,
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

impl GrantType {
    pub const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::TokenExchange,
        Self::Ciba,
        Self::DeviceCode,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::Ciba => "urn:openid:params:grant-type:ciba",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}

/// A well-formed token request, without client authentication.
#[derive(Clone, PartialEq)]
pub enum TokenRequest {
    Code(CodeRequest),
    Refresh(RefreshRequest),
    ClientCredentials(ClientCredentialsRequest),
    Exchange(Box<ExchangeRequest>),
    Ciba(CibaTokenRequest),
    Device(DeviceTokenRequest),
}

#[derive(Clone, PartialEq)]
pub struct CodeRequest {
    pub code: String,
    /// Optional (OAuth 2.1 section 10.2); if sent, it must be that of the authorization request.
    pub redirect_uri: Option<String>,
    pub code_verifier: Option<CodeVerifier>,
    pub resource: Vec<ResourceUri>,
}

#[derive(Clone, PartialEq)]
pub struct RefreshRequest {
    pub refresh_token: String,
    pub resource: Vec<ResourceUri>,
    pub scope: Option<Scope>,
    pub authorization_details: Option<Vec<Detail>>,
}

#[derive(Clone, PartialEq)]
pub struct ClientCredentialsRequest {
    pub resource: Vec<ResourceUri>,
    pub scope: Scope,
    pub authorization_details: Vec<Detail>,
}

/// CIBA section 10.1.
#[derive(Clone, PartialEq)]
pub struct CibaTokenRequest {
    pub auth_req_id: String,
    pub resource: Vec<ResourceUri>,
}

/// RFC 8628 section 3.4.
#[derive(Clone, PartialEq)]
pub struct DeviceTokenRequest {
    pub device_code: String,
    pub resource: Vec<ResourceUri>,
}

/// Why a token request is malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRequestError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("grant type `{0}` is not supported")]
    UnsupportedGrantType(String),
}

impl From<FormError> for TokenRequestError {
    fn from(error: FormError) -> Self {
        Self::Request(error.into())
    }
}

impl TokenRequest {
    pub fn parse(form: &Form) -> Result<Self, TokenRequestError> {
        form.refuse_repeats(&["resource", "audience"])?;
        let name = form.required("grant_type")?;
        let grant = GrantType::parse(name).ok_or_else(|| {
            TokenRequestError::UnsupportedGrantType(name.chars().take(80).collect())
        })?;
        Ok(match grant {
            GrantType::AuthorizationCode => Self::Code(CodeRequest::parse(form)?),
            GrantType::RefreshToken => Self::Refresh(RefreshRequest::parse(form)?),
            GrantType::ClientCredentials => {
                Self::ClientCredentials(ClientCredentialsRequest::parse(form)?)
            }
            GrantType::TokenExchange => Self::Exchange(Box::new(ExchangeRequest::parse(form)?)),
            GrantType::Ciba => Self::Ciba(CibaTokenRequest::parse(form)?),
            GrantType::DeviceCode => Self::Device(DeviceTokenRequest::parse(form)?),
        })
    }

    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::Code(_) => GrantType::AuthorizationCode,
            Self::Refresh(_) => GrantType::RefreshToken,
            Self::ClientCredentials(_) => GrantType::ClientCredentials,
            Self::Exchange(_) => GrantType::TokenExchange,
            Self::Ciba(_) => GrantType::Ciba,
            Self::Device(_) => GrantType::DeviceCode,
        }
    }
}

impl CodeRequest {
    fn parse(form: &Form) -> Result<Self, RequestError> {
        let verifier = form.optional("code_verifier")?.map(|text| {
            CodeVerifier::parse(text).ok_or_else(|| {
                FormError::invalid("code_verifier", "is not 43 to 128 unreserved characters")
            })
        });
        Ok(Self {
            code: form.required("code")?.to_owned(),
            redirect_uri: form.optional("redirect_uri")?.map(str::to_owned),
            code_verifier: verifier.transpose()?,
            resource: authorization::resources(form)?,
        })
    }
}

impl RefreshRequest {
    fn parse(form: &Form) -> Result<Self, RequestError> {
        let asked = |name: &'static str| form.contains(name);
        Ok(Self {
            refresh_token: form.required("refresh_token")?.to_owned(),
            resource: authorization::resources(form)?,
            scope: asked("scope")
                .then(|| authorization::scope(form))
                .transpose()?,
            authorization_details: asked("authorization_details")
                .then(|| authorization::details(form))
                .transpose()?,
        })
    }
}

impl ClientCredentialsRequest {
    fn parse(form: &Form) -> Result<Self, RequestError> {
        Ok(Self {
            resource: authorization::resources(form)?,
            scope: authorization::scope(form)?,
            authorization_details: authorization::details(form)?,
        })
    }
}

impl CibaTokenRequest {
    fn parse(form: &Form) -> Result<Self, RequestError> {
        Ok(Self {
            auth_req_id: form.required("auth_req_id")?.to_owned(),
            resource: authorization::resources(form)?,
        })
    }
}

impl DeviceTokenRequest {
    fn parse(form: &Form) -> Result<Self, RequestError> {
        Ok(Self {
            device_code: form.required("device_code")?.to_owned(),
            resource: authorization::resources(form)?,
        })
    }
}

/// `DPoP` (RFC 9449 section 5), or `Bearer` for clients registered with `bearer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenType {
    DPoP,
    Bearer,
}

impl TokenType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DPoP => "DPoP",
            Self::Bearer => "Bearer",
        }
    }
}

/// Successful response of the token endpoint.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenResponse {
    pub access_token: String,
    pub token_type: TokenType,
    /// Seconds.
    pub expires_in: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Detail>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// RFC 8693 section 2.2.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<String>,
    /// draft-mcguinness-oauth-mission; only with the setting `features.mission_intent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission_expires_at: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<GrantType, TokenRequestError> {
        TokenRequest::parse(&Form::parse(text.as_bytes()).unwrap()).map(|r| r.grant_type())
    }

    #[test]
    fn a_request_is_only_of_its_own_grant_type() {
        assert_eq!(
            parse("grant_type=client_credentials"),
            Ok(GrantType::ClientCredentials)
        );
        assert!(
            parse("grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=")
                .is_err()
        );
        assert!(parse("grant_type=client_credentials&grant_type=refresh_token").is_err());
        for never in ["password", "implicit", "CLIENT_CREDENTIALS"] {
            let error = parse(&format!("grant_type={never}")).unwrap_err();
            assert!(
                matches!(error, TokenRequestError::UnsupportedGrantType(_)),
                "{never}"
            );
        }
    }
}
