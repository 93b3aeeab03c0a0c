//! A submission: it must be about the very evaluation that was denied, and a person must still be wanted for it.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderMap;
use writ_authority::Authority;
use writ_core::access::{AskedAction, AskedObject, DeniedEvaluation, ObjectKind};
use writ_core::access_request::AskedAccess;
use writ_core::pending::{Kind, PendingRequest};
use writ_core::words;
use writ_jose::hash;
use writ_store::replay::ReplayClaim;
use writ_wire::access::{
    Evaluation, EvaluationMembers, IDEMPOTENCY_KEY, MAX_ARGUMENTS, idempotency_key, is_bounded,
};
use writ_wire::access_request::{MAX_SAYS, ProblemType, Submission};
use writ_wire::{exact_json, strict_json};

use super::Answered;
use super::problem::AccessProblem;
use crate::approvals::access_request::{NewQuestion, NotAsked, ask};
use crate::client::access::look::{LookedQuestion, look};
use crate::client::access::own::OwnObjects;
use crate::client::access::question::{AccessQuestion, JudgedQuestion};
use crate::client::incoming::IncomingRequest;
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;

/// What came in, read.
struct ReadSubmission {
    evaluation: Evaluation,
    evaluation_id: String,
    says: Option<String>,
    call_again: bool,
    /// Digest of the caller's key.
    key: Option<String>,
}

impl ReadSubmission {
    fn evaluation_digest(&self) -> String {
        hash::digest_text(&[b"evaluation-id", self.evaluation_id.as_bytes()])
    }

    /// Whether this question is that of the same submission, sent once before.
    fn made(&self, question: &AskedAccess) -> bool {
        question.evaluation == self.evaluation_digest()
            && question.call_again == self.call_again
            && question.says == self.says
    }
}

/// What the same submission under the same key made: answered or used meanwhile, so that nobody is asked any more.
async fn made_before(
    request: &ClientRequest,
    read: &ReadSubmission,
) -> Result<Option<PendingRequest>, Failure> {
    let Some(key) = &read.key else {
        return Ok(None);
    };
    let mut reading = request.app.read().await?;
    let found = reading.pending(Kind::Access, key).await?;
    let same = |found: &PendingRequest| {
        let question = found.asked.access.as_ref();
        question.is_some_and(|question| read.made(question))
    };
    Ok(found.filter(same))
}

pub async fn ask_person(
    request: &ClientRequest,
    incoming: &IncomingRequest,
) -> Answered<PendingRequest> {
    let json = incoming.body.json()?;
    let read = match read(request, &incoming.head.headers, json) {
        Ok(read) => read,
        Err(problem) => return Ok(Err(problem)),
    };
    let denied = match opened(request, &read.evaluation_id) {
        Ok(denied) => denied,
        Err(problem) => return Ok(Err(problem)),
    };
    if let Err(problem) = in_time(request, &denied) {
        let known = made_before(request, &read).await?;
        return Ok(known.ok_or(problem));
    }
    let question = AccessQuestion::of(request, read.evaluation.clone()).await?;
    let looked = look(request, &question).await?;
    let mut reading = request.app.read().await?;
    let judged = question.judge(&mut reading, &request.app).await?;
    let own = OwnObjects::of(&question, &judged);
    let used_up = own.used_up(&mut reading).await?;
    drop(reading);
    let mut new = match bound(request, &question, &judged, &read, denied) {
        Ok(new) => new,
        Err(problem) => return Ok(Err(problem)),
    };
    new.question.used_up = used_up;
    if let Err(problem) = requestable(&looked) {
        let known = made_before(request, &read).await?;
        return Ok(known.ok_or(problem));
    }
    let transaction = request.app.begin().await?;
    let catalogue = question.catalogue();
    let asked = ask(&request.app, catalogue, transaction, new, request.now).await?;
    Ok(asked.map_err(|not| match not {
        NotAsked::Over(over) => AccessProblem::over(over),
        NotAsked::Denied => AccessProblem::new(
            ProblemType::Denied,
            "the person said no to this very call just before: do not ask again",
        ),
        NotAsked::OtherQuestion => AccessProblem::new(
            ProblemType::DuplicateRequest,
            "this `Idempotency-Key` came with another question before: make a new one for each call",
        ),
        NotAsked::ProofUsed => AccessProblem::new(
            ProblemType::NotRequestable,
            "the proof of this request was used before: ask once for each call, with the proof that came with it",
        ),
        NotAsked::Refused(refusal) => AccessProblem::new(ProblemType::NotRequestable, refusal.sentence),
    }))
}

