//! An access token that comes instead of a client (RFC 6750 section 2.1, RFC 9449 section 7.1): read from its header, and judged by
//! the proof that it is bound to.

use http::{HeaderMap, header};
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_jose::dpop::{DpopProof, NoncePolicy, ProofContext, TokenHash};
use writ_jose::hash;
use writ_store::replay::ReplayClaim;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::error::ErrorCode;

use crate::client::incoming::RequestHead;
use crate::client::proof::proof;
use crate::node::app::App;
use crate::node::failure::Failure;

/// A bound token comes with a fresh proof by its key; a bearer token comes as `Bearer`.
pub async fn check_binding(
    head: &RequestHead,
    endpoint: Endpoint,
    presented: &PresentedToken<'_>,
    claims: &AccessTokenClaims,
) -> Result<(), Failure> {
    let app = &head.app;
    let key = claims.cnf.as_ref().map(|cnf| cnf.jkt.as_str());
    match (key, presented.scheme) {
        (None, Scheme::Bearer) | (Some(_), Scheme::DPoP) => {}
        (Some(_), Scheme::Bearer) => {
            return Err(invalid_token("the token is bound to a key: use scheme `DPoP`").into());
        }
        (None, Scheme::DPoP) => {
            return Err(invalid_token("the token is bound to no key: use scheme `Bearer`").into());
        }
    }
    let rule = endpoint.checks().proof;
    if !rule.requires_proof(key.is_none()) {
        return Ok(());
    }
    let ath = hash::access_token_hash(presented.token);
    let nonce = match app.client(&claims.client_id).await? {
        Some(client) if app.config.nonces.of(client.profile) => NoncePolicy::Required(&app.nonces),
        _ => NoncePolicy::Optional(&app.nonces),
    };
    let url = app.proof_url_of(endpoint, &head.path);
    let context = ProofContext {
        method: head.method.as_str(),
        url: &url,
        now: app.clock.now(),
        nonce,
        token: TokenHash::Required(&ath),
    };
    let found = proof(&head.headers, &context)?
        .ok_or_else(|| invalid_token("the proof is missing: send one `DPoP` header"))?;
    if key != Some(found.thumbprint.as_str()) {
        return Err(
            invalid_token("the proof's key is not the one that the token is bound to").into(),
        );
    }
    match use_proof(app, &found).await? {
        true => Ok(()),
        false => Err(OAuthError::invalid_proof("the proof was used before").into()),
    }
}

/// `false`: it was used before.
pub async fn use_proof(app: &App, proof: &DpopProof) -> Result<bool, Failure> {
    let mut transaction = app.begin().await?;
    let once = ReplayClaim {
        digest: proof.replay_digest(),
        expires_at: proof.accepted_until,
    };
    if transaction.claim_once(&[once]).await?.is_some() {
        return Ok(false);
    }
    transaction.commit().await?;
    Ok(true)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    DPoP,
    Bearer,
}

/// An access token, and the scheme that it came with.
pub struct PresentedToken<'a> {
    pub scheme: Scheme,
    pub token: &'a str,
}

impl<'a> PresentedToken<'a> {
    /// Whether it came as one that is bound to a key.
    pub fn is_bound(&self) -> bool {
        self.scheme == Scheme::DPoP
    }

    /// None where no header has a token under one of our schemes.
    pub fn of(headers: &'a HeaderMap) -> Result<Option<Self>, OAuthError> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let first = values.next();
        if values.next().is_some() {
            return Err(OAuthError::invalid_request(
                "more than one `Authorization` header",
            ));
        }
        let text = first.and_then(|value| value.to_str().ok());
        Ok(text.and_then(Self::read))
    }

    /// The value of such a header; none under another scheme.
    pub fn read(text: &'a str) -> Option<Self> {
        let (scheme, token) = text.split_once(' ')?;
        let scheme = if scheme.eq_ignore_ascii_case("dpop") {
            Scheme::DPoP
        } else if scheme.eq_ignore_ascii_case("bearer") {
            Scheme::Bearer
        } else {
            return None;
        };
        let token = token.trim();
        Some(Self { scheme, token })
    }
}

pub fn invalid_token(sentence: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, sentence)
}
