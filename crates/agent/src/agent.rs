//! The agent as a client of its authorization server: client authentication (OAuth 2.1 section 2.4, RFC 7523), and requests to
//! endpoints with DPoP, repeated once after a nonce challenge (RFC 9449 section 8).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use writ_platform::{Clock, ExtraTimeout, Random, Transport};
use writ_wire::dpop::DPOP;
use writ_wire::error::{ErrorBody, ErrorCode};
use writ_wire::form::Form;
use writ_wire::metadata::ServerMetadata;
use writ_wire::strict_json;

use crate::challenge::ResourceKeys;
use crate::confirmation::Confirmed;
use crate::dpop::{Fresh, Nonces, ProofFor, proof};
use crate::error::Error;
use crate::key::Key;
use crate::metadata::{read, secure, well_known};
use crate::secret::Secret;

/// HTTP transport, clock and random numbers that the kit uses.
#[derive(Clone)]
pub struct AgentEnvironment {
    pub transport: Arc<dyn Transport>,
    pub clock: Clock,
    pub random: Random,
}

#[cfg(feature = "https")]
impl AgentEnvironment {
    /// HTTPS by reqwest, the system's clock and its random numbers.
    pub fn system() -> Result<Self, Error> {
        Ok(Self {
            transport: Arc::new(writ_platform::Https::new()?),
            clock: Clock::System,
            random: Random::System,
        })
    }
}

/// The client registration of the agent: identifier, authentication, and how its tokens are bound.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    pub client_id: String,
    pub authentication: ClientAuthentication,
    pub binding: TokenBinding,
}

impl AgentConfig {
    /// What an agent uses: `private_key_jwt` with a registered key, and tokens bound to a key of their own.
    pub fn agent(client_id: impl Into<String>, assertion: Key, dpop: Key) -> Self {
        Self {
            client_id: client_id.into(),
            authentication: ClientAuthentication::PrivateKey(assertion),
            binding: TokenBinding::Dpop(dpop),
        }
    }
}

/// How the client authenticates at the server's endpoints.
#[derive(Clone, Debug)]
pub enum ClientAuthentication {
    /// `private_key_jwt`; the key stands in the registered `jwks`.
    PrivateKey(Key),
    /// `client_secret_basic`.
    Secret(Secret),
    /// `none`: a public client.
    Public,
}

/// What the tokens are bound to.
#[derive(Clone, Debug)]
pub enum TokenBinding {
    /// Every request carries a proof by this key; a bearer token in answer is an error.
    Dpop(Key),
    /// No proofs, bearer tokens: only for a client that the server allows it.
    Bearer,
}

/// A client of one issuer. Share it by reference or `Arc`: it holds the DPoP nonces.
pub struct Agent {
    pub(crate) config: AgentConfig,
    pub(crate) metadata: ServerMetadata,
    pub(crate) environment: AgentEnvironment,
    pub(crate) nonces: Nonces,
    pub(crate) confirmed: Confirmed,
    /// Keys of the resources whose transaction challenges are verified and presented.
    pub(crate) resource_keys: ResourceKeys,
}

