//! Reading types, and checking requests against their schemas.

use serde_json::{Value, json};

use super::world::{CALENDAR, PAYMENT, TOOL, detail, payment, types};
use crate::{AskRule, Level, TypeDefinition, TypeError, Types, Usage};

/// The payment's file with one member changed; `null` removes it.
fn changed(pointer: &str, value: Value) -> Result<TypeDefinition, TypeError> {
    let mut file: Value = serde_json::from_str(PAYMENT).unwrap();
    let (around, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/");
    let around = file.pointer_mut(around).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => drop(around.remove(&name)),
        value => drop(around.insert(name, value)),
    }
    TypeDefinition::parse(&file.to_string())
}

fn refused(pointer: &str, value: Value, at: &str) {
    let error = changed(pointer, value).unwrap_err();
    assert_eq!(error.pointer, at, "{error}");
}

#[test]
fn the_shipped_types_are_complete() {
    let types = types();
    assert_eq!(
        types.names().collect::<Vec<_>>(),
        ["calendar", "mcp_tool_call", "payment"]
    );
    let payment = types.by_name("payment").unwrap();
    assert_eq!(
        (payment.usage(), payment.level()),
        (Usage::Once, Level::Password)
    );
    assert_eq!(payment.ask(), &AskRule::Always);
    assert_eq!(types.by_name("calendar").unwrap().usage(), Usage::Repeat);
    assert_eq!((payment.version(), payment.title("en")), (3, "Payment"));
    assert_eq!(types.by_hash(payment.hash()).unwrap().name(), "payment");
    assert!(types.by_name("flight").is_none() && types.by_hash("x").is_none());
}

#[test]
fn the_hash_is_that_of_the_canonical_document() {
    let definition = TypeDefinition::parse(PAYMENT).unwrap();
    assert_eq!(definition.hash().len(), 43);
    let again = TypeDefinition::parse(definition.document()).unwrap();
    assert_eq!(again.hash(), definition.hash());
    let spaced = PAYMENT.replace('\n', "\n\n");
    assert_eq!(
        TypeDefinition::parse(&spaced).unwrap().hash(),
        definition.hash()
    );
    let other = changed("/version", json!(4)).unwrap();
    assert_ne!(other.hash(), definition.hash());
}

#[test]
fn a_name_is_taken_once_and_an_older_version_is_known_by_hash_only() {
    let twice = Types::from_documents([PAYMENT, CALENDAR, PAYMENT].map(str::to_owned));
    assert_eq!(twice.unwrap_err().pointer, "/type");
    let older = changed("/version", json!(0)).unwrap();
    let types = types().with_older(older.document().to_owned()).unwrap();
    assert_eq!(types.by_name("payment").unwrap().version(), 3);
    assert_eq!(types.by_hash(older.hash()).unwrap().version(), 0);
    assert!(Types::default().with_older("{}".into()).is_err());
}

#[test]
fn a_rule_that_is_not_built_is_refused_when_the_type_is_loaded() {
    refused("/rules/~1reference", json!("regex"), "/rules/~1reference");
    refused(
        "/rules/~1reference",
        json!({ "rule": "equal", "fold": true }),
        "/rules/~1reference",
    );
}

#[test]
fn each_member_has_a_rule_and_each_rule_a_member() {
    refused(
        "/rules/~1reference",
        Value::Null,
        "/schema/properties/reference",
    );
    refused("/rules/~1nothing", json!("equal"), "/rules/~1nothing");
    refused(
        "/rules/~1creditor",
        json!("equal"),
        "/rules/~1creditor~1account~1iban",
    );
    let subset = "/schema/properties/reference";
    refused("/rules/~1reference", json!("subset"), subset);
    refused("/schema/properties/reference/type", json!("number"), subset);
    refused(
        "/schema/properties/reference/type",
        json!(["string", "null"]),
        subset,
    );
    refused("/schema/additionalProperties", Value::Null, "/schema");
    refused("/schema/additionalProperties", json!(true), "/schema");
    refused("/schema/patternProperties", json!({}), "/schema");
    refused("/schema/type", json!("array"), "/schema");
    for name in ["type", "ref", "type_hash", "locations"] {
        let at = format!("/schema/properties/{name}");
        refused(&at, json!({ "type": "string" }), &at);
    }
}

