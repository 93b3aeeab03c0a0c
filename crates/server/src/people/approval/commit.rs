//! The database transaction of one answer: vote, decision, receipt, events, and what is stopped with it. Of two concurrent answers
//! the first to commit counts; the other is shown how the request ended.

use axum::response::Response;
use serde_json::json;
use writ_core::approval::{Denial, VoteOutcome};
use writ_core::event::{Event, EventName};
use writ_core::history::unusual;
use writ_core::pending::{Decision, Kind, Vote};
use writ_core::receipt::{self, Evidence, Proof, Receipt, ReceiptApprover, Verdict};
use writ_core::screen::{ScreenError, Shown};
use writ_store::receipt::NewReceipt;
use writ_store::replay::ReplayClaim;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use super::proof::Used;
use super::question::{Question, newest};
use super::{Visit, over, stopping};
use crate::approvals::close::Endings;
use crate::approvals::escalate;
use crate::node::app::App;
use crate::node::metrics::CountedQuestion;
use crate::notifications::outbox;
use crate::people::error::PageError;
use crate::people::redirect::see_other;

/// An answer that is ready to be written.
pub struct Decided {
    pub outcome: VoteOutcome,
    pub shown: Shown,
    pub proof: Proof,
    pub used: Option<Used>,
    /// The replay claim of a liveness result.
    pub once: Option<ReplayClaim>,
    pub no: Option<Denial>,
}

impl Decided {
    fn vote(&self) -> &Vote {
        match &self.outcome {
            VoteOutcome::Agreed(vote) | VoteOutcome::Ended(vote, _) => vote,
        }
    }

    fn decision(&self) -> Option<&Decision> {
        match &self.outcome {
            VoteOutcome::Agreed(_) => None,
            VoteOutcome::Ended(_, decision) => Some(decision),
        }
    }
}

impl Visit<'_> {
    pub(super) async fn commit(
        &self,
        question: &Question,
        decided: Decided,
    ) -> Result<Response, PageError> {
        let now = decided.vote().at;
        let receipt = self.receipt(question, &decided)?;
        let document = receipt.sign(&self.app.keys().await?.active, now);
        let document = document.map_err(PageError::broken)?;
        let mut transaction = self.person.begin_change().await?;
        if let Some(no) = decided.no {
            stopping::lock(self, question, no, &mut transaction).await?;
        }
        if !self.counts(&mut transaction, question, &decided).await? {
            drop(transaction);
            return over::again(self, &question.request.id).await;
        }
        if let Some(once) = &decided.once
            && transaction
                .claim_once(std::slice::from_ref(once))
                .await?
                .is_some()
        {
            drop(transaction);
            return self.seen_before(question).await;
        }
        let new = NewReceipt {
            id: &receipt.id,
            request: &question.request.id,
            user: &self.person.user().id,
            document: &document,
            at: now,
        };
        transaction.insert_receipt(new).await?;
        let event = self.event(question, &decided, &receipt);
        transaction.insert_event(&event).await?;
        let endings = match decided.no {
            // Much may follow, of which each has its place on the stack otherwise.
            Some(no) => Box::pin(stopping::follow(self, question, no, &mut transaction)).await?,
            None => Endings::default(),
        };
        forget_after_no(&mut transaction, question, &decided).await?;
        if question.request.opens_next_stage(decided.vote()) && decided.decision().is_none() {
            escalate::next_stage(self.app, &mut transaction, &question.request, now).await?;
        }
        if decided.decision().is_some() {
            outbox::request_decided(self.app, &mut transaction, &question.request).await?;
        }
        transaction.commit().await?;
        endings.announce(self.app);
        Ok(self.after(question, &decided, &receipt))
    }

    /// Whether this answer is the one that counts: not after another one, nor by a passkey that was removed since the page was opened.
    async fn counts(
        &self,
        transaction: &mut DatabaseTransaction,
        question: &Question,
        decided: &Decided,
    ) -> Result<bool, PageError> {
        let now = decided.vote().at;
        if !write(transaction, question, decided).await? {
            return Ok(false);
        }
        let Some(used) = &decided.used else {
            return Ok(true);
        };
        let counted =
            transaction.use_passkey(&used.credential_id, &used.before, &used.passkey, now);
        Ok(counted.await?)
    }

    /// Wakes whoever waits for it; the person gets their receipt.
    fn after(&self, question: &Question, decided: &Decided, receipt: &Receipt) -> Response {
        self.app.waiting.announce_request(&question.request);
        self.app.notices.wake();
        self.app.metrics.consent(match &decided.outcome {
            VoteOutcome::Agreed(_) => "agreed",
            _ if decided.no == Some(Denial::WrongNumber) => "wrong_number",
            VoteOutcome::Ended(_, decision) if decision.approval.is_none() => "denied",
            VoteOutcome::Ended(_, decision) if decision.narrowed => "narrowed",
            VoteOutcome::Ended(..) => "approved",
        });
        if let (Kind::Access, Some(decision)) = (question.request.kind, decided.decision()) {
            self.app.metrics.access.question(match decision.approval {
                Some(_) => CountedQuestion::Approved,
                None => CountedQuestion::Denied,
            });
        }
        see_other(&match decided.no {
            Some(Denial::WrongNumber) => format!("/app/requests/{}", question.request.id),
            _ => format!("/app/receipts/{}?decided=1", receipt.id),
        })
    }

    fn receipt(&self, question: &Question, decided: &Decided) -> Result<Receipt, PageError> {
        let vote = decided.vote();
        Ok(Receipt {
            version: receipt::VERSION,
            issuer: self.app.config.issuer.to_string(),
            id: vote.receipt.clone(),
            request: question.request.id.clone(),
            at: vote.at.rfc3339(),
            outcome: match (decided.no, decided.decision()) {
                (Some(_), _) => Verdict::Denied,
                (None, Some(_)) => Verdict::Approved,
                (None, None) => Verdict::Agreed,
            },
            reason: decided.no.map(|no| no.as_str().to_owned()),
            subject: question.subject.id.to_string(),
            approver: ReceiptApprover {
                id: vote.user.clone(),
                name: vote.name.clone(),
                role: vote.role,
            },
            client_id: question.client.id.clone(),
            task: question.request.task.clone(),
            screen: Evidence::of(&decided.shown).map_err(PageError::broken)?,
            level: decided.proof.level(),
            proof: decided.proof.clone(),
        })
    }

    fn event(&self, question: &Question, decided: &Decided, receipt: &Receipt) -> Event {
        let vote = decided.vote();
        let name = match decided.no {
            Some(_) => EventName::ApprovalDenied,
            None => EventName::ApprovalApproved,
        };
        let mut event = about(self.app, question, name, vote.at);
        let decision = decided.decision();
        event.decision = match (decided.no, decision) {
            (Some(_), _) => Some("deny"),
            (None, Some(_)) => Some("permit"),
            // An approval that needs further approvers decides nothing yet.
            (None, None) => None,
        };
        event.reason = decided.no.map(|no| no.as_str().to_owned());
        event.with(json!({
            "approval": question.request.id,
            "kind": question.request.kind.as_str(),
            "receipt": receipt.id,
            "by": vote.user,
            "role": vote.role,
            "stage": vote.stage,
            "level": vote.level,
            "complete": decision.is_some(),
            "authority": decision.map(|decision| &decision.authority),
            "asked": question.request.asked.authority,
            "narrowed": decision.is_some_and(|decision| decision.narrowed),
            "ends_at": decision.and_then(|d| d.ends_at).map(Timestamp::rfc3339),
            "given": decision.and_then(|decision| decision.approval.as_ref()),
            "screen_hash": receipt.screen.hash,
            "verifier": decided.proof.verifier().map(|seen| &seen.issuer),
        }))
    }
}

