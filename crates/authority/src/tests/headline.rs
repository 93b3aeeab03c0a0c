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
        letter: None,
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

/// A type whose one member holds a mail.
fn mail_type(letter: Value) -> Result<TypeDefinition, TypeError> {
    let file = json!({
        "type": "mail", "version": 1, "title": { "en": "Mail" }, "use": "once", "ask": "always", "level": "password",
        "sentence": { "en": "Send the mail {/mail/subject}, once" },
        "limits": { "en": ["{/mail}", "From: {/from}", "At: {/locations}"] },
        "rules": { "/mail": "any", "/from": "equal" },
        "shown": { "does": { "en": "send this mail" }, "letter": letter },
        "schema": {
            "type": "object", "additionalProperties": false, "required": ["mail"],
            "properties": {
                "from": { "type": "string", "maxLength": 20, "minLength": 1 },
                "mail": {
                    "type": "object", "required": ["to", "subject", "text"],
                    "properties": { "to": {}, "subject": {}, "text": {} }
                }
            }
        },
        "example": { "type": "mail", "mail": { "to": "a", "subject": "b", "text": "c" } }
    });
    TypeDefinition::parse(&file.to_string())
}

fn letter() -> Value {
    json!({ "to": "/mail/to", "bcc": "/mail/bcc", "subject": "/mail/subject", "text": "/mail/text" })
}

/// What a letter has stands in it, and all else in lines; what is none is told by the sentence.
#[test]
fn a_letter_has_its_parts_and_every_other_value_a_line() {
    let definition = mail_type(letter()).unwrap();
    for (more, to, bcc, lines) in [
        (json!({ "to": "a@x" }), &["a@x"][..], &[][..], &[][..]),
        (
            json!({ "to": ["a@x", "b\"@x"] }),
            &["a@x", "b\\\"@x"],
            &[],
            &[],
        ),
        (
            json!({ "to": "a@x", "bcc": ["c@x"] }),
            &["a@x"],
            &["c@x"],
            &[],
        ),
        (json!({ "to": "a@x", "bcc": null }), &["a@x"], &[], &[]),
        (
            json!({ "to": "a@x", "cc": "d@x" }),
            &["a@x"],
            &[],
            &["“cc”: “d@x”"],
        ),
    ] {
        let mut mail = json!({ "subject": "Hi", "text": "one\ntwo \"x\"" });
        mail.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let object =
            detail(json!({ "type": "mail", "locations": ["https://x.example"], "mail": mail }));
        let headline = definition.headline(&object, "en").unwrap();
        let found = headline.letter.unwrap();
        assert_eq!(
            (&*found.to, &*found.bcc),
            (&*owned(to), &*owned(bcc)),
            "{more}"
        );
        assert_eq!(found.text, "one\ntwo \\\"x\\\"");
        assert_eq!(written(&definition, &object), owned(lines), "{more}");
    }
    for to in [
        json!({ "name": "Bob" }),
        json!([]),
        json!(1),
        json!(null),
        json!([["a"]]),
    ] {
        let mail = json!({ "to": to, "subject": "Hi", "text": "x" });
        let object =
            detail(json!({ "type": "mail", "locations": ["https://x.example"], "mail": mail }));
        assert_eq!(definition.headline(&object, "en"), None, "{to}");
        assert!(!written(&definition, &object).is_empty(), "{to}");
    }
}

fn owned(all: &[&str]) -> Vec<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

fn written(definition: &TypeDefinition, object: &writ_wire::rar::Detail) -> Vec<String> {
    let lines = definition.values(object, "en").into_iter();
    lines
        .map(|line| line.iter().map(Piece::as_str).collect())
        .collect()
}

/// Elsewhere an absent member is unrestricted: a letter without hidden copies would permit them.
#[test]
fn a_part_that_may_be_absent_is_below_a_value_of_any_kind() {
    for (part, pointer, why) in [
        ("bcc", "/from", "not required"),
        ("bcc", "/none", "names no member"),
        ("to", "/mail/cc", "not required"),
        ("text", "/mail/body", "not required"),
        ("from", "/mail/from", "unknown field"),
    ] {
        let mut letter = letter();
        letter[part] = json!(pointer);
        let refused = mail_type(letter).unwrap_err().to_string();
        assert!(refused.contains(why), "{part} {pointer}: {refused}");
    }
    let mut letter = letter();
    letter.as_object_mut().unwrap().remove("to");
    let refused = mail_type(letter).unwrap_err().to_string();
    assert!(refused.contains("missing field `to`"), "{refused}");
}
