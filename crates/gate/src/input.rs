//! Input that a call needs (MCP 2026-07-28, multi round-trip requests): the server asks for it in a result, and the client sends the
//! call again with it. It is taken only for what was asked, in the same call, and is decided about like an argument.

use serde_json::{Map, Value, json};
use writ_jose::hash::digest_text;
use writ_verifier::GatedAction;

use crate::call::CallContext;
use crate::gate::GateParts;
use crate::handles::HandleKind;
use crate::message::ClientRequest;
use crate::relay::Listener;
use crate::sealed::Carried;
use crate::shapes::check_input;
use crate::waiting::{INPUT, MAX_ROUNDS};

const NOT_ASKED: &str = "`inputResponses` answer something that was not asked";
/// By which the gate asks itself.
const BY_PAGE: &str = "elicitation/create";
/// By which a server may ask (MCP 2026-07-28, `InputRequest`).
const ASKED_BY: [&str; 3] = [BY_PAGE, "sampling/createMessage", "roots/list"];
/// Before the name of what was asked, among the arguments that are decided about; no argument of a client begins so.
const JUDGED_AS: &str = "inputResponses/";
const RESPONSES: &str = "inputResponses";
const STATE: &str = "requestState";

/// The question that an earlier message of a call asked.
pub(crate) struct EarlierQuestion {
    pub(crate) id: String,
    /// How often the call came with it.
    pub(crate) rounds: u64,
    /// The client answered the gate's own request for input with a no.
    pub(crate) has_declined: bool,
}

/// Which call it is: the method and what it is called with, without the input.
pub(crate) fn call_of(request: &ClientRequest) -> String {
    let mut params = request.params.clone();
    for name in ["_meta", RESPONSES, STATE] {
        params.remove(name);
    }
    handle(&[&request.method, &Value::Object(params).to_string()])
}

fn handle(of: &[&str]) -> String {
    let pieces: Vec<&[u8]> = of.iter().map(|piece| piece.as_bytes()).collect();
    digest_text(&pieces)
}

/// What was asked in one call, by a method and under a name.
struct AskedInput<'a> {
    call: &'a str,
    state: Option<&'a str>,
    name: &'a str,
    method: &'a str,
}

impl AskedInput<'_> {
    fn handle(&self) -> String {
        let Self {
            call,
            state,
            name,
            method,
        } = *self;
        match state {
            Some(state) => handle(&["with state", call, state, name, method]),
            None => handle(&["without", call, name, method]),
        }
    }
}

/// What the server asks for is remembered with the call that it asks in; the error is what the client is told.
pub(crate) fn asked(
    gate: &GateParts,
    result: &Value,
    listener: &Listener<'_>,
) -> Result<(), String> {
    let none = Map::new();
    let requests = match result.get("inputRequests") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(requests)) => requests,
        Some(_) => return Err("the server's `inputRequests` are no object".to_owned()),
    };
    for (name, request) in requests {
        let method = request.get("method").and_then(Value::as_str);
        let method = method.unwrap_or_default();
        let is_allowed = ASKED_BY.contains(&method) && gate.config.allowed.takes(method);
        // By that name the gate asks itself.
        if name == INPUT || !is_allowed {
            return Err(format!(
                "the server asks for input by `{method}`, which does not reach the client"
            ));
        }
    }
    let state = match result.get(STATE) {
        None | Some(Value::Null) => None,
        Some(Value::String(state)) => Some(state.as_str()),
        Some(_) => return Err("the server's `requestState` is no text".to_owned()),
    };
    // A server asks for input, gives a state, or does both (MCP 2026-07-28).
    if state.is_none() && requests.is_empty() {
        return Ok(());
    }
    let Some(call) = &listener.call else {
        return Err("the server asks for input, or gives a state, in no call".to_owned());
    };
    let keep = |kind, handle: String| {
        gate.handles
            .keep(kind, &handle, listener.owner, listener.now);
    };
    if let Some(state) = state {
        keep(HandleKind::State, handle(&[call, state]));
    }
    for (name, request) in requests {
        let method = request.get("method").and_then(Value::as_str);
        let asked = AskedInput {
            call,
            state,
            name,
            method: method.unwrap_or_default(),
        };
        keep(HandleKind::Input, asked.handle());
    }
    Ok(())
}

/// The state of an earlier message of this call, the gate's own or the server's, and the input that was asked for; or it is refused.
pub(crate) fn take(call: &mut CallContext) -> Result<(), String> {
    let of_call = call_of(&call.request);
    let carried = Carried::State(&of_call);
    let own = state_in(&call.request)?
        .and_then(|state| call.gate.sealer.open(carried, &call.owner, state));
    if let Some(own) = own {
        take_own(call, &own)?;
    }
    let state = state_in(&call.request)?;
    let now = call.gate.clock.now();
    let is_known = |kind, handle: String| call.gate.handles.is_of(kind, &handle, &call.owner, now);
    if state.is_some_and(|state| !is_known(HandleKind::State, handle(&[&of_call, state]))) {
        return Err("`requestState` is not of this call of yours".to_owned());
    }
    let mut taken = Map::new();
    for (name, response) in responses(&call.request)? {
        let asked = ASKED_BY.into_iter().filter(|method| {
            let asked = AskedInput {
                call: &of_call,
                state,
                name: &name,
                method,
            };
            is_known(HandleKind::Input, asked.handle())
        });
        let response = answer_to(asked, &name, response)?;
        taken.insert(name, response);
    }
    if !taken.is_empty() {
        call.request
            .params
            .insert(RESPONSES.to_owned(), taken.into());
    }
    Ok(())
}

