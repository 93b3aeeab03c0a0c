//! Decisions per action, before it is done (OpenID AuthZEN Authorization API 1.0; docs/decisions.md): a resource server asks whether
//! the caller's token is good for one action with these arguments. Judged in this order: live, the proof, the object, the authority, what
//! people agreed to; what may be used once and budgets come last, because they are rows (`store/src/access.rs`).

mod denied;
mod object;

use std::time::Duration;

pub use denied::{AccessDenial, ArgumentsFault, Coverage, DeniedEvaluation};
pub use object::{
    AskedAction, AskedObject, ObjectKind, asked_action, asked_scope, canonical, has_tools,
};
use writ_authority::{Authority, Permit, TokenAgreement, Usage, every_permit};
use writ_wire::access::{DecisionReason, Entity};
use writ_wire::claims::AccessTokenClaims;
use writ_wire::rar::Detail;
use writ_wire::scope::Scope;
use writ_wire::time::Timestamp;

use crate::ceiling::within_ceiling;
use crate::client::{Client, Resource, ResourceAction};
use crate::lineage::Lineage;
use crate::realm::{DecisionContext, Realm};
use crate::role::within_roles;
use crate::task::Subject;

/// How soon a permitted action must begin.
pub const VALID: Duration = Duration::from_secs(5);
/// How long the same key gets the answer that was recorded.
pub const REPLAYED: Duration = Duration::from_secs(30);
/// How long a person may be asked about a denial.
pub const REQUESTABLE: Duration = Duration::from_secs(600);
/// How long the outcome of an action is waited for, and a budget given back.
pub const OUTCOME_WITHIN: Duration = Duration::from_secs(600);

/// What an evaluation is judged by.
#[derive(Clone, Copy)]
pub struct AccessFacts<'a> {
    /// Of the caller's token, whose signature and audience are verified.
    pub claims: &'a AccessTokenClaims,
    pub lineage: &'a Lineage,
    /// The client to which the token was issued; `None`: it is gone.
    pub holder: Option<&'a Client>,
    pub resource: &'a Resource,
    pub realm: Realm<'a>,
    /// Of a tool, as the resource server says it is defined now.
    pub definition_hash: Option<&'a str>,
}

/// The lineage of a token that is good now, of the person whom the resource server names.
pub fn require_live<'a>(
    claims: &AccessTokenClaims,
    lineage: Option<&'a Lineage>,
    subject: &Entity,
    context: DecisionContext<'_>,
) -> Result<&'a Lineage, AccessDenial> {
    let invalid = || AccessDenial::of(DecisionReason::TokenInvalid);
    let lineage = lineage.ok_or_else(invalid)?;
    let unexpired = context.now < Timestamp::from_seconds(claims.exp);
    let live = unexpired && lineage.is_live(context);
    // The working group's binding for MCP calls the subject an identity.
    let named = ["user", "identity"].contains(&subject.kind.as_str()) && subject.id == claims.sub;
    (live && named).then_some(lineage).ok_or_else(invalid)
}

/// By which objects of the token this may be done, in the order in which they are tried; none where nothing has to be used up.
pub fn judge(asked: &AskedAction<'_>, facts: AccessFacts<'_>) -> Result<Vec<Permit>, AccessDenial> {
    match asked {
        AskedAction::Discovery => Ok(Vec::new()),
        AskedAction::Scope(scope) => require_scope(scope, facts).map(|()| Vec::new()),
        AskedAction::Object(object) => match object.kind {
            ObjectKind::Action(action) => by_scope(action, object, facts),
            ObjectKind::Type => by_objects(object, facts),
        },
    }
}

/// An action of the resource: its scope covers it, and a person may be wanted for each call.
fn by_scope(
    action: &ResourceAction,
    object: &AskedObject<'_>,
    facts: AccessFacts<'_>,
) -> Result<Vec<Permit>, AccessDenial> {
    let asks = action.ask || !is_as_seen(action, facts.definition_hash);
    if asks {
        object.check_shown()?;
    }
    require_scope(&action.scope, facts)?;
    match asks {
        true => Err(asks_person(object, facts, Coverage::Covered)),
        false => Ok(Vec::new()),
    }
}

fn require_scope(wanted: &str, facts: AccessFacts<'_>) -> Result<(), AccessDenial> {
    let scope = facts.claims.scope.as_deref().unwrap_or_default();
    match Scope::parse(scope).is_ok_and(|scope| scope.contains(wanted)) {
        true => Ok(()),
        false => Err(AccessDenial::of(DecisionReason::NotCovered)),
    }
}

/// Whether a tool is the one that the operator saw; what is no tool has no definition.
fn is_as_seen(action: &ResourceAction, definition_hash: Option<&str>) -> bool {
    match action.definition_hash.as_deref() {
        Some(seen) => definition_hash == Some(seen),
        None => true,
    }
}

fn by_objects(
    object: &AskedObject<'_>,
    facts: AccessFacts<'_>,
) -> Result<Vec<Permit>, AccessDenial> {
    let (claims, request, types) = (facts.claims, &object.detail, facts.realm.types);
    let here = facts.resource.uri.as_str();
    let granted: Vec<Detail> = claims
        .authorization_details
        .iter()
        .filter(|detail| detail.locations().contains(&here))
        .cloned()
        .collect();
    let permits = every_permit(&granted, request, types);
    let permits = permits.map_err(|_| beyond(DecisionReason::NotCovered, object, facts))?;
    let agreement = TokenAgreement::of(claims.approval.as_ref(), claims.acr.as_deref());
    let enough = agreement.enough_for(permits, &granted, request, types);
    enough.map_err(|_| asks_person(object, facts, Coverage::Covered))
}

/// What the token does not cover, or no longer: a person may still be asked where the client could have asked for it.
pub fn beyond(
    reason: DecisionReason,
    object: &AskedObject<'_>,
    facts: AccessFacts<'_>,
) -> AccessDenial {
    let known = matches!(object.kind, ObjectKind::Type);
    let possible = known && has_person(facts) && is_within_reach(object, facts);
    AccessDenial {
        requestable: possible.then_some(Coverage::Beyond),
        ..AccessDenial::of(reason)
    }
}

fn asks_person(
    object: &AskedObject<'_>,
    facts: AccessFacts<'_>,
    coverage: Coverage,
) -> AccessDenial {
    AccessDenial {
        requestable: has_person(facts).then_some(coverage),
        ..AccessDenial::of(DecisionReason::ApprovalRequired)
    }
    .about(object)
}

/// Nobody can be asked about what an agent or a client does for itself.
fn has_person(facts: AccessFacts<'_>) -> bool {
    matches!(facts.lineage.task.subject, Subject::Person(_))
}

/// Whether the client's record lets it ask for this object, and its person's roles let them grant it: its types, and both ceilings.
fn is_within_reach(object: &AskedObject<'_>, facts: AccessFacts<'_>) -> bool {
    let Some(client) = facts.holder else {
        return false;
    };
    let named = object.versioned().with("ref", "asked".into());
    let alone = Authority::new(Default::default(), vec![named], Default::default());
    client.may_ask_type(object.detail.type_name())
        && within_ceiling(&alone, client, facts.realm).is_ok()
        && within_roles(&alone, &facts.lineage.roles, facts.realm).is_ok()
}

/// Whether a permit uses nothing up.
pub fn is_free(permit: &Permit) -> bool {
    permit.usage == Usage::Repeat && permit.spends.is_empty()
}