/// Parameters of a request, in order; a name may repeat.
pub(crate) type Parameters = Vec<(&'static str, String)>;

impl Agent {
    /// Fetches the issuer's metadata (RFC 8414) and checks that it is this issuer's.
    pub async fn discover(
        issuer: &str,
        config: AgentConfig,
        environment: AgentEnvironment,
    ) -> Result<Self, Error> {
        let request = Request::get(well_known(issuer)?)
            .header(ACCEPT, JSON)
            .body(Bytes::new())
            .map_err(not_a_request)?;
        let response = environment.transport.send(request).await?;
        let metadata = read(issuer, &response)?;
        let es256 = |supported: &[String]| supported.iter().any(|name| name == "ES256");
        if matches!(config.binding, TokenBinding::Dpop(_))
            && !es256(&metadata.dpop_signing_alg_values_supported)
        {
            return Err(Error::Usage("the server takes no ES256 proofs".to_owned()));
        }
        Ok(Self {
            config,
            metadata,
            environment,
            nonces: Nonces::default(),
            confirmed: Confirmed::default(),
            resource_keys: ResourceKeys::default(),
        })
    }

    /// From now on calls to these resources say `Accept-Txn-Challenge: ?1`, and `confirm` takes their challenges to the server
    /// (draft-rosomakho-oauth-txn-challenge-00). Refused where the server has no endpoint for them.
    pub fn accept_challenges(mut self, keys: ResourceKeys) -> Result<Self, Error> {
        self.challenge_endpoint()?;
        self.resource_keys = keys;
        Ok(self)
    }

    pub(crate) fn challenge_endpoint(&self) -> Result<&str, Error> {
        let endpoint = self.metadata.transaction_authorization_endpoint.as_deref();
        endpoint.ok_or_else(|| {
            Error::Usage(
                "the server takes no transaction challenges: it has no endpoint".to_owned(),
            )
        })
    }

    pub fn client_id(&self) -> &str {
        &self.config.client_id
    }

    pub fn issuer(&self) -> &str {
        &self.metadata.issuer
    }

    pub const fn metadata(&self) -> &ServerMetadata {
        &self.metadata
    }

    pub(crate) const fn dpop_key(&self) -> Option<&Key> {
        match &self.config.binding {
            TokenBinding::Dpop(key) => Some(key),
            TokenBinding::Bearer => None,
        }
    }

    /// The DPoP key, for requests that need one.
    pub(crate) fn bound_key(&self) -> Result<&Key, Error> {
        self.dpop_key().ok_or_else(|| {
            Error::Usage(
                "this needs `TokenBinding::Dpop`: what is delegated is bound to a key".to_owned(),
            )
        })
    }

    /// Posts a form with client authentication, and with a proof if a key is given. A nonce challenge is answered once,
    /// with a fresh proof and a fresh assertion (RFC 9449 section 8).
    pub(crate) async fn post(
        &self,
        endpoint: &str,
        parameters: &Parameters,
        key: Option<&Key>,
    ) -> Result<Response<Bytes>, Error> {
        self.post_held(endpoint, parameters, key, None).await
    }

    /// The same; the server may hold the request for a while (RFC 7240 section 4.3).
    pub(crate) async fn post_held(
        &self,
        endpoint: &str,
        parameters: &Parameters,
        key: Option<&Key>,
        hold: Option<Duration>,
    ) -> Result<Response<Bytes>, Error> {
        let once = || self.post_once(endpoint, parameters, key, hold);
        let (response, fresh) = once().await?;
        if key.is_some() && fresh == Fresh::Nonce && asks_for_nonce(&response) {
            return Ok(once().await?.0);
        }
        Ok(response)
    }

    async fn post_once(
        &self,
        endpoint: &str,
        parameters: &Parameters,
        key: Option<&Key>,
        hold: Option<Duration>,
    ) -> Result<(Response<Bytes>, Fresh), Error> {
        let url = secure(endpoint)?;
        let mut request = Request::post(url.as_str())
            .header(ACCEPT, JSON)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(key) = key {
            let to = ProofFor {
                method: &Method::POST,
                url: &url,
                access_token: None,
                nonce: self.nonces.of(&url),
            };
            request = request.header(DPOP, proof(key, to, &self.environment)?);
        }
        if let Some(hold) = hold {
            request = request
                .header(PREFER, format!("wait={}", hold.as_secs()))
                .extension(ExtraTimeout(hold));
        }
        let mut form = parameters.clone();
        match &self.config.authentication {
            ClientAuthentication::PrivateKey(key) => {
                identify(&mut form, self.client_id());
                form.push(("client_assertion_type", CLIENT_ASSERTION_TYPE.to_owned()));
                form.push(("client_assertion", self.client_assertion(key)?));
            }
            ClientAuthentication::Secret(secret) => {
                request = request.header(AUTHORIZATION, basic(self.client_id(), secret)?);
            }
            ClientAuthentication::Public => identify(&mut form, self.client_id()),
        }
        let body = Bytes::from(Form::from_pairs(form).encode());
        let request = request.body(body).map_err(not_a_request)?;
        let response = self.environment.transport.send(request).await?;
        let fresh = self.nonces.remember(&url, response.headers());
        Ok((response, fresh))
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("issuer", &self.issuer())
            .field("client_id", &self.client_id())
            .finish_non_exhaustive()
    }
}

/// `client_id` once: the pushed request has it among its own parameters (RFC 9126 section 2.1).
fn identify(form: &mut Parameters, client_id: &str) {
    if !form.iter().any(|(name, _)| *name == "client_id") {
        form.push(("client_id", client_id.to_owned()));
    }
}

/// `client_secret_basic`: both parts are form-encoded first (RFC 6749 section 2.3.1).
fn basic(client_id: &str, secret: &Secret) -> Result<HeaderValue, Error> {
    let encoded =
        |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", encoded(client_id), encoded(secret.expose()));
    sensitive(&format!("Basic {}", STANDARD.encode(pair)))
}

/// A field value that is not printed by `Debug`.
pub(crate) fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(not_a_request)?;
    value.set_sensitive(true);
    Ok(value)
}

/// 400 at the server's endpoints (RFC 9449 section 8).
fn asks_for_nonce(response: &Response<Bytes>) -> bool {
    response.status() == StatusCode::BAD_REQUEST
        && strict_json::read::<ErrorBody>(response.body())
            .is_ok_and(|body| body.error == ErrorCode::UseDpopNonce)
}

pub(crate) fn not_a_request<E>(_: E) -> Error {
    Error::Usage("the request has a character that HTTP does not allow".to_owned())
}

const PREFER: HeaderName = HeaderName::from_static("prefer");
const JSON: &str = "application/json";
const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
