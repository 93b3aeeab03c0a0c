//! What the server says, on its way to the client: responses, notifications and requests, each judged by what it is. What the client
//! is not to hear stays here, and the server is told so.

use serde_json::{Value, json};
use writ_wire::time::Timestamp;

use crate::answers;
use crate::gate::GateParts;
use crate::handles::HandleKind;
use crate::input;
use crate::message::is_id;
use crate::methods::tells_client;
use crate::owner::Owner;
use crate::progress::CallProgress;
use crate::sessions::{McpSession, ServerRequest};

/// What becomes of a message of the server.
#[derive(Debug, PartialEq)]
pub(crate) enum Relayed {
    /// The last one of its request.
    Response(Value),
    Passed(Value),
    Dropped,
    /// A request that the client may not hear: what the server is answered.
    Refused(Value),
}

/// To whom it goes.
pub(crate) struct Listener<'a> {
    pub(crate) owner: &'a Owner,
    pub(crate) session: Option<&'a McpSession>,
    /// The id of the request that is answered; none for a stream of its own.
    pub(crate) answers: Option<&'a Value>,
    /// By which its client hears of progress.
    pub(crate) progress_token: Option<&'a Value>,
    /// What it heard of that call before; none for a stream of its own.
    pub(crate) told: Option<&'a CallProgress>,
    /// Which call that is; none where it calls nothing.
    pub(crate) call: Option<String>,
    pub(crate) now: Timestamp,
}

impl Listener<'_> {
    /// Progress is of a request that the server has: what it says of another could pass for the gate's own words, and its page.
    fn may_hear(&self, method: &str, message: &Value) -> bool {
        if method != "notifications/progress" {
            return true;
        }
        let params = message.get("params");
        let Some(token) = params.and_then(|params| params.get("progressToken")) else {
            return false;
        };
        let is_own = self.progress_token == Some(token);
        match self.session {
            None => is_own,
            Some(session) if is_own => !session.waits_for_progress_of(token),
            Some(session) => session.knows_progress_of(token),
        }
    }

    /// Progress rises after what the gate told while the call was held; `false` where it does not.
    fn follows(&self, method: &str, message: &mut Value) -> bool {
        if method != "notifications/progress" {
            return true;
        }
        let Some(Value::Object(params)) = message.get_mut("params") else {
            return false;
        };
        let Some(token) = params.get("progressToken").cloned() else {
            return false;
        };
        if let Some(told) = self.told.filter(|_| self.progress_token == Some(&token)) {
            return told.follow(params);
        }
        let told = self.session.and_then(|session| session.told_of(&token));
        told.is_none_or(|told| told.follow(params))
    }

    fn takes_response(&self, id: &Value) -> bool {
        self.session
            .is_some_and(|session| session.takes_response(id))
    }
}

pub(crate) fn relayed(gate: &GateParts, mut message: Value, listener: &Listener<'_>) -> Relayed {
    let method = message
        .get("method")
        .and_then(Value::as_str)
        .map(str::to_owned);
    match (method, message.get("id").cloned()) {
        (Some(method), None) => {
            let is_heard = tells_client(&method)
                && listener.may_hear(&method, &message)
                && listener.follows(&method, &mut message);
            match is_heard {
                true => Relayed::Passed(message),
                false => Relayed::Dropped,
            }
        }
        // Under an id that is none (`null`) it could be answered by nobody.
        (Some(_), Some(id)) if !is_id(&id) => Relayed::Dropped,
        (Some(method), Some(id)) => request(gate, message, &method, &id, listener),
        (None, Some(id)) => match listener.answers {
            Some(expected) if *expected != id => Relayed::Dropped,
            // Of a call that waits here the server never heard.
            None if !listener.takes_response(&id) => Relayed::Dropped,
            _ => Relayed::Response(response(gate, message, &id, listener)),
        },
        (None, None) => Relayed::Dropped,
    }
}

fn request(
    gate: &GateParts,
    message: Value,
    method: &str,
    id: &Value,
    listener: &Listener<'_>,
) -> Relayed {
    let progress_token = message
        .get("params")
        .and_then(|params| params.get("_meta")?.get("progressToken"))
        .filter(|token| is_id(token))
        .cloned();
    let asked = ServerRequest {
        method: method.to_owned(),
        progress_token,
    };
    let is_expected = gate.config.allowed.takes(method)
        && listener
            .session
            .is_some_and(|session| session.expects(id, asked));
    match is_expected {
        true => Relayed::Passed(message),
        false => {
            let why = format!("`{method}` does not reach the client");
            Relayed::Refused(answers::error(Some(id), answers::METHOD_NOT_FOUND, &why))
        }
    }
}

/// Handles in it become the caller's; input, and a page, that the client may not be asked for makes it an error. What only the gate
/// says is left out.
pub(crate) fn response(
    gate: &GateParts,
    mut message: Value,
    id: &Value,
    listener: &Listener<'_>,
) -> Value {
    let refused = |why: &str| answers::error(Some(id), answers::INTERNAL, why);
    if let Some(error) = message.get("error") {
        match error.get("code").and_then(Value::as_i64) {
            // Clients read some of what is no integer as one.
            None => return refused("the server's error has no code that is an integer"),
            Some(answers::URL_ELICITATION_REQUIRED) if !gate.config.allowed.elicitation => {
                return refused(
                    "the server asks for a page to be opened, which does not reach the client",
                );
            }
            Some(answers::NOT_PERMITTED) => {
                return refused("the server's error has a code that is the gate's own");
            }
            Some(_) => {}
        }
    }
    if let Some(Value::Object(meta)) = message
        .get_mut("result")
        .and_then(|result| result.get_mut("_meta"))
    {
        meta.retain(|name, _| !name.starts_with(OWN_META));
    }
    let Some(result) = message.get("result") else {
        return message;
    };
    if let Err(why) = input::asked(gate, result, listener) {
        return refused(&why);
    }
    let task = result.get("task").and_then(|task| task.get("taskId"));
    if let Some(task) = task.and_then(Value::as_str) {
        gate.handles
            .keep(HandleKind::Task, task, listener.owner, listener.now);
    }
    message
}

/// A result of a tool that says itself that it failed.
pub(crate) fn is_failure(response: &Value) -> bool {
    response.get("error").is_some()
        || response
            .get("result")
            .and_then(|result| result.get("isError"))
            == Some(&json!(true))
}

/// Of `_meta`, by which the gate tells why a tool was not run (docs/gate.md).
const OWN_META: &str = "writ/";
