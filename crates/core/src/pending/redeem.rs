//! An approval becomes one delegation: within a task a single-use one beside the chain that asked, otherwise
//! a task of its own. Everything is judged again as it is now, because an approval is no older than its use.

use std::time::Duration;

use writ_authority::Authority;
use writ_jose::key::Thumbprint;
use writ_wire::time::Timestamp;

use super::{Deciders, Decision, PendingRequest, designation, designation_digest};
use crate::ceiling::within_ceiling;
use crate::client::{Client, User};
use crate::delegation::{self, Delegation, MAX_LINEAGE};
use crate::id::{DelegationId, TaskId, TransactionId};
use crate::lineage::Lineage;
use crate::oauth_error::OAuthError;
use crate::onward::Onward;
use crate::realm::{DecisionContext, Realm};
use crate::request::longest_task;
use crate::requirements::requirements;
use crate::role::within_roles;
use crate::task::{Approval, Subject, Task};

/// A token counts whole seconds.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);
/// Lifetime of a delegation that was approved for one action.
pub const SINGLE_USE_LIFETIME: Duration = Duration::from_secs(300);

/// Everything that the decision needs, read uncached.
pub struct RedemptionFacts<'a> {
    pub request: &'a PendingRequest,
    pub decision: &'a Decision,
    pub client: &'a Client,
    /// As they are now; `None` if they are gone.
    pub subject: Option<&'a User>,
    /// Who would decide if it were asked now; `None` where nobody could.
    pub deciders: Option<&'a Deciders>,
    /// The chain that asked, if one did.
    pub asking: Option<&'a Lineage>,
    /// The key of the proof.
    pub key: Option<&'a Thumbprint>,
}

/// Names for what is made, drawn by the caller.
pub struct RedemptionIds {
    pub task: TaskId,
    pub delegation: DelegationId,
    pub transaction: TransactionId,
    pub salt: String,
}

/// To be written in one transaction with the redemption.
#[derive(Clone, Debug, PartialEq)]
pub struct RedeemedApproval {
    /// `None`: the task of the chain that asked.
    pub task: Option<Task>,
    pub delegation: Delegation,
}

/// What people agreed to, judged again.
#[derive(Clone, Copy)]
struct ApprovedAuthority<'a> {
    authority: &'a Authority,
    approval: &'a Approval,
}

/// Decides; every refusal of the grant is `invalid_grant`.
pub fn redeem(
    facts: &RedemptionFacts<'_>,
    context: DecisionContext<'_>,
    ids: RedemptionIds,
) -> Result<RedeemedApproval, OAuthError> {
    let realm = context.realm;
    bound(facts)?;
    let judged = judge_again(facts, realm)?;
    let subject = judged.subject;
    let approved = ApprovedAuthority {
        authority: judged.authority,
        approval: &judged.approval,
    };
    match (&facts.request.asked_by, facts.asking) {
        (None, None) => opened(facts, subject, approved, context, ids),
        (Some(_), Some(asking)) => {
            let delegation =
                single_use_delegation(facts, asking, approved, context, ids.delegation)?;
            Ok(RedeemedApproval {
                task: None,
                delegation,
            })
        }
        _ => Err(refused("the chain that asked is gone")),
    }
}

/// An approval that still counts.
pub struct JudgedApproval<'a> {
    pub subject: &'a User,
    pub authority: &'a Authority,
    /// With the designation by which it would be decided now.
    pub approval: Approval,
}

/// Whether what was approved would be approved by the same people now, and is still allowed.
pub fn judge_again<'a>(
    facts: &RedemptionFacts<'a>,
    realm: Realm<'_>,
) -> Result<JudgedApproval<'a>, OAuthError> {
    let subject = still_there(facts)?;
    let approval = facts.decision.approval.as_ref();
    let approval = approval.ok_or_else(|| refused("this request was not approved"))?;
    let authority = still_allowed(facts, realm)?;
    // Whoever else decides: it is the subject's authority that is given.
    let measured = facts.request.asked.measured(authority);
    within_roles(&measured, &subject.roles, realm).map_err(|beyond| {
        refused("it is more than the person may grant now").because(beyond.sentence)
    })?;
    let requirements = requirements(authority, facts.client, Some(&subject.id), None, realm);
    requirements.met_by(approval).map_err(|unmet| {
        refused("a stronger answer, or another person's, is asked for this now: ask again")
            .because(unmet.sentence)
    })?;
    let asked = &facts.request.asked.authority;
    Ok(JudgedApproval {
        subject,
        authority,
        approval: Approval {
            designation: Some(designation_digest(designation(asked, facts.client, realm)?)),
            ..approval.clone()
        },
    })
}

/// Who was asked, and who may decide, are judged again.
fn still_there<'a>(facts: &RedemptionFacts<'a>) -> Result<&'a User, OAuthError> {
    let subject = facts.subject.filter(|user| !user.disabled);
    let subject = subject.filter(|user| facts.request.subject.as_ref() == Some(&user.id));
    let subject =
        subject.ok_or_else(|| refused("the person who was asked can approve nothing now"))?;
    let asked = &facts.request.asked;
    let same = facts
        .deciders
        .is_some_and(|now| now.stages == asked.stages && now.safeguards == asked.safeguards);
    if !same {
        return Err(refused("others decide about this now: ask again"));
    }
    Ok(subject)
}

/// A request that showed a key is redeemed with it; what was bound once never yields a bearer token.
fn bound(facts: &RedemptionFacts<'_>) -> Result<(), OAuthError> {
    match (&facts.request.jkt, facts.key) {
        (Some(bound), Some(key)) if bound == key => Ok(()),
        (Some(_), _) => Err(refused("the proof's key is not the one that asked")),
        (None, None) if facts.client.dpop_bound => Err(OAuthError::invalid_request(
            "a DPoP proof is required: send one `DPoP` header",
        )),
        (None, _) => Ok(()),
    }
}

