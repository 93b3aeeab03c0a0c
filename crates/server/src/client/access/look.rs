//! Looking: what would be decided now. Nothing is used up, and nothing is written.

use writ_core::access::is_free;
use writ_store::access::Taken;
use writ_wire::access::{DecisionReason, EvaluationResponse};

use super::answer;
use super::decide::object_use;
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
        Err(denial) => {
            let denied = answer::deny(request, question, &judged, denial)?;
            return Ok(LookedQuestion::Answer(denied));
        }
    };
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
    used_up(request, question, &judged, missing).map(LookedQuestion::Answer)
}

fn used_up(
    request: &ClientRequest,
    question: &AccessQuestion,
    judged: &JudgedQuestion<'_>,
    reason: DecisionReason,
) -> Result<EvaluationResponse, Failure> {
    let denial = question.spent(judged, reason);
    answer::deny(request, question, judged, &denial)
}
