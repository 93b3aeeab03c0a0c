//! What of an object stands first on a screen, and which type files that say so are read.

use serde_json::{Value, json};

use super::world::{CALENDAR, PAYMENT, TOOL, detail, payment, types};
use crate::headline::MAX_DOES;
use crate::{Headline, HeadlineAmount, Piece, TypeDefinition, TypeError};

const AMOUNT: &str = "/instructed_amount/amount";
const UNIT: &str = "/instructed_amount/currency";
const PAYEE: &str = "/creditor/name";

fn with_shown(document: &str, shown: Value) -> Result<TypeDefinition, TypeError> {
    let mut file: Value = serde_json::from_str(document).unwrap();
    let members = file.as_object_mut().unwrap();
    members.remove("shown");
    if !shown.is_null() {
        members.insert("shown".to_owned(), shown);
    }
    TypeDefinition::parse(&file.to_string())
}

fn does() -> Value {
    json!({ "en": "pay", "de": "zahlen" })
}

#[test]
fn a_payment_shows_amount_payee_and_account() {
    let (types, object) = (types(), detail(payment("412.00")));
    let definition = types.of(&object).unwrap();
    let headline = Headline {
        does: "pay up to".to_owned(),
        amount: Some(HeadlineAmount {
            value: "412.00".to_owned(),
            unit: "EUR".to_owned(),
        }),
        payee: Some("KLM".to_owned()),
        account: Some("NL91ABNA0417164300".to_owned()),
        object: None,
        line: Vec::new(),
    };
    assert_eq!(definition.headline(&object, "en"), Some(headline));
    let german = definition.headline(&object, "de-AT").unwrap();
    assert_eq!(german.does, "zahlen: bis zu");
}

#[test]
fn a_line_below_says_how_often_and_where() {
    let line = |document: &str, lang: &str| {
        let definition = TypeDefinition::parse(document).unwrap();
        let headline = definition.headline(&definition.example().unwrap(), lang);
        let headline = headline.unwrap();
        let line: String = headline.line.iter().map(Piece::as_str).collect();
        (headline.object.unwrap(), line)
    };
    let (tool, words) = line(TOOL, "en");
    assert_eq!(tool, "read_file");
    assert_eq!(
        words,
        "at most 20 times, with “encoding”: “utf-8”; of “https://files.example/mcp”, below “/reports/2026”"
    );
    let (calendar, words) = line(CALENDAR, "de");
    assert_eq!(calendar, "work");
    assert!(words.starts_with("Termine lesen und anlegen, "), "{words}");
}

#[test]
fn words_for_what_is_done_have_a_longest_text() {
    let shown = json!({ "does": { "en": "x".repeat(MAX_DOES), "de": "zahlen" }, "payee": PAYEE });
    assert!(with_shown(PAYMENT, shown).is_ok());
    let long =
        json!({ "does": { "en": "x".repeat(MAX_DOES + 1), "de": "zahlen" }, "payee": PAYEE });
    let refused = with_shown(PAYMENT, long).unwrap_err();
    assert!(
        refused.to_string().contains("1 to 40 characters"),
        "{refused}"
    );
}

/// A name can close no quotation mark, and hide nothing.
#[test]
fn a_value_is_escaped_as_in_the_sentence() {
    let mut object = payment("1.00");
    object["creditor"]["name"] = json!("KLM” \u{202e}");
    let object = detail(object);
    let types = types();
    let headline = types.of(&object).unwrap().headline(&object, "en").unwrap();
    assert_eq!(headline.payee.as_deref(), Some("KLM\\” \\u{202e}"));
}

/// Files of before have no such member; their screens show the sentence.
#[test]
fn a_type_that_does_not_say_has_no_headline() {
    let definition = with_shown(PAYMENT, Value::Null).unwrap();
    assert_eq!(definition.headline(&detail(payment("1.00")), "en"), None);
}

#[test]
fn what_is_shown_names_members_that_are_always_there() {
    for shown in [
        json!({ "does": does(), "amount": AMOUNT, "unit": UNIT, "payee": PAYEE }),
        json!({ "does": does(), "amount": AMOUNT }),
        json!({ "does": does(), "object": PAYEE }),
        json!({ "does": does(), "payee": PAYEE, "line": { "en": "[for {/reference}|]", "de": "[{/reference}|]" } }),
    ] {
        assert!(with_shown(PAYMENT, shown.clone()).is_ok(), "{shown}");
    }
    for (shown, at) in [
        (json!({ "does": does(), "amount": PAYEE }), "/shown/amount"),
        (
            json!({ "does": does(), "amount": "/none" }),
            "/shown/amount",
        ),
        (json!({ "does": does(), "payee": AMOUNT }), "/shown/payee"),
        (
            json!({ "does": does(), "payee": "/creditor" }),
            "/shown/payee",
        ),
        // Not in every object.
        (
            json!({ "does": does(), "object": "/reference" }),
            "/shown/object",
        ),
        (
            json!({ "does": does(), "payee": PAYEE, "unit": UNIT }),
            "/shown/unit",
        ),
        (
            json!({ "does": does(), "account": "/creditor/account/iban" }),
            "/shown",
        ),
        (
            json!({ "does": { "en": "pay" }, "payee": PAYEE }),
            "/shown/does",
        ),
        (
            json!({ "does": { "en": "x".repeat(MAX_DOES + 1), "de": "zahlen" }, "payee": PAYEE }),
            "/shown/does/en",
        ),
        (
            json!({ "does": { "en": "pay", "de": "" }, "payee": PAYEE }),
            "/shown/does/de",
        ),
        (
            json!({ "does": does(), "payee": PAYEE, "line": { "en": "x" } }),
            "/shown/line",
        ),
        (
            json!({ "does": does(), "payee": PAYEE, "line": { "en": "{/none}", "de": "x" } }),
            "/shown/line/en",
        ),
        (json!({ "does": does(), "payee": PAYEE, "what": PAYEE }), ""),
        (json!({ "payee": PAYEE }), ""),
    ] {
        let error = with_shown(PAYMENT, shown.clone()).unwrap_err();
        assert_eq!(error.pointer, at, "{shown}: {error}");
    }
}
