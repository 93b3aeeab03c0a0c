//! The sentences that people read.

use serde_json::{Value, json};

use super::world::{consented, detail, payment, types};
use crate::{Piece, TypeDefinition, Types};

fn say(value: Value, lang: &str) -> String {
    let (types, detail) = (types(), detail(value));
    types.of(&detail).unwrap().sentence(&detail, lang)
}

fn read(lines: &[Vec<Piece>]) -> Vec<String> {
    let text = |line: &Vec<Piece>| line.iter().map(Piece::as_str).collect();
    lines.iter().map(text).collect()
}

#[test]
fn a_payment() {
    let value = payment("412.00");
    assert_eq!(
        say(value.clone(), "en"),
        "Pay up to EUR 412.00 to “KLM” (NL91 ABNA 0417 1643 00), once"
    );
    let german = "Bis zu 412,00 EUR an „KLM“ (NL91 ABNA 0417 1643 00) zahlen, einmal";
    assert_eq!(say(value.clone(), "de"), german);
    assert_eq!(say(value.clone(), "de-AT"), german);
    assert_eq!(say(value.clone(), "fr"), say(value, "en"));
}

#[test]
fn a_calendar() {
    let mut value = json!({
        "type": "calendar", "calendar": "work", "actions": ["read", "create", "update"],
        "period": { "from": "2026-11-23T00:00:00+01:00", "until": "2026-11-27T18:00:00+01:00" },
    });
    assert_eq!(
        say(value.clone(), "en"),
        "Read, create and change events in the calendar “work” from 2026-11-23 00:00 UTC+01:00 \
         until 2026-11-27 18:00 UTC+01:00; each time without asking again"
    );
    assert_eq!(
        say(value.clone(), "de"),
        "Im Kalender „work“ Termine lesen, anlegen und ändern, vom 2026-11-23 00:00 UTC+01:00 \
         bis 2026-11-27 18:00 UTC+01:00; jedes Mal ohne neue Rückfrage"
    );
    value["period"] = json!("2026-11-23T09:30:00Z");
    assert!(
        say(value.clone(), "en").contains("from 2026-11-23 09:30 UTC until 2026-11-23 09:30 UTC")
    );
    value.as_object_mut().unwrap().remove("period");
    assert_eq!(
        say(value, "en"),
        "Read, create and change events in the calendar “work”, whenever they are; \
         each time without asking again"
    );
}

#[test]
fn a_tool_call_says_what_is_not_limited_too() {
    let mut value = json!({ "type": "mcp_tool_call", "server": "https://files.example/mcp", "tool": "read_file" });
    assert_eq!(
        say(value.clone(), "en"),
        "Call the tool “read_file” of “https://files.example/mcp”, with any arguments, \
         any number of times; each call without asking again"
    );
    value["path"] = json!("/reports/2026");
    value["arguments"] = json!({ "encoding": "utf-8", "page": 2 });
    value["calls"] = json!(20);
    assert_eq!(
        say(value.clone(), "en"),
        "Call the tool “read_file” of “https://files.example/mcp”, only at or below “/reports/2026”, \
         only with “encoding”: “utf-8”, “page”: 2, at most 20 times in all; each call without asking again"
    );
    assert_eq!(
        say(value, "de"),
        "Das Werkzeug „read_file“ von „https://files.example/mcp“ aufrufen, nur in oder unterhalb von \
         „/reports/2026“, nur mit „encoding“: „utf-8“, „page“: 2, insgesamt höchstens 20-mal; \
         jeder Aufruf ohne neue Rückfrage"
    );
}

/// One call is no "1 times".
#[test]
fn a_number_has_the_word_for_one_or_for_several_after_it() {
    for (calls, english, german) in [
        (1, "at most 1 time in all", "insgesamt höchstens 1-mal"),
        (2, "at most 2 times in all", "insgesamt höchstens 2-mal"),
        (
            1000,
            "at most 1,000 times in all",
            "insgesamt höchstens 1.000-mal",
        ),
    ] {
        let value = json!({
            "type": "mcp_tool_call", "server": "https://files.example/mcp", "tool": "read_file", "calls": calls
        });
        let said = [say(value.clone(), "en"), say(value.clone(), "de")];
        assert!(said[0].contains(english), "{}", said[0]);
        assert!(said[1].contains(german), "{}", said[1]);
        let object = detail(value);
        let headline = types().of(&object).unwrap().headline(&object, "en");
        let line: String = headline.unwrap().line.iter().map(Piece::as_str).collect();
        let line = line.split(", ").next().unwrap().to_owned();
        assert!(
            english.starts_with(&line) && line.contains("time"),
            "{line}"
        );
    }
}

