//! `/access/v1/outcomes`: what became of a permitted action. Told once; an action that was not begun gives back what it took from budgets.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::event::EventName;
use writ_core::id::DecisionId;
use writ_store::access::AccessDecision;
use writ_wire::access::{
    ActionOutcome, EvaluationResponse, MAX_ARGUMENTS, MAX_DATA_CLASS, OutcomeRequest, is_bounded,
};
use writ_wire::error::ErrorCode;

use super::evaluate::read;
use crate::client::error::ClientError;
use crate::client::incoming::IncomingRequest;
use crate::node::failure::Failure;
use crate::request::action_event::action_event;
use crate::request::client_request::ClientRequest;

pub async fn outcome(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let request = incoming
        .head
        .authenticate_server(Endpoint::Outcomes)
        .await?;
    let result = match read::<OutcomeRequest>(&request, &incoming.body) {
        Ok(told) => report(&request, told).await,
        Err(failure) => Err(failure),
    };
    let mut response = request.answer_empty(result)?;
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response.into_response())
}

async fn report(request: &ClientRequest, told: OutcomeRequest) -> Result<(), Failure> {
    let long = |class: &String| class.chars().count() > MAX_DATA_CLASS;
    if told.data_class.as_ref().is_some_and(long) {
        let sentence = format!("`data_class` has more than {MAX_DATA_CLASS} characters");
        return Err(request.refuse(OAuthError::invalid_request(sentence)));
    }
    if !told.object.as_ref().is_none_or(is_bounded) {
        let sentence = format!("`object` is larger than {MAX_ARGUMENTS} bytes");
        return Err(request.refuse(OAuthError::invalid_request(sentence)));
    }
    let (app, now) = (&request.app, request.now);
    let mut transaction = app.begin().await?;
    let id = DecisionId::from_text(told.decision_id.as_str());
    let found = transaction.decision(&id).await?;
    // Another's decision and none look the same.
    let own = found.filter(|decision| decision.caller == request.client().id);
    let permitted = own.filter(is_permit);
    let decision = permitted.ok_or_else(|| {
        let sentence = "`decision_id` is of no permit that this client was given";
        request.refuse(OAuthError::invalid_request(sentence))
    })?;
    let result = told.result.as_str();
    if !transaction.report_outcome(&id, result, now).await? {
        // Somebody came before: what they told is committed.
        let known = transaction.decision(&id).await?.and_then(|d| d.outcome);
        return match known.as_deref() == Some(result) {
            true => Ok(()),
            false => {
                let sentence = "another outcome of this decision was reported before";
                let refusal = OAuthError::new(ErrorCode::OutcomeReported, sentence);
                Err(request.refuse(refusal))
            }
        };
    }
    let in_time = decision.awaited_until.is_some_and(|until| now < until);
    if told.result == ActionOutcome::NotStarted && in_time {
        transaction.give_back(&decision).await?;
    }
    let name = match told.result {
        ActionOutcome::Completed => EventName::ActionCompleted,
        ActionOutcome::Failed => EventName::ActionFailed,
        ActionOutcome::NotStarted => EventName::ActionNotStarted,
    };
    let more = json!({ "object": told.object, "data_class": told.data_class });
    let event = action_event(app, &mut transaction, &decision, name, more).await?;
    transaction.insert_event(&event).await?;
    Ok(transaction.commit().await?)
}

/// A denial is awaited by nobody, and told as what it is in its answer.
fn is_permit(decision: &AccessDecision) -> bool {
    let answer = serde_json::from_str::<EvaluationResponse>(&decision.answer);
    answer.is_ok_and(|answer| answer.decision)
}