/// What a body says is repeated to nobody: it holds a token.
fn read(
    request: &ClientRequest,
    headers: &HeaderMap,
    json: &[u8],
) -> Result<ReadSubmission, AccessProblem> {
    let blank = |detail: String| AccessProblem::new(ProblemType::Blank(400), detail);
    let unreadable = |error: serde_json::Error| {
        blank(format!(
            "the body is no access request (line {}, column {}): see docs/access-requests.md",
            error.line(),
            error.column()
        ))
    };
    let mut members: EvaluationMembers = strict_json::read(json).map_err(unreadable)?;
    members.note_numbers(json).map_err(unreadable)?;
    let submission: Submission = serde_json::from_slice(json).map_err(unreadable)?;
    if submission.items.is_some() {
        return Err(blank(
            "`items` is not supported: ask about one action at a time".to_owned(),
        ));
    }
    let says = submission.context.says;
    if says
        .as_ref()
        .is_some_and(|says| says.chars().count() > MAX_SAYS)
    {
        return Err(blank(format!(
            "`context.says` has more than {MAX_SAYS} characters"
        )));
    }
    let mut evaluation = members
        .complete()
        .map_err(|missing| blank(missing.to_string()))?;
    if !is_bounded(&evaluation.action.properties) {
        return Err(blank(format!(
            "`action.properties` is larger than {MAX_ARGUMENTS} bytes"
        )));
    }
    evaluation.action.properties = exact_json::normal_members(evaluation.action.properties);
    let evaluation_id = submission.denial.and_then(|denial| denial.evaluation_id);
    let evaluation_id = evaluation_id.ok_or_else(|| {
        let detail = "`denial.evaluation_id` is missing: send the one of the denied evaluation";
        AccessProblem::new(ProblemType::InvalidDenialBinding, detail)
    })?;
    Ok(ReadSubmission {
        evaluation: Evaluation {
            approval: None,
            ..evaluation
        },
        evaluation_id,
        says: says.filter(|says| !words::clean(says, words::LONGEST_WORDS).is_empty()),
        call_again: submission.requested_access.call_again,
        key: key(request, headers)?,
    })
}

/// A denial that this client was given.
fn opened(request: &ClientRequest, evaluation_id: &str) -> Result<DeniedEvaluation, AccessProblem> {
    let denied = request.app.open_denied(evaluation_id);
    let denied = denied.filter(|denied| denied.caller == request.client().id);
    denied.ok_or_else(|| {
        let detail = "`denial.evaluation_id` is of no denial that this client was given";
        AccessProblem::new(ProblemType::InvalidDenialBinding, detail)
    })
}

fn in_time(request: &ClientRequest, denied: &DeniedEvaluation) -> Result<(), AccessProblem> {
    match request.now < denied.expires_at {
        true => Ok(()),
        false => Err(AccessProblem::new(
            ProblemType::ExpiredDenial,
            "the denial is too old: evaluate again, and ask about that",
        )),
    }
}

/// Of this client alone.
fn key(request: &ClientRequest, headers: &HeaderMap) -> Result<Option<String>, AccessProblem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(idempotency_key);
    match (key, values.next()) {
        (Some(key), None) => {
            let client = request.client().id.as_str().as_bytes();
            Ok(Some(hash::digest_text(&[
                b"access-request",
                client,
                key.as_bytes(),
            ])))
        }
        _ => Err(AccessProblem::new(
            ProblemType::Blank(400),
            "`Idempotency-Key` is one header with 16 to 128 visible ASCII characters",
        )),
    }
}

