//! A decision by a key: what is used once, budgets and the proof are taken in one database transaction with the decision and its event,
//! or nothing is. The key is bound to its client and to everything that was asked.

use serde_json::json;
use writ_authority::Permit;
use writ_core::OAuthError;
use writ_core::access::{AccessDenial, OUTCOME_WITHIN, REPLAYED, is_free};
use writ_core::event::{Event, EventName};
use writ_core::id::{ClientId, DecisionId};
use writ_core::lineage::Lineage;
use writ_jose::hash;
use writ_store::access::{AccessDecision, SpentAmount, Taken};
use writ_store::replay::ReplayClaim;
use writ_store::{CommitIsolation, DatabaseTransaction};
use writ_wire::access::{DecisionReason, EvaluationResponse};
use writ_wire::error::ErrorCode;
use writ_wire::waited_by::WaitedBy;

use super::answer;
use super::approved::Approvable;
use super::own::{self, object_use};
use super::proof;
use super::question::{AccessQuestion, JudgedQuestion};
use crate::node::failure::{Failure, ServerFault};
use crate::request::client_request::ClientRequest;

/// A decision on its way: who asks what, by which key.
pub struct KeyedQuestion<'a> {
    pub request: &'a ClientRequest,
    pub question: &'a AccessQuestion,
    pub key_digest: String,
    pub asked_hash: String,
}

impl<'a> KeyedQuestion<'a> {
    pub fn of(request: &'a ClientRequest, question: &'a AccessQuestion, key: &str) -> Self {
        Self {
            request,
            question,
            key_digest: hash::digest_text(&[b"decision", key.as_bytes()]),
            asked_hash: question.hash(),
        }
    }

    pub async fn decide(&self) -> Result<EvaluationResponse, Failure> {
        for attempt in 0..TRIES {
            let mut transaction = self.request.app.begin().await?;
            // Whatever is new needs no look for what is not: the row is written only for a key that is new, of a caller that is active.
            if attempt > 0 {
                let caller = &self.request.client().id;
                let known = transaction.decision_of_key(caller, &self.key_digest);
                if let Some(recorded) = known.await? {
                    return self.replay(&recorded);
                }
                self.request.require_active_client(&mut transaction).await?;
            }
            let judged = self.question.judge(&mut transaction, &self.request.app);
            let judged = judged.await?;
            let Some(decided) = self.take(&mut transaction, &judged).await? else {
                continue;
            };
            if self.record(&mut transaction, &judged, &decided).await? {
                return self.commit(transaction, &judged, decided).await;
            }
        }
        Err(Failure::Broken(
            "a decision of a key comes and goes".to_owned(),
        ))
    }

    /// The answer that was recorded: it begins nothing.
    fn replay(&self, recorded: &AccessDecision) -> Result<EvaluationResponse, Failure> {
        let same = recorded.asked_hash == self.asked_hash;
        if !same || !recorded.decided_at.is_within(REPLAYED, self.request.now) {
            let sentence = match same {
                true => "this `Idempotency-Key` was used before: make a new one for each run",
                false => {
                    "this `Idempotency-Key` came with another question before: make a new one for each run"
                }
            };
            let refusal = OAuthError::new(ErrorCode::IdempotencyKeyReused, sentence);
            return Err(self.request.refuse(refusal));
        }
        let answer = serde_json::from_str::<EvaluationResponse>(&recorded.answer);
        let unreadable = |_| Failure::Broken("`decisions.answer` cannot be read".to_owned());
        let mut answer = answer.map_err(unreadable)?;
        answer.context.replayed = true;
        Ok(answer)
    }

    /// Takes what the first object that has it left takes, and the proof. `None`: not all could be taken, so nothing may be committed.
    async fn take(
        &self,
        transaction: &mut DatabaseTransaction,
        judged: &JudgedQuestion<'_>,
    ) -> Result<Option<Decided>, Failure> {
        let now = self.request.now;
        let (permits, lineage) = match (&judged.permits, &judged.lineage) {
            (Ok(permits), Some(lineage)) => (permits, lineage),
            (Ok(_), None) => {
                return Err(Failure::Broken("a permit without a lineage".to_owned()));
            }
            (Err(denial), _) => return self.approved(transaction, judged, denial).await,
        };
        if let Some(unproved) = &judged.unproved {
            return self.denied(judged, unproved.clone()).map(Some);
        }
        if !claim_proof(transaction, judged).await? {
            return self.denied(judged, proof::invalid()).map(Some);
        }
        if permits.is_empty() {
            return Ok(Some(self.permitted(None)));
        }
        let mut missing = DecisionReason::Used;
        for permit in permits {
            if is_free(permit) {
                return Ok(Some(self.permitted(Some(permit))));
            }
            let wanted = object_use(permit, &lineage.task);
            match transaction.take(wanted, now).await? {
                Taken::All => return Ok(Some(self.permitted(Some(permit)))),
                Taken::Exceeded => missing = DecisionReason::BudgetExceeded,
                Taken::Used => {}
            }
        }
        let denial = self.question.spent(judged, missing);
        self.approved(transaction, judged, &denial).await
    }

