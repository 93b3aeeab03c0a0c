//! `narrow`: refresh and token exchange ask for less.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writ_wire::rar::Detail;

use super::world::{consented, detail, of_details, payment, scope, types, uri};
use crate::{Authority, NarrowError, NarrowRequest, Narrowed};

const BANK: &str = "https://bank.example";
const OTHER: &str = "https://other.example";

fn granted() -> Authority {
    let scopes = [
        scope(BANK, "read"),
        scope(BANK, "write"),
        scope(OTHER, "mail"),
    ];
    let details = vec![
        consented("ref_a", BANK, payment("412.00")),
        consented("ref_b", BANK, payment("10")),
        consented("ref_c", BANK, calendar()).with("locations", json!([BANK, OTHER])),
    ];
    Authority::new(BTreeSet::from(scopes), details, BTreeSet::new())
}

fn calendar() -> Value {
    json!({ "type": "calendar", "calendar": "work", "actions": ["read", "create"] })
}

fn ask(details: impl IntoIterator<Item = Value>) -> Result<Narrowed, NarrowError> {
    let details = details.into_iter().map(detail).collect();
    let asked = NarrowRequest {
        scopes: None,
        details: Some(details),
        audience: uri(BANK),
    };
    granted().narrow(&asked, &types())
}

fn ask_scopes(names: &[&str], audience: &str) -> Result<Narrowed, NarrowError> {
    let scopes = names.iter().map(|n| (*n).to_owned()).collect();
    let asked = NarrowRequest {
        scopes: Some(scopes),
        details: None,
        audience: uri(audience),
    };
    granted().narrow(&asked, &types())
}