/// No more than was asked, and no more than the client may have today.
fn still_allowed<'a>(
    facts: &RedemptionFacts<'a>,
    realm: Realm<'_>,
) -> Result<&'a Authority, OAuthError> {
    let authority = &facts.decision.authority;
    let known = |detail| realm.types.of(detail).is_some();
    if authority.is_empty() || !authority.details().iter().all(known) {
        return Err(refused("what was approved is not known here any more"));
    }
    let asked = &facts.request.asked.authority;
    if asked.covers(authority, realm.types).is_err() {
        return Err(refused("more was approved than asked"));
    }
    let resources = authority.resources();
    if !resources.iter().all(|uri| realm.knows(uri)) {
        return Err(refused("a resource of it is not known here any more"));
    }
    if let Some(transaction) = &facts.request.asked.transaction
        && !realm.trusts_challenges_of(&transaction.resource)
    {
        return Err(refused(
            "the resource that asked for a person may not ask any more",
        ));
    }
    let measured = facts.request.asked.measured(authority);
    within_ceiling(&measured, facts.client, realm).map_err(|now| {
        refused("it is outside what the client may have now").because(now.sentence)
    })?;
    Ok(authority)
}

/// The person may have chosen an earlier end, and it may be over before anybody fetches it.
fn end(
    facts: &RedemptionFacts<'_>,
    usual: Timestamp,
    now: Timestamp,
) -> Result<Timestamp, OAuthError> {
    let end = facts.decision.ends_at.unwrap_or(usual).min(usual);
    if end < now.plus(SHORTEST_LIFE) {
        return Err(refused("what was approved is over: ask again"));
    }
    Ok(end)
}

/// As everybody saw it who decided, and no more than the record allows now.
fn onward(facts: &RedemptionFacts<'_>) -> Result<Onward, OAuthError> {
    let shown = &facts.request.asked.onward;
    if !shown.is_within(&Onward::of(facts.client)) {
        return Err(refused(
            "what was approved may not go on to all that the person saw any more: ask again",
        ));
    }
    Ok(shown.clone())
}

fn single_use_delegation(
    facts: &RedemptionFacts<'_>,
    asking: &Lineage,
    approved: ApprovedAuthority<'_>,
    context: DecisionContext<'_>,
    id: DelegationId,
) -> Result<Delegation, OAuthError> {
    let DecisionContext { realm, now } = context;
    asking.require_live(context, OAuthError::invalid_grant)?;
    let (leaf, client) = (&asking.leaf, facts.client);
    let same = facts.request.asked_by.as_ref() == Some(&leaf.id)
        && facts.request.task.as_ref() == Some(&asking.task.id)
        && leaf.holder == client.id
        && !leaf.is_single_use()
        && facts.request.jkt.is_some();
    if !same {
        return Err(refused("the chain that asked is another"));
    }
    if leaf.lineage_length() >= MAX_LINEAGE {
        return Err(refused("more delegations in a row than there may be"));
    }
    let transaction = facts.request.asked.transaction.as_ref();
    let above = leaf.act.as_ref().and_then(|act| act.act.as_deref());
    let ends_at = asking.ends_at.min(now.plus(SINGLE_USE_LIFETIME));
    Ok(Delegation {
        path: delegation::path(Some(&leaf.path), &id),
        act: Some(delegation::act(
            realm.issuer.as_str(),
            &client.id,
            &id,
            above,
        )),
        id,
        task: asking.task.id.clone(),
        parent: None,
        asked_by: Some(leaf.id.clone()),
        holder: client.id.clone(),
        requested_by: client.id.clone(),
        authority: approved.authority.clone(),
        onward: Onward::nobody(),
        approval: Some(Approval {
            transaction: transaction.map(|transaction| transaction.txn.clone()),
            ..approved.approval.clone()
        }),
        jkt: facts.request.jkt.clone(),
        created_at: now,
        expires_at: end(facts, ends_at, now)?,
    })
}

fn opened(
    facts: &RedemptionFacts<'_>,
    subject: &User,
    approved: ApprovedAuthority<'_>,
    context: DecisionContext<'_>,
    ids: RedemptionIds,
) -> Result<RedeemedApproval, OAuthError> {
    let DecisionContext { realm, now } = context;
    let client = facts.client;
    let ends_at = now.plus(client.task_lifetime.min(longest_task(client)));
    let task = Task {
        id: ids.task,
        subject: Subject::Person(subject.id.to_string()),
        client: client.id.clone(),
        purpose: facts.request.asked.reason.clone(),
        authority: approved.authority.clone(),
        salt: ids.salt,
        transaction: ids.transaction,
        approval: approved.approval.clone(),
        created_at: now,
        expires_at: end(facts, ends_at, now)?,
    };
    let id = ids.delegation;
    let issuer = realm.issuer.as_str();
    let delegation = Delegation {
        path: delegation::path(None, &id),
        act: client
            .is_agent()
            .then(|| delegation::act(issuer, &client.id, &id, None)),
        id,
        task: task.id.clone(),
        parent: None,
        asked_by: None,
        holder: client.id.clone(),
        requested_by: client.id.clone(),
        authority: approved.authority.clone(),
        onward: onward(facts)?,
        approval: None,
        jkt: facts.key.cloned(),
        created_at: now,
        expires_at: task.expires_at,
    };
    Ok(RedeemedApproval {
        task: Some(task),
        delegation,
    })
}

fn refused(sentence: &str) -> OAuthError {
    OAuthError::invalid_grant(sentence)
}
