//! A person's approval permits what a denial says that a person may be asked about (docs/access-requests.md): found by its id, or, where
//! the caller could carry nothing, because it called again. It is judged again here, and used up with the decision.

use std::collections::BTreeSet;

use writ_authority::Authority;
use writ_core::access::{AccessDenial, AskedAction};
use writ_core::access_request::{EvaluatedAction, NotTaken};
use writ_core::id::{ApprovalId, DecisionId};
use writ_store::DatabaseTransaction;
use writ_wire::access::{DecisionReason, UsedApproval};
use writ_wire::waited_by::WaitedBy;

use super::own::{self, OwnObjects};
use super::question::{AccessQuestion, JudgedQuestion};
use crate::approvals::access_request::{
    ApprovalBy, FoundApproval, QuestionContext, WantedApproval, find_approval, take_approval,
};
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;

/// A denied evaluation for which there may be an approval.
#[derive(Clone, Copy)]
pub struct Approvable<'a> {
    pub request: &'a ClientRequest,
    pub question: &'a AccessQuestion,
    pub judged: &'a JudgedQuestion<'a>,
}

/// What an approval must be about.
struct Action {
    authority: Authority,
    hash: String,
    definition_hash: Option<String>,
    described: Option<String>,
    by: Option<ApprovalId>,
}

impl Approvable<'_> {
    /// `None`: nobody approved it, so that the denial stands as it is.
    pub async fn find(
        &self,
        transaction: &mut DatabaseTransaction,
        denial: &AccessDenial,
    ) -> Result<Option<Result<FoundApproval, AccessDenial>>, Failure> {
        let Some(action) = self.action().filter(|_| denial.requestable.is_some()) else {
            return Ok(None);
        };
        let (Some(wanted), catalogue) = (self.wanted(&action), self.question.catalogue()) else {
            return Ok(None);
        };
        // A call that came again is a request of its own, with a proof of its own. That of the call which was asked about made its question.
        if let (ApprovalBy::CalledAgain, Some(unproved)) = (wanted.by, &self.judged.unproved) {
            return Ok(Some(Err(unproved.clone())));
        }
        let found = find_approval(transaction, catalogue, wanted, self.request.now).await?;
        let found = match found {
            None => return Ok(None),
            Some(Err(not)) => return Ok(Some(Err(not_taken(not, denial)))),
            Some(Ok(found)) => found,
        };
        if self.is_described_anew(transaction, &found).await? {
            return Ok(Some(Err(not_taken(NotTaken::DescribedAnew, denial))));
        }
        let used_up = self.own().used_up(transaction).await?;
        Ok(Some(match used_up.filter(|_| !self.is_beyond(&found)) {
            None => Ok(found),
            Some(used_up) => Err(self.question.spent(self.judged, own::reason(&used_up))),
        }))
    }

    /// By the record as it is now: what this node knows of it may be some seconds old.
    async fn is_described_anew(
        &self,
        transaction: &mut DatabaseTransaction,
        found: &FoundApproval,
    ) -> Result<bool, Failure> {
        let catalogue = self.request.app.fresh_catalogue_in(transaction).await?;
        Ok(found.request.asked.is_described_anew(catalogue.realm()))
    }

    /// Uses it up; the denial if another evaluation did so first.
    pub async fn take(
        &self,
        transaction: &mut DatabaseTransaction,
        found: &FoundApproval,
        decision: &DecisionId,
        denial: &AccessDenial,
    ) -> Result<Result<UsedApproval, AccessDenial>, Failure> {
        let gone = || Ok(Err(not_taken(NotTaken::Used, denial)));
        let Some(action) = self.action() else {
            return gone();
        };
        let Some(wanted) = self.wanted(&action) else {
            return gone();
        };
        let context = QuestionContext {
            app: &self.request.app,
            catalogue: self.question.catalogue(),
            now: self.request.now,
        };
        match take_approval(context, transaction, found, wanted, decision).await? {
            true => Ok(Ok(used(found))),
            false => gone(),
        }
    }

    /// How the caller's client waited: as this evaluation says, or as the question did.
    pub fn waited_by(&self, found: &FoundApproval) -> Option<WaitedBy> {
        let asked = found.request.asked.access.as_ref();
        let at_the_question = asked.and_then(|asked| asked.waited_by);
        self.question.waited_by.or(at_the_question)
    }

    /// What the token itself has for it.
    pub fn own(&self) -> OwnObjects<'_> {
        OwnObjects::of(self.question, self.judged)
    }

    /// Whether the screen of this approval said that it is more than what is left.
    pub fn is_beyond(&self, found: &FoundApproval) -> bool {
        let question = found.request.asked.access.as_ref();
        let used_up = question.and_then(|question| question.used_up.as_ref());
        let approved = found.taking.decision.authority.details().first();
        let types = self.question.realm().types;
        used_up
            .zip(approved)
            .is_some_and(|(used_up, object)| used_up.is_short_of(object, types))
    }

    fn action(&self) -> Option<Action> {
        let Some(AskedAction::Object(object)) = &self.judged.object else {
            return None;
        };
        let resource = self.question.resource()?;
        let named = object.versioned().with("ref", "asked".into());
        let places = BTreeSet::from([resource.uri.clone()]);
        let presented = self.question.approval.as_ref();
        Some(Action {
            authority: Authority::new(BTreeSet::new(), vec![named], places),
            hash: object.hash(self.question.realm().types),
            definition_hash: self.question.definition_digest(),
            described: object.described(),
            by: presented.map(|approval| ApprovalId::from_text(approval.id.as_str())),
        })
    }

    fn wanted<'b>(&'b self, action: &'b Action) -> Option<WantedApproval<'b>> {
        let token = self.question.token.as_ref()?;
        Some(WantedApproval {
            by: match &action.by {
                Some(id) => ApprovalBy::Id(id),
                None => ApprovalBy::CalledAgain,
            },
            action: EvaluatedAction {
                resource: self.question.resource()?,
                served_by: &self.request.client().id,
                authority: &action.authority,
                object: &action.hash,
                definition_hash: action.definition_hash.as_deref(),
                described: action.described.as_deref(),
            },
            lineage: self.judged.lineage.as_ref()?,
            client: token.holder.as_deref()?,
        })
    }
}

/// What an answer says of the approval by which it permits.
pub fn used(found: &FoundApproval) -> UsedApproval {
    UsedApproval {
        id: found.request.id.to_string(),
        approved_until: found.taking.until.rfc3339(),
    }
}

/// A person may be asked again, unless the approval was none, or a person ended it.
fn not_taken(not: NotTaken, denial: &AccessDenial) -> AccessDenial {
    let reason = not.reason();
    let is_one = reason != DecisionReason::ApprovalUnverifiable && !not.is_no();
    AccessDenial {
        sentence: not.sentence().to_owned(),
        requestable: denial.requestable.filter(|_| is_one),
        title: denial.title.clone(),
        ..AccessDenial::of(reason)
    }
}
