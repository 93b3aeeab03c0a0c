//! Token exchange (RFC 8693): a narrower token for the same agent, or a delegation to another agent. Which of the two is decided by
//! the caller, the holder of the subject token, the proof's key and `cnf`, never by the presence of an actor token: it could be left
//! out or added by anybody.

use writ_authority::{Authority, NarrowRequest};
use writ_jose::key::Thumbprint;
use writ_wire::claims::{AccessTokenClaims, Act};
use writ_wire::error::ErrorCode;
use writ_wire::exchange::ExchangeRequest;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::ceiling::within_ceiling;
use crate::client::Client;
use crate::delegation::{self, Delegation, MAX_LINEAGE};
use crate::id::{ClientId, DelegationId};
use crate::lineage::Lineage;
use crate::oauth_error::OAuthError;
use crate::onward::{DEFAULT_DEPTH, Onward};
use crate::realm::{DecisionContext, Realm};
use crate::refresh::narrowing;
use crate::requirements::requirements;
use crate::target;

/// How a token passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Same actor, same key, less authority or another audience.
    Narrow,
    /// To another agent, with its consent, bound to its key.
    HandOver,
}

impl Way {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Narrow => "narrow",
            Self::HandOver => "hand over",
        }
    }
}

/// The other agent, as its actor token proves it.
#[derive(Clone)]
pub struct Actor<'a> {
    pub client: &'a Client,
    /// The key that the new token is bound to.
    pub binds: Thumbprint,
    /// Whose key that is by the rows, if anybody's.
    pub key_owner: Option<ClientId>,
}

/// Everything that the decision needs.
pub struct ExchangeFacts<'a> {
    /// The authenticated client.
    pub client: &'a Client,
    /// The key of the proof.
    pub proof: &'a Thumbprint,
    /// Verified: signature, type, issuer, expiry.
    pub subject: &'a AccessTokenClaims,
    pub lineage: &'a Lineage,
    pub actor: Option<Actor<'a>>,
}

/// To be written in one transaction, and minted.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchanged {
    pub way: Way,
    pub audience: ResourceUri,
    pub view: Authority,
    /// The row behind the new token; `None`: the old row, seen for another audience.
    pub new_row: Option<Delegation>,
    pub jkt: Thumbprint,
    /// The end of the subject token.
    pub not_after: Timestamp,
}

/// Decides; every refusal of subject or actor is `invalid_request` (RFC 8693 section 2.2.2).
pub fn exchange(
    facts: &ExchangeFacts<'_>,
    request: &ExchangeRequest,
    context: DecisionContext<'_>,
    id: DelegationId,
) -> Result<Exchanged, OAuthError> {
    let realm = context.realm;
    if !facts.client.is_agent() {
        return Err(OAuthError::new(
            ErrorCode::UnauthorizedClient,
            "only an agent may exchange tokens",
        ));
    }
    let way = way(facts)?;
    facts
        .lineage
        .require_live(context, OAuthError::invalid_request)?;
    consistent(facts.subject, facts.lineage)?;
    may_act(facts, realm)?;
    let granted = &facts.lineage.leaf.authority;
    let audience = target::audience(granted, &asked_resource(facts, request), realm)?;
    let asked = NarrowRequest {
        scopes: request
            .scope
            .as_ref()
            .map(|s| s.iter().map(str::to_owned).collect()),
        details: request.authorization_details.clone(),
        audience: audience.clone(),
    };
    // A refusal shows the granted value only to who holds it already: in the token for this audience.
    let carried = audience.as_str() == facts.subject.aud;
    let narrow = if carried {
        Authority::narrow_presented
    } else {
        Authority::narrow
    };
    let narrowed =
        narrow(granted, &asked, realm.types).map_err(|e| narrowing(e, "the delegation"))?;
    let view = narrowed.authority.view(&audience);
    within_ceiling(&view, facts.client, realm)?;
    let task = &facts.lineage.task;
    requirements(&view, facts.client, None, Some(task), realm).met_by(facts.lineage.approval())?;
    let not_after = Timestamp::from_seconds(facts.subject.exp);
    let (new_row, jkt) = match (way, &facts.actor) {
        (Way::HandOver, Some(actor)) => {
            let row = hand_over(facts, actor, &view, context, id)?;
            (Some(row), actor.binds.clone())
        }
        _ if narrowed.reduced => (
            Some(narrower(facts, narrowed.authority, context, id)?),
            facts.proof.clone(),
        ),
        _ => (None, facts.proof.clone()),
    };
    Ok(Exchanged {
        way,
        audience,
        view,
        new_row,
        jkt,
        not_after,
    })
}