/// The response as it is known to one of the methods by which it was asked for.
fn answer_to(
    asked: impl Iterator<Item = &'static str>,
    name: &str,
    response: Value,
) -> Result<Value, String> {
    let place = format!("params.{RESPONSES}.{name}");
    let Value::Object(members) = response else {
        return Err(format!("`{place}` is no object"));
    };
    let mut refused = NOT_ASKED.to_owned();
    for method in asked {
        let mut answer = members.clone();
        match check_input(method, &mut answer, &place) {
            Ok(()) => return Ok(answer.into()),
            Err(why) => refused = why,
        }
    }
    Err(refused)
}

fn state_in(request: &ClientRequest) -> Result<Option<&str>, &'static str> {
    match request.params.get(STATE) {
        None => Ok(None),
        Some(Value::String(state)) => Ok(Some(state)),
        Some(_) => Err("`requestState` is no text"),
    }
}

/// The client answers the gate alone; what it sent to the server's request before comes back out of the gate's own state.
fn take_own(call: &mut CallContext, own: &str) -> Result<(), String> {
    const UNREADABLE: &str = "`requestState` cannot be read";
    let responses = responses(&call.request)?;
    for (name, response) in &responses {
        let asked = (name == INPUT).then_some(BY_PAGE);
        answer_to(asked.into_iter(), name, response.clone())?;
    }
    let action = responses.get(INPUT).and_then(|one| one.get("action"));
    let has_declined = action.and_then(Value::as_str) == Some("decline");
    let own: Value = serde_json::from_str(own).map_err(|_| UNREADABLE)?;
    let id = own.get("question").and_then(Value::as_str);
    let id = id.ok_or(UNREADABLE)?.to_owned();
    let rounds = own.get("rounds").and_then(Value::as_u64);
    call.question = Some(EarlierQuestion {
        id,
        rounds: rounds.unwrap_or(MAX_ROUNDS),
        has_declined,
    });
    for name in [STATE, RESPONSES] {
        call.request.params.remove(name);
        if let Some(earlier) = own.get(name) {
            call.request.params.insert(name.to_owned(), earlier.clone());
        }
    }
    Ok(())
}

/// For the client to send the call again with, after the page of this question.
pub(crate) fn state_of(call: &CallContext, question: &str) -> Option<String> {
    let mut carried = Map::new();
    carried.insert("question".to_owned(), question.into());
    carried.insert("rounds".to_owned(), (call.rounds() + 1).into());
    for name in [STATE, RESPONSES] {
        if let Some(value) = call.request.params.get(name) {
            carried.insert(name.to_owned(), value.clone());
        }
    }
    let text = Value::Object(carried).to_string();
    let of_call = call_of(&call.request);
    let of = Carried::State(&of_call);
    call.gate.sealer.seal(of, &call.owner, &text)
}

fn responses(request: &ClientRequest) -> Result<Map<String, Value>, &'static str> {
    match request.params.get(RESPONSES) {
        None => Ok(Map::new()),
        Some(Value::Object(responses)) => Ok(responses.clone()),
        Some(_) => Err("`inputResponses` is no object"),
    }
}

/// The action with the input among its arguments: nobody's yes to less is one to that.
pub(crate) fn judged(request: &ClientRequest, action: GatedAction) -> Result<GatedAction, String> {
    let mut arguments = action.arguments().clone();
    if arguments.keys().any(|name| name.starts_with(JUDGED_AS)) {
        return Err("no argument is called `inputResponses/...`".to_owned());
    }
    let responses = responses(request)?;
    if responses.is_empty() {
        return Ok(action);
    }
    for (name, response) in responses {
        arguments.insert(format!("{JUDGED_AS}{name}"), response);
    }
    let judged = match request.method.as_str() {
        "tools/call" => GatedAction::tool(action.name(), arguments),
        method => GatedAction::named(method, arguments),
    };
    judged.map_err(|why| why.to_string())
}

/// The arguments without the input, which goes to the server as it was sent; `None` where less of it was approved.
pub(crate) fn arguments_of(
    approved: &Map<String, Value>,
    asked: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let is_input = |name: &str| name.starts_with(JUDGED_AS);
    let input = |of: &Map<String, Value>| -> Value {
        let found = of.iter().filter(|(name, _)| is_input(name));
        json!(found.collect::<Vec<_>>())
    };
    let mut arguments = approved.clone();
    arguments.retain(|name, _| !is_input(name));
    (input(approved) == input(asked)).then_some(arguments)
}
