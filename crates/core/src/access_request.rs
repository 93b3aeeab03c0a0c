//! A resource server asks a person for one action of its caller (AuthZEN Access Request and Approval Profile, Draft 1;
//! docs/access-requests.md): what is asked, and whether an approval is good for the action at hand. One approval permits once.

mod not_taken;
mod same;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use same::{QuestionAsker, asked_hash, called_again, hashes_of_call, takes_the_place_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_authority::{Authority, Decimal, Level, ScopeGrant, TypeDefinition, Types};
use writ_jose::hash;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;
use writ_wire::waited_by::WaitedBy;

pub use not_taken::NotTaken;

use crate::ciba;
use crate::client::{Client, Resource, ResourceAction};
use crate::id::ClientId;
use crate::lineage::Lineage;
use crate::oauth_error::OAuthError;
use crate::pending::{
    Asked, Decision, Delivery, Kind, PendingStatus, PreparedApproval, RedemptionFacts, USUAL_WAIT,
    is_same_content, judge_again,
};
use crate::realm::{DecisionContext, Realm};
use crate::requirements::requirements;
use crate::task::{Approval, Subject};

/// How long after the yes an approval can be used, and how long "call again" finds it.
pub const APPROVED_FOR: Duration = Duration::from_secs(120);
/// How long a resource asks a person nothing after that person's "This was not me".
pub const SILENCE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The one action about which a resource server asks. Kept as JSON with what is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskedAccess {
    pub resource: ResourceUri,
    /// The client that serves it and asked: it alone learns the answer and uses it.
    pub served_by: ClientId,
    /// `action.name` of the evaluation.
    pub action: String,
    /// Hash of the canonical object.
    pub object: String,
    /// Digest of the `evaluation_id` of the denial that led here.
    pub evaluation: String,
    /// The caller's client can carry nothing: the same call counts as the approved one for [`APPROVED_FOR`].
    pub call_again: bool,
    /// The resource server's words; shown as such.
    pub says: Option<String>,
    /// Pointers into the object of what the resource server looked up itself; all other values are the caller's words.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub resolved: BTreeSet<String>,
    /// By which argument the caller calls what the resource server looked up in another.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub called: BTreeMap<String, String>,
    /// The scope of this resource that covers an action of its record; absent where the caller's objects do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// How the caller's client was made to wait; for the record, and no part of what is the same question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_by: Option<WaitedBy>,
    /// [`definition_digest`] of what the resource server said of the tool when it asked: a yes is to that definition. Absent where it said
    /// nothing, and in rows of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_hash: Option<String>,
    /// [`ResourceAction::described`] of the action as its record had it then: a question, and a yes, are about that. Absent where the
    /// caller's objects cover it, because an object names the version of its type, and in rows of before it was kept.
    ///
    /// [`ResourceAction::described`]: crate::client::ResourceAction::described
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub described: Option<String>,
    /// What the caller has of its own for this and was used up when it was asked: the screen says so, and the yes alone permits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_up: Option<UsedUp>,
}

/// Why the objects of a token do not suffice for an action that they cover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsedUp {
    /// It was for one use.
    Once,
    /// Less is left of the budget at this pointer of the object than the action takes; decimal text.
    Budget {
        pointer: String,
        left: String,
        budget: String,
    },
}

impl UsedUp {
    /// Whether this object takes more than was left: the person may have made it smaller.
    pub fn is_short_of(&self, object: &Detail, types: &Types) -> bool {
        let Self::Budget { pointer, left, .. } = self else {
            return true;
        };
        let amounts = types.of(object).map(|known| known.amounts(object));
        let amounts = amounts.unwrap_or_default().into_iter();
        let mut same = amounts.filter(|amount| amount.pointer == *pointer);
        let value = same.next().map(|amount| match amount.value {
            Value::String(text) => text,
            number => number.to_string(),
        });
        let taken = value.and_then(|text| Decimal::parse(&text));
        let fits = taken.zip(Decimal::parse(left));
        fits.is_none_or(|(taken, left)| taken > left)
    }
}

/// Why the words of an action's record may not be what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnconfirmedDefinition {
    /// It was confirmed under another definition.
    Changed,
    /// It is in no record, or nobody said under which definition it is now.
    Unknown,
}

