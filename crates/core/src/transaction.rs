//! A resource server wants a person for one operation (draft-rosomakho-oauth-txn-challenge-00): whether its verified
//! challenge may be asked, by this client, for this requester. What a client that asks by CIBA may do, it may do here.

use writ_authority::Level;
use writ_jose::assertion::TransactionChallenge;
use writ_jose::key::KeySet;
use writ_wire::claims::{AccessTokenClaims, Act};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;
use writ_wire::token::GrantType;
use writ_wire::transaction::Requester;

use crate::ciba;
use crate::client::{Client, Resource};
use crate::oauth_error::OAuthError;
use crate::pending::{Delivery, Kind, PreparedApproval, Transaction, USUAL_WAIT};
use crate::realm::Realm;
use crate::request::{self, RequestContext, Wanted};
use crate::requirements::requirements;
use crate::words;

/// The resource server that an unverified challenge names, and its keys, if it may challenge at all.
pub fn challenger<'a>(
    issuer: &str,
    realm: Realm<'a>,
) -> Result<(&'a Resource, &'a KeySet), OAuthError> {
    let uri = ResourceUri::parse(issuer).ok();
    let resource = uri.and_then(|uri| realm.resources.get(&uri));
    let resource = resource.filter(|resource| resource.uri.as_str() == issuer);
    let keys = resource.and_then(|resource| resource.challenge_keys.as_ref());
    resource.zip(keys).ok_or_else(|| {
        OAuthError::invalid_request(
            "`transaction_challenge`: its `iss` is no resource that is registered with `txn_challenge_jwks`",
        )
    })
}

/// Decides what of a challenge this client may ask: nothing of it is taken that the ceiling or the resource does not allow.
/// `strongest`: the strongest answer that can be given here.
pub fn prepare(
    challenge: &TransactionChallenge,
    client: &Client,
    resource: &Resource,
    strongest: Level,
    context: &mut RequestContext<'_>,
) -> Result<PreparedApproval, OAuthError> {
    let realm = context.realm;
    client.may_use(GrantType::Ciba)?;
    let claims = &challenge.claims;
    if words::clean(&claims.reason, words::LONGEST_WORDS).is_empty() {
        return Err(OAuthError::invalid_request(
            "`transaction_challenge`: nothing of its `reason` can be shown to a person",
        ));
    }
    elsewhere(&claims.authorization_details, &resource.uri)?;
    let wanted = Wanted {
        scopes: &[],
        resources: std::slice::from_ref(&resource.uri),
        details: &claims.authorization_details,
    };
    let authority = request::resolve_operation(&wanted, client, context)?;
    Ok(PreparedApproval {
        kind: Kind::Transaction,
        // The draft has polling alone, whatever the client is registered for elsewhere.
        delivery: Delivery::Poll,
        level: ciba::level(
            &requirements(&authority, client, None, None, realm),
            &[],
            strongest,
        )?,
        authority,
        binding_message: None,
        identity: false,
        transaction: Some(Transaction {
            resource: resource.uri.clone(),
            txn: claims.txn.clone(),
            reason: claims.reason.clone(),
            jti: claims.jti.clone(),
        }),
        access: None,
        wait: USUAL_WAIT,
    })
}

/// The token is for whoever challenged; nobody challenges for another resource.
fn elsewhere(details: &[Detail], resource: &ResourceUri) -> Result<(), OAuthError> {
    let other = |detail: &Detail| {
        let named = detail.locations();
        let mut named = named.into_iter().map(ResourceUri::parse);
        named.any(|location| location.as_ref() != Ok(resource))
    };
    match details.iter().position(other) {
        Some(place) => Err(OAuthError::invalid_details(format!(
            "`/{place}/locations` names another resource than the challenge's `iss`"
        ))),
        None => Ok(()),
    }
}

/// An approval is for the requester whose request was refused, and nobody else: a challenge that names a person or a chain is
/// asked with a token of just that person and chain.
pub fn requester(
    challenge: &TransactionChallenge,
    presented: &AccessTokenClaims,
) -> Result<(), OAuthError> {
    let claims = &challenge.claims;
    if claims.sub.as_ref().is_some_and(|sub| *sub != presented.sub) {
        return Err(OAuthError::invalid_request(
            "`sub` of the challenge is not the person of the subject token",
        ));
    }
    let same = match (&claims.act, &presented.act) {
        (None, _) => true,
        (Some(challenged), Some(presented)) => is_same(challenged, presented),
        (Some(_), None) => false,
    };
    if same {
        return Ok(());
    }
    Err(OAuthError::invalid_request(
        "`act` of the challenge is not the chain of the subject token: each actor by `iss` and `sub`",
    ))
}

fn is_same(challenged: &Requester, presented: &Act) -> bool {
    let challenged = challenged.chain().map(|act| (act.iss.as_deref(), &act.sub));
    challenged.eq(presented
        .chain()
        .map(|act| (Some(act.iss.as_str()), &act.sub)))
}

#[cfg(test)]
#[path = "transaction/tests.rs"]
mod tests;
