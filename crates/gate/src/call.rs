//! The story of one request: what it is by the table of methods, who decides about it, and what the server answers.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use writ_verifier::{BegunAction, Caller, GatedAction, NotPermitted, Outcome};

use crate::answers;
use crate::begin;
use crate::defined;
use crate::forward::{Exchange, failed, rewritten};
use crate::gate::GateParts;
use crate::handles::HandleKind;
use crate::headers::{self, Mirrored};
use crate::input::{self, EarlierQuestion};
use crate::message::ClientRequest;
use crate::methods::{MethodRefusal, Treatment, treatment};
use crate::outbox::{Answer, Frame, Outbox};
use crate::owner::Owner;
use crate::progress::CallProgress;
use crate::relay::{Listener, is_failure};
use crate::sessions::{CallEnd, CallPlace, McpSession, Running};
use crate::upstream::{UpstreamError, UpstreamSession};
use crate::waiting::{self, Stopped};
use crate::watch::has_ended;

/// One request of an accepted caller.
pub(crate) struct CallContext {
    pub(crate) gate: Arc<GateParts>,
    pub(crate) caller: Caller,
    pub(crate) owner: Owner,
    pub(crate) session: Option<Arc<McpSession>>,
    /// In the session, while it is decided about.
    pub(crate) place: Option<CallPlace>,
    pub(crate) request: ClientRequest,
    /// What its client heard of it.
    pub(crate) progress: Arc<CallProgress>,
    pub(crate) mirrored: Mirrored,
    pub(crate) headers: HeaderMap,
    /// The tool, or the method.
    pub(crate) what: String,
    /// Of a tool: the hash of its definition, as it was when this call came.
    pub(crate) definition: Option<String>,
    /// The question that an earlier message of this call asked.
    pub(crate) question: Option<EarlierQuestion>,
}

impl CallContext {
    pub(crate) fn may_need_input(&self) -> bool {
        matches!(
            self.request.method.as_str(),
            "tools/call" | "resources/read" | "prompts/get"
        )
    }

    /// How often it came before with a question that is open.
    pub(crate) fn rounds(&self) -> u64 {
        self.question.as_ref().map_or(0, |earlier| earlier.rounds)
    }

    /// Whether nobody waits for it any more.
    pub(crate) fn end(&self) -> Option<NotPermitted> {
        let end = self.place.as_ref().and_then(CallPlace::end);
        end.map(cancelled)
    }

    /// Resolves when nobody waits for it any more, as far as its session says.
    pub(crate) async fn ended(&self) -> NotPermitted {
        match &self.place {
            Some(place) => cancelled(place.ended().await),
            None => std::future::pending().await,
        }
    }

    pub(crate) fn upstream_session(&self) -> UpstreamSession {
        let session = self.session.as_ref();
        let agreed = session.and_then(|session| session.version.clone());
        UpstreamSession {
            id: session.and_then(|session| session.upstream_id.clone()),
            version: self.mirrored.version.clone().or(agreed),
            is_stateless: self.mirrored.is_stateless,
        }
    }

    pub(crate) fn listener(&self) -> Listener<'_> {
        Listener {
            owner: &self.owner,
            session: self.session.as_deref(),
            answers: Some(&self.request.id),
            progress_token: self.request.progress_token(),
            told: Some(&self.progress),
            call: Some(input::call_of(&self.request)),
            now: self.gate.clock.now(),
        }
    }

    pub(crate) fn error(&self, code: i64, why: &str) -> Value {
        answers::error(Some(&self.request.id), code, why)
    }
}

fn cancelled(end: CallEnd) -> NotPermitted {
    let reason = end.reason().to_owned();
    NotPermitted::Cancelled { reason }
}

