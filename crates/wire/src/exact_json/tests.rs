//! What is taken, what is refused, and in which form a number is kept.

use super::*;

mod hostile;

#[test]
fn what_every_parser_reads_alike_is_taken() {
    for (good, kept) in [
        ("{}", "{}"),
        ("[]", "[]"),
        (
            r#"{"a":"-0 1e400 \" 1e400 \\","b":[1,2.5,true,null]}"#,
            r#"{"a":"-0 1e400 \" 1e400 \\","b":[1,2.5,true,null]}"#,
        ),
        (
            r#"{"text":"12345678901234567890"}"#,
            r#"{"text":"12345678901234567890"}"#,
        ),
        (r#"{"a":"\r\n\t"}"#, r#"{"a":"\r\n\t"}"#),
        (r#"{"ab":1,"ac":{"ab":2}}"#, r#"{"ab":1,"ac":{"ab":2}}"#),
        (r#"{"a":[1.0,{"b":-0.0}]}"#, r#"{"a":[1,{"b":0}]}"#),
    ] {
        let kept: Value = serde_json::from_str(kept).unwrap();
        assert_eq!(read(good.as_bytes()), Ok(kept), "{good}");
    }
}

/// The table that every kit is judged by: texts of numbers, and what each is.
#[test]
fn a_number_is_taken_in_every_spelling_of_its_double_or_in_none() {
    let vectors = include_str!("../../../../conformance/vectors/arguments.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let rows = vectors["numbers"].as_array().unwrap();
    assert!(rows.len() >= 40);
    for row in rows {
        let text = row["text"].as_str().unwrap();
        let raw = serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
        let found = read(text.as_bytes());
        let Some(canonical) = row.get("canonical").and_then(Value::as_str) else {
            assert!(found.is_err(), "{text}: {found:?}");
            let why = misread(&raw, "/a", 1).unwrap();
            assert_eq!(
                (why.place.as_str(), why.why),
                ("/a", ExactJsonError::Number(number::told(text)))
            );
            continue;
        };
        assert_eq!(misread(&raw, "/a", 1), None, "{text}");
        // The same value as that of its canonical text, or of what is written instead of it.
        let written = row.get("written").and_then(Value::as_str);
        assert_eq!(
            found,
            read(written.unwrap_or(canonical).as_bytes()),
            "{text}"
        );
        // What is written of it here is taken again.
        let canonical = canonical.parse::<f64>().unwrap();
        assert_eq!(
            found.as_ref().unwrap().as_f64(),
            Some(canonical + 0.0),
            "{text}"
        );
        let written = found.clone().unwrap().to_string();
        assert_eq!(
            inexact_number(written.as_bytes()),
            None,
            "{text}: {written}"
        );
        let double: f64 = text.parse().unwrap();
        assert_eq!(found.unwrap().as_f64().unwrap(), double + 0.0, "{text}");
    }
}

#[test]
fn a_place_is_found_of_what_no_reader_here_holds_in_a_value() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    for (bad, place, why) in [
        (
            r#"{"a":[0,1e400]}"#,
            "/at/a/1",
            ExactJsonError::Number("1e400".to_owned()),
        ),
        (r#"{"a":"\ud800"}"#, "/at/a", ExactJsonError::Unicode),
        (r#"{"b":{"\ud800":1}}"#, "/at/b", ExactJsonError::Unicode),
        (
            r#"{"b":{"c":1,"c":1}}"#,
            "/at/b",
            ExactJsonError::Twice("c".to_owned()),
        ),
        (
            r#"{"b":{"c":1,"\u0063":1}}"#,
            "/at/b",
            ExactJsonError::Twice("c".to_owned()),
        ),
        (
            r#"{"a/b":{"~":{"x":1,"X":2}}}"#,
            "/at/a~1b/~0",
            ExactJsonError::SameName("x".to_owned(), "X".to_owned()),
        ),
        (r#"[{"__proto__":1}]"#, "/at/0", ExactJsonError::Prototype),
        (
            r#"[{"$serde_json::private::RawValue":"1"}]"#,
            "/at/0",
            ExactJsonError::Private,
        ),
        (r#"["\u0000"]"#, "/at/0", ExactJsonError::Control('\0')),
        (
            r#"{"a":["\ufffe"]}"#,
            "/at/a/0",
            ExactJsonError::Noncharacter('\u{fffe}'),
        ),
        (deep.as_str(), "/at/a/0", ExactJsonError::Deep(2)),
    ] {
        let raw = serde_json::value::RawValue::from_string(bad.to_owned()).unwrap();
        let place = place.to_owned();
        let levels = if bad == deep { 2 } else { 3 };
        assert_eq!(
            misread(&raw, "/at", levels),
            Some(Misread { place, why }),
            "{bad}"
        );
    }
}

/// Each is read in two ways by parsers in use: the last or the first of two members, a double or a decimal, names with or
/// without their case.
#[test]
fn what_two_parsers_read_differently_is_refused() {
    for bad in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"b":[{"a":1,"a":1}]}"#,
        r#"{"name":1,"Name":2}"#,
        r#"{"is":1,"iſ":2}"#,
        r#"{"k":1,"K":2}"#,
        r#"{"__proto__":{"a":1}}"#,
        r#"{"\u005f_proto__":{"a":1}}"#,
        r#"{"$serde_json::private::RawValue":"{}"}"#,
        "9007199254740993",
        "18446744073709551617",
        "9007199254740993.0",
        "123456789012345678901234567890",
        "1e400",
        "0.1000000000000000055511151231257827",
        "1.00000000000000000001",
        "3.14159265358979323846",
        r#"{"a":[1,{"b":1e400}]}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\u0000"}"#,
        "\u{feff}{}",
        "{} {}",
        "{}x",
        "{'a':1}",
        r#"{"a":1,}"#,
        "{\"a\":1/**/}",
        "NaN",
        "01",
        "+1",
        ".5",
        "5.",
        "",
    ] {
        assert!(read(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(read(b"{\"a\":\"\xc0\xaf\"}").is_err());
    assert!(read(b"{\"a\":\"\xed\xa0\x80\"}").is_err());
    let deep = "[".repeat(200) + &"]".repeat(200);
    assert!(read(deep.as_bytes()).is_err());
}

#[test]
fn names_that_differ_in_case_or_form_alone_are_one() {
    // CaseFolding.txt of Unicode: C, F, S and T.
    for same in [
        &["ß", "ẞ", "ss", "SS", "sS", "ſs"][..],
        &["ſ", "s", "S"],
        &["k", "K", "\u{212a}"],
        &["i", "I", "ı", "İ", "i\u{307}", "I\u{307}"],
        &["ς", "σ", "Σ"],
        &["aς", "aσ", "AΣ"],
        &["å", "Å", "\u{212b}"],
        &["ω", "Ω", "\u{2126}"],
        &["µ", "μ", "Μ"],
        &["ﬁ", "fi", "FI"],
        &["ﬅ", "ﬆ", "st"],
        &["ᾳ", "ᾼ", "αι"],
        &["θ", "ϑ", "ϴ"],
        &["ǆ", "ǅ", "Ǆ"],
        &["Ꭰ", "ꭰ"],
        // Canonical equivalence (UAX 15).
        &["\u{e9}", "e\u{301}", "\u{c9}", "E\u{301}"],
        &["\u{1e69}", "s\u{323}\u{307}", "s\u{307}\u{323}"],
        &["\u{ac00}", "\u{1100}\u{1161}"],
        &["\u{795e}", "\u{fa19}"],
        &["\u{1d157}\u{1d165}", "\u{1d15e}"],
    ] {
        for (place, one) in same.iter().enumerate() {
            for other in &same[place + 1..] {
                let text = format!(r#"{{"{one}":1,"{other}":2}}"#);
                let found = read(text.as_bytes());
                let is_refused = matches!(found, Err(ExactJsonError::SameName(..)));
                assert!(is_refused, "{text}: {found:?}");
            }
        }
    }
    for other in [
        ["ß", "s"],
        ["i", "j"],
        ["a", "å"],
        ["e", "é"],
        ["σ", "s"],
        ["k", "c"],
        ["1", "¹"],
    ] {
        let [one, other] = other;
        let text = format!(r#"{{"{one}":1,"{other}":2}}"#);
        assert!(read(text.as_bytes()).is_ok(), "{text}");
    }
}

#[test]
fn values_that_were_made_here_are_held_to_the_same() {
    let number = |value: f64| Value::from(value);
    for good in [
        Value::from(1),
        number(0.5),
        number(1.0),
        Value::from(-7),
        number(-0.0),
        number(1e300),
        number(5e-324),
        Value::from(1_u64 << 53),
        // Written with an exponent: a double for whoever reads it.
        number(1_234_567_890_123_456_768.0),
        Value::from(1_234_567_890_123_456_768_u64),
    ] {
        assert_eq!(check(&good), Ok(()), "{good}");
    }
    for bad in [
        Value::from(u64::MAX),
        Value::from((1_u64 << 53) + 1),
        // By its digits another integer than the double 1234567890123456768, whose canonical text it is.
        Value::from(1_234_567_890_123_456_800_u64),
        Value::from("a\0"),
        Value::from("\u{1b}[31m"),
        serde_json::json!({ "a\u{7f}": 1 }),
        serde_json::json!({ "$serde_json::private::Number": "1" }),
    ] {
        assert!(check(&bad).is_err(), "{bad}");
    }
}

#[test]
fn of_a_number_that_is_refused_its_beginning_is_told() {
    for length in [number::MAX_TOLD, number::MAX_TOLD + 1, 5000] {
        let number = format!("0.{}", "7".repeat(length - 2));
        let told = format!("0.{}", "7".repeat(number::MAX_TOLD - 2));
        let refused = read(number.as_bytes()).unwrap_err();
        assert_eq!(refused, ExactJsonError::Number(told), "{length}");
    }
}