/// The question, if it is about what was denied: the same delegation, client, task, resource, object and definition.
fn bound(
    request: &ClientRequest,
    question: &AccessQuestion,
    judged: &JudgedQuestion<'_>,
    read: &ReadSubmission,
    denied: DeniedEvaluation,
) -> Result<NewQuestion, AccessProblem> {
    let unbound = |detail: &str| AccessProblem::new(ProblemType::InvalidDenialBinding, detail);
    let token = question.token.as_ref().zip(question.resource());
    let ((token, resource), lineage) = token.zip(judged.lineage.as_ref()).ok_or_else(|| {
        let detail = "the access token is not good here, or not any more";
        AccessProblem::new(ProblemType::NotRequestable, detail)
    })?;
    let Some(AskedAction::Object(object)) = &judged.object else {
        return Err(unbound("the action is not that of the denial"));
    };
    let object_hash = object.hash(question.realm().types);
    let same = denied.delegation == token.delegation
        && denied.task == lineage.task.id
        && denied.client == lineage.leaf.holder
        && denied.resource == resource.uri.as_str()
        && denied.object_hash == object_hash
        && denied.definition_hash == question.definition_digest();
    if !same {
        return Err(unbound(
            "token, resource, action, arguments and `context.definition_hash` are not those of the denial",
        ));
    }
    let of_record = OfRecord::of(object);
    Ok(NewQuestion {
        authority: wanted(request, object, resource.uri.clone()),
        question: AskedAccess {
            resource: resource.uri.clone(),
            served_by: request.client().id.clone(),
            action: question.action_label(),
            object: object_hash,
            evaluation: read.evaluation_digest(),
            call_again: read.call_again,
            says: read.says.clone(),
            resolved: of_record.resolved,
            called: of_record.called,
            scope: of_record.scope,
            waited_by: question.waited_by,
            definition_hash: denied.definition_hash,
            described: of_record.described,
            used_up: None,
        },
        delegation: token.delegation.clone(),
        key: read.key.clone(),
        proof: judged.proof.map(|proof| ReplayClaim {
            digest: proof.replay_digest(),
            expires_at: proof.accepted_until,
        }),
    })
}

/// What the resource's record says of one of its actions.
#[derive(Default)]
struct OfRecord {
    resolved: BTreeSet<String>,
    called: BTreeMap<String, String>,
    scope: Option<String>,
    described: Option<String>,
}

impl OfRecord {
    fn of(object: &AskedObject<'_>) -> Self {
        match object.kind {
            ObjectKind::Type => Self::default(),
            ObjectKind::Action(action) => Self {
                resolved: action.resolved.iter().cloned().collect(),
                called: action.called.clone(),
                scope: Some(action.scope.clone()),
                described: Some(action.described()),
            },
        }
    }
}

fn wanted(
    request: &ClientRequest,
    object: &AskedObject<'_>,
    resource: writ_wire::resource::ResourceUri,
) -> Authority {
    let mut make_ref = request.app.references(request.now);
    let named = object.versioned().with("ref", make_ref().into());
    Authority::new(BTreeSet::new(), vec![named], BTreeSet::from([resource]))
}

fn requestable(looked: &LookedQuestion) -> Result<(), AccessProblem> {
    let detail = match looked {
        LookedQuestion::Answer(answer) if answer.context.access_request.is_some() => return Ok(()),
        LookedQuestion::Answer(answer) if !answer.decision => {
            "nobody can be asked about this: evaluate again, its reason says why"
        }
        LookedQuestion::Answer(_) | LookedQuestion::Uses(_) => {
            "this needs no person now: evaluate it again"
        }
    };
    Err(AccessProblem::new(ProblemType::NotRequestable, detail))
}
