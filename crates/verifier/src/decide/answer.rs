//! What an evaluation answered: a permit that is complete and new, or a denial, which a person may be able to lift.

use std::time::Duration;

use serde_json::{Map, Value};
use writ_wire::time::Timestamp;

use super::error::NotPermitted;

pub(super) enum Judged {
    Permitted(Granted),
    Askable(Askable),
}

pub(super) struct Granted {
    pub(super) decision_id: String,
    pub(super) valid_until: Timestamp,
}

/// What a question must name.
pub(super) struct Askable {
    pub(super) endpoint: Option<String>,
    pub(super) denial: Map<String, Value>,
}

/// What was asked.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// With one a denial is a no: one question for one call.
    pub(super) with_approval: bool,
    /// What the arguments are of: a tool, or an action.
    pub(super) of: &'static str,
}

pub(super) fn read(
    answer: &Map<String, Value>,
    asked: Asked,
    now: Timestamp,
) -> Result<Judged, NotPermitted> {
    let empty = Map::new();
    let context = answer
        .get("context")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    match answer.get("decision") {
        Some(Value::Bool(true)) => granted(context, now).map(Judged::Permitted),
        Some(Value::Bool(false)) => denied(context, asked).map(Judged::Askable),
        Some(_) | None => Err(NotPermitted::unavailable(
            "the answer holds no decision",
            "",
        )),
    }
}

fn granted(context: &Map<String, Value>, now: Timestamp) -> Result<Granted, NotPermitted> {
    let incomplete = || NotPermitted::unavailable("the permit is not complete", "");
    let text = |name: &str| context.get(name).and_then(Value::as_str);
    let decision_id = text("decision_id")
        .filter(|id| !id.is_empty())
        .ok_or_else(incomplete)?;
    let valid_until = text("valid_until")
        .and_then(Timestamp::from_rfc3339)
        .ok_or_else(incomplete)?;
    // A repeated answer starts nothing: its first receiver may have acted.
    if context
        .get("replayed")
        .is_some_and(|replayed| replayed != &Value::Bool(false))
    {
        return Err(NotPermitted::unavailable("the permit was given before", ""));
    }
    if valid_until <= now {
        return Err(NotPermitted::Expired("the permit came too late"));
    }
    Ok(Granted {
        decision_id: decision_id.to_owned(),
        valid_until,
    })
}

fn denied(context: &Map<String, Value>, asked: Asked) -> Result<Askable, NotPermitted> {
    let text = |name: &str| context.get(name).and_then(Value::as_str);
    let reason = text("reason").unwrap_or("denied");
    let words = context.get("reason_user").and_then(|words| words.get("en"));
    let words = words.and_then(Value::as_str).unwrap_or_default();
    if text("next_action") == Some("retry") {
        let seconds = context
            .get("retry_after")
            .and_then(Value::as_u64)
            .unwrap_or(5);
        return Err(NotPermitted::AskLater {
            retry_after: Duration::from_secs(seconds),
            why: words.to_owned(),
        });
    }
    let is_no = text("next_action") == Some("none");
    // A person who ended it is not asked again.
    if reason == "approval_expired" && !is_no {
        return Err(NotPermitted::approval_over(words));
    }
    if reason == "arguments_invalid" {
        return Err(NotPermitted::arguments_invalid(asked.of, words));
    }
    let is_final = asked.with_approval || is_no;
    let askable = (!is_final).then(|| askable(context)).flatten();
    askable.ok_or_else(|| NotPermitted::denied(reason, words))
}

/// `None` if anything is missing that binds a question to its denial.
fn askable(context: &Map<String, Value>) -> Option<Askable> {
    let hint = context.get("access_request")?.as_object()?;
    let mut denial = Map::new();
    for (name, value) in [
        ("evaluation_id", context.get("evaluation_id")?),
        ("expires_at", hint.get("expires_at")?),
    ] {
        value.as_str()?;
        denial.insert(name.to_owned(), value.clone());
    }
    for name in ["evaluated_at", "reason"] {
        if let Some(said) = context.get(name) {
            denial.insert(name.to_owned(), said.clone());
        }
    }
    let endpoint = hint
        .get("endpoint")
        .and_then(Value::as_str)
        .map(str::to_owned);
    Some(Askable { endpoint, denial })
}