/// By the caller, the holder of the subject token, the proof's key and `cnf`.
fn way(facts: &ExchangeFacts<'_>) -> Result<Way, OAuthError> {
    let Some(bound_to) = facts.subject.cnf.as_ref() else {
        return Err(OAuthError::invalid_request(
            "the subject token is bound to no key: it cannot be exchanged",
        ));
    };
    let holder = holder(facts.subject);
    let own_key = bound_to.jkt == facts.proof.as_str();
    let own_token = holder == facts.client.id.as_str();
    match (own_key, own_token) {
        (true, true) => {}
        (false, true) => {
            return Err(OAuthError::invalid_request(
                "the proof's key is not the one that the subject token is bound to",
            ));
        }
        (true, false) => {
            return Err(OAuthError::invalid_request(
                "the subject token's holder is another agent",
            ));
        }
        (false, false) => {
            return Err(OAuthError::invalid_request(
                "the subject token belongs to another agent: picking it up is not offered",
            ));
        }
    }
    match &facts.actor {
        None => Ok(Way::Narrow),
        Some(actor) if actor.client.id == facts.client.id => Err(OAuthError::invalid_request(
            "the actor token names the caller itself: leave it out to narrow",
        )),
        Some(_) => Ok(Way::HandOver),
    }
}

/// Who holds the token: the outermost actor; without `act`, the agent that is `sub`.
pub fn holder(subject: &AccessTokenClaims) -> &str {
    subject
        .act
        .as_ref()
        .map_or(subject.sub.as_str(), |act| act.sub.as_str())
}

/// The claims of the token agree with the rows; a token that cannot be traced to its delegation is refused.
pub(crate) fn consistent(claims: &AccessTokenClaims, lineage: &Lineage) -> Result<(), OAuthError> {
    let (leaf, task) = (&lineage.leaf, &lineage.task);
    if leaf.is_single_use() {
        return Err(OAuthError::invalid_request(
            "the subject token was approved for one action: nothing can be made from it",
        ));
    }
    let same = claims.delegation() == Some(leaf.id.as_str())
        && claims.sub == task.subject.as_str()
        && claims.client_id == leaf.holder.as_str()
        && claims.act == leaf.act
        && claims
            .mission
            .as_ref()
            .is_some_and(|m| m.id == task.id.as_str());
    if same {
        return Ok(());
    }
    Err(OAuthError::invalid_request(
        "the subject token cannot be traced to its delegation",
    ))
}

/// We issue none; one that is present must name the agent that would act.
fn may_act(facts: &ExchangeFacts<'_>, realm: Realm<'_>) -> Result<(), OAuthError> {
    let Some(may_act) = &facts.subject.may_act else {
        return Ok(());
    };
    let actor = facts
        .actor
        .as_ref()
        .map_or(&facts.client.id, |a| &a.client.id);
    let named = |name: &str| may_act.get(name).and_then(serde_json::Value::as_str);
    if named("sub") == Some(actor.as_str()) && named("iss") == Some(realm.issuer.as_str()) {
        return Ok(());
    }
    Err(OAuthError::invalid_request(
        "`may_act` of the subject token names another actor",
    ))
}

/// Without `resource` the audience stays.
fn asked_resource(facts: &ExchangeFacts<'_>, request: &ExchangeRequest) -> Vec<ResourceUri> {
    if request.resource.is_empty() {
        return ResourceUri::parse(&facts.subject.aud).into_iter().collect();
    }
    request.resource.clone()
}

fn narrower(
    facts: &ExchangeFacts<'_>,
    authority: Authority,
    context: DecisionContext<'_>,
    id: DelegationId,
) -> Result<Delegation, OAuthError> {
    let leaf = &facts.lineage.leaf;
    let issuer = context.realm.issuer.as_str();
    let act = leaf
        .act
        .as_ref()
        .map(|act| delegation::act(issuer, &leaf.holder, &id, act.act.as_deref()));
    child(facts, leaf.onward.clone(), context.now, id).map(|row| Delegation {
        holder: leaf.holder.clone(),
        authority,
        act,
        jkt: Some(facts.proof.clone()),
        ..row
    })
}

