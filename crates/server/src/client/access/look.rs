//! Looking: what would be decided now. Nothing is used up, and nothing is written.

use writ_core::access::{AccessDenial, is_free};
use writ_store::DatabaseTransaction;
use writ_store::access::Taken;
use writ_wire::access::{DecisionReason, EvaluationResponse};

use super::answer;
use super::approved::{Approvable, used};
use super::own::object_use;
use super::question::{AccessQuestion, JudgedQuestion};
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;

/// What would be decided.
pub enum LookedQuestion {
    /// Decided, as far as it goes: nothing would be used up.
    Answer(EvaluationResponse),
    /// A permit that uses something up: whoever acts on it decides by a key.
    Uses(EvaluationResponse),
}

pub async fn look(
    request: &ClientRequest,
    question: &AccessQuestion,
) -> Result<LookedQuestion, Failure> {
    let app = &request.app;
    let mut reading = app.read().await?;
    let judged = question.judge(&mut reading, app).await?;
    let permits = match &judged.permits {
        Ok(permits) => permits,
        Err(denial) => return approved(&mut reading, request, question, &judged, denial).await,
    };
    if let Some(unproved) = &judged.unproved {
        let denied = answer::deny(request, question, &judged, unproved)?;
        return Ok(LookedQuestion::Answer(denied));
    }
    if permits.is_empty() {
        return Ok(LookedQuestion::Answer(answer::permit(request, None)));
    }
    let Some(lineage) = &judged.lineage else {
        return Err(Failure::Broken("a permit without a lineage".to_owned()));
    };
    let mut missing = DecisionReason::Used;
    for permit in permits {
        if is_free(permit) {
            return Ok(LookedQuestion::Answer(answer::permit(request, None)));
        }
        match reading
            .could_take(object_use(permit, &lineage.task))
            .await?
        {
            Taken::All => return Ok(LookedQuestion::Uses(answer::permit(request, None))),
            Taken::Exceeded => missing = DecisionReason::BudgetExceeded,
            Taken::Used => {}
        }
    }
    let denial = question.spent(&judged, missing);
    approved(&mut reading, request, question, &judged, &denial).await
}

/// A person may have agreed to this very action.
async fn approved(
    reading: &mut DatabaseTransaction,
    request: &ClientRequest,
    question: &AccessQuestion,
    judged: &JudgedQuestion<'_>,
    denial: &AccessDenial,
) -> Result<LookedQuestion, Failure> {
    let approvable = Approvable {
        request,
        question,
        judged,
    };
    let denial = match approvable.find(reading, denial).await? {
        None => denial.clone(),
        Some(Err(not)) => not,
        Some(Ok(found)) => {
            let mut answer = answer::permit(request, None);
            answer.context.approval = Some(used(&found));
            return Ok(LookedQuestion::Uses(answer));
        }
    };
    let denied = answer::deny(request, question, judged, &denial)?;
    Ok(LookedQuestion::Answer(denied))
}
