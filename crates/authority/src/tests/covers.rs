//! `covers`, `meet`, `view` and `hash` on plain cases.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writ_wire::rar::Detail;

use super::world::{consented, detail, of_details, payment, scope, types, uri};
use crate::Authority;

const BANK: &str = "https://bank.example";
const OTHER: &str = "https://other.example";

fn pay(reference: &str, amount: &str) -> Detail {
    consented(reference, BANK, payment(amount))
}

fn pointers(parent: &Authority, child: &Authority) -> Vec<String> {
    match parent.covers(child, &types()) {
        Ok(()) => Vec::new(),
        Err(excess) => {
            assert!(
                excess.iter().all(|e| e.granted.is_none()),
                "the refused may not learn these"
            );
            excess.into_iter().map(|e| e.pointer).collect()
        }
    }
}

fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    *value.pointer_mut(pointer).unwrap() = new;
    value
}

#[test]
fn an_excess_has_the_pointer_of_its_member() {
    let parent = of_details([pay("ref_a", "412.00")]);
    assert!(pointers(&parent, &of_details([pay("ref_a", "412")])).is_empty());
    let cases = [
        ("/instructed_amount/amount", json!("412.01")),
        ("/instructed_amount/currency", json!("USD")),
        ("/creditor/name", json!("KLM ")),
        ("/creditor/account/iban", json!("NL02ABNA0123456789")),
    ];
    for (pointer, value) in cases {
        let child = consented("ref_a", BANK, with(payment("1"), pointer, value.clone()));
        let excess = parent.covers(&of_details([child]), &types()).unwrap_err();
        assert_eq!(excess.len(), 1);
        assert_eq!(
            (&excess[0].pointer, &excess[0].requested),
            (&format!("/0{pointer}"), &value)
        );
    }
}

#[test]
fn a_member_that_the_child_leaves_out_is_an_excess() {
    let mut bare = payment("1");
    bare["instructed_amount"] = json!({ "amount": "1" });
    let parent = of_details([pay("ref_a", "5")]);
    let child = of_details([consented("ref_a", BANK, bare)]);
    assert_eq!(pointers(&parent, &child), ["/0/instructed_amount/currency"]);
    assert!(pointers(&child, &of_details([pay("ref_a", "1")])).is_empty());
}

#[test]
fn an_unknown_member_on_either_side_is_refused() {
    let plain = of_details([pay("ref_a", "5")]);
    let strange = of_details([pay("ref_a", "5").with("fee", json!("1"))]);
    assert_eq!(pointers(&plain, &strange), ["/0/fee"]);
    assert_eq!(pointers(&strange, &plain), ["/0/fee"]);
    assert_eq!(pointers(&strange, &strange), ["/0/fee"]);
    assert!(plain.meet(&strange, &types()).details().is_empty());
    let deep = with(
        payment("1"),
        "/creditor/account",
        json!({ "iban": "X", "bic": "Y" }),
    );
    let deep = of_details([consented("ref_a", BANK, deep)]);
    assert!(pointers(&plain, &deep).contains(&"/0/creditor/account/bic".to_owned()));
}

#[test]
fn a_value_of_the_wrong_kind_is_refused() {
    let parent = of_details([pay("ref_a", "5")]);
    for (pointer, value) in [
        ("/instructed_amount/amount", json!(4.5)),
        ("/instructed_amount/amount", Value::Null),
        ("/instructed_amount", json!("5 EUR")),
        ("/creditor", Value::Null),
    ] {
        let child = of_details([consented("ref_a", BANK, with(payment("1"), pointer, value))]);
        assert_eq!(pointers(&parent, &child), [format!("/0{pointer}")]);
    }
}

#[test]
fn once_objects_map_one_to_one() {
    let one = of_details([pay("ref_a", "5")]);
    let two = of_details([pay("ref_a", "2"), pay("ref_a", "3")]);
    assert_eq!(pointers(&one, &two), ["/1"]);
    let other = of_details([pay("ref_a", "5"), pay("ref_b", "5")]);
    assert_eq!(pointers(&one, &other), ["/1/ref"]);
    assert_eq!(one.meet(&other, &types()), one);
}

#[test]
fn the_ref_survives_so_another_ref_is_another_grant() {
    let parent = of_details([pay("ref_a", "5")]);
    assert_eq!(
        pointers(&parent, &of_details([pay("ref_b", "1")])),
        ["/0/ref"]
    );
    assert_eq!(
        pointers(&parent, &of_details([pay("ref_a", "1").without("ref")])),
        ["/0/ref"]
    );
}

#[test]
fn a_changed_type_never_reinterprets_an_old_consent() {
    let old = super::world::PAYMENT.replace("\"version\": 3", "\"version\": 0");
    let old_hash = crate::TypeDefinition::parse(&old)
        .unwrap()
        .hash()
        .to_owned();
    let known = types().with_older(old).unwrap();
    let now = of_details([pay("ref_a", "5")]);
    let then = of_details([pay("ref_a", "5").with("type_hash", json!(old_hash))]);
    assert_eq!(then.covers(&then, &known), Ok(()));
    assert_eq!(
        now.covers(&then, &known).unwrap_err()[0].pointer,
        "/0/type_hash"
    );
    assert!(now.meet(&then, &known).details().is_empty());
    // An unknown type is refused, even against itself.
    assert_eq!(pointers(&then, &then), ["/0/type_hash"]);
    let none = of_details([pay("ref_a", "5").without("type_hash")]);
    assert_eq!(pointers(&none, &none), ["/0/type_hash"]);
}