fn hand_over(
    facts: &ExchangeFacts<'_>,
    actor: &Actor<'_>,
    view: &Authority,
    context: DecisionContext<'_>,
    id: DelegationId,
) -> Result<Delegation, OAuthError> {
    let DecisionContext { realm, now } = context;
    let leaf = &facts.lineage.leaf;
    let Some(agent) = &actor.client.agent else {
        return Err(OAuthError::invalid_request(
            "the actor token names no agent",
        ));
    };
    if !leaf.onward.allows(agent, &actor.client.id) {
        let sentence = format!(
            "agent `{}` is not among those that this delegation may go on to",
            actor.client.id
        );
        return Err(OAuthError::invalid_request(sentence));
    }
    no_cycle(facts, &actor.client.id, realm)?;
    fresh_key(facts, actor)?;
    let act = delegation::act(
        realm.issuer.as_str(),
        &actor.client.id,
        &id,
        leaf.act.as_ref(),
    );
    depth(&act, &leaf.onward)?;
    within_ceiling(view, actor.client, realm)?;
    let onward = leaf.onward.meet(&agent.onward);
    let row = child(facts, onward, now, id)?;
    Ok(Delegation {
        holder: actor.client.id.clone(),
        authority: view.clone(),
        act: Some(act),
        jkt: Some(actor.binds.clone()),
        expires_at: row.expires_at.min(now.plus(agent.longest_task)),
        ..row
    })
}

fn child(
    facts: &ExchangeFacts<'_>,
    onward: Onward,
    now: Timestamp,
    id: DelegationId,
) -> Result<Delegation, OAuthError> {
    let leaf = &facts.lineage.leaf;
    if leaf.lineage_length() >= MAX_LINEAGE {
        return Err(OAuthError::invalid_request(format!(
            "more than {MAX_LINEAGE} delegations in a row"
        )));
    }
    Ok(Delegation {
        path: delegation::path(Some(&leaf.path), &id),
        id,
        task: leaf.task.clone(),
        parent: Some(leaf.id.clone()),
        asked_by: None,
        approval: None,
        holder: leaf.holder.clone(),
        requested_by: facts.client.id.clone(),
        authority: leaf.authority.clone(),
        onward,
        act: leaf.act.clone(),
        jkt: None,
        created_at: now,
        expires_at: facts
            .lineage
            .ends_at
            .min(Timestamp::from_seconds(facts.subject.exp)),
    })
}

fn no_cycle(
    facts: &ExchangeFacts<'_>,
    actor: &ClientId,
    realm: Realm<'_>,
) -> Result<(), OAuthError> {
    let earlier = facts.lineage.leaf.act.iter().flat_map(Act::chain);
    let again = earlier
        .into_iter()
        .any(|act| act.iss == realm.issuer.as_str() && act.sub == actor.as_str());
    if again || facts.subject.sub == actor.as_str() {
        return Err(OAuthError::invalid_request(format!(
            "agent `{actor}` is in the chain already"
        )));
    }
    Ok(())
}

/// The new key differs from every key in the chain, and is nobody else's.
fn fresh_key(facts: &ExchangeFacts<'_>, actor: &Actor<'_>) -> Result<(), OAuthError> {
    let binds = actor.binds.as_str();
    let in_chain =
        facts.lineage.keys.iter().any(|key| key == binds) || facts.proof.as_str() == binds;
    if in_chain {
        return Err(OAuthError::invalid_request(
            "`cnf.jkt` of the actor token is a key of the chain",
        ));
    }
    match &actor.key_owner {
        Some(owner) if *owner != actor.client.id => Err(OAuthError::invalid_request(
            "`cnf.jkt` of the actor token is the key of another agent",
        )),
        _ => Ok(()),
    }
}

fn depth(act: &Act, onward: &Onward) -> Result<(), OAuthError> {
    let most = onward.depth.min(DEFAULT_DEPTH);
    if act.depth() > most {
        return Err(OAuthError::invalid_request(format!(
            "the chain would have {} actors, at most {most} may be",
            act.depth()
        )));
    }
    Ok(())
}
