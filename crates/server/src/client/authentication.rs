//! Client authentication (RFC 7523, RFC 6749 section 2.3), by the endpoint's row of the checks table. Everything is verified
//! first; what may be used once is claimed in the transaction that uses it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use writ_core::OAuthError;
use writ_core::checks::{ClientRule, Endpoint};
use writ_core::client::{Authentication, Client};
use writ_jose::assertion::{
    AudienceRule, ClientAssertion, ClientAssertionRules, UnverifiedAssertion,
};
use writ_jose::hash;
use writ_wire::form::Form;
use writ_wire::registration::{AssertionAudience, Profile};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a request shows of its client, before anything of it is verified.
#[derive(Clone, Copy)]
pub struct PresentedCredentials<'a> {
    pub endpoint: Endpoint,
    pub headers: &'a HeaderMap,
    pub form: &'a Form,
    pub now: Timestamp,
}

/// A client that is who it says, and the assertion that shows it; its `jti` is not used up yet.
pub struct AuthenticatedClient {
    pub client: Arc<Client>,
    pub assertion: Option<ClientAssertion>,
}

impl From<Arc<Client>> for AuthenticatedClient {
    fn from(client: Arc<Client>) -> Self {
        Self {
            client,
            assertion: None,
        }
    }
}

impl App {
    /// Consumes nothing.
    pub async fn authenticate(
        &self,
        presented: &PresentedCredentials<'_>,
    ) -> Result<AuthenticatedClient, Failure> {
        let form = presented.form;
        if form.contains("client_secret") {
            return Err(OAuthError::invalid_client(
                "`client_secret` in the body is not supported: use HTTP Basic",
            )
            .into());
        }
        let basic = basic_credentials(presented.headers)?;
        let assertion = form.optional("client_assertion")?;
        let named = form.optional("client_id")?;
        match (basic, assertion) {
            (Some(_), Some(_)) => Err(OAuthError::invalid_request(
                "more than one way of client authentication",
            )
            .into()),
            (Some((id, secret)), None) => {
                same_client(named, &id)?;
                Ok(self.by_secret(&id, &secret).await?.into())
            }
            (None, Some(text)) => {
                let authenticated = self.by_assertion(text, presented).await?;
                same_client(named, authenticated.client.id.as_str())?;
                Ok(authenticated)
            }
            (None, None) => Ok(self.by_name(named, presented.endpoint).await?.into()),
        }
    }

    async fn by_secret(&self, id: &str, secret: &str) -> Result<Arc<Client>, Failure> {
        let client = self.client(id).await?.ok_or_else(unknown_client)?;
        let Authentication::SecretBasic(digest) = &client.authentication else {
            return Err(OAuthError::invalid_client(
                "this client is not registered for `client_secret_basic`",
            )
            .into());
        };
        if !is_secret_of(&client, digest, secret, self.clock.now()) {
            return Err(unknown_client().because("wrong secret").into());
        }
        Ok(client)
    }

    async fn by_assertion(
        &self,
        text: &str,
        presented: &PresentedCredentials<'_>,
    ) -> Result<AuthenticatedClient, Failure> {
        let kind = presented.form.required("client_assertion_type")?;
        if kind != ASSERTION_TYPE {
            return Err(OAuthError::invalid_client(format!(
                "`client_assertion_type` must be `{ASSERTION_TYPE}`"
            ))
            .into());
        }
        let invalid = |e: &dyn std::fmt::Display| OAuthError::invalid_client(e.to_string());
        let unverified = UnverifiedAssertion::parse(text).map_err(|e| invalid(&e))?;
        let client = self
            .client(unverified.subject())
            .await?
            .ok_or_else(unknown_client)?;
        let Authentication::PrivateKeyJwt(keys) = &client.authentication else {
            return Err(OAuthError::invalid_client(
                "this client is not registered for `private_key_jwt`",
            )
            .into());
        };
        let endpoints = self.endpoint_urls(presented.endpoint);
        let rules = ClientAssertionRules {
            client_id: client.id.as_str(),
            issuer: self.config.issuer.as_str(),
            audience: match (client.profile, client.assertion_audience) {
                (Profile::Fapi2, _) => AudienceRule::IssuerString,
                (_, AssertionAudience::Issuer) => AudienceRule::Issuer,
                (_, AssertionAudience::Endpoint) => AudienceRule::IssuerOr(&endpoints),
            },
            now: presented.now,
        };
        let assertion = unverified
            .verify_client(keys, &rules)
            .map_err(|e| invalid(&e))?;
        Ok(AuthenticatedClient {
            client,
            assertion: Some(assertion),
        })
    }

    /// A public client comes with its name alone.
    async fn by_name(
        &self,
        named: Option<&str>,
        endpoint: Endpoint,
    ) -> Result<Arc<Client>, Failure> {
        let id =
            named.ok_or_else(|| OAuthError::invalid_client("the client did not authenticate"))?;
        let client = self.client(id).await?.ok_or_else(unknown_client)?;
        if !client.is_public() {
            return Err(OAuthError::invalid_client("this client must authenticate").into());
        }
        if endpoint.checks().client != ClientRule::AuthenticatedOrPublic {
            return Err(OAuthError::invalid_client("a public client cannot do this").into());
        }
        Ok(client)
    }

    /// What an assertion may be meant for besides the issuer: at `/bc-authorize` also the token endpoint (CIBA 7.1).
    fn endpoint_urls(&self, endpoint: Endpoint) -> Vec<String> {
        let mut urls = vec![self.config.url(endpoint.path())];
        if endpoint == Endpoint::Backchannel {
            urls.push(self.config.url(Endpoint::TOKEN_PATH));
        }
        urls
    }
}

/// RFC 6749 section 2.3.1: name and secret are form-encoded inside Basic.
fn basic_credentials(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let malformed = || OAuthError::invalid_client("the `Authorization` header is no HTTP Basic");
    if values.next().is_some() {
        return Err(OAuthError::invalid_request(
            "more than one `Authorization` header",
        ));
    }
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
    let pair = String::from_utf8(bytes).map_err(|_| malformed())?;
    let (id, secret) = pair.split_once(':').ok_or_else(malformed)?;
    Ok(Some((form_decoded(id), form_decoded(secret))))
}

fn form_decoded(text: &str) -> String {
    let whole = format!("x={text}");
    form_urlencoded::parse(whole.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn same_client(named: Option<&str>, authenticated: &str) -> Result<(), OAuthError> {
    match named {
        Some(other) if other != authenticated => Err(OAuthError::invalid_client(
            "`client_id` is not the client that authenticated",
        )),
        _ => Ok(()),
    }
}

/// Whether it is the client's secret, or the one before its last rotation while that is taken too.
fn is_secret_of(client: &Client, digest: &str, secret: &str, now: Timestamp) -> bool {
    let presented = secret_digest(secret);
    let is = |digest: &str| hash::constant_time_eq(presented.as_bytes(), digest.as_bytes());
    let earlier = client.earlier_secret.as_ref();
    is(digest) || earlier.is_some_and(|earlier| now < earlier.until && is(&earlier.digest))
}

/// Unknown client and wrong secret look the same.
fn unknown_client() -> OAuthError {
    OAuthError::invalid_client("the client is unknown, or its authentication is wrong")
}
