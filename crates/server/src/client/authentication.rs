//! Client authentication (RFC 7523, RFC 6749 section 2.3), by the endpoint's row of the checks table. Everything is verified
//! first; what may be used once is claimed in the transaction that uses it.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use writ_core::OAuthError;
use writ_core::checks::{ClientRule, Endpoint};
use writ_core::client::{Authentication, Client, SecretMethods};
use writ_core::client_assertion::max_assertion_life;
use writ_jose::assertion::{
    AssertionError, ClientAssertion, ClientAssertionRules, UnverifiedAssertion,
};
use writ_jose::hash;
use writ_wire::form::{self, Form};
use writ_wire::registration::{AuthMethod, Profile};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::guests::GuestLookup;
use crate::node::secret::secret_digest;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a request shows of its client, before anything of it is verified.
#[derive(Clone, Copy)]
pub struct PresentedCredentials<'a> {
    pub endpoint: Endpoint,
    pub headers: &'a HeaderMap,
    pub form: &'a Form,
    /// From where it came, if that is known.
    pub address: Option<IpAddr>,
    pub now: Timestamp,
}

impl PresentedCredentials<'_> {
    /// A pushed request may be the first visit of a guest; everywhere else a person agreed before.
    fn guest_lookup(&self) -> GuestLookup<'static> {
        let address = self.address;
        match self.endpoint {
            Endpoint::Par => GuestLookup::Request { address },
            _ => GuestLookup::Grant { address },
        }
    }
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
    /// Consumes nothing. A request has one way of authentication (RFC 6749 section 2.3).
    pub async fn authenticate(
        &self,
        presented: &PresentedCredentials<'_>,
    ) -> Result<AuthenticatedClient, Failure> {
        let form = presented.form;
        let basic = basic_credentials(presented.headers)?;
        let secret = form.optional("client_secret")?;
        let assertion = form.optional("client_assertion")?;
        let named = form.optional("client_id")?;
        match (basic, secret, assertion) {
            (Some((id, secret)), None, None) => {
                same_client(named, &id)?;
                let client = self
                    .by_secret(&id, &secret, SecretMethods::Basic, presented)
                    .await?;
                Ok(client.into())
            }
            (None, Some(secret), None) => {
                let id = named.ok_or_else(|| {
                    OAuthError::invalid_client(
                        "parameter `client_id` is missing beside `client_secret`",
                    )
                })?;
                let client = self
                    .by_secret(id, secret, SecretMethods::Post, presented)
                    .await?;
                Ok(client.into())
            }
            (None, None, Some(text)) => {
                let authenticated = self.by_assertion(text, presented).await?;
                same_client(named, authenticated.client.id.as_str())?;
                Ok(authenticated)
            }
            (None, None, None) => Ok(self.by_name(presented, named).await?.into()),
            _ => Err(OAuthError::invalid_request(
                "more than one way of client authentication: send one of HTTP Basic, \
                 `client_secret` and `client_assertion`",
            )
            .into()),
        }
    }

    async fn by_secret(
        &self,
        id: &str,
        secret: &str,
        used: SecretMethods,
        presented: &PresentedCredentials<'_>,
    ) -> Result<Arc<Client>, Failure> {
        let client = self.client_or_guest(id, presented.guest_lookup()).await?;
        let client = client.ok_or_else(unknown_client)?;
        let method = match used {
            SecretMethods::Post => AuthMethod::ClientSecretPost,
            SecretMethods::Basic | SecretMethods::Either => AuthMethod::ClientSecretBasic,
        };
        let registered = match &client.authentication {
            Authentication::Secret(registered) => registered,
            Authentication::PrivateKeyJwt(_) | Authentication::Public => {
                return Err(other_method(&client, method).into());
            }
        };
        if !is_secret_of(&client, &registered.digest, secret, self.clock.now()) {
            return Err(unknown_client().because("wrong secret").into());
        }
        if registered.methods != SecretMethods::Either && registered.methods != used {
            return Err(other_method(&client, method).into());
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
        let unverified = UnverifiedAssertion::parse_of_client(text).map_err(|e| invalid(&e))?;
        let lookup = presented.guest_lookup();
        let client = self.client_or_guest(unverified.subject(), lookup).await?;
        let client = client.ok_or_else(unknown_client)?;
        if !matches!(client.authentication, Authentication::PrivateKeyJwt(_)) {
            return Err(other_method(&client, AuthMethod::PrivateKeyJwt).into());
        }
        let keys = self.client_keys(&client, text, presented.address).await;
        let keys = keys.map_err(|missing| missing.failure(|why| invalid(&why).into()))?;
        let urls = self.audience_urls(presented.endpoint);
        let rules = ClientAssertionRules {
            client_id: client.id.as_str(),
            issuer: self.config.issuer.as_str(),
            audience: client.assertion_audience(&urls),
            algorithm: client.assertion_algorithm,
            max_life: max_assertion_life(client.profile),
            now: presented.now,
        };
        let assertion = unverified
            .verify_client(&keys, &rules)
            .map_err(|error| refused_assertion(&client, &error))?;
        Ok(AuthenticatedClient {
            client: client.with_fetched_keys(&keys).map_or(client, Arc::new),
            assertion: Some(assertion),
        })
    }

    /// A public client comes with its name alone.
    async fn by_name(
        &self,
        presented: &PresentedCredentials<'_>,
        named: Option<&str>,
    ) -> Result<Arc<Client>, Failure> {
        if presented.form.optional("client_assertion_type")?.is_some() {
            let missing = "parameter `client_assertion` is missing beside `client_assertion_type`";
            return Err(OAuthError::invalid_request(missing).into());
        }
        let id =
            named.ok_or_else(|| OAuthError::invalid_client("the client did not authenticate"))?;
        let client = self.client_or_guest(id, presented.guest_lookup()).await?;
        let client = client.ok_or_else(unknown_client)?;
        if !client.is_public() {
            return Err(OAuthError::invalid_client(format!(
                "this client must authenticate: its `token_endpoint_auth_method` is {}",
                registered_method(&client)
            ))
            .into());
        }
        if presented.endpoint.checks().client != ClientRule::AuthenticatedOrPublic {
            return Err(OAuthError::invalid_client(
                "a public client cannot do this: its `token_endpoint_auth_method` is `none`",
            )
            .into());
        }
        Ok(client)
    }

    /// What an assertion may be meant for besides the issuer, where the profile or the registration says so: the endpoint that is
    /// called (RFC 9126 section 2, CIBA 7.1) and the token endpoint (RFC 7523 section 3).
    fn audience_urls(&self, endpoint: Endpoint) -> Vec<String> {
        let mut urls = vec![self.config.url(Endpoint::TOKEN_PATH)];
        if endpoint.path() != Endpoint::TOKEN_PATH {
            urls.push(self.config.url(endpoint.path()));
        }
        urls
    }
}

