//! Requests to the token endpoint (OAuth 2.1 section 3.2): parameters, the token response, refresh and client credentials.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use writ_wire::claims::IdTokenClaims;
use writ_wire::rar::{self, Detail};
use writ_wire::resource::ResourceUri;
use writ_wire::scope::Scope;
use writ_wire::strict_json;
use writ_wire::time::Timestamp;
use writ_wire::token::{TokenResponse, TokenType};

use crate::agent::{Agent, Parameters, TokenBinding};
use crate::error::{Error, protocol, refused};
use crate::jwt;
use crate::secret::Secret;

/// The access that a token request asks for. What is absent asks for all that the grant holds for that resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestedAccess {
    /// The one audience of the token (RFC 8707).
    pub resource: Option<String>,
    /// Names with spaces between, at least one.
    pub scope: Option<String>,
    pub authorization_details: Option<Vec<Detail>>,
}

impl RequestedAccess {
    pub fn resource(resource: impl Into<String>) -> Self {
        Self {
            resource: Some(resource.into()),
            ..Self::default()
        }
    }

    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    pub fn details(mut self, details: Vec<Detail>) -> Self {
        self.authorization_details = Some(details);
        self
    }

    /// Refuses what the server would take as absent or as something else: absent asks for everything.
    pub(crate) fn parameters(&self) -> Result<Parameters, Error> {
        let mut form = Parameters::new();
        if let Some(resource) = &self.resource {
            ResourceUri::parse(resource).map_err(|error| Error::Usage(error.to_string()))?;
            form.push(("resource", resource.clone()));
        }
        if let Some(scope) = &self.scope {
            let parsed = Scope::parse(scope).map_err(|error| Error::Usage(error.to_string()))?;
            if parsed.is_empty() {
                return Err(Error::Usage(
                    "an empty `scope` would ask for every scope: leave it out, or name some"
                        .to_owned(),
                ));
            }
            form.push(("scope", parsed.to_string()));
        }
        if let Some(details) = &self.authorization_details {
            form.push(("authorization_details", details_text(details)?));
        }
        Ok(form)
    }
}

/// Reads `authorization_details` written as JSON: an array of objects, each with a string `type` (RFC 9396 section 2).
pub fn details(json: Value) -> Result<Vec<Detail>, Error> {
    rar::parse(&json.to_string()).map_err(|error| Error::Usage(error.to_string()))
}

pub(crate) fn details_text(details: &[Detail]) -> Result<String, Error> {
    let text = serde_json::to_string(details)
        .map_err(|_| Error::Usage("the details cannot be written as JSON".to_owned()))?;
    rar::parse(&text).map_err(|error| Error::Usage(error.to_string()))?;
    Ok(text)
}

/// A token that this agent can use, with what was really granted.
#[derive(Clone, Debug)]
pub struct Grant {
    pub access_token: Secret,
    pub token_type: TokenType,
    pub expires_at: Timestamp,
    pub refresh_token: Option<Secret>,
    /// As the server says; `None` means as asked (RFC 6749 section 5.1).
    pub scope: Option<String>,
    pub authorization_details: Vec<Detail>,
    pub id_token: Option<Secret>,
    /// The identifier of the task.
    pub mission_id: Option<String>,
}