/// Of the hash of a definition, which is as long as its resource server likes: what is kept and compared of it.
pub fn definition_digest(definition_hash: &str) -> String {
    hash::digest_text(&[b"definition", definition_hash.as_bytes()])
}

/// An action as it is evaluated now, of one live token.
#[derive(Clone, Copy, Debug)]
pub struct EvaluatedAction<'a> {
    /// As its record is now.
    pub resource: &'a Resource,
    /// The client that evaluates.
    pub served_by: &'a ClientId,
    /// What would be done.
    pub authority: &'a Authority,
    /// Hash of its canonical object.
    pub object: &'a str,
    /// [`definition_digest`] of what the resource server says of the tool now.
    pub definition_hash: Option<&'a str>,
    /// [`AskedAccess::described`] of this action.
    pub described: Option<&'a str>,
}

impl AskedAccess {
    /// By the resource's record as it is now. Actions that are no tools have no definition; a type's objects are described by the type.
    pub fn unconfirmed(&self, resource: &Resource) -> Option<UnconfirmedDefinition> {
        self.scope.as_ref()?;
        let Some(action) = resource.actions.get(&self.action) else {
            return Some(UnconfirmedDefinition::Unknown);
        };
        let confirmed = action.definition_hash.as_deref().map(definition_digest);
        match (confirmed, &self.definition_hash) {
            // An operator wrote what it does, whatever the tool says of itself.
            (None, _) => None,
            (Some(confirmed), Some(said)) if confirmed == *said => None,
            (Some(_), Some(_)) => Some(UnconfirmedDefinition::Changed),
            (Some(_), None) => Some(UnconfirmedDefinition::Unknown),
        }
    }

    /// Whether the record says otherwise what is done than when it was asked about, or the type of an object that is no action.
    fn is_described_anew(&self, asked: &Authority, realm: Realm<'_>) -> bool {
        if self.described.is_some() {
            let resource = realm.resources.get(&self.resource);
            let now = resource.and_then(|resource| resource.action(&self.action));
            return self.described != now.map(ResourceAction::described);
        }
        asked.details().iter().any(|object| {
            let now = realm.types.by_name(object.type_name());
            let asked = object.type_hash();
            asked.is_some() && asked != now.map(TypeDefinition::hash)
        })
    }

    /// What the caller must be allowed to have today for this: the scope behind an action, else the objects themselves.
    pub fn measured(&self, authority: &Authority) -> Authority {
        match &self.scope {
            Some(scope) => Authority::new(
                BTreeSet::from([ScopeGrant {
                    resource: self.resource.clone(),
                    scope: scope.clone(),
                }]),
                Vec::new(),
                BTreeSet::from([self.resource.clone()]),
            ),
            None => authority.clone(),
        }
    }
}

impl Asked {
    /// Of a resource server's question: whether what is done is described otherwise by now.
    pub fn is_described_anew(&self, realm: Realm<'_>) -> bool {
        let question = self.access.as_ref();
        question.is_some_and(|question| question.is_described_anew(&self.authority, realm))
    }
}

/// The person who can be asked about an action under this lineage: agents and other clients alike, but never a client's own work.
pub fn person<'a>(
    lineage: &'a Lineage,
    context: DecisionContext<'_>,
) -> Result<&'a str, OAuthError> {
    lineage.require_live(context, OAuthError::invalid_request)?;
    match &lineage.task.subject {
        Subject::Person(id) => Ok(id),
        Subject::Agent(_) | Subject::Client(_) => Err(OAuthError::invalid_request(
            "the token is for nobody who could be asked",
        )),
    }
}

/// What is to be asked. `strongest`: the strongest answer that can be given here.
pub fn prepare(
    question: AskedAccess,
    authority: Authority,
    client: &Client,
    strongest: Level,
    realm: Realm<'_>,
) -> Result<PreparedApproval, OAuthError> {
    let needs = requirements(&authority, client, None, None, realm);
    Ok(PreparedApproval {
        kind: Kind::Access,
        // The resource server polls, whatever its caller is registered for.
        delivery: Delivery::Poll,
        level: ciba::level(&needs, &[], strongest)?,
        authority,
        binding_message: None,
        identity: false,
        transaction: None,
        access: Some(question),
        wait: USUAL_WAIT,
    })
}

