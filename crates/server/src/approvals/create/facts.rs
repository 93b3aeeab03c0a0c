//! What must hold now, read uncached in the transaction that writes the request: the client, the person, the chain that asks, and
//! those who decide.

use std::collections::{BTreeMap, BTreeSet};

use writ_authority::Authority;
use writ_core::OAuthError;
use writ_core::ciba::{self, Hinted};
use writ_core::client::{Client, User};
use writ_core::id::{ClientId, DelegationId, UserId};
use writ_core::lineage::Lineage;
use writ_core::pending::{self, Deciders};
use writ_core::realm::Realm;
use writ_core::requirements::{Requirements, SubjectPart, bound_to, requirements};
use writ_store::DatabaseTransaction;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::registration::{OWNER, SPONSOR, SUBJECT};

use super::ApprovalContext;
use super::person::HintedPerson;
use crate::node::failure::Failure;

/// Rows as they are in this transaction.
pub struct ApprovalFacts {
    found: Option<User>,
    pub asking: Option<Lineage>,
    agreed: bool,
}

impl ApprovalFacts {
    /// Whom this client may ask.
    pub fn person(&self, client: &Client) -> Result<&User, OAuthError> {
        let known = Hinted {
            found: self.found.as_ref(),
            asking: self.asking.as_ref(),
            agreed: self.agreed,
        };
        ciba::person(client, &known)
    }
}

pub async fn load(
    context: &ApprovalContext<'_>,
    transaction: &mut DatabaseTransaction,
    hinted: &HintedPerson,
) -> Result<ApprovalFacts, Failure> {
    live_client(context, transaction).await?;
    let found = find(transaction, &hinted.subject).await?;
    let asking = match &hinted.asking {
        Some(claims) => Some(asking(context, transaction, claims).await?),
        None => None,
    };
    // The same work for somebody who is not there: the time must not tell.
    let nobody = UserId::from_text(UserId::PREFIX);
    let subject = found.as_ref().map_or(&nobody, |user| &user.id);
    let (client, now) = (&context.request.client().id, context.request.now);
    let has_task = transaction.has_live_task(subject, client, now).await?;
    let has_consent = transaction.has_live_consent(subject, client, now).await?;
    Ok(ApprovalFacts {
        found,
        asking,
        agreed: has_task || has_consent,
    })
}

/// By `usr_` id or by name.
async fn find(
    transaction: &mut DatabaseTransaction,
    subject: &str,
) -> Result<Option<User>, Failure> {
    let stored = if subject.starts_with(UserId::PREFIX) {
        transaction.user_by_id(&UserId::from_text(subject)).await?
    } else {
        transaction.user_by_name(subject).await?
    };
    Ok(stored.map(|stored| stored.user))
}

async fn live_client(
    context: &ApprovalContext<'_>,
    transaction: &mut DatabaseTransaction,
) -> Result<(), Failure> {
    let stored = transaction.client(&context.request.client().id).await?;
    match stored.is_some_and(|stored| stored.is_active()) {
        true => Ok(()),
        false => Err(context.refuse(OAuthError::client_stopped())),
    }
}

async fn asking(
    context: &ApprovalContext<'_>,
    transaction: &mut DatabaseTransaction,
    claims: &AccessTokenClaims,
) -> Result<Lineage, Failure> {
    let untraceable =
        || OAuthError::invalid_request("the subject token cannot be traced to its delegation");
    let id = claims
        .delegation()
        .ok_or_else(|| context.refuse(untraceable()))?;
    let lineage = transaction.lineage(&DelegationId::from_text(id)).await?;
    let lineage = lineage.ok_or_else(|| context.refuse(untraceable()))?;
    let proof = context.request.caller.key().ok_or_else(|| {
        context.refuse(OAuthError::invalid_request(
            "`subject_token` needs the proof of its key: send one `DPoP` header",
        ))
    })?;
    let client = context.request.client();
    let deciding = context.catalogue.context(context.request.now);
    pending::check_chain(claims, &lineage, client, proof, deciding).map_err(|refusal| {
        context.request.app.refused(refusal, |event| {
            event.by(client).about(&lineage.task).under(&lineage.leaf)
        })
    })?;
    Ok(lineage)
}

