//! Whose arguments have a number that parsers read differently: what else stands in a body is judged by nobody.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ActionRequest, EvaluationMembers, EvaluationsRequest};
use crate::exact_json;

#[derive(Deserialize)]
struct RawMembers<'a> {
    #[serde(borrow, default)]
    action: Option<RawAction<'a>>,
}

#[derive(Deserialize)]
struct RawAction<'a> {
    #[serde(borrow, default)]
    properties: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawEvaluations<'a> {
    #[serde(borrow, default)]
    evaluations: Vec<RawMembers<'a>>,
}

impl EvaluationMembers {
    /// Of the text from which these members were read.
    pub fn note_numbers(&mut self, text: &[u8]) -> serde_json::Result<()> {
        note(&mut self.action, &serde_json::from_slice(text)?);
        Ok(())
    }
}

impl EvaluationsRequest {
    /// The same, of each evaluation by itself.
    pub fn note_numbers(&mut self, text: &[u8]) -> serde_json::Result<()> {
        self.whole.note_numbers(text)?;
        let raw: RawEvaluations<'_> = serde_json::from_slice(text)?;
        for (one, raw) in self.evaluations.iter_mut().zip(&raw.evaluations) {
            note(&mut one.action, raw);
        }
        Ok(())
    }
}

fn note(action: &mut Option<ActionRequest>, raw: &RawMembers<'_>) {
    let arguments = raw.action.as_ref().and_then(|action| action.properties);
    if let Some((action, arguments)) = action.as_mut().zip(arguments) {
        action.inexact = exact_json::inexact_number(arguments.get().as_bytes());
    }
}
