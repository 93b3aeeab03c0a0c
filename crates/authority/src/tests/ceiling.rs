//! Ceilings: what may be granted to an agent at most.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writ_wire::registration::CeilingFile;

use super::world::{consented, detail, of_details, payment, scope, types};
use crate::{Authority, Ceiling};

const BANK: &str = "https://bank.example";

fn ceiling(details: impl IntoIterator<Item = Value>) -> Ceiling {
    Ceiling {
        scopes: BTreeSet::new(),
        details: details.into_iter().map(detail).collect(),
    }
}

fn small_payments() -> Value {
    json!({ "type": "payment", "instructed_amount": { "amount": "500", "currency": "EUR" } })
}

fn pointers(ceiling: &Ceiling, authority: &Authority) -> Vec<String> {
    let excess = ceiling
        .admits(authority, &types())
        .err()
        .unwrap_or_default();
    assert!(excess.iter().all(|e| e.granted.is_none()));
    excess.into_iter().map(|e| e.pointer).collect()
}

#[test]
fn what_a_ceiling_leaves_out_is_unrestricted() {
    let small = ceiling([small_payments()]);
    assert_eq!(small.check(&types()), Ok(()));
    let two = of_details([
        consented("ref_a", BANK, payment("412.00")),
        consented("ref_b", "https://other.example", payment("500.00")),
    ]);
    assert!(pointers(&small, &two).is_empty());
    let large = of_details([consented("ref_a", BANK, payment("500.01"))]);
    assert_eq!(pointers(&small, &large), ["/0/instructed_amount/amount"]);
    assert!(pointers(&ceiling([json!({ "type": "payment" })]), &large).is_empty());
}

#[test]
fn any_one_object_of_the_ceiling_is_enough_but_not_two_halves() {
    let dollars =
        json!({ "type": "payment", "instructed_amount": { "amount": "900", "currency": "USD" } });
    let both = ceiling([small_payments(), dollars]);
    let euros = of_details([consented("ref_a", BANK, payment("900"))]);
    assert_eq!(pointers(&both, &euros).len(), 1);
    let mut value = payment("900");
    value["instructed_amount"]["currency"] = json!("USD");
    assert!(pointers(&both, &of_details([consented("ref_a", BANK, value)])).is_empty());
}

#[test]
fn a_type_scope_or_location_that_it_does_not_name_is_refused() {
    let authority = of_details([consented("ref_a", BANK, payment("1"))]);
    assert_eq!(pointers(&ceiling([]), &authority), ["/0/type"]);
    assert_eq!(
        pointers(&ceiling([json!({ "type": "calendar" })]), &authority),
        ["/0/type"]
    );
    let mut elsewhere = small_payments();
    elsewhere["locations"] = json!(["https://other.example"]);
    assert_eq!(
        pointers(&ceiling([elsewhere]), &authority),
        ["/0/locations"]
    );
    let scopes = BTreeSet::from([scope(BANK, "read")]);
    let reads = Authority::new(scopes.clone(), Vec::new(), BTreeSet::new());
    assert_eq!(pointers(&ceiling([]), &reads), ["/scope/read"]);
    let other = Ceiling {
        scopes: BTreeSet::from([scope("https://other.example", "read")]),
        ..ceiling([])
    };
    assert_eq!(pointers(&other, &reads), ["/scope/read"]);
    assert!(
        pointers(
            &Ceiling {
                scopes,
                ..ceiling([])
            },
            &reads
        )
        .is_empty()
    );
}

#[test]
fn an_object_is_read_by_its_own_version() {
    let lost = consented("ref_a", BANK, payment("1")).with("type_hash", json!("AAAA"));
    assert_eq!(
        pointers(&ceiling([small_payments()]), &of_details([lost])),
        ["/0/type"]
    );
}

#[test]
fn a_ceiling_is_checked_when_it_is_registered() {
    let cases = [
        (json!({ "type": "flight" }), "/0/type"),
        (json!({ "type": "payment", "fee": 1 }), "/0/fee"),
        (
            json!({ "type": "payment", "instructed_amount": { "amount": 1.5 } }),
            "/0/instructed_amount/amount",
        ),
        (
            json!({ "type": "payment", "instructed_amount": "500" }),
            "/0/instructed_amount",
        ),
        (json!({ "type": "calendar", "actions": [] }), "/0/actions"),
        (
            json!({ "type": "mcp_tool_call", "path": "/a/../b" }),
            "/0/path",
        ),
        (json!({ "type": "payment", "ref": "ref_a" }), "/0/ref"),
        (
            json!({ "type": "payment", "type_hash": "x" }),
            "/0/type_hash",
        ),
        (
            json!({ "type": "payment", "locations": ["bank"] }),
            "/0/locations",
        ),
    ];
    for (value, pointer) in cases {
        let problem = ceiling([value]).check(&types()).unwrap_err();
        assert_eq!(problem.pointer, pointer);
    }
}

#[test]
fn a_ceiling_comes_from_the_file_of_the_agent() {
    let file: CeilingFile = serde_json::from_value(json!({
        "scopes": [{ "resource": BANK, "scope": "read" }],
        "authorization_details": [small_payments()],
        "lifetime": 3600,
    }))
    .unwrap();
    let read = Ceiling::from(&file);
    let expected = Ceiling {
        scopes: BTreeSet::from([scope(BANK, "read")]),
        ..ceiling([small_payments()])
    };
    assert_eq!(read, expected);
    let stored = serde_json::to_value(&read).unwrap();
    assert_eq!(serde_json::from_value::<Ceiling>(stored).unwrap(), read);
}