impl Agent {
    /// A fresh token from a grant's refresh token, for one resource, as wide as consented or narrower.
    pub async fn refresh(&self, grant: &Grant, ask: &RequestedAccess) -> Result<Grant, Error> {
        let Some(refresh_token) = &grant.refresh_token else {
            return Err(Error::Usage(
                "this grant has no refresh token: ask the person again with `authorize`".to_owned(),
            ));
        };
        let mut form: Parameters = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh_token.expose().to_owned()),
        ];
        form.extend(ask.parameters()?);
        let mut fresh = self.token(&form).await?;
        self.check_id_token(&fresh, None)?;
        // Without a new refresh token the old one stays valid (RFC 6749 section 6).
        fresh.refresh_token = fresh.refresh_token.or_else(|| Some(refresh_token.clone()));
        Ok(fresh)
    }

    /// A token for the agent's own work (`client_credentials`). Without resource and scope it can be used as an actor token only.
    pub async fn own(&self, ask: &RequestedAccess) -> Result<Grant, Error> {
        let mut form: Parameters = vec![("grant_type", "client_credentials".to_owned())];
        form.extend(ask.parameters()?);
        self.token(&form).await
    }

    pub(crate) async fn token(&self, form: &Parameters) -> Result<Grant, Error> {
        let asked_at = self.environment.clock.now();
        let endpoint = &self.metadata.token_endpoint;
        let response = self.post(endpoint, form, self.dpop_key()).await?;
        self.granted(&response, asked_at)
    }

    /// The same as a long poll. `expires_in` counts from the answer, because the server may have held the request.
    pub(crate) async fn token_held(
        &self,
        endpoint: &str,
        form: &Parameters,
        hold: Duration,
    ) -> Result<Grant, Error> {
        let key = self.dpop_key();
        let response = self.post_held(endpoint, form, key, Some(hold)).await?;
        self.granted(&response, self.environment.clock.now())
    }

    fn granted(&self, response: &Response<Bytes>, from: Timestamp) -> Result<Grant, Error> {
        let token = self.token_response(response)?;
        Ok(Grant {
            expires_at: from.plus(Duration::from_secs(token.expires_in)),
            access_token: token.access_token.into(),
            token_type: token.token_type,
            refresh_token: token.refresh_token.map(Secret::from),
            scope: token.scope,
            authorization_details: token.authorization_details,
            id_token: token.id_token.map(Secret::from),
            mission_id: token.mission_id,
        })
    }

    /// If a proof was sent, a token that is not bound is refused (RFC 9449 section 5).
    fn token_response(&self, response: &Response<Bytes>) -> Result<TokenResponse, Error> {
        if response.status() != StatusCode::OK {
            return Err(refused(response));
        }
        // The parser's own words could quote a token.
        let token: TokenResponse = strict_json::read(response.body())
            .map_err(|_| protocol("the token response cannot be read (RFC 6749 5.1)"))?;
        match (&self.config.binding, token.token_type) {
            (TokenBinding::Dpop(_), TokenType::DPoP)
            | (TokenBinding::Bearer, TokenType::Bearer) => Ok(token),
            (TokenBinding::Dpop(_), TokenType::Bearer) => Err(protocol(
                "a proof was sent, and a bearer token came (RFC 9449 5)",
            )),
            (TokenBinding::Bearer, TokenType::DPoP) => Err(protocol(
                "no proof was sent, and a token bound to a key came (RFC 9449 5)",
            )),
        }
    }

    /// OpenID Connect Core 3.1.3.7; the token came from the token endpoint itself, whose TLS stands for the signature.
    pub(crate) fn check_id_token(&self, grant: &Grant, nonce: Option<&str>) -> Result<(), Error> {
        let Some(id_token) = &grant.id_token else {
            return Ok(());
        };
        let (_, claims) = jwt::read_unverified::<IdTokenClaims>(id_token.expose())
            .ok_or_else(|| protocol("the ID token cannot be read"))?;
        let at_hash = half_hash(grant.access_token.expose());
        let checks = [
            (claims.iss == self.issuer(), "`iss`"),
            (claims.aud == self.client_id(), "`aud`"),
            (claims.azp == self.client_id(), "`azp`"),
            (claims.exp > self.environment.clock.now().seconds(), "`exp`"),
            (
                nonce.is_none() || claims.nonce.as_deref() == nonce,
                "`nonce`",
            ),
            (claims.at_hash == at_hash, "`at_hash`"),
        ];
        match checks.into_iter().find(|(good, _)| !good) {
            Some((_, name)) => Err(protocol(format!("the ID token's {name} is wrong"))),
            None => Ok(()),
        }
    }
}

/// `at_hash`: the left half of SHA-256 (OpenID Connect Core 3.1.3.6).
fn half_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())
}