    /// A person may have agreed to this very action.
    async fn approved(
        &self,
        transaction: &mut DatabaseTransaction,
        judged: &JudgedQuestion<'_>,
        denial: &AccessDenial,
    ) -> Result<Option<Decided>, Failure> {
        let approvable = Approvable {
            request: self.request,
            question: self.question,
            judged,
        };
        let own = approvable.own();
        own.hold(transaction).await?;
        let found = match approvable.find(transaction, denial).await? {
            None => return self.denied(judged, denial.clone()).map(Some),
            Some(Err(not)) => return self.denied(judged, not).map(Some),
            Some(Ok(found)) => found,
        };
        let presented = self.question.approval.is_some();
        if !presented && !claim_proof(transaction, judged).await? {
            return self.denied(judged, proof::invalid()).map(Some);
        }
        let id = DecisionId::make(self.request.now, self.request.app.entropy());
        let taken = approvable.take(transaction, &found, &id, denial).await?;
        let used = match taken {
            Ok(used) => used,
            Err(gone) => return self.denied(judged, gone).map(Some),
        };
        let permit = own.take(transaction, self.request.now).await?;
        let used_up = match permit {
            Some(_) => None,
            None => own.used_up(transaction).await?,
        };
        if used_up.is_some() && !approvable.is_beyond(&found) {
            return Ok(None);
        }
        let mut decided = self.permitted_as(id, permit);
        decided.answer.context.approval = Some(used);
        decided.waited_by = approvable.waited_by(&found);
        decided.beyond = match used_up {
            Some(used_up) => Some(own::reason(&used_up)),
            None if denial.reason == DecisionReason::NotCovered => Some(denial.reason),
            None => None,
        };
        Ok(Some(decided))
    }

    fn permitted(&self, permit: Option<&Permit>) -> Decided {
        let entropy = self.request.app.entropy();
        self.permitted_as(DecisionId::make(self.request.now, entropy), permit)
    }

    fn permitted_as(&self, id: DecisionId, permit: Option<&Permit>) -> Decided {
        let spends = permit.map(|permit| permit.spends.iter());
        let spent = spends.into_iter().flatten().map(|spend| SpentAmount {
            reference: permit
                .map(|permit| permit.reference.clone())
                .unwrap_or_default(),
            pointer: spend.pointer.clone(),
            amount: spend.amount.to_string(),
        });
        Decided {
            answer: answer::permit(self.request, Some(&id)),
            spent: spent.collect(),
            reference: permit.map(|permit| permit.reference.clone()),
            denial: None,
            waited_by: None,
            beyond: None,
            id,
        }
    }

    fn denied(
        &self,
        judged: &JudgedQuestion<'_>,
        denial: AccessDenial,
    ) -> Result<Decided, Failure> {
        let entropy = self.request.app.entropy();
        Ok(Decided {
            id: DecisionId::make(self.request.now, entropy),
            answer: answer::deny(self.request, self.question, judged, &denial)?,
            spent: Vec::new(),
            reference: None,
            beyond: None,
            denial: Some(denial),
            waited_by: None,
        })
    }

    /// `false`: the key was used before, or the caller is stopped.
    async fn record(
        &self,
        transaction: &mut DatabaseTransaction,
        judged: &JudgedQuestion<'_>,
        decided: &Decided,
    ) -> Result<bool, Failure> {
        let (request, question) = (self.request, self.question);
        let token = question.token.as_ref().filter(|_| judged.lineage.is_some());
        let object = judged.recorded_object(question.realm());
        let answer = serde_json::to_string(&decided.answer);
        let awaited = decided
            .denial
            .is_none()
            .then(|| request.now.plus(OUTCOME_WITHIN));
        let row = AccessDecision {
            id: decided.id.clone(),
            caller: request.client().id.clone(),
            key_digest: self.key_digest.clone(),
            asked_hash: self.asked_hash.clone(),
            answer: answer.map_err(|e| Failure::Broken(e.to_string()))?,
            resource: question
                .resource()
                .map(|r| r.uri.to_string())
                .unwrap_or_default(),
            action: question.action_label(),
            client: token.map(|token| ClientId::from_text(token.claims.client_id.as_str())),
            task: judged
                .lineage
                .as_ref()
                .map(|lineage| lineage.task.id.clone()),
            delegation: token.map(|token| token.delegation.clone()),
            object_hash: object.as_ref().map(|(hash, _)| hash.clone()),
            // Of what is awaited alone: its outcome is told in these words.
            details: object
                .map(|(_, object)| object)
                .filter(|_| awaited.is_some()),
            spent: decided.spent.clone(),
            decided_at: request.now,
            awaited_until: awaited,
            outcome: None,
        };
        let event = self.event(judged, decided);
        Ok(transaction.insert_decision(&row, &event).await?)
    }

