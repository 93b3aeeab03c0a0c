//! What the client of a call hears of its progress: first, while it is held, from the gate that a person is waited for, then what the server
//! says. Each number is above the one before, whoever says it (MCP 2025-11-25 and 2026-07-28, progress), and the gate's own are whole and
//! above zero, for clients that read nothing else: the server's go up by what was told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Number, Value};

/// Of one call.
#[derive(Debug, Default)]
pub(crate) struct CallProgress(Mutex<ToldNumbers>);

#[derive(Debug, Default)]
struct ToldNumbers {
    /// How often the gate told the client.
    by_gate: u32,
    /// The last number that the client heard.
    last: f64,
}

impl CallProgress {
    /// The number of the gate's next word.
    pub(crate) fn rise(&self) -> u32 {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.by_gate += 1;
        told.last = f64::from(told.by_gate);
        told.by_gate
    }

    /// Lets the server's word rise after the gate's; `false` where it does not rise, or has no number: the client cannot take it. Where the
    /// gate told nothing, it stays as it is.
    pub(crate) fn follow(&self, params: &mut Map<String, Value>) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.by_gate == 0 {
            return true;
        }
        // The server may begin at zero.
        let above = told.by_gate.saturating_add(1);
        let shifted = params.get("progress").and_then(|said| plus(said, above));
        let Some((shifted, number)) = shifted.and_then(|value| Some((value.as_f64()?, value)))
        else {
            return false;
        };
        if shifted <= told.last {
            return false;
        }
        told.last = shifted;
        params.insert("progress".to_owned(), number);
        if let Some(total) = params.get("total").and_then(|total| plus(total, above)) {
            params.insert("total".to_owned(), total);
        }
        true
    }
}

/// A progress token, and what the client heard by it.
pub(crate) type ToldToken = (String, Arc<CallProgress>);

/// By progress token, of the requests of a session that the server got.
#[derive(Default)]
pub(crate) struct ToldTokens(HashMap<String, Arc<CallProgress>>);

impl ToldTokens {
    /// Whoever has had more than `most` begins anew.
    pub(crate) fn keep(&mut self, (token, told): ToldToken, most: usize) {
        if self.0.len() >= most && !self.0.contains_key(&token) {
            self.0.clear();
        }
        self.0.insert(token, told);
    }

    pub(crate) fn of(&self, token: &str) -> Option<&Arc<CallProgress>> {
        self.0.get(token)
    }
}

/// Whole numbers stay whole.
fn plus(number: &Value, more: u32) -> Option<Value> {
    match number.as_i64() {
        Some(whole) => whole.checked_add(i64::from(more)).map(Value::from),
        None => Number::from_f64(number.as_f64()? + f64::from(more)).map(Value::from),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a client hears after the gate told it so often, of what a server says.
    fn heard(by_gate: u32, said: &[Value]) -> Vec<Value> {
        let progress = CallProgress::default();
        for number in 1..=by_gate {
            assert_eq!(progress.rise(), number);
        }
        let follow = |said: &Value| {
            let mut params = said.as_object().unwrap().clone();
            progress.follow(&mut params).then(|| Value::from(params))
        };
        said.iter().filter_map(follow).collect()
    }

    #[test]
    fn the_server_goes_on_above_what_the_gate_told() {
        let said = [
            json!({ "progressToken": 7, "progress": 0, "total": 100, "message": "begun" }),
            json!({ "progress": 1 }),
            json!({ "progress": 1.5, "total": 2.5 }),
            json!({ "progress": 100, "total": 100 }),
        ];
        let expected = [
            json!({ "progressToken": 7, "progress": 4, "total": 104, "message": "begun" }),
            json!({ "progress": 5 }),
            json!({ "progress": 5.5, "total": 6.5 }),
            json!({ "progress": 104, "total": 104 }),
        ];
        assert_eq!(heard(3, &said), expected);
        // No client waited: nothing is changed, not even what does not rise.
        let fallen = [said[3].clone(), said[0].clone(), json!({ "progress": "a" })];
        assert_eq!(heard(0, &fallen), fallen);
    }

    #[test]
    fn what_does_not_rise_is_not_heard() {
        let said = [
            json!({ "progress": -5 }),
            json!({ "progress": 2 }),
            json!({ "progress": 2 }),
            json!({ "progress": 1 }),
            json!({ "progress": "3" }),
            json!({}),
            json!({ "progress": i64::MAX }),
            json!({ "progress": 3, "total": "many" }),
        ];
        let expected = [
            json!({ "progress": 5 }),
            json!({ "progress": 6, "total": "many" }),
        ];
        assert_eq!(heard(2, &said), expected);
    }
}