/// Everything that the client hears goes into the outbox.
pub(crate) async fn run(mut call: CallContext, outbox: &Outbox) {
    let treated = treatment(&call.request);
    match treated {
        Ok(Treatment::Begins) => begin::begin(&call, outbox).await,
        Ok(Treatment::Passes) => {
            let running = call.session.as_ref();
            let running = running.map(|session| Running::of(session, &call.request));
            let sent = Sent {
                running,
                ..Sent::default()
            };
            let answer = exchange(&call, sent, outbox).await;
            let mut answer = answer.unwrap_or_else(|error| end_of(&call, &error));
            match call.request.method.as_str() {
                "tasks/list" => keep_own_tasks(&call, &mut answer),
                "tools/list" => defined::note_shown(&call, &answer),
                _ => {}
            }
            outbox.send(Frame::Answer(answer)).await;
        }
        Ok(Treatment::Decided(action)) => {
            let answer = decided(&mut call, action, outbox).await;
            let answer = answer.unwrap_or_else(|refusal| refusal);
            outbox.send(Frame::Answer(answer)).await;
        }
        Err(MethodRefusal::Unknown) => {
            let status = if call.mirrored.is_stateless {
                StatusCode::NOT_FOUND
            } else {
                StatusCode::OK
            };
            let why = format!("the method `{}` is not taken here", call.request.method);
            outbox
                .answer(status, call.error(answers::METHOD_NOT_FOUND, &why))
                .await;
        }
        Err(MethodRefusal::Arguments(why)) => {
            let answer = not_permitted(&call, &why);
            outbox.send(Frame::Answer(answer)).await;
        }
        Err(MethodRefusal::Params(why)) => {
            outbox
                .answer(StatusCode::OK, call.error(answers::INVALID_PARAMS, &why))
                .await;
        }
    }
}

/// The error is the answer to a call that did not reach the server.
async fn decided(
    call: &mut CallContext,
    action: GatedAction,
    outbox: &Outbox,
) -> Result<Answer, Answer> {
    let refused = |call: &CallContext, why: &str| {
        Answer::of(StatusCode::OK, call.error(answers::INVALID_PARAMS, why))
    };
    if call.request.method == "tools/call" {
        call.what = action.name().to_owned();
    }
    if !takes_place(call) {
        let message = call.error(answers::INVALID_REQUEST, SAME_ID);
        return Err(Answer::of(StatusCode::BAD_REQUEST, message));
    }
    take_handles(call).map_err(|why| refused(call, &why))?;
    let action = input::judged(&call.request, action).map_err(|why| refused(call, &why))?;
    let (action, schema) = defined::with_definition(call, action).await?;
    let asked = action.arguments().clone();
    let permit = match waiting::permit(call, action, outbox).await {
        Ok(permit) => permit,
        Err(stopped) => return Err(refusal(call, stopped).await),
    };
    let begun = permit
        .begin()
        .await
        .map_err(|why| not_permitted(call, &why))?;
    let running = match call.place.take().map(CallPlace::leave).transpose() {
        Ok(running) => running,
        Err(end) => {
            report(begun, Outcome::NotStarted);
            return Err(not_permitted(call, &cancelled(end)));
        }
    };
    let sent = match sent_of(call, begun.action().arguments(), &asked, &schema) {
        Ok(sent) => Sent { running, ..sent },
        Err(why) => {
            begun.report(Outcome::NotStarted).await;
            return Err(refused(call, &why));
        }
    };
    let answer = exchange(call, sent, outbox).await;
    let (outcome, answer) = match answer {
        Ok(answer) => (outcome_of(&answer), answer),
        Err(error @ UpstreamError::NotSent(_)) => (Outcome::NotStarted, end_of(call, &error)),
        Err(error) => (Outcome::Failed, end_of(call, &error)),
    };
    report(begun, outcome);
    Ok(answer)
}

/// What goes to the server of what was approved. Of a tool's arguments a person may approve less, and the header fields say that; of
/// nothing else is there a way to say it.
fn sent_of(
    call: &CallContext,
    approved: &Map<String, Value>,
    asked: &Map<String, Value>,
    schema: &Value,
) -> Result<Sent, String> {
    let is_tool = call.request.method == "tools/call";
    let arguments = input::arguments_of(approved, asked).filter(|_| is_tool || approved == asked);
    let arguments = arguments.ok_or("less was approved than this method can ask for")?;
    if !is_tool {
        return Ok(Sent::default());
    }
    // The client's own were found to agree with what it asked for.
    let fields = headers::of_arguments(&HeaderMap::new(), schema, &arguments);
    let fields = fields.map_err(|mismatch| mismatch.0)?;
    Ok(Sent {
        judged: Some(arguments),
        fields: fields.into_iter().collect(),
        running: None,
    })
}

