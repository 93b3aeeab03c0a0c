//! Who calls, and with which key: client authentication (RFC 7523, 6749 section 2.3) and the DPoP proof (RFC 9449).
//! Everything is verified first; what may be used once is claimed in the transaction that uses it (LESSONS 23).

use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use writ_core::OAuthError;
use writ_core::checks::{Endpoint, ProofRule};
use writ_core::client::{Authentication, Client};
use writ_jose::assertion::{
    AudienceRule, ClientAssertion, ClientAssertionRules, UnverifiedAssertion,
};
use writ_jose::dpop::{
    DpopProof, Htu, NoncePolicy, ProofContext, ProofError, TokenHash, UnverifiedProof,
};
use writ_jose::hash;
use writ_wire::dpop::DPOP;
use writ_wire::error::ErrorCode;
use writ_wire::form::Form;
use writ_wire::registration::{AssertionAudience, Profile};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::request::caller::Caller;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A request as it arrived.
pub struct Arrived<'a> {
    pub endpoint: Endpoint,
    pub headers: &'a HeaderMap,
    pub form: &'a Form,
    pub url: &'a Htu,
    pub now: Timestamp,
    /// Set once the client is known: whether its profile wants nonces.
    pub profile: &'a OnceLock<Profile>,
}

impl App {
    /// Authenticates the client and verifies its proof by the rules of the endpoint; consumes nothing.
    pub async fn caller(&self, arrived: &Arrived<'_>) -> Result<Caller, Failure> {
        let (client, assertion) = self.authenticate(arrived).await?;
        arrived.profile.get_or_init(|| client.profile);
        let refused = |refusal| self.proof_refused(refusal, &client);
        let rule = arrived.endpoint.checks().proof;
        let proof = if rule == ProofRule::Ignored {
            None
        } else {
            self.proof(arrived, &client).map_err(refused)?
        };
        let required =
            rule == ProofRule::Required || (rule == ProofRule::UnlessBearer && client.dpop_bound);
        if required && proof.is_none() {
            return Err(refused(OAuthError::invalid_request(
                "a DPoP proof is required: send one `DPoP` header",
            )));
        }
        Ok(Caller {
            client,
            proof,
            assertion,
        })
    }

    /// An event names the client; a public one proved nothing, a nonce challenge refuses nobody: counted (DESIGN 4).
    fn proof_refused(&self, refusal: OAuthError, client: &Client) -> Failure {
        if client.is_public() || refusal.code == ErrorCode::UseDpopNonce {
            return refusal.into();
        }
        self.refused(refusal, |event| event.by(client))
    }

