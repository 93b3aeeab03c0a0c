//! What is read of an evaluation, and what is no key.

use serde_json::json;

use super::*;

fn members(value: Value) -> EvaluationMembers {
    serde_json::from_value(value).unwrap()
}

fn whole() -> Value {
    json!({
        "subject": { "type": "user", "id": "usr_1", "properties": { "department": "Sales" } },
        "action": { "name": "payment", "properties": { "a": 1 } },
        "resource": { "type": "resource", "id": "https://bank.example" },
        "context": { "access_token": "t", "time": "1985-10-26T01:22-07:00" }
    })
}

/// AuthZEN 1.0 section 7.1.1: a member of an evaluation stands in place of the whole member of the request.
#[test]
fn what_an_evaluation_leaves_out_is_taken_from_the_request() {
    let request = json!({
        "subject": { "type": "user", "id": "usr_1" }, "context": { "access_token": "t" },
        "action": { "name": "payment" },
        "evaluations": [
            { "resource": { "type": "resource", "id": "a" } },
            { "action": { "name": "x" }, "resource": { "type": "resource", "id": "b" } }
        ],
        "options": { "evaluations_semantic": "deny_on_first_deny", "another_option": "value" }
    });
    let request: EvaluationsRequest = serde_json::from_value(request).unwrap();
    let semantic = request.options.evaluations_semantic;
    assert_eq!(semantic, EvaluationsSemantic::DenyOnFirstDeny);
    let whole = request.whole;
    let found: Vec<_> = request
        .evaluations
        .into_iter()
        .map(|one| one.or(&whole).complete().unwrap())
        .map(|one| (one.action.name, one.resource.id, one.access_token))
        .collect();
    let expected = [("payment", "a", "t"), ("x", "b", "t")];
    let text = |(a, b, c): (&str, &str, &str)| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(found, expected.map(text));
}

#[test]
fn authzen_5_a_missing_member_is_named() {
    assert!(members(whole()).complete().is_ok());
    for name in ["subject", "action", "resource", "context"] {
        let mut broken = whole();
        broken.as_object_mut().unwrap().remove(name);
        let missing = members(broken).complete().map(|_| ()).unwrap_err();
        assert_eq!(missing, MissingMember(name));
    }
    let mut broken = whole();
    broken["context"] = json!({});
    let missing = members(broken).complete().map(|_| ()).unwrap_err();
    assert_eq!(missing, MissingMember("context.access_token"));
    for (member, part) in [("subject", "id"), ("subject", "type"), ("action", "name")] {
        let mut broken = whole();
        broken[member].as_object_mut().unwrap().remove(part);
        let read = serde_json::from_value::<EvaluationMembers>(broken);
        assert!(read.is_err(), "{member} {part}");
    }
}

#[test]
fn a_key_is_16_to_128_visible_characters() {
    let key = "0123456789abcdef";
    assert_eq!(idempotency_key(key), Some(key));
    assert_eq!(idempotency_key(&format!("\"{key}\"")), Some(key));
    assert!(idempotency_key(&"a".repeat(128)).is_some());
    for bad in [
        "0123456789abcde",
        "\"0123456789abcde\"",
        "\"0123456789abcdef",
        "0123456789 abcdef",
        "0123456789abcd\u{e9}",
        "0123456789abcd\\x",
        &"a".repeat(129),
        "",
    ] {
        assert_eq!(idempotency_key(bad), None, "{bad}");
    }
}

#[test]
fn how_a_client_waited_is_read_where_it_is_known_and_else_left_out() {
    for way in WaitedBy::ALL {
        let mut told = whole();
        told["context"]["waited_by"] = json!(way.as_str());
        let read = members(told).complete().ok().unwrap();
        assert_eq!(read.waited_by, Some(*way));
    }
    for unknown in [json!("smoke_signals"), json!(7), json!(null), json!({})] {
        let mut told = whole();
        told["context"]["waited_by"] = unknown;
        assert_eq!(members(told).complete().ok().unwrap().waited_by, None);
    }
    assert_eq!(members(whole()).complete().ok().unwrap().waited_by, None);
}
