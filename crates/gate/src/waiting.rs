//! How a call waits for a person, best first: the client opens the page; it hears of progress; it is told to call again. Never does it
//! pass without a permit.

use std::time::Duration;

use serde_json::{Value, json};
use writ_verifier::{
    Asking, Decided, DecisionPermit, GatedAction, GivenApproval, MAX_POLL, NotPermitted,
    OpenQuestion, WaitedBy,
};

use crate::answers;
use crate::call::CallContext;
use crate::defined::is_defined_as_asked;
use crate::input;
use crate::outbox::Outbox;

/// Between two notifications of progress.
const PROGRESS_EACH: Duration = Duration::from_secs(4);
/// How often a call comes by itself until it is told to call again: clients give up after ten rounds.
pub(crate) const MAX_ROUNDS: u64 = 8;
/// The gate's own input request (MCP 2026-07-28, multi round-trip requests).
pub(crate) const INPUT: &str = "writ";

/// Why a call goes no further: the answer to it.
pub(crate) enum Stopped {
    Refused(NotPermitted),
    Answered(Value),
}

impl From<NotPermitted> for Stopped {
    fn from(why: NotPermitted) -> Self {
        Self::Refused(why)
    }
}

/// By what the client is made to wait.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    /// It calls again after the error -32042.
    PageInError,
    /// It calls again with the state of this call.
    PageInResult,
    Progress(Value),
    /// It comes again by itself, with the state of this call (MCP 2026-07-28).
    StateInResult,
    CallAgain,
}

impl Way {
    fn of(call: &CallContext) -> Self {
        let of_request = call
            .request
            .meta("io.modelcontextprotocol/clientCapabilities");
        let of_request = of_request.and_then(|capabilities| capabilities.get("elicitation"));
        let opens_pages = of_request.and_then(|modes| modes.get("url")).is_some();
        if call.mirrored.is_stateless && opens_pages && call.may_need_input() {
            return Self::PageInResult;
        }
        if !call.mirrored.is_stateless
            && call
                .session
                .as_ref()
                .is_some_and(|session| session.opens_pages)
        {
            return Self::PageInError;
        }
        match call.request.progress_token() {
            Some(token) => Self::Progress(token.clone()),
            None if call.mirrored.is_stateless && call.may_need_input() => Self::StateInResult,
            None => Self::CallAgain,
        }
    }

    const fn recorded(&self) -> WaitedBy {
        match self {
            Self::PageInError => WaitedBy::UrlElicitationRequired,
            Self::PageInResult => WaitedBy::UrlElicitation,
            Self::Progress(_) => WaitedBy::Progress,
            Self::StateInResult => WaitedBy::InputRequired,
            Self::CallAgain => WaitedBy::CallAgain,
        }
    }

    fn asking(&self) -> Asking {
        Asking {
            says: None,
            call_again: matches!(
                self,
                Self::PageInError | Self::StateInResult | Self::CallAgain
            ),
            waited_by: Some(self.recorded()),
        }
    }
}

/// A permit for this call, or what it is answered.
pub(crate) async fn permit(
    call: &CallContext,
    action: GatedAction,
    outbox: &Outbox,
) -> Result<DecisionPermit, Stopped> {
    let (decisions, questions) = (&call.gate.decisions, &call.gate.questions);
    let way = Way::of(call);
    let mut held = match &call.question {
        Some(earlier) => {
            let (decisions, caller) = (decisions.clone(), call.caller.clone());
            let id = earlier.id.clone();
            let resumed = async move { decisions.resume(&caller, action, &id).await };
            questions.hold(resumed).await?
        }
        None => match decisions.decide(&call.caller, action).await? {
            Decided::Permitted(permit) => return Ok(permit),
            Decided::MustAsk(unasked) => {
                call.end().map_or(Ok(()), Err)?;
                questions.hold(unasked.ask(way.asking())).await?
            }
        },
    };
    let waited = match &call.question {
        Some(earlier) if earlier.has_declined => Err(cancelled("declined")),
        _ => wait(call, &mut held.question, &way, outbox).await,
    };
    match waited {
        Ok(approval) => {
            is_defined_as_asked(call).await?;
            let permit = decisions.decide_approved(&held.question, approval).await;
            Ok(permit?)
        }
        Err(why) => {
            let (stopped, question) = ended(call, &held.question, &way, why);
            match question {
                AfterCall::StaysOpen => held.keep(),
                AfterCall::Ends => held.end().await,
            }
            Err(stopped)
        }
    }
}