    async fn authenticate(
        &self,
        arrived: &Arrived<'_>,
    ) -> Result<(Arc<Client>, Option<ClientAssertion>), Failure> {
        let form = arrived.form;
        if form.contains("client_secret") {
            return Err(OAuthError::invalid_client(
                "`client_secret` in the body is not supported: use HTTP Basic",
            )
            .into());
        }
        let basic = basic_credentials(arrived.headers)?;
        let assertion = form
            .optional("client_assertion")
            .map_err(OAuthError::from)?;
        let named = form.optional("client_id").map_err(OAuthError::from)?;
        match (basic, assertion) {
            (Some(_), Some(_)) => Err(OAuthError::invalid_request(
                "more than one way of client authentication",
            )
            .into()),
            (Some((id, secret)), None) => {
                same_client(named, &id)?;
                Ok((self.by_secret(&id, &secret).await?, None))
            }
            (None, Some(text)) => {
                let (client, assertion) = self.by_assertion(text, arrived).await?;
                same_client(named, client.id.as_str())?;
                Ok((client, Some(assertion)))
            }
            (None, None) => Ok((self.by_name(named, arrived.endpoint).await?, None)),
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
        if !hash::constant_time_eq(secret_digest(secret).as_bytes(), digest.as_bytes()) {
            return Err(unknown_client().because("wrong secret").into());
        }
        Ok(client)
    }

    async fn by_assertion(
        &self,
        text: &str,
        arrived: &Arrived<'_>,
    ) -> Result<(Arc<Client>, ClientAssertion), Failure> {
        let kind = arrived
            .form
            .required("client_assertion_type")
            .map_err(OAuthError::from)?;
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
        let endpoints = self.endpoint_urls(arrived.endpoint);
        let rules = ClientAssertionRules {
            client_id: client.id.as_str(),
            issuer: self.config.issuer.as_str(),
            audience: match (client.profile, client.assertion_audience) {
                (Profile::Fapi2, _) => AudienceRule::IssuerString,
                (_, AssertionAudience::Issuer) => AudienceRule::Issuer,
                (_, AssertionAudience::Endpoint) => AudienceRule::IssuerOr(&endpoints),
            },
            now: arrived.now,
        };
        let assertion = unverified
            .verify_client(keys, &rules)
            .map_err(|e| invalid(&e))?;
        Ok((client, assertion))
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
        if !endpoint.checks().public_clients {
            return Err(OAuthError::invalid_client("a public client cannot do this").into());
        }
        Ok(client)
    }

    fn endpoint_url(&self, endpoint: Endpoint) -> String {
        match endpoint {
            Endpoint::Par => self.config.url("/par"),
            Endpoint::Introspect => self.config.url("/introspect"),
            Endpoint::Backchannel => self.config.url("/bc-authorize"),
            Endpoint::DeviceAuthorization => self.config.url("/device_authorization"),
            Endpoint::Transaction => self.config.url("/transaction_authorization"),
            Endpoint::Token(_) | Endpoint::Authorize | Endpoint::Userinfo => {
                self.config.url("/token")
            }
        }
    }

    /// What an assertion may be meant for besides the issuer: at `/bc-authorize` also the token endpoint (CIBA 7.1).
    fn endpoint_urls(&self, endpoint: Endpoint) -> Vec<String> {
        let mut urls = vec![self.endpoint_url(endpoint)];
        if endpoint == Endpoint::Backchannel {
            urls.push(self.config.url("/token"));
        }
        urls
    }

    /// RFC 9449 section 4.3, all twelve checks but the claim of `jti`.
    fn proof(
        &self,
        arrived: &Arrived<'_>,
        client: &Client,
    ) -> Result<Option<DpopProof>, OAuthError> {
        let subject_token = arrived.form.optional("subject_token")?;
        let token_hash = subject_token.map(hash::access_token_hash);
        let nonce = if self.config.nonces.of(client.profile) {
            NoncePolicy::Required(&self.nonces)
        } else {
            NoncePolicy::Optional(&self.nonces)
        };
        let context = ProofContext {
            method: "POST",
            url: arrived.url,
            now: arrived.now,
            nonce,
            token: token_hash
                .as_deref()
                .map_or(TokenHash::None, TokenHash::IfPresent),
        };
        proof(arrived.headers, &context)
    }
}

/// The proof of a request, if it carries one. Check 1 of RFC 9449 section 4.3 is here: one header at most.
pub fn proof(
    headers: &HeaderMap,
    context: &ProofContext<'_>,
) -> Result<Option<DpopProof>, OAuthError> {
    let mut values = headers.get_all(DPOP).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(OAuthError::invalid_proof("more than one `DPoP` header"));
    }
    let text = value
        .to_str()
        .map_err(|_| OAuthError::invalid_proof("the `DPoP` header is no JWT"))?;
    let verified = UnverifiedProof::parse(text).and_then(|proof| proof.verify(context));
    match verified {
        Ok(proof) => Ok(Some(proof)),
        Err(error @ ProofError::UseNonce) => {
            Err(OAuthError::new(ErrorCode::UseDpopNonce, error.to_string()))
        }
        Err(ProofError::Invalid(sentence)) => Err(OAuthError::invalid_proof(sentence)),
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

/// Unknown client and wrong secret look the same.
fn unknown_client() -> OAuthError {
    OAuthError::invalid_client("the client is unknown, or its authentication is wrong")
}