/// Who says no wants nothing of this client unasked. Who typed a wrong number wanted something: only that request is denied.
async fn forget_after_no(
    transaction: &mut DatabaseTransaction,
    question: &Question,
    decided: &Decided,
) -> Result<(), StoreError> {
    let said_no = decided.no.is_some_and(|no| no != Denial::WrongNumber);
    if said_no && decided.vote().user == question.subject.id {
        let (user, client) = (&question.subject.id, &question.client.id);
        transaction.forget_consents(user, client).await?;
    }
    Ok(())
}

/// Whether this answer counts. A vote holds the row, so that votes are read as they will be when this commits.
async fn write(
    transaction: &mut DatabaseTransaction,
    question: &Question,
    decided: &Decided,
) -> Result<bool, StoreError> {
    let (id, vote) = (&question.request.id, decided.vote());
    if let (Some(_), Some(decision)) = (decided.no, decided.decision()) {
        let denied = transaction.decide_pending(id, decision, vote.at);
        return denied.await;
    }
    if !transaction.insert_vote(id, vote, vote.at).await? {
        return Ok(false);
    }
    let mut votes = transaction.votes(id).await?;
    votes.retain(|other| other.user != vote.user);
    if votes != question.votes || !hints_hold(transaction, question, decided).await? {
        return Ok(false);
    }
    match decided.decision() {
        Some(decision) => {
            let approved = transaction.decide_pending(id, decision, vote.at);
            approved.await
        }
        None => Ok(true),
    }
}

/// Whether the hints on the screen are still right: another approval may have been fetched since it was made.
async fn hints_hold(
    transaction: &mut DatabaseTransaction,
    question: &Question,
    decided: &Decided,
) -> Result<bool, StoreError> {
    let (subject, types) = (&question.subject.id, &*question.catalogue.types);
    let authority = &decided.shown.screen.authority;
    let now = newest(transaction, subject, authority, types).await?;
    let hints = |newest| unusual(authority, subject, newest, types);
    Ok(hints(&now) == hints(&question.newest))
}

/// That somebody looked at it, once for each request.
pub fn viewed(app: &App, question: &Question, shown: &Shown) -> Result<Event, ScreenError> {
    let now = app.mended_time();
    let event = about(app, question, EventName::ApprovalViewed, now);
    Ok(event.with(json!({
        "approval": question.request.id,
        "role": question.standing.role,
        "stage": question.standing.stage,
        "screen_hash": shown.hash()?,
    })))
}

/// An event about this request.
pub fn about(app: &App, question: &Question, name: EventName, now: Timestamp) -> Event {
    let mut event = Event::new(app.event_id(now), now, name);
    if let Some(asking) = &question.asking {
        event = event.about(&asking.task).under(&asking.leaf);
    }
    if let Some(asked) = &question.request.asked.access {
        event = event.at_resource(asked.resource.as_str());
    }
    event
        .by(&question.client)
        .of_subject(question.subject.id.as_str())
}
