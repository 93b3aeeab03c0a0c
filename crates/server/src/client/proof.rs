//! The DPoP proof of a request (RFC 9449 section 4.3), by the endpoint's row of the checks table.

use std::borrow::Cow;

use http::HeaderMap;
use writ_core::OAuthError;
use writ_core::checks::{Endpoint, ProofRule, bearer_possible};
use writ_core::client::Client;
use writ_jose::dpop::{
    DpopProof, Htu, NoncePolicy, ProofContext, ProofError, TokenHash, UnverifiedProof,
};
use writ_jose::hash;
use writ_wire::dpop::DPOP;
use writ_wire::error::ErrorCode;

use crate::client::authentication::PresentedCredentials;
use crate::node::app::App;
use crate::node::failure::Failure;

impl App {
    /// Verifies the proof as far as the endpoint wants one: all twelve checks of RFC 9449 section 4.3 but the claim of `jti`,
    /// which is made in the transaction that uses the proof.
    pub fn verify_proof(
        &self,
        presented: &PresentedCredentials<'_>,
        client: &Client,
    ) -> Result<Option<DpopProof>, Failure> {
        let rule = presented.endpoint.checks().proof;
        if matches!(rule, ProofRule::Ignored | ProofRule::OfToken) {
            return Ok(None);
        }
        let found = self.find_proof(presented, client);
        let checked = found.and_then(|proof| match proof {
            None if rule.requires_proof(!client.dpop_bound) => Err(missing_proof(rule, client)),
            found => Ok(found),
        });
        checked.map_err(|refusal| self.proof_refused(refusal, client))
    }

    /// An event names the client, if it proved who it is. A nonce challenge asks for the same request once more. The rest is counted.
    fn proof_refused(&self, refusal: OAuthError, client: &Client) -> Failure {
        if !client.is_proved() || refusal.code == ErrorCode::UseDpopNonce {
            return refusal.into();
        }
        self.refused(refusal, |event| event.by(client))
    }

    fn find_proof(
        &self,
        presented: &PresentedCredentials<'_>,
        client: &Client,
    ) -> Result<Option<DpopProof>, OAuthError> {
        let subject_token = presented.form.optional("subject_token")?;
        let token_hash = subject_token.map(hash::access_token_hash);
        let nonce = if self.config.nonces.of(client.profile) {
            NoncePolicy::Required(&self.nonces)
        } else {
            NoncePolicy::Optional(&self.nonces)
        };
        let context = ProofContext {
            method: "POST",
            url: self.proof_url(presented.endpoint),
            now: presented.now,
            nonce,
            token: token_hash
                .as_deref()
                .map_or(TokenHash::None, TokenHash::IfPresent),
        };
        proof(presented.headers, &context)
    }

    /// What `htu` of a proof for a request to this path of the endpoint names: an endpoint may have paths below its own.
    pub fn proof_url_of(&self, endpoint: Endpoint, path: &str) -> Cow<'_, Htu> {
        if path == endpoint.path() {
            return Cow::Borrowed(self.proof_url(endpoint));
        }
        let url = Htu::parse(&self.config.url(path));
        url.map_or(Cow::Borrowed(self.proof_url(endpoint)), Cow::Owned)
    }

    /// What `htu` of a proof for this endpoint names.
    pub fn proof_url(&self, endpoint: Endpoint) -> &Htu {
        match endpoint {
            Endpoint::Par => &self.urls.par,
            Endpoint::Token(_) | Endpoint::Authorize => &self.urls.token,
            Endpoint::Backchannel => &self.urls.backchannel,
            Endpoint::DeviceAuthorization => &self.urls.device_authorization,
            Endpoint::Transaction => &self.urls.transaction,
            Endpoint::Introspect => &self.urls.introspect,
            Endpoint::Revoke => &self.urls.revoke,
            Endpoint::Userinfo => &self.urls.userinfo,
            Endpoint::Evaluation => &self.urls.evaluation,
            Endpoint::Evaluations => &self.urls.evaluations,
            Endpoint::Outcomes => &self.urls.outcomes,
            Endpoint::AccessRequest => &self.urls.access_request,
            Endpoint::ForwardAuth => &self.urls.forward_auth,
            Endpoint::Api => &self.urls.api,
        }
    }
}

/// Only where the registration could say otherwise is `bearer` named.
fn missing_proof(rule: ProofRule, client: &Client) -> OAuthError {
    let choice = if rule == ProofRule::UnlessBearer && bearer_possible(client.profile) {
        ", or register `bearer` if the client cannot"
    } else {
        ""
    };
    OAuthError::invalid_request(format!(
        "a DPoP proof is required: send one `DPoP` header{choice}"
    ))
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
