//! How a call waits for a person, best first: the client opens the page; it hears of progress; it is told to call again. Never does it
//! pass without a permit.

use std::time::Duration;

use serde_json::{Value, json};
use writ_verifier::{
    Asking, Decided, DecisionPermit, GatedAction, MAX_POLL, NotPermitted, OpenQuestion, WaitedBy,
};

use crate::answers;
use crate::call::{CallContext, is_defined_as_asked};
use crate::input;
use crate::outbox::Outbox;

/// Between two notifications of progress.
const PROGRESS_EACH: Duration = Duration::from_secs(4);
/// How long a call is held that hears of progress; the question ends earlier.
const MAX_HELD: Duration = Duration::from_secs(3600);
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

/// Cancels its question unless it was let go: a call that died asks nobody.
struct Held(Option<OpenQuestion>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(question) = self.0.take() {
            tokio::spawn(async move {
                if let Err(error) = question.cancel().await {
                    tracing::info!(%error, "a question could not be cancelled");
                }
            });
        }
    }
}

/// A permit for this call, or what it is answered.
pub(crate) async fn permit(
    call: &CallContext,
    action: GatedAction,
    outbox: &Outbox,
) -> Result<DecisionPermit, Stopped> {
    let decisions = &call.gate.decisions;
    let way = Way::of(call);
    let question = match &call.question {
        Some(earlier) => decisions.resume(&call.caller, action, &earlier.id).await?,
        None => match decisions.decide(&call.caller, action).await? {
            Decided::Permitted(permit) => return Ok(permit),
            Decided::MustAsk(unasked) => unasked.ask(way.asking()).await?,
        },
    };
    let earlier = call.question.as_ref();
    if earlier.is_some_and(|earlier| earlier.has_declined) {
        question.cancel().await?;
        let reason = "declined".to_owned();
        return Err(NotPermitted::Cancelled { reason }.into());
    }
    let mut held = Held(Some(question));
    let waited = wait(call, &mut held, &way, outbox).await;
    let Some(question) = held.0.take() else {
        return Err(NotPermitted::Expired("the question is over").into());
    };
    match waited {
        Ok(approval) => {
            is_defined_as_asked(call).await?;
            Ok(decisions.decide_approved(&question, approval).await?)
        }
        Err(why) => Err(ended(call, &question, &way, why)),
    }
}

async fn wait(
    call: &CallContext,
    held: &mut Held,
    way: &Way,
    outbox: &Outbox,
) -> Result<writ_verifier::GivenApproval, NotPermitted> {
    let Some(question) = held.0.as_mut() else {
        return Err(NotPermitted::Expired("the question is over"));
    };
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
        Way::Progress(_) => MAX_HELD,
    };
    let page = question.review().map(str::to_owned);
    let mut told = 0_u64;
    let each = |_| match way {
        Way::Progress(token) => {
            told += 1;
            outbox.offer(progress(token, told, &call.what, page.as_deref()));
            PROGRESS_EACH
        }
        _ => MAX_POLL,
    };
    let waited = question.wait(patience, each);
    let Some(session) = &call.session else {
        return waited.await;
    };
    let Some(mut cancelled) = session.waits(&call.request.id) else {
        return Err(NotPermitted::Unusable(
            "too many calls wait in this session, or one of this id".to_owned(),
        ));
    };
    let outcome = tokio::select! {
        outcome = waited => outcome,
        _ = cancelled.changed() => Err(NotPermitted::Cancelled { reason: "call_ended".to_owned() }),
    };
    session.waits_no_more(&call.request.id);
    if matches!(&outcome, Err(NotPermitted::Cancelled { reason }) if reason == "call_ended") {
        // Dropped, and so cancelled.
        drop(Held(held.0.take()));
    }
    outcome
}

/// Where a person has not decided: the page, in the form that the client takes.
fn ended(call: &CallContext, question: &OpenQuestion, way: &Way, why: NotPermitted) -> Stopped {
    let NotPermitted::StillWaiting {
        review: Some(page), ..
    } = &why
    else {
        return Stopped::Refused(why);
    };
    let words = format!(
        "A person must agree to {}: open the page to decide",
        call.what
    );
    let id = &call.request.id;
    match way {
        Way::PageInError => {
            let elicitation = json!({ "mode": "url", "message": words, "url": page, "elicitationId": question.id() });
            let data = json!({ "elicitations": [elicitation] });
            Stopped::Answered(answers::with_data(
                Some(id),
                answers::URL_ELICITATION_REQUIRED,
                &words,
                Some(data),
            ))
        }
        Way::StateInResult if call.rounds() + 1 >= MAX_ROUNDS => Stopped::Refused(why),
        Way::PageInResult | Way::StateInResult => {
            let state = input::state_of(call, question.id());
            let Some(state) = state else {
                return Stopped::Refused(why);
            };
            if *way == Way::StateInResult {
                let result = json!({ "resultType": "input_required", "requestState": state });
                return Stopped::Answered(json!({ "jsonrpc": "2.0", "id": id, "result": result }));
            }
            let params = json!({ "mode": "url", "message": words, "url": page });
            let asked = json!({ INPUT: { "method": "elicitation/create", "params": params } });
            let result = json!({ "resultType": "input_required", "inputRequests": asked, "requestState": state });
            Stopped::Answered(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
        }
        Way::Progress(_) | Way::CallAgain => Stopped::Refused(why),
    }
}

/// Clients show the message: who reads it may be the person.
fn progress(token: &Value, told: u64, what: &str, page: Option<&str>) -> Value {
    let page = page.map(|page| format!(": decide here: {page}"));
    let message = format!(
        "waiting for a person's yes to {what}{}",
        page.unwrap_or_default()
    );
    let params = json!({ "progressToken": token, "progress": told, "message": message });
    json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params })
}
