//! `permits`: whether a token permits a request to a resource server.

use serde_json::{Value, json};

use super::world::{consented, detail, payment, types};
use crate::{BudgetSpend, Decimal, Permit, PermitError, Types, Usage, every_permit, permits};

const BANK: &str = "https://bank.example";
const FILES: &str = "https://files.example";

fn tool(more: Value) -> Value {
    let mut value = json!({ "type": "mcp_tool_call", "server": "https://files.example/mcp", "tool": "read_file" });
    value
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    value
}

fn ask(granted: Value, request: Value) -> Result<Permit, PermitError> {
    let location = if granted["type"] == "payment" {
        BANK
    } else {
        FILES
    };
    permits(
        &[consented("ref_a", location, granted)],
        &detail(request),
        &types(),
    )
}

#[test]
fn a_payment_within_its_grant_and_nothing_wider() {
    let permit = ask(payment("412.00"), payment("399.95")).unwrap();
    assert_eq!(
        permit,
        Permit {
            reference: "ref_a".into(),
            usage: Usage::Once,
            spends: vec![]
        }
    );
    let denied = ask(payment("412.00"), payment("412.01")).unwrap_err();
    assert_eq!(denied.pointer(), "/instructed_amount/amount");
    assert_eq!(denied.excess[0].requested, json!("412.01"));
    // The token carries it, so its holder may be told.
    assert_eq!(denied.excess[0].granted, Some(json!("412.00")));
    let mut payee = payment("1");
    payee["creditor"]["account"]["iban"] = json!("NL02ABNA0123456789");
    assert_eq!(
        ask(payment("412.00"), payee).unwrap_err().pointer(),
        "/creditor/account/iban"
    );
}

#[test]
fn a_request_that_leaves_something_open_is_denied() {
    let open =
        json!({ "type": "payment", "instructed_amount": { "amount": "1", "currency": "EUR" } });
    let denied = ask(payment("412.00"), open).unwrap_err();
    assert_eq!(denied.pointer(), "/creditor/account/iban");
    let other = ask(payment("412.00"), json!({ "type": "calendar" })).unwrap_err();
    assert_eq!((other.pointer(), other.unknown_types.len()), ("/type", 0));
    let none = permits(&[], &detail(payment("1")), &types()).unwrap_err();
    assert_eq!(none.pointer(), "/type");
}

#[test]
fn a_call_spends_from_the_budget_of_the_task() {
    let granted = tool(json!({ "path": "/reports", "calls": 20, "arguments": { "mode": "r" } }));
    let request =
        tool(json!({ "path": "/reports/q4.pdf", "arguments": { "mode": "r", "page": 2 } }));
    let permit = ask(granted.clone(), request).unwrap();
    let (budget, amount) = (Decimal::parse("20").unwrap(), Decimal::parse("1").unwrap());
    assert_eq!(
        permit.spends,
        [BudgetSpend {
            pointer: "/calls".into(),
            budget,
            amount
        }]
    );
    assert_eq!(permit.usage, Usage::Repeat);
    let many = tool(json!({ "path": "/reports", "calls": 21, "arguments": { "mode": "r" } }));
    assert_eq!(ask(granted.clone(), many).unwrap_err().pointer(), "/calls");
    let back = tool(json!({ "path": "/reports", "calls": -1, "arguments": { "mode": "r" } }));
    assert_eq!(ask(granted.clone(), back).unwrap_err().pointer(), "/calls");
    let outside = tool(json!({ "path": "/reports/../etc", "arguments": { "mode": "r" } }));
    assert_eq!(
        ask(granted.clone(), outside).unwrap_err().pointer(),
        "/path"
    );
    let write = tool(json!({ "path": "/reports", "arguments": { "mode": "w" } }));
    assert_eq!(
        ask(granted, write).unwrap_err().pointer(),
        "/arguments/mode"
    );
    assert!(
        ask(tool(json!({})), tool(json!({ "path": "/x" })))
            .unwrap()
            .spends
            .is_empty()
    );
}

#[test]
fn a_single_time_lies_in_the_granted_period() {
    let period = json!({ "from": "2026-11-23T00:00:00Z", "until": "2026-11-27T18:00:00Z" });
    let calendar = |period: Value| json!({ "type": "calendar", "calendar": "work", "actions": ["read"], "period": period });
    assert!(
        ask(
            calendar(period.clone()),
            calendar(json!("2026-11-24T09:00:00+01:00"))
        )
        .is_ok()
    );
    let late = ask(calendar(period), calendar(json!("2026-11-28T09:00:00Z"))).unwrap_err();
    assert_eq!(late.pointer(), "/period");
}

#[test]
fn rules_by_type_hash_and_an_unknown_one_is_a_refusal() {
    let lost = consented("ref_a", BANK, payment("5")).with("type_hash", json!("AAAA"));
    let denied = permits(&[lost], &detail(payment("1")), &types()).unwrap_err();
    assert_eq!(denied.unknown_types, ["AAAA"]);
    let without = consented("ref_a", BANK, payment("5")).without("type_hash");
    assert!(permits(&[without], &detail(payment("1")), &types()).is_err());
    // A verifier knows versions by their hash only.
    let fetched = Types::default()
        .with_older(super::world::PAYMENT.to_owned())
        .unwrap();
    let granted = [consented("ref_a", BANK, payment("5"))];
    assert!(permits(&granted, &detail(payment("1")), &fetched).is_ok());
}

#[test]
fn every_grant_that_covers_is_offered_because_the_first_may_be_spent() {
    let granted = ["ref_a", "ref_b", "ref_c"].map(|r| consented(r, BANK, payment("5")));
    let all = every_permit(&granted, &detail(payment("5")), &types()).unwrap();
    assert_eq!(
        all.iter().map(|p| p.reference.as_str()).collect::<Vec<_>>(),
        ["ref_a", "ref_b", "ref_c"]
    );
    let mut chosen = payment("5");
    chosen["ref"] = json!("ref_b");
    let one = every_permit(&granted, &detail(chosen.clone()), &types()).unwrap();
    assert_eq!(one.len(), 1);
    chosen["locations"] = json!(["https://other.example"]);
    assert_eq!(
        permits(&granted, &detail(chosen), &types())
            .unwrap_err()
            .pointer(),
        "/locations"
    );
    assert!(every_permit(&granted, &detail(payment("6")), &types()).is_err());
}
