//! `amounts`: the members that a person may lower.

use serde_json::{Value, json};

use super::world::{detail, payment, types};
use crate::Amount;

fn amounts(value: Value) -> Vec<Amount> {
    let detail = detail(value);
    types().of(&detail).unwrap().amounts(&detail)
}

#[test]
fn only_what_is_a_measure_can_be_lowered() {
    let one = |pointer: &str, value| Amount {
        pointer: pointer.to_owned(),
        value,
    };
    assert_eq!(
        amounts(payment("412.00")),
        [one("/instructed_amount/amount", json!("412.00"))]
    );
    let tool = json!({ "type": "mcp_tool_call", "server": "s", "tool": "t", "calls": 20 });
    assert_eq!(amounts(tool), [one("/calls", json!(20))]);
    let calendar = json!({ "type": "calendar", "calendar": "work", "actions": ["read"] });
    assert_eq!(amounts(calendar), []);
}