#[test]
fn a_scope_is_a_pair() {
    let make = |grants: &[(&str, &str)]| {
        let scopes = grants.iter().map(|(r, s)| scope(r, s)).collect();
        Authority::new(scopes, Vec::new(), BTreeSet::new())
    };
    let bank = make(&[(BANK, "read")]);
    let other = make(&[(OTHER, "read")]);
    assert_eq!(
        pointers(&bank, &other),
        ["/scope/read", "/resource/https:~1~1other.example"]
    );
    let more = make(&[(BANK, "read"), (BANK, "write")]);
    assert_eq!(pointers(&bank, &more), ["/scope/write"]);
    assert_eq!(more.meet(&bank, &types()), bank);
    assert!(bank.meet(&other, &types()).is_empty());
}

#[test]
fn one_audience_per_token() {
    let both = pay("ref_a", "5").with("locations", json!([OTHER, BANK, BANK]));
    let scopes = BTreeSet::from([scope(OTHER, "read")]);
    let bare = BTreeSet::from([uri("https://issuer.example")]);
    let authority = Authority::new(scopes, vec![both], bare);
    assert_eq!(authority.resources().len(), 3);
    assert_eq!(authority.details()[0].locations(), [BANK, OTHER]);
    let view = authority.view(&uri(BANK));
    assert_eq!(view.details()[0].locations(), [BANK]);
    assert!(view.scopes().is_empty());
    assert_eq!(view.resources(), &BTreeSet::from([uri(BANK)]));
    let issuer = authority.view(&uri("https://issuer.example"));
    assert!(issuer.details().is_empty() && issuer.scopes().is_empty() && !issuer.is_empty());
    assert!(authority.view(&uri("https://nowhere.example")).is_empty());
    let wide = of_details([pay("ref_a", "5").with("locations", json!([BANK, OTHER]))]);
    let excess = pointers(&of_details([pay("ref_a", "5")]), &wide);
    assert_eq!(
        excess,
        ["/resource/https:~1~1other.example", "/0/locations"]
    );
}

#[test]
fn meet_is_the_smaller_of_each_member() {
    let calendar = |actions: Value, from: &str| {
        of_details([consented(
            "ref_c",
            OTHER,
            json!({
                "type": "calendar", "calendar": "work", "actions": actions,
                "period": { "from": from, "until": "2026-12-01T00:00:00Z" },
            }),
        )])
    };
    let a = calendar(json!(["read", "create"]), "2026-11-01T00:00:00Z");
    let b = calendar(json!(["delete", "read"]), "2026-11-15T00:00:00Z");
    let met = a.meet(&b, &types());
    let expected = calendar(json!(["read"]), "2026-11-15T00:00:00Z");
    assert_eq!(met.normal(&types()), expected.normal(&types()));
    let none = calendar(json!(["update"]), "2026-11-15T00:00:00Z");
    assert!(a.meet(&none, &types()).details().is_empty());
}

#[test]
fn the_authority_hash_is_salted() {
    let a = of_details([pay("ref_a", "5")]);
    let hash = a.hash("one");
    assert!(hash.starts_with("sha-256:") && hash.len() == 8 + 43);
    assert_ne!(hash, a.hash("two"));
    assert_ne!(hash, of_details([pay("ref_a", "6")]).hash("one"));
    // printf '{"authority":{"authorization_details":[],"resources":[],"scopes":[]},"salt":"s"}' | openssl dgst -sha256
    // -binary | basenc --base64url
    assert_eq!(
        Authority::default().hash("s"),
        "sha-256:uh5xtZUPiDqOD9YLz0U5EkVyT4MAEGcl4MY8SFyoYS8"
    );
}

#[test]
fn an_authority_reads_back_and_takes_no_unknown_member() {
    let text = r#"{"scopes":[],"authorization_details":[],"resources":[],"more":1}"#;
    assert!(serde_json::from_str::<Authority>(text).is_err());
    let scopes = r#"{"scopes":[{"resource":"https://bank.example","scope":"read"}]}"#;
    let read: Authority = serde_json::from_str(scopes).unwrap();
    assert_eq!(read.resources(), &BTreeSet::from([uri(BANK)]));
    assert_eq!(
        read.scopes_at(&uri(BANK)),
        BTreeSet::from(["read".to_owned()])
    );
}

#[test]
fn a_location_that_is_no_resource_grants_nothing() {
    for bad in [
        json!([]),
        json!(["bank"]),
        json!("https://bank.example"),
        json!([1]),
        Value::Null,
    ] {
        let authority = of_details([pay("ref_a", "5").with("locations", bad)]);
        assert_eq!(pointers(&authority, &authority), ["/0/locations"]);
        assert!(authority.view(&uri(BANK)).is_empty());
    }
    let none = detail(json!({ "type": "payment" }));
    assert!(of_details([none]).resources().is_empty());
}

/// What makes two audiences equal must not change what older authorities hash to.
#[test]
fn an_authority_is_written_in_the_order_of_its_texts() {
    let (short, long) = ("https://a.example", "https://a.example.org");
    let text = json!({
        "scopes": [{ "resource": short, "scope": "x" }, { "resource": long, "scope": "b" }],
        "authorization_details": [{ "type": "t", "ref": "r", "locations": [short, long] }],
        "resources": [short, long]
    });
    let read: Authority = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), text);
}