fn pointers(result: Result<Narrowed, NarrowError>) -> Vec<String> {
    match result {
        Err(NarrowError::Details(excess)) => {
            assert!(excess.iter().all(|e| e.granted.is_none()));
            excess.into_iter().map(|e| e.pointer).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn filtering_to_an_audience_leaves_nothing_out() {
    for audience in [BANK, OTHER] {
        let asked = NarrowRequest {
            scopes: None,
            details: None,
            audience: uri(audience),
        };
        let narrowed = granted().narrow(&asked, &types()).unwrap();
        assert!(!narrowed.reduced);
        assert_eq!(narrowed.authority, granted().view(&uri(audience)));
    }
    assert!(!ask_scopes(&["read", "write"], BANK).unwrap().reduced);
    let same = granted().view(&uri(BANK)).details().to_vec();
    let asked = NarrowRequest {
        scopes: None,
        details: Some(same),
        audience: uri(BANK),
    };
    assert!(!granted().narrow(&asked, &types()).unwrap().reduced);
}

#[test]
fn asking_for_less_leaves_the_rest_out_for_good() {
    let less = ask_scopes(&["read"], BANK).unwrap();
    assert!(less.reduced);
    assert_eq!(
        less.authority.scopes(),
        &BTreeSet::from([scope(BANK, "read")])
    );
    assert_eq!(less.authority.details().len(), 3);
    let more = NarrowRequest {
        scopes: Some(BTreeSet::from(["write".to_owned()])),
        details: None,
        audience: uri(BANK),
    };
    let again = less.authority.narrow(&more, &types());
    assert_eq!(again, Err(NarrowError::Scope(vec!["write".into()])));
    let elsewhere = NarrowRequest {
        scopes: None,
        details: None,
        audience: uri(OTHER),
    };
    assert_eq!(
        less.authority.narrow(&elsewhere, &types()),
        Err(NarrowError::Target)
    );
    assert!(ask([]).unwrap().reduced);
}

#[test]
fn a_scope_or_audience_that_is_not_granted_is_named() {
    let error = ask_scopes(&["read", "admin", "mail"], BANK).unwrap_err();
    assert_eq!(
        error,
        NarrowError::Scope(vec!["admin".into(), "mail".into()])
    );
    assert_eq!(
        ask_scopes(&[], "https://nowhere.example"),
        Err(NarrowError::Target)
    );
}

#[test]
fn the_result_is_what_was_asked_with_what_the_server_says() {
    let narrowed = ask([payment("100.50")]).unwrap();
    assert!(narrowed.reduced);
    assert_eq!(
        narrowed.authority.details(),
        [consented("ref_a", BANK, payment("100.50"))]
    );
    let narrowed = ask([json!({ "type": "calendar", "calendar": "work", "actions": ["read"] })]);
    let expected = consented(
        "ref_c",
        BANK,
        json!({
            "type": "calendar", "calendar": "work", "actions": ["read"],
        }),
    );
    assert_eq!(narrowed.unwrap().authority.details(), [expected]);
}

#[test]
fn several_parents_are_named_and_ref_chooses() {
    let error = ask([payment("5")]).unwrap_err();
    let refs = ["ref_a", "ref_b"].map(str::to_owned).to_vec();
    assert_eq!(error, NarrowError::Ambiguous { refs });
    let mut chosen = payment("5");
    chosen["ref"] = json!("ref_b");
    let narrowed = ask([chosen.clone()]).unwrap();
    assert_eq!(
        narrowed.authority.details(),
        [consented("ref_b", BANK, payment("5"))]
    );
    chosen["instructed_amount"]["amount"] = json!("11");
    assert_eq!(
        pointers(ask([chosen.clone()])),
        ["/0/instructed_amount/amount"]
    );
    chosen["ref"] = json!("ref_x");
    assert_eq!(pointers(ask([chosen.clone()])), ["/0/ref"]);
    chosen["ref"] = json!("ref_c");
    assert_eq!(pointers(ask([chosen])), ["/0/type"]);
}

#[test]
fn a_once_object_is_not_split_in_two() {
    let of = |reference: &str, amount: &str| {
        let mut value = payment(amount);
        value["ref"] = json!(reference);
        value
    };
    assert!(ask([of("ref_a", "200"), of("ref_b", "10")]).is_ok());
    assert_eq!(
        pointers(ask([of("ref_a", "200"), of("ref_a", "200")])),
        ["/1"]
    );
    let one = json!({ "type": "calendar", "calendar": "work", "actions": ["read"] });
    let two = json!({ "type": "calendar", "calendar": "work", "actions": ["create"] });
    let split = ask([one, two]).unwrap();
    assert_eq!(split.authority.details().len(), 2);
    // Objects with the same `ref` are one grant: the client need not choose.
    let both = NarrowRequest {
        scopes: None,
        details: Some(vec![detail(json!({
            "type": "calendar", "calendar": "work", "actions": ["read"],
        }))]),
        audience: uri(BANK),
    };
    assert!(split.authority.narrow(&both, &types()).is_ok());
}

#[test]
fn wider_is_refused_with_its_pointer_and_never_trimmed() {
    let mut other_payee = payment("5");
    other_payee["creditor"]["name"] = json!("Mallory");
    let asked = [payment("500"), other_payee];
    assert_eq!(
        pointers(ask(asked)),
        ["/0/instructed_amount/amount", "/1/creditor/name"]
    );
    let wide = json!({ "type": "calendar", "calendar": "work", "actions": ["read", "delete"] });
    assert_eq!(pointers(ask([wide])), ["/0/actions"]);
    assert_eq!(
        pointers(ask([json!({ "type": "calendar", "calendar": "work" })])),
        ["/0/actions"]
    );
    assert_eq!(
        pointers(ask([json!({ "type": "mcp_tool_call" })])),
        ["/0/type"]
    );
    let mut unknown = payment("412");
    unknown["fee"] = json!("1");
    assert_eq!(pointers(ask([unknown])), ["/0/fee"]);
}

#[test]
fn the_granted_value_is_shown_only_if_the_token_carries_it() {
    let details = Some(vec![detail(payment("500"))]);
    let asked = NarrowRequest {
        scopes: None,
        details,
        audience: uri(BANK),
    };
    let alone = Authority::new(
        BTreeSet::new(),
        granted().details().iter().take(1).cloned().collect(),
        BTreeSet::new(),
    );
    let Err(NarrowError::Details(excess)) = alone.narrow_presented(&asked, &types()) else {
        panic!("not refused");
    };
    assert_eq!(excess[0].granted, Some(json!("412.00")));
    assert_eq!(excess[0].requested, json!("500"));
}

#[test]
fn an_object_may_come_back_as_it_was_given_but_not_changed() {
    let given: Detail = granted().view(&uri(BANK)).details()[0].clone();
    let back = |detail: Detail| ask([Value::Object(detail.members().clone())]);
    assert!(back(given.clone()).is_ok());
    let forged = given.clone().with("type_hash", json!("AAAA"));
    assert_eq!(pointers(back(forged)), ["/0/type_hash"]);
    for elsewhere in [json!([OTHER]), json!([BANK, OTHER]), json!([]), json!(BANK)] {
        let moved = given.clone().with("locations", elsewhere);
        assert_eq!(pointers(back(moved)), ["/0/locations"]);
    }
    let odd = back(given.with("ref", json!(7)));
    assert!(matches!(odd, Err(NarrowError::Bad(problem)) if problem.pointer == "/0/ref"));
}

#[cfg(feature = "schema")]
#[test]
fn rfc_9396_5_an_invalid_value_is_refused_though_it_is_narrower() {
    let mut value = payment("412");
    value["reference"] = json!("");
    let error = ask([value]).unwrap_err();
    assert!(matches!(error, NarrowError::Bad(problem) if problem.pointer == "/0/reference"));
}

#[test]
fn a_grant_of_an_unknown_version_is_not_narrowed() {
    let lost = consented("ref_a", BANK, payment("5")).with("type_hash", json!("AAAA"));
    let details = Some(vec![detail(payment("1"))]);
    let asked = NarrowRequest {
        scopes: None,
        details,
        audience: uri(BANK),
    };
    assert_eq!(
        pointers(of_details([lost]).narrow(&asked, &types())),
        ["/0/type_hash"]
    );
}