    fn event(&self, judged: &JudgedQuestion<'_>, decided: &Decided) -> Event {
        let (request, question) = (self.request, self.question);
        let object = judged.recorded_object(question.realm());
        let (object_hash, object) = object.unzip();
        let name = match &decided.denial {
            None => EventName::DecisionPermitted,
            Some(denial) if denial.requestable.is_some() => EventName::DecisionNeedsApproval,
            Some(_) => EventName::DecisionDenied,
        };
        let mut event = Event::new(request.app.event_id(request.now), request.now, name);
        if let (Some(token), Some(lineage)) = (&question.token, &judged.lineage) {
            event = match &token.holder {
                Some(holder) => event.by(holder),
                None => event,
            };
            event.client = Some(token.claims.client_id.clone());
            event = event.about(&lineage.task).under(&lineage.leaf);
        }
        event.resource = question.resource().map(|resource| resource.uri.to_string());
        event.details_hash = object_hash;
        event.decision = Some(if decided.denial.is_none() {
            "permit"
        } else {
            "deny"
        });
        let denial = decided.denial.as_ref();
        event.reason = denial.map(|d| format!("{}: {}", d.reason.as_str(), d.sentence));
        event.with(json!({
            "decision_id": decided.id,
            "by": request.client().id,
            "action": question.action_label(),
            "authorization_details": object.into_iter().collect::<Vec<_>>(),
            "ref": decided.reference,
            "spent": decided.spent,
            "waited_by": decided.waited_by,
            "beyond": decided.beyond.map(DecisionReason::as_str),
        }))
    }

    /// A stop never loses a race against a permit: unless no other transaction can have written in between, everything above the
    /// token is read again, and if it was stopped the permit is not sent.
    async fn commit(
        &self,
        transaction: DatabaseTransaction,
        judged: &JudgedQuestion<'_>,
        decided: Decided,
    ) -> Result<EvaluationResponse, Failure> {
        let committed = transaction.commit_reporting_isolation().await;
        let committed = committed.map_err(ServerFault::of_commit)?;
        let lineage = match &judged.lineage {
            Some(lineage) if decided.denial.is_none() => lineage,
            _ => return Ok(decided.answer),
        };
        if committed == CommitIsolation::Serial || self.is_live(lineage).await? {
            return Ok(decided.answer);
        }
        self.take_back(judged, decided).await
    }

    async fn is_live(&self, lineage: &Lineage) -> Result<bool, Failure> {
        let app = &self.request.app;
        let context = self.question.context(app.clock.now());
        let live = app.is_still_live(&lineage.leaf.id, context);
        Ok(live.await.map_err(ServerFault::of_commit)?)
    }

    /// What was taken stays taken: the task is over.
    async fn take_back(
        &self,
        judged: &JudgedQuestion<'_>,
        decided: Decided,
    ) -> Result<EvaluationResponse, Failure> {
        let stopped = JudgedQuestion {
            lineage: judged.lineage.clone(),
            object: None,
            proof: None,
            unproved: None,
            permits: Err(AccessDenial::of(DecisionReason::TokenInvalid)),
        };
        let denial = AccessDenial::of(DecisionReason::TokenInvalid);
        let denied = Decided {
            id: decided.id,
            ..self.denied(&stopped, denial)?
        };
        let answer = serde_json::to_string(&denied.answer);
        let answer = answer.map_err(|e| Failure::Broken(e.to_string()))?;
        let mut transaction = self.request.app.begin().await?;
        transaction.take_decision_back(&denied.id, &answer).await?;
        let event = self.event(judged, &denied);
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        Ok(denied.answer)
    }
}

/// What was decided.
struct Decided {
    id: DecisionId,
    answer: EvaluationResponse,
    spent: Vec<SpentAmount>,
    /// Of the token's object by which it is permitted.
    reference: Option<String>,
    denial: Option<AccessDenial>,
    /// Of an approval that permits.
    waited_by: Option<WaitedBy>,
    /// Of a permit by a yes alone: what it would have been denied for.
    beyond: Option<DecisionReason>,
}

/// Whether the proof of the call, if it has one, was not used before.
async fn claim_proof(
    transaction: &mut DatabaseTransaction,
    judged: &JudgedQuestion<'_>,
) -> Result<bool, Failure> {
    let Some(proof) = judged.proof else {
        return Ok(true);
    };
    let once = ReplayClaim {
        digest: proof.replay_digest(),
        expires_at: proof.accepted_until,
    };
    Ok(transaction.claim_once(&[once]).await?.is_none())
}

/// Of one decision: the first takes its key for a new one, and another request may come first with the same key, or with what is taken.
const TRIES: usize = 4;
