//! An evaluation finds the approval of its action, judges it again, and uses it up in the transaction of its decision.

use serde_json::json;
use writ_core::access_request::{self, EvaluatedAction, NotTaken, QuestionAsker, Taking};
use writ_core::client::{Client, User};
use writ_core::event::{Event, EventName};
use writ_core::history;
use writ_core::id::{ApprovalId, DecisionId, UserId};
use writ_core::lineage::Lineage;
use writ_core::pending::{Deciders, Decision, PendingRequest, RedemptionFacts};
use writ_core::realm::DecisionContext;
use writ_store::DatabaseTransaction;
use writ_store::approved_uses::NewUses;
use writ_store::pending::SameQuestion;
use writ_wire::time::Timestamp;

use super::QuestionContext;
use crate::approvals::create::{Deciding, deciding_people};
use crate::node::failure::Failure;
use crate::node::registry::Catalogue;

/// By what an evaluation finds its approval.
#[derive(Clone, Copy)]
pub enum ApprovalBy<'a> {
    /// The resource server presents it.
    Id(&'a ApprovalId),
    /// Its caller called again, and could carry nothing.
    CalledAgain,
}

/// One evaluation that would use an approval; rows as they are in this transaction.
#[derive(Clone, Copy)]
pub struct WantedApproval<'a> {
    pub by: ApprovalBy<'a>,
    pub action: EvaluatedAction<'a>,
    pub lineage: &'a Lineage,
    pub client: &'a Client,
}

/// An approval that is good for the action, and nothing is used up yet.
pub struct FoundApproval {
    pub request: PendingRequest,
    pub taking: Taking,
}

/// Whether there is an approval that would permit this now. `None`: nobody was asked about it, so that a call that came again is
/// one that nobody approved.
pub async fn find_approval(
    transaction: &mut DatabaseTransaction,
    catalogue: &Catalogue,
    wanted: WantedApproval<'_>,
    now: Timestamp,
) -> Result<Option<Result<FoundApproval, NotTaken>>, Failure> {
    let subject = UserId::from_text(wanted.lineage.task.subject.as_str());
    let request = match wanted.by {
        ApprovalBy::Id(id) => match transaction.pending_by_id(id).await? {
            Some(request) => request,
            None => return Ok(Some(Err(NotTaken::Unverifiable))),
        },
        ApprovalBy::CalledAgain => {
            let asked_hash =
                access_request::called_again(QuestionAsker::of(wanted.lineage), wanted.action);
            let same = SameQuestion {
                subject: &subject,
                client: &wanted.client.id,
                asked_hash: &asked_hash,
            };
            match transaction.approved_question(same, now).await? {
                Some(request) => request,
                None => return Ok(None),
            }
        }
    };
    let taken = judge_taking(transaction, catalogue, &request, wanted, now).await?;
    Ok(Some(taken.map(|taking| FoundApproval { request, taking })))
}

async fn judge_taking(
    transaction: &mut DatabaseTransaction,
    catalogue: &Catalogue,
    request: &PendingRequest,
    wanted: WantedApproval<'_>,
    now: Timestamp,
) -> Result<Result<Taking, NotTaken>, Failure> {
    let subject = match &request.subject {
        Some(id) => transaction.user_by_id(id).await?.map(|stored| stored.user),
        None => None,
    };
    let deciders = match &subject {
        Some(subject) => deciders_now(transaction, catalogue, request, subject, wanted).await?,
        None => None,
    };
    let nothing = Decision::of_nobody("undecided");
    let facts = RedemptionFacts {
        request,
        decision: request.decision().unwrap_or(&nothing),
        client: wanted.client,
        subject: subject.as_ref(),
        deciders: deciders.as_ref(),
        asking: Some(wanted.lineage),
        key: None,
    };
    let context = DecisionContext {
        realm: catalogue.realm(),
        now,
    };
    Ok(access_request::take(&facts, wanted.action, context))
}

/// Who would decide now; `None` where nobody could.
async fn deciders_now(
    transaction: &mut DatabaseTransaction,
    catalogue: &Catalogue,
    request: &PendingRequest,
    subject: &User,
    wanted: WantedApproval<'_>,
) -> Result<Option<Deciders>, Failure> {
    let deciding = Deciding {
        authority: &request.asked.authority,
        client: wanted.client,
        subject,
        asking: Some(wanted.lineage),
    };
    let people = deciding_people(transaction, &deciding, catalogue.realm()).await?;
    Ok(people.deciders().ok())
}

/// Uses it up for this decision, in the decision's transaction: of any number at once, one. `false`: another did.
pub async fn take_approval(
    context: QuestionContext<'_>,
    transaction: &mut DatabaseTransaction,
    found: &FoundApproval,
    wanted: WantedApproval<'_>,
    decision: &DecisionId,
) -> Result<bool, Failure> {
    let QuestionContext {
        app,
        catalogue,
        now,
    } = context;
    let request = &found.request;
    if !transaction
        .redeem_pending(&request.id, decision, now)
        .await?
    {
        return Ok(false);
    }
    if let Some(subject) = &request.subject {
        let types = catalogue.realm().types;
        let uses = history::uses(&found.taking.decision.authority, subject, types);
        let new = NewUses {
            approval: &request.id,
            client: &request.client,
            subject,
            uses: &uses,
        };
        transaction.insert_uses(new, now).await?;
    }
    let event = Event::new(app.event_id(now), now, EventName::ApprovalRedeemed)
        .by(wanted.client)
        .about(&wanted.lineage.task)
        .under(&wanted.lineage.leaf)
        .at_resource(wanted.action.resource.uri.as_str())
        .permitted()
        .with(json!({
            "approval": request.id,
            "kind": request.kind.as_str(),
            "decision_id": decision,
            "by": found.taking.decision.by,
            "authority": found.taking.decision.authority,
            "narrowed": found.taking.decision.narrowed,
            "called_again": matches!(wanted.by, ApprovalBy::CalledAgain),
        }));
    transaction.insert_event(&event).await?;
    Ok(true)
}
