//! The answers: a permit says until when it is good, a denial why, and whether a person may be asked.

use std::collections::BTreeMap;

use writ_core::access::{AccessDenial, AskedAction, DeniedEvaluation, REQUESTABLE, VALID};
use writ_core::id::{ClientId, DecisionId};
use writ_wire::access::{
    AnswerContext, DenialDisplay, EvaluationResponse, NextAction, REQUESTS_PATH, RequestableDenial,
};

use super::question::{AccessQuestion, JudgedQuestion};
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;

/// A permit; `id` where it was decided by a key.
pub fn permit(request: &ClientRequest, id: Option<&DecisionId>) -> EvaluationResponse {
    let now = request.now;
    EvaluationResponse {
        decision: true,
        context: AnswerContext {
            decision_id: id.map(DecisionId::to_string),
            evaluated_at: now.rfc3339(),
            valid_until: Some(now.plus(VALID).rfc3339()),
            ..AnswerContext::default()
        },
    }
}

pub fn deny(
    request: &ClientRequest,
    question: &AccessQuestion,
    judged: &JudgedQuestion<'_>,
    denial: &AccessDenial,
) -> Result<EvaluationResponse, Failure> {
    let (app, now) = (&request.app, request.now);
    let expires_at = now.plus(REQUESTABLE);
    let sealed = denied(request, question, judged, denial);
    let requestable = sealed.as_ref().and_then(|denied| denied.requestable);
    let evaluation_id = match &sealed {
        Some(denied) => app.seal_denied(denied)?,
        None => app.unknown_evaluation(),
    };
    let title = denial
        .title
        .clone()
        .unwrap_or_else(|| denial.sentence.clone());
    let access_request = requestable.map(|_| RequestableDenial {
        endpoint: app.config.url(REQUESTS_PATH),
        expires_at: expires_at.rfc3339(),
        display: DenialDisplay { title },
    });
    Ok(EvaluationResponse {
        decision: false,
        context: AnswerContext {
            evaluation_id: Some(evaluation_id),
            evaluated_at: now.rfc3339(),
            reason: Some(denial.reason),
            reason_user: BTreeMap::from([("en".to_owned(), denial.sentence.clone())]),
            next_action: Some(match access_request {
                Some(_) => NextAction::Request,
                None => NextAction::None,
            }),
            access_request,
            ..AnswerContext::default()
        },
    })
}

/// What the denial is bound to; `None` where no object of a live token was read.
fn denied(
    request: &ClientRequest,
    question: &AccessQuestion,
    judged: &JudgedQuestion<'_>,
    denial: &AccessDenial,
) -> Option<DeniedEvaluation> {
    let (token, lineage) = (question.token.as_ref()?, judged.lineage.as_ref()?);
    let Some(AskedAction::Object(object)) = &judged.object else {
        return None;
    };
    Some(DeniedEvaluation {
        caller: request.client().id.clone(),
        delegation: token.delegation.clone(),
        task: lineage.task.id.clone(),
        client: ClientId::from_text(token.claims.client_id.as_str()),
        resource: token.claims.aud.clone(),
        object_hash: object.hash(question.realm().types),
        definition_hash: question.definition_digest(),
        requestable: denial.requestable,
        expires_at: request.now.plus(REQUESTABLE),
    })
}