/// What a program is called has no capital: `Delete_note` is another tool.
#[test]
fn a_sentence_that_begins_with_a_name_for_programs_keeps_it() {
    for (words, shown) in [
        ("delete the note", "Delete the note, once"),
        ("öffne die Notiz", "Öffne die Notiz, once"),
        ("delete_note now", "delete_note now, once"),
        ("sendMail benutzen", "sendMail benutzen, once"),
        ("fs/read now", "fs/read now, once"),
        ("v2 now", "v2 now, once"),
        ("re-open the note", "Re-open the note, once"),
        ("“delete_note” now", "“delete_note” now, once"),
    ] {
        let file = json!({
            "type": "x", "version": 1, "title": { "en": "X" }, "use": "once", "ask": "never", "level": "none",
            "sentence": { "en": format!("{words}, once") }, "limits": { "en": ["At: {/locations}"] },
            "rules": {}, "schema": { "type": "object", "additionalProperties": false, "properties": {} },
            "example": { "type": "x" },
        });
        let definition = TypeDefinition::parse(&file.to_string()).unwrap();
        let object = detail(json!({ "type": "x" }));
        assert_eq!(definition.sentence(&object, "en"), shown);
    }
}

#[test]
fn limits_are_the_lines_whose_values_are_there() {
    let types = types();
    let definition = types.by_name("payment").unwrap();
    assert!(definition.limits(&detail(payment("1")), "en").is_empty());
    let mut value = payment("1");
    value["reference"] = json!("Booking 7KQ2PX");
    let consented = consented("ref_a", "https://bank.example", value);
    let lines = read(&definition.limits(&consented, "en"));
    assert_eq!(
        lines,
        [
            "Reference on the statement: “Booking 7KQ2PX”",
            "At: https://bank.example"
        ]
    );
    let lines = read(&definition.limits(&consented, "de"));
    assert_eq!(
        lines,
        [
            "Verwendungszweck: „Booking 7KQ2PX“",
            "Bei: https://bank.example"
        ]
    );
}

#[test]
fn a_value_cannot_pose_as_our_words() {
    let types = types();
    let mut value = payment("412.00");
    value["creditor"]["name"] = json!("K\u{202e}L\nM\u{200b} {/reference} [x]");
    let detail = detail(value);
    let definition = types.of(&detail).unwrap();
    let pieces = definition.pieces(&detail, "en");
    assert!(pieces.contains(&Piece::Value(
        "K\\u{202e}L\\u{a}M\\u{200b} {/reference} [x]".into()
    )));
    assert!(pieces.contains(&Piece::Text("Pay up to ".into())));
}

#[test]
fn a_pattern_is_shown_with_a_star_for_what_it_leaves_open() {
    let open =
        json!({ "type": "payment", "instructed_amount": { "amount": "500", "currency": "EUR" } });
    assert_eq!(say(open, "en"), "Pay up to EUR 500 to * (*), once");
    let types: Types = types();
    assert_eq!(types.by_name("payment").unwrap().title("de-CH"), "Zahlung");
}

#[test]
fn what_reads_like_the_end_of_a_quotation_is_marked_as_part_of_it() {
    let named = |name: &str| {
        let calendar = json!({ "type": "calendar", "calendar": name, "actions": ["read"] });
        say(calendar, "en")
    };
    for mark in ['"', '”', '“', '»', '״', 'ˮ', 'ʺ', '″', '〞'] {
        let read = named(&format!("x{mark} or y"));
        assert!(read.contains(&format!("“x\\{mark} or y”")), "{read}");
    }
    let read = named("צה״ל");
    assert!(read.contains("“צה״ל”"), "{read}");
}