/// An approval that is good for this action, to be used up in the transaction of the decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Taking {
    pub decision: Decision,
    pub approval: Approval,
    /// No longer than this.
    pub until: Timestamp,
}

/// Judges everything again as it is now: an approval is no older than its use.
pub fn take(
    facts: &RedemptionFacts<'_>,
    action: EvaluatedAction<'_>,
    context: DecisionContext<'_>,
) -> Result<Taking, NotTaken> {
    let DecisionContext { realm, now } = context;
    let request = facts.request;
    bound(facts, action)?;
    let PendingStatus::Approved(decision) = request.status_at(now) else {
        return Err(NotTaken::of_status(
            &request.status,
            request.expires_at,
            now,
        ));
    };
    if request.asked.is_described_anew(realm) {
        return Err(NotTaken::DescribedAnew);
    }
    if !is_as_defined(facts, action) {
        return Err(NotTaken::OtherDefinition);
    }
    if !is_approved(facts, decision, action, realm) {
        // The same under another version of its type is no other action.
        let is_same = is_same_content(&request.asked.authority, action.authority);
        return Err(match is_same && !decision.narrowed {
            true => NotTaken::DescribedAnew,
            false => NotTaken::OutOfScope,
        });
    }
    let until = decision.ends_at.unwrap_or(request.expires_at);
    let until = until.min(request.expires_at);
    let live = facts.asking.is_some_and(|asking| asking.is_live(context));
    if now >= until {
        return Err(NotTaken::Lapsed);
    }
    if !live {
        return Err(NotTaken::Stopped);
    }
    let judged = judge_again(facts, realm).map_err(|_| NotTaken::Changed)?;
    Ok(Taking {
        decision: decision.clone(),
        approval: judged.approval,
        until,
    })
}

/// An approval is of one resource's server, for one delegation of one client.
fn bound(facts: &RedemptionFacts<'_>, action: EvaluatedAction<'_>) -> Result<(), NotTaken> {
    let request = facts.request;
    let question = request.asked.access.as_ref();
    let question = question.filter(|_| request.kind == Kind::Access);
    let of_resource = question.is_some_and(|question| {
        question.served_by == *action.served_by && question.resource == action.resource.uri
    });
    let of_chain = facts.asking.is_some_and(|asking| {
        request.asked_by.as_ref() == Some(&asking.leaf.id)
            && request.task.as_ref() == Some(&asking.task.id)
            && request.client == asking.leaf.holder
    });
    match of_resource && of_chain {
        true => Ok(()),
        false => Err(NotTaken::Unverifiable),
    }
}

/// Whether the tool is the one that the person was asked about.
fn is_as_defined(facts: &RedemptionFacts<'_>, action: EvaluatedAction<'_>) -> bool {
    let question = facts.request.asked.access.as_ref();
    let defined = question.and_then(|question| question.definition_hash.as_deref());
    defined == action.definition_hash
}

/// The very object; or what is within the smaller one that was approved instead.
fn is_approved(
    facts: &RedemptionFacts<'_>,
    decision: &Decision,
    action: EvaluatedAction<'_>,
    realm: Realm<'_>,
) -> bool {
    let question = facts.request.asked.access.as_ref();
    match decision.narrowed {
        false => question.is_some_and(|question| question.object == action.object),
        true => is_less(&decision.authority, action.authority, realm),
    }
}

/// Whatever names the objects have here.
fn is_less(approved: &Authority, wanted: &Authority, realm: Realm<'_>) -> bool {
    let [approved_object] = approved.details() else {
        return false;
    };
    let Some(name) = approved_object.reference() else {
        return false;
    };
    let named = wanted.details().iter().cloned();
    let named = named.map(|detail| detail.with("ref", name.into()));
    let wanted = Authority::new(
        wanted.scopes().clone(),
        named.collect(),
        wanted.resources().clone(),
    );
    !wanted.is_empty() && approved.covers(&wanted, realm.types).is_ok()
}

#[cfg(test)]
#[path = "access_request/tests.rs"]
mod tests;
