//! As what a tool is defined when it is called: by the server now, and by what the client was shown of it.

use http::StatusCode;
use serde_json::Value;
use writ_verifier::{GatedAction, NotPermitted};

use crate::answers;
use crate::call::CallContext;
use crate::definitions::{ToolDefinition, ToolsError};
use crate::headers;
use crate::outbox::Answer;

/// What the server says of the tool now, for the decision; and its schema, which may want arguments in header fields too.
pub(crate) async fn with_definition(
    call: &mut CallContext,
    action: GatedAction,
) -> Result<(GatedAction, Value), Answer> {
    if call.request.method != "tools/call" {
        return Ok((action, Value::Null));
    }
    let session = call.upstream_session();
    let found = call.gate.definitions.of(
        action.name(),
        &call.gate.upstream,
        &session,
        call.gate.clock.now(),
    );
    let found = found.await.map_err(|error| {
        tracing::warn!(%error, "the definition of a tool could not be read");
        let why = match error {
            ToolsError::TooMany => error.to_string(),
            _ => "the server's tools cannot be read now".to_owned(),
        };
        Answer::of(StatusCode::BAD_GATEWAY, call.error(answers::INTERNAL, &why))
    })?;
    let Some(definition) = found else {
        let why = format!("the server has no tool `{}`", action.name());
        return Err(Answer::of(
            StatusCode::OK,
            call.error(answers::INVALID_PARAMS, &why),
        ));
    };
    let schema = &definition.input_schema;
    let agrees = headers::of_arguments(&call.headers, schema, action.arguments());
    agrees.map_err(|mismatch| {
        let message = call.error(answers::HEADER_MISMATCH, &mismatch.0);
        Answer::of(StatusCode::BAD_REQUEST, message)
    })?;
    let hash = as_shown(call, &definition);
    let action = action.defined_as(&hash);
    call.definition = Some(hash);
    Ok((action, definition.input_schema))
}

/// After a person's yes, which may take its time: it is to the tool as it was described when they were asked.
pub(crate) async fn is_defined_as_asked(call: &CallContext) -> Result<(), NotPermitted> {
    if call.definition.is_none() {
        return Ok(());
    }
    let session = call.upstream_session();
    let (gate, now) = (&call.gate, call.gate.clock.now());
    gate.definitions.discard(&session);
    let read = gate
        .definitions
        .of(&call.what, &gate.upstream, &session, now);
    let found = read.await.map_err(|error| NotPermitted::Unavailable {
        what: "the server's tools",
        cause: error.to_string(),
    })?;
    match found.map(|tool| as_shown(call, &tool)) == call.definition {
        true => Ok(()),
        false => Err(NotPermitted::Expired(
            "the tool is described in another way than when a person was asked",
        )),
    }
}

/// What goes to the client as the list of tools.
pub(crate) fn note_shown(call: &CallContext, answer: &Answer) {
    if let (Some(session), Some(message)) = (&call.session, &answer.message) {
        session.tools.note(message);
    }
}

fn as_shown(call: &CallContext, tool: &ToolDefinition) -> String {
    match &call.session {
        Some(session) => session.tools.hash_of(tool),
        None => tool.hash.clone(),
    }
}