#[test]
fn a_member_that_is_carried_but_not_shown_is_refused() {
    refused("/limits", Value::Null, "/sentence/de");
    refused("/limits/en", json!(["At: {/locations}"]), "/sentence/en");
    let only_if_absent = "Pay [{/reference}|{/instructed_amount}] to {/creditor}, once";
    refused("/sentence/en", json!(only_if_absent), "/sentence/en");
    let short = "Pay {/instructed_amount} to {/creditor}, once";
    assert!(changed("/sentence/en", json!(short)).is_ok());
}

#[test]
fn a_sentence_must_read_in_every_language_and_say_how_often() {
    refused(
        "/sentence/en",
        json!("Pay {/instructed_amount} to {/creditor}"),
        "/sentence/en",
    );
    refused(
        "/sentence/de",
        json!("Zahlt {/instructed_amount} an {/creditor}"),
        "/sentence/de",
    );
    refused("/sentence/en", json!("Pay {/amount}, once"), "/sentence/en");
    refused(
        "/sentence/en",
        json!("Pay {/reference}, once"),
        "/sentence/en",
    );
    refused(
        "/sentence/en",
        json!("Pay {/instructed_amount, once"),
        "/sentence/en",
    );
    refused("/sentence/en", Value::Null, "/sentence");
    refused("/title/de", Value::Null, "/title");
    refused("/limits/de", Value::Null, "/limits");
    refused("/words", json!({ "fr": {} }), "/words");
    refused("/use", json!("repeat"), "/sentence/de");
}

#[test]
fn a_file_with_an_unknown_missing_or_wrong_member_is_refused() {
    refused("/rulez", json!({}), "");
    refused("/example", Value::Null, "");
    refused("/use", json!("twice"), "");
    refused("/level", json!("dna"), "");
    refused("/ask", json!("sometimes"), "");
    refused("/type", json!("pay ment"), "/type");
    refused("/example/type", json!("calendar"), "/example/type");
    refused(
        "/example/instructed_amount/amount",
        json!("01"),
        "/example/instructed_amount/amount",
    );
    let twice = PAYMENT.replacen("\"version\": 3,", "\"version\": 3, \"version\": 4,", 1);
    assert!(TypeDefinition::parse(&twice).is_err());
    assert!(TypeDefinition::parse(&" ".repeat(crate::MAX_DOCUMENT_LENGTH + 1)).is_err());
}

#[test]
fn a_person_is_asked_above_an_amount_in_one_currency() {
    let above = json!({ "above": {
        "pointer": "/instructed_amount/amount", "limit": "50.00",
        "where": { "/instructed_amount/currency": "EUR" },
    } });
    let definition = changed("/ask", above.clone()).unwrap();
    let needs = |value: Value| definition.ask().needs_person(&detail(value));
    assert!(!needs(payment("50")));
    assert!(needs(payment("50.01")));
    let mut dollars = payment("1");
    dollars["instructed_amount"]["currency"] = json!("USD");
    assert!(needs(dollars));
    assert!(needs(json!({ "type": "payment" })));
    assert!(AskRule::Always.needs_person(&detail(payment("0"))));
    assert!(!AskRule::Never.needs_person(&detail(payment("9"))));
    for (pointer, value, at) in [
        ("/above/limit", json!("50,00"), "/ask/above/limit"),
        ("/above/pointer", json!("/reference"), "/ask/above/pointer"),
        (
            "/above/where",
            json!({ "/fee": 1 }),
            "/ask/above/where/~1fee",
        ),
    ] {
        let mut bad = above.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        refused("/ask", bad, at);
    }
}

#[test]
fn a_period_is_shown_by_both_its_ends() {
    let short = CALENDAR.replace(" until {/period/until}", "");
    assert_eq!(
        TypeDefinition::parse(&short).unwrap_err().pointer,
        "/sentence/en"
    );
}