/// Where the token has ended too, that is the answer: a stop ends both in one moment, and what is heard of first is chance.
async fn refusal(call: &CallContext, stopped: Stopped) -> Answer {
    if let Some(ended) = has_ended(&call.gate.verifier, &call.caller).await {
        return ended.answer(&call.request.id);
    }
    match stopped {
        Stopped::Answered(message) => Answer::of(StatusCode::OK, message),
        Stopped::Refused(why) => not_permitted(call, &why),
    }
}

/// The client need not wait for it.
fn report(begun: BegunAction, outcome: Outcome) {
    tokio::spawn(async move {
        if !begun.report(outcome).await {
            tracing::warn!("the outcome of an action could not be reported");
        }
    });
}

fn outcome_of(answer: &Answer) -> Outcome {
    match &answer.message {
        Some(message) if !is_failure(message) => Outcome::Completed,
        Some(_) | None => Outcome::Failed,
    }
}

fn not_permitted(call: &CallContext, why: &NotPermitted) -> Answer {
    if let NotPermitted::Unavailable { what, cause } = why {
        tracing::warn!(what, cause, "a decision could not be had");
    }
    let id = &call.request.id;
    let message = match call.request.method.as_str() {
        "tools/call" => answers::tool_refused(id, &call.what, why, call.mirrored.is_stateless),
        method => answers::refused(id, method, why),
    };
    Answer::of(StatusCode::OK, message)
}

/// Of two calls under one id the client could not tell whose answer comes: the second is judged by nobody.
fn takes_place(call: &mut CallContext) -> bool {
    let Some(session) = &call.session else {
        return true;
    };
    call.place = session.place(&call.request, &call.progress);
    call.place.is_some()
}

/// A task, and the state of an earlier message, are the caller's own, or there are none.
fn take_handles(call: &mut CallContext) -> Result<(), String> {
    if let Some(task) = call.request.params.get("taskId")
        && !is_own_task(call, task)
    {
        return Err("there is no such task".to_owned());
    }
    input::take(call)
}

fn is_own_task(call: &CallContext, task: &Value) -> bool {
    let (handles, now) = (&call.gate.handles, call.gate.clock.now());
    task.as_str()
        .is_some_and(|task| handles.is_of(HandleKind::Task, task, &call.owner, now))
}

/// Those of others do not exist for this caller.
fn keep_own_tasks(call: &CallContext, answer: &mut Answer) {
    let result = answer
        .message
        .as_mut()
        .and_then(|message| message.get_mut("result"));
    match result.and_then(|result| result.get_mut("tasks")) {
        Some(Value::Array(tasks)) => tasks.retain(|task| {
            task.get("taskId")
                .is_some_and(|task| is_own_task(call, task))
        }),
        Some(no_list) => *no_list = Value::Array(Vec::new()),
        None => {}
    }
}

/// What goes to the server of a call.
#[derive(Default)]
struct Sent {
    /// The arguments that were judged, of a tool.
    judged: Option<Map<String, Value>>,
    /// More header fields.
    fields: HeaderMap,
    /// Its place in the session.
    running: Option<Running>,
}

/// Sends the gate's text of the request; what comes before the response goes to the client.
async fn exchange(
    call: &CallContext,
    sent: Sent,
    outbox: &Outbox,
) -> Result<Answer, UpstreamError> {
    let session = call.upstream_session();
    let judged = sent.judged.as_ref();
    let request = rewritten(&call.request, judged, call.gate.config.allowed);
    let mut fields = session.fields();
    fields.extend(call.mirrored.fields.iter().cloned());
    fields.extend(sent.fields);
    let exchange = Exchange {
        gate: &call.gate,
        session: &session,
        listener: call.listener(),
        outbox,
    };
    let answer = exchange.request(fields, &request.message()).await?;
    if let Some(running) = sent.running {
        running.answered();
    }
    Ok(answer)
}

fn end_of(call: &CallContext, error: &UpstreamError) -> Answer {
    if let (UpstreamError::Status(StatusCode::NOT_FOUND), Some(session)) = (error, &call.session) {
        call.gate.sessions.end(&session.id);
    }
    failed(&call.request.id, error)
}

const SAME_ID: &str =
    "a call with this `id` waits in this session: send each call under an `id` of its own";
