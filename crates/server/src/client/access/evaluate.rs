//! `/access/v1/evaluation` and `/access/v1/evaluations` (AuthZEN 1.0 sections 6 and 7).

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_wire::access::{
    Evaluation, EvaluationMembers, EvaluationResponse, EvaluationsRequest, EvaluationsResponse,
    EvaluationsSemantic, IDEMPOTENCY_KEY, KEY_LENGTH, MAX_EVALUATIONS, idempotency_key,
};
use writ_wire::{exact_json, strict_json};

use super::decide::KeyedQuestion;
use super::look::{LookedQuestion, look};
use super::question::AccessQuestion;
use crate::client::body::RequestBody;
use crate::client::error::ClientError;
use crate::client::incoming::IncomingRequest;
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;

pub async fn evaluation(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let head = &incoming.head;
    let request = head.authenticate_server(Endpoint::Evaluation).await?;
    let result = evaluate_one(&request, &head.headers, &incoming.body).await;
    request.answer(StatusCode::OK, result)
}

async fn evaluate_one(
    request: &ClientRequest,
    headers: &HeaderMap,
    body: &RequestBody,
) -> Result<EvaluationResponse, Failure> {
    let started = tokio::time::Instant::now();
    let mut members: EvaluationMembers = read(request, body)?;
    let numbers = members.note_numbers(body.json()?);
    numbers.map_err(|error| unreadable(request, &error))?;
    let evaluation = complete(request, members, None)?;
    let key = read_key(request, headers)?;
    let presents_approval = evaluation.approval.is_some();
    let question = AccessQuestion::of(request, evaluation).await?;
    let answer = match key {
        Some(key) => KeyedQuestion::of(request, &question, key).decide().await?,
        None if presents_approval => return Err(needs_key(request)),
        None => match look(request, &question).await? {
            LookedQuestion::Answer(answer) => answer,
            LookedQuestion::Uses(_) => return Err(needs_key(request)),
        },
    };
    request
        .app
        .metrics
        .access
        .evaluated(&answer, started.elapsed());
    Ok(answer)
}

/// One answer, or the list of them.
#[derive(Serialize)]
#[serde(untagged)]
enum Answers {
    One(Box<EvaluationResponse>),
    Many(EvaluationsResponse),
}

pub async fn evaluations(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let head = &incoming.head;
    let request = head.authenticate_server(Endpoint::Evaluations).await?;
    let result = evaluate_many(&request, &head.headers, &incoming.body).await;
    Ok(request.answer(StatusCode::OK, result)?.into_response())
}

async fn evaluate_many(
    request: &ClientRequest,
    headers: &HeaderMap,
    body: &RequestBody,
) -> Result<Answers, Failure> {
    if headers.contains_key(IDEMPOTENCY_KEY) {
        let sentence = "`Idempotency-Key` is for `/access/v1/evaluation`: here nothing is decided";
        return Err(request.refuse(OAuthError::invalid_request(sentence)));
    }
    let mut asked: EvaluationsRequest = read(request, body)?;
    let numbers = asked.note_numbers(body.json()?);
    numbers.map_err(|error| unreadable(request, &error))?;
    if asked.evaluations.is_empty() {
        let one = complete(request, asked.whole, None)?;
        return Ok(Answers::One(Box::new(look_at(request, one).await?)));
    }
    if asked.evaluations.len() > MAX_EVALUATIONS {
        let sentence = format!("`evaluations` has more than {MAX_EVALUATIONS} members");
        return Err(request.refuse(OAuthError::invalid_request(sentence)));
    }
    let semantic = asked.options.evaluations_semantic;
    let each = asked.evaluations.into_iter().enumerate();
    // All of them are read before the first is judged.
    let all: Result<Vec<Evaluation>, Failure> = each
        .map(|(place, one)| complete(request, one.or(&asked.whole), Some(place)))
        .collect();
    let mut evaluations = Vec::new();
    for one in all? {
        let answer = look_at(request, one).await?;
        let last = match semantic {
            EvaluationsSemantic::ExecuteAll => false,
            EvaluationsSemantic::DenyOnFirstDeny => !answer.decision,
            EvaluationsSemantic::PermitOnFirstPermit => answer.decision,
        };
        evaluations.push(answer);
        if last {
            break;
        }
    }
    Ok(Answers::Many(EvaluationsResponse { evaluations }))
}

async fn look_at(
    request: &ClientRequest,
    evaluation: Evaluation,
) -> Result<EvaluationResponse, Failure> {
    let started = tokio::time::Instant::now();
    let question = AccessQuestion::of(request, evaluation).await?;
    let (LookedQuestion::Answer(answer) | LookedQuestion::Uses(answer)) =
        look(request, &question).await?;
    request
        .app
        .metrics
        .access
        .evaluated(&answer, started.elapsed());
    Ok(answer)
}

/// What a body says is repeated to nobody: it holds a token.
pub fn read<T: DeserializeOwned>(
    request: &ClientRequest,
    body: &RequestBody,
) -> Result<T, Failure> {
    let json = body.json()?;
    strict_json::read(json).map_err(|error| unreadable(request, &error))
}

fn unreadable(request: &ClientRequest, error: &serde_json::Error) -> Failure {
    let place = format!("line {}, column {}", error.line(), error.column());
    let sentence = match error.is_data() {
        true => format!(
            "the body has a member that is missing, of another kind, or twice in one object, or a control character ({place}): see docs/decisions.md"
        ),
        false => format!(
            "the body is no JSON, has a number that no double holds, or is nested deeper than 127 ({place})"
        ),
    };
    request.refuse(OAuthError::invalid_request(sentence))
}

fn complete(
    request: &ClientRequest,
    members: EvaluationMembers,
    place: Option<usize>,
) -> Result<Evaluation, Failure> {
    let mut evaluation = members.complete().map_err(|missing| {
        let sentence = match place {
            None => missing.to_string(),
            Some(place) => format!("`/evaluations/{place}`: {missing}"),
        };
        request.refuse(OAuthError::invalid_request(sentence))
    })?;
    evaluation.action.properties = exact_json::normal_members(evaluation.action.properties);
    Ok(evaluation)
}

/// One key, or none.
fn read_key<'a>(
    request: &ClientRequest,
    headers: &'a HeaderMap,
) -> Result<Option<&'a str>, Failure> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(idempotency_key);
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key)),
        _ => {
            let (least, most) = (KEY_LENGTH.start(), KEY_LENGTH.end());
            let sentence = format!(
                "`Idempotency-Key` is one header with {least} to {most} visible ASCII characters, drawn at random for each run"
            );
            Err(request.refuse(OAuthError::invalid_request(sentence)))
        }
    }
}

fn needs_key(request: &ClientRequest) -> Failure {
    let sentence = "this uses something up: send `Idempotency-Key`, drawn at random for this one run, so that it is decided";
    request.refuse(OAuthError::invalid_request(sentence))
}