#[cfg(feature = "schema")]
#[test]
fn rfc_9396_5_what_a_client_may_not_ask_is_refused_with_its_pointer() {
    let types = types();
    let payment_with = |pointer: &str, value: Value| {
        let mut asked = payment("5");
        let (around, name) = pointer.rsplit_once('/').unwrap();
        asked.pointer_mut(around).unwrap()[name] = value;
        types.check_requested(&[detail(payment("1")), detail(asked)])
    };
    assert_eq!(payment_with("/reference", json!("x")), Ok(()));
    assert_eq!(
        payment_with("/locations", json!(["https://bank.example"])),
        Ok(())
    );
    assert_eq!(payment_with("/ref", json!("ref_a")), Ok(()));
    for (pointer, value) in [
        ("/fee", json!(1)),
        ("/creditor/bic", json!("x")),
        ("/reference", json!(1)),
        ("/instructed_amount/amount", json!(5)),
        ("/instructed_amount/amount", json!("-5")),
        ("/instructed_amount/currency", json!("euro")),
        ("/type_hash", json!("x")),
        ("/ref", json!(1)),
        ("/locations", json!("https://bank.example")),
        ("/locations", json!(["/bank"])),
        ("/locations", json!([])),
    ] {
        let problem = payment_with(pointer, value).unwrap_err();
        assert_eq!(problem.pointer, format!("/1{pointer}"), "{problem}");
    }
    let bare = detail(json!({ "type": "payment", "creditor": { "name": "x" } }));
    let problem = types.check_requested(&[bare]).unwrap_err();
    assert!(["/0/instructed_amount", "/0/creditor/account"].contains(&problem.pointer.as_str()));
    let unknown = types.check_requested(&[detail(json!({ "type": "flight" }))]);
    assert_eq!(unknown.unwrap_err().pointer, "/0/type");
}

#[cfg(feature = "schema")]
#[test]
fn what_the_schema_takes_and_the_rule_cannot_compare_is_refused() {
    let path = json!({ "type": "mcp_tool_call", "server": "s", "tool": "t", "path": "/a/../b" });
    let problem = types().check_requested(&[detail(path)]).unwrap_err();
    assert_eq!(problem.pointer, "/0/path");
    let period = json!({
        "type": "calendar", "calendar": "work", "actions": ["read"],
        "period": { "from": "2026-11-23", "until": "2026-11-24" },
    });
    let problem = types().check_requested(&[detail(period)]).unwrap_err();
    assert_eq!(problem.pointer, "/0/period");
}

#[test]
fn an_example_that_its_rules_cannot_compare_is_refused() {
    let relative = TOOL.replace("\"/reports/2026\"", "\"reports\"");
    assert_eq!(
        TypeDefinition::parse(&relative).unwrap_err().pointer,
        "/example/path"
    );
}

#[test]
fn what_is_usual_names_members_that_can_be_compared() {
    let usual = |value: Value| changed("/usual", value);
    let (iban, amount) = ("/creditor/account/iban", "/instructed_amount/amount");
    let currency = "/instructed_amount/currency";
    assert!(usual(json!({ "payee": iban })).is_ok());
    assert!(usual(Value::Null).is_ok());
    for (value, at) in [
        (json!({ "payee": "/nobody" }), "/usual/payee"),
        (json!({ "payee": "" }), "/usual/payee"),
        (json!({ "payee": "iban" }), "/usual/payee"),
        (json!({ "payee": "/creditor" }), "/usual/payee"),
        // Not comparable, and not in every object.
        (json!({ "payee": amount }), "/usual/payee"),
        (json!({ "payee": "/reference" }), "/usual/payee"),
        (json!({ "payee": iban, "amount": amount }), "/usual/amount"),
        (json!({ "payee": iban, "unit": currency }), "/usual/unit"),
        (
            json!({ "payee": iban, "amount": currency, "unit": currency }),
            "/usual/amount",
        ),
        (
            json!({ "payee": iban, "amount": amount, "unit": amount }),
            "/usual/unit",
        ),
        (
            json!({ "payee": iban, "amount": amount, "unit": "/reference" }),
            "/usual/unit",
        ),
        // Not even a pointer of the right form, or an unknown member.
        (json!({ "amount": amount, "unit": currency }), ""),
        (json!({ "payee": iban, "who": iban }), ""),
    ] {
        let error = usual(value.clone()).unwrap_err();
        assert_eq!(error.pointer, at, "{value}: {error}");
    }
}

#[test]
fn what_is_usual_is_read_from_an_object() {
    let types = types();
    let payment = detail(payment("412.00"));
    let values = types.of(&payment).unwrap().usual(&payment).unwrap();
    assert_eq!(values.payee, "NL91ABNA0417164300");
    let key = r#"["payment","/creditor/account/iban","NL91ABNA0417164300"]"#;
    assert_eq!(values.key, key);
    let amount = values.amount.unwrap();
    assert_eq!(
        (amount.text.as_str(), amount.unit.as_str()),
        ("412.00", "EUR")
    );
    let calendar = json!({ "type": "calendar", "calendar": "work", "actions": ["read"] });
    let calendar = detail(calendar);
    assert_eq!(types.of(&calendar).unwrap().usual(&calendar), None);
}