/// What is asked, by which client, for whom, and within which task if any.
#[derive(Clone, Copy)]
pub struct Deciding<'a> {
    pub authority: &'a Authority,
    pub client: &'a Client,
    pub subject: &'a User,
    /// The chain that asks, within its task.
    pub asking: Option<&'a Lineage>,
}

/// The rule about it as it is now, and the people whom the rule names.
pub struct DecidingPeople<'a> {
    requirements: Requirements<'a>,
    deciding: Deciding<'a>,
    realm: Realm<'a>,
    people: BTreeMap<&'a str, UserId>,
    /// Owner and sponsor of each agent of the chain.
    responsible: BTreeSet<UserId>,
}

impl DecidingPeople<'_> {
    /// Who decides; or why nobody can.
    pub fn deciders(&self) -> Result<Deciders, OAuthError> {
        let find = |name: &str| self.people.get(name).cloned();
        let subject = &self.deciding.subject.id;
        pending::deciders(&self.requirements, &self.responsible, subject, find)
    }

    /// What is asked; where others decide in the subject's place, by the names of the task's own objects, so that a resource
    /// counts their use with those.
    pub fn authority(&self) -> Authority {
        let asked = self.deciding.authority;
        let task = self.deciding.asking.map(|lineage| &lineage.task);
        let replaced = task.filter(|_| self.requirements.subject == SubjectPart::Replaced);
        let bound = replaced.and_then(|task| bound_to(task, asked, self.realm));
        bound.unwrap_or_else(|| asked.clone())
    }
}

/// Reads who is named by the rule about it and is not disabled.
pub async fn deciding_people<'a>(
    transaction: &mut DatabaseTransaction,
    deciding: &Deciding<'a>,
    realm: Realm<'a>,
) -> Result<DecidingPeople<'a>, Failure> {
    let (client, subject) = (deciding.client, deciding.subject);
    let requirements = requirements(
        deciding.authority,
        client,
        Some(&subject.id),
        deciding.asking.map(|lineage| &lineage.task),
        realm,
    );
    // Where different people would decide about the parts, nobody is looked for: `deciders` says so.
    let designation = requirements.designated().unwrap_or_default();
    let mut people = BTreeMap::new();
    let names = designation.iter().flat_map(|stage| &stage.of);
    for name in names.filter(|name| name.as_str() != SUBJECT) {
        let stored = match (name.as_str(), &client.agent) {
            (SPONSOR, Some(agent)) => transaction.user_by_id(&agent.sponsor).await?,
            (OWNER, Some(agent)) => transaction.user_by_id(&agent.owner).await?,
            (SPONSOR | OWNER, None) => None,
            (name, _) => transaction.user_by_name(name).await?,
        };
        if let Some(user) = stored.map(|s| s.user).filter(|user| !user.disabled) {
            people.insert(name.as_str(), user.id);
        }
    }
    Ok(DecidingPeople {
        requirements,
        deciding: *deciding,
        realm,
        people,
        responsible: responsible(transaction, deciding).await?,
    })
}

/// Who owns or sponsors the asking agent, or one before it in the chain.
async fn responsible(
    transaction: &mut DatabaseTransaction,
    deciding: &Deciding<'_>,
) -> Result<BTreeSet<UserId>, Failure> {
    let agent = deciding.client.agent.iter();
    let own = agent.flat_map(|agent| [agent.owner.clone(), agent.sponsor.clone()]);
    let mut people: BTreeSet<UserId> = own.collect();
    let act = deciding
        .asking
        .and_then(|lineage| lineage.leaf.act.as_ref());
    let earlier = act.iter().flat_map(|act| act.chain()).map(|act| &act.sub);
    for id in earlier.filter(|id| id.as_str() != deciding.client.id.as_str()) {
        if let Some(stored) = transaction.client(&ClientId::from_text(id)).await? {
            let both = stored.owner.into_iter().chain(stored.sponsor);
            people.extend(both.map(|user| user.id));
        }
    }
    Ok(people)
}
