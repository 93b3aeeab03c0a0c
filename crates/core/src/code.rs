//! Redeeming an authorization code (OAuth 2.1 section 4.1.3, RFC 7636 section 4.6, RFC 9449 section 10).

use std::time::Duration;

use writ_authority::Authority;
use writ_jose::key::Thumbprint;
use writ_wire::pkce::CodeChallenge;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;
use writ_wire::token::CodeRequest;

use crate::ceiling::within_ceiling;
use crate::client::Client;
use crate::guest;
use crate::id::{ClientId, DelegationId};
use crate::lineage::Lineage;
use crate::oauth_error::OAuthError;
use crate::realm::DecisionContext;
use crate::target;

/// FAPI 2.0 allows 60 seconds.
pub const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// How long the loser of a race is refused without revoking anything.
pub const RACE_GRACE: Duration = Duration::from_secs(10);

/// One row of `codes`; the code itself is kept nowhere.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCode {
    pub digest: String,
    pub client: ClientId,
    pub delegation: DelegationId,
    pub redirect_uri: String,
    /// Absent where the request came without PKCE.
    pub code_challenge: Option<CodeChallenge>,
    pub jkt: Option<Thumbprint>,
    pub nonce: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A code as it is found, with everything above it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundCode {
    pub row: NewCode,
    pub consumed: Option<Consumed>,
    pub lineage: Lineage,
}

/// When, and with which key, something was used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumed {
    pub at: Timestamp,
    pub jkt: Option<Thumbprint>,
}

/// What redeeming it gives.
#[derive(Clone, Debug, PartialEq)]
pub struct RedeemedCode {
    pub audience: ResourceUri,
    pub view: Authority,
}

/// A refusal, and whether the grant behind it dies.
#[derive(Clone, Debug, PartialEq)]
pub enum CodeOutcome {
    Redeem(RedeemedCode),
    Refuse(OAuthError),
    /// Used twice by its own client: everything made from it is stopped.
    RefuseAndStop(OAuthError),
}

/// Decides; consuming is one guarded statement of the caller.
pub fn redeem(
    found: &FoundCode,
    request: &CodeRequest,
    client: &Client,
    proof: Option<&Thumbprint>,
    context: DecisionContext<'_>,
) -> CodeOutcome {
    let DecisionContext { realm, now } = context;
    // A wrong client's try neither consumes the code nor stops anything.
    if found.row.client != client.id {
        return CodeOutcome::Refuse(unknown().because("code of another client"));
    }
    if let Some(consumed) = &found.consumed {
        return reuse(consumed, proof, now);
    }
    let checked = check(found, request, proof, context);
    let checked = checked.and_then(|()| found.lineage.require_agreement(client, realm));
    let granted = &found.lineage.leaf.authority;
    let checked =
        checked.and_then(|()| guest::require_proof(granted, client, proof.is_some(), realm));
    let checked = checked.and_then(|()| {
        within_ceiling(&found.lineage.leaf.authority, client, realm).map_err(|wider| {
            OAuthError::invalid_grant("the grant is wider than what this client may have now")
                .because(wider.sentence)
        })
    });
    if let Err(refusal) = checked {
        return CodeOutcome::Refuse(refusal);
    }
    match target::audience(granted, &request.resource, realm) {
        Ok(audience) => CodeOutcome::Redeem(RedeemedCode {
            view: granted.view(&audience),
            audience,
        }),
        Err(refusal) => CodeOutcome::Refuse(refusal),
    }
}

/// The refusal for a code that does not exist, is another's, or is used up: they look the same.
pub fn unknown() -> OAuthError {
    OAuthError::invalid_grant("the code is unknown, expired or used")
}

/// Second use: the loser of a race with the same key costs nothing, anything later stops the grant. Two absent keys are not the
/// same key: without one nothing tells the client from somebody who saw the code.
pub fn reuse(consumed: &Consumed, proof: Option<&Thumbprint>, now: Timestamp) -> CodeOutcome {
    let same_key = consumed.jkt.is_some() && consumed.jkt.as_ref() == proof;
    let raced = same_key && now <= consumed.at.plus(RACE_GRACE);
    let refusal = unknown().because("code used before");
    if raced {
        CodeOutcome::Refuse(refusal)
    } else {
        CodeOutcome::RefuseAndStop(refusal)
    }
}

fn check(
    found: &FoundCode,
    request: &CodeRequest,
    proof: Option<&Thumbprint>,
    context: DecisionContext<'_>,
) -> Result<(), OAuthError> {
    let row = &found.row;
    if context.now >= row.expires_at {
        return Err(unknown().because("code expired"));
    }
    check_redirect(row, request)?;
    check_verifier(row, request)?;
    if row.jkt.is_some() && row.jkt.as_ref() != proof {
        return Err(OAuthError::invalid_grant(
            "the proof's key is not the one that the code is bound to",
        ));
    }
    let lineage = &found.lineage;
    lineage.require_live(context, OAuthError::invalid_grant)
}

/// With PKCE a client may leave it out (OAuth 2.1 section 10.2). Without, the client is one of OAuth 2.0, and its authorization
/// request named `redirect_uri`, so that its token request must (RFC 6749 section 4.1.3).
fn check_redirect(row: &NewCode, request: &CodeRequest) -> Result<(), OAuthError> {
    match (&request.redirect_uri, &row.code_challenge) {
        (Some(uri), _) if *uri == row.redirect_uri => Ok(()),
        (Some(_), _) => Err(OAuthError::invalid_grant(
            "`redirect_uri` is not the one of the authorization request",
        )),
        (None, Some(_)) => Ok(()),
        (None, None) => Err(OAuthError::invalid_request(
            "parameter `redirect_uri` is missing: without `code_challenge` it is compared with the one of the authorization request",
        )),
    }
}

/// A verifier where the request had no challenge is refused too (OAuth 2.1 section 4.1.3): somebody may have taken the challenge away.
fn check_verifier(row: &NewCode, request: &CodeRequest) -> Result<(), OAuthError> {
    match (&row.code_challenge, &request.code_verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(OAuthError::invalid_grant(
            "parameter `code_verifier`: the authorization request had no `code_challenge`",
        )),
        (Some(_), None) => Err(OAuthError::invalid_grant(
            "parameter `code_verifier` is missing",
        )),
        (Some(challenge), Some(verifier)) if challenge.matches(verifier) => Ok(()),
        (Some(_), Some(_)) => Err(OAuthError::invalid_grant(
            "`code_verifier` does not match the `code_challenge`",
        )),
    }
}