/// What to change: the sentence names the member of the registration.
fn refused_assertion(client: &Client, error: &AssertionError) -> OAuthError {
    let sentence = match error {
        AssertionError::Audience { .. } if client.profile != Profile::Fapi2 => {
            format!("{error}, as the client's profile or its `assertion_audience` says")
        }
        AssertionError::BadSignature => format!("{error}: see its `jwks` or `jwks_uri`"),
        other => other.to_string(),
    };
    OAuthError::invalid_client(sentence)
}

fn other_method(client: &Client, used: AuthMethod) -> OAuthError {
    OAuthError::invalid_client(format!(
        "this client's `token_endpoint_auth_method` is {}, not `{}`: change one of both",
        registered_method(client),
        used.as_str()
    ))
}

fn registered_method(client: &Client) -> &'static str {
    match &client.authentication {
        Authentication::PrivateKeyJwt(_) => "`private_key_jwt`",
        Authentication::Public => "`none`",
        Authentication::Secret(secret) => match secret.methods {
            SecretMethods::Basic => "`client_secret_basic`",
            SecretMethods::Post => "`client_secret_post`",
            SecretMethods::Either => "`client_secret_basic` or `client_secret_post`",
        },
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
    let decode = |text| {
        let sentence = "name and secret in HTTP Basic are form-encoded text in UTF-8, without control characters";
        form::decode(text).map_err(|_| OAuthError::invalid_request(sentence))
    };
    Ok(Some((decode(id)?, decode(secret)?)))
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