fn cancelled(reason: &str) -> NotPermitted {
    NotPermitted::Cancelled {
        reason: reason.to_owned(),
    }
}

async fn wait(
    call: &CallContext,
    question: &mut OpenQuestion,
    way: &Way,
    outbox: &Outbox,
) -> Result<GivenApproval, NotPermitted> {
    let is_first = || match (&call.session, &call.question) {
        (_, Some(_)) => false,
        (Some(session), None) => session.shows(question.id()),
        (None, None) => true,
    };
    let patience = match way {
        // The page comes at once; who comes back is held a while.
        Way::PageInError | Way::PageInResult if is_first() => Duration::ZERO,
        Way::PageInError | Way::PageInResult | Way::StateInResult | Way::CallAgain => {
            call.gate.config.patience
        }
        // It ends with the question or with the token, whichever is over first.
        Way::Progress(_) => Duration::MAX,
    };
    let page = question.review().map(str::to_owned);
    let still_waiting = question.still_waiting();
    let each = |_| match way {
        Way::Progress(token) => {
            let told = call.progress.rise();
            outbox.offer(progress(token, told, &call.what, page.as_deref()));
            PROGRESS_EACH
        }
        _ => MAX_POLL,
    };
    tokio::select! {
        biased;
        end = call.ended() => Err(end),
        waited = question.wait(patience, each) => waited,
        () = call.gate.questions.ending() => Err(still_waiting),
    }
}

/// What becomes of a question that nobody has decided, when its call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterCall {
    /// The call comes again for the answer.
    StaysOpen,
    Ends,
}

/// Where a person has not decided: what the client takes to come again, the page with it where it can open one.
fn ended(
    call: &CallContext,
    question: &OpenQuestion,
    way: &Way,
    why: NotPermitted,
) -> (Stopped, AfterCall) {
    let after = match (&why, way.asking().call_again) {
        (NotPermitted::StillWaiting { .. } | NotPermitted::Unavailable { .. }, true) => {
            AfterCall::StaysOpen
        }
        _ => AfterCall::Ends,
    };
    let NotPermitted::StillWaiting { review: page, .. } = &why else {
        return (Stopped::Refused(why), after);
    };
    // What this gate sealed the next one cannot open.
    let carries = !call.gate.questions.is_ending();
    let answered = match (way, page) {
        (Way::PageInError, Some(page)) => Some(page_in_error(call, question, page)),
        (Way::PageInResult, page) if carries => input_required(call, question, page.as_deref()),
        (Way::StateInResult, _) if carries && call.rounds() + 1 < MAX_ROUNDS => {
            input_required(call, question, None)
        }
        _ => None,
    };
    match (answered, after) {
        (Some(answer), _) => (Stopped::Answered(answer), AfterCall::StaysOpen),
        (None, AfterCall::StaysOpen) => (Stopped::Refused(why), after),
        (None, AfterCall::Ends) => (Stopped::Refused(cancelled("call_ended")), after),
    }
}

fn words(call: &CallContext) -> String {
    let what = &call.what;
    format!("A person must agree to {what}: open the page to decide")
}

fn page_in_error(call: &CallContext, question: &OpenQuestion, page: &str) -> Value {
    let words = words(call);
    let elicitation =
        json!({ "mode": "url", "message": words, "url": page, "elicitationId": question.id() });
    let data = json!({ "elicitations": [elicitation] });
    let code = answers::URL_ELICITATION_REQUIRED;
    answers::with_data(Some(&call.request.id), code, &words, Some(data))
}

/// With the state of this call; `None` where there is none to give.
fn input_required(
    call: &CallContext,
    question: &OpenQuestion,
    page: Option<&str>,
) -> Option<Value> {
    let state = input::state_of(call, question.id())?;
    let mut result = json!({ "resultType": "input_required", "requestState": state });
    if let (Some(page), Some(members)) = (page, result.as_object_mut()) {
        let params = json!({ "mode": "url", "message": words(call), "url": page });
        let asked = json!({ INPUT: { "method": "elicitation/create", "params": params } });
        members.insert("inputRequests".to_owned(), asked);
    }
    Some(json!({ "jsonrpc": "2.0", "id": call.request.id, "result": result }))
}

/// Clients show the message: who reads it may be the person.
fn progress(token: &Value, told: u32, what: &str, page: Option<&str>) -> Value {
    let page = page.map(|page| format!(": decide here: {page}"));
    let message = format!(
        "waiting for a person's yes to {what}{}",
        page.unwrap_or_default()
    );
    let params = json!({ "progressToken": token, "progress": told, "message": message });
    json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params })
}
