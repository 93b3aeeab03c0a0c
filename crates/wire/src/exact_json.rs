//! JSON that every reader takes for the same (RFC 8259 sections 4 and 6, RFC 7493 section 2): whoever judges a message and whoever
//! acts upon it may use different parsers. Beyond [`strict_json`]: a number's text is the one of its double, without an exponent;
//! no two members of an object differ in case alone; no member is called `__proto__`.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use crate::{strict_json, text};

/// The largest integer that a double holds exactly with its neighbours (RFC 7493 section 2.2).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why a text is refused: a sentence for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExactJsonError {
    #[error("this is no JSON that is taken here: {0}")]
    Json(String),
    #[error("the number `{0}` is not read alike by every parser: send it as text")]
    Number(String),
    #[error("the members `{0}` and `{1}` of one object differ in case alone")]
    SameButCase(String, String),
    #[error("a member is called `__proto__`")]
    Prototype,
    #[error("a text has the control character {}", text::code_point(*.0))]
    Control(char),
}

/// The value of a text about which no two parsers disagree.
pub fn read(text: &[u8]) -> Result<Value, ExactJsonError> {
    let value: Value =
        strict_json::read(text).map_err(|error| ExactJsonError::Json(error.to_string()))?;
    check_numbers(text)?;
    check(&value)?;
    Ok(value)
}

/// The first number of a JSON text that is not read alike by every parser; `None` for a text that is no JSON.
pub fn inexact_number(text: &[u8]) -> Option<String> {
    match check_numbers(text) {
        Err(ExactJsonError::Number(number)) => Some(number),
        Err(_) | Ok(()) => None,
    }
}

/// The same for a value that was made here, whose text does not exist yet.
pub fn check(value: &Value) -> Result<(), ExactJsonError> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::String(text) => check_text(text),
        Value::Number(number) => check_number(number),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(members) => {
            check_names(members)?;
            members.values().try_for_each(check)
        }
    }
}

fn check_text(text: &str) -> Result<(), ExactJsonError> {
    match text::control_in(text) {
        Some(control) => Err(ExactJsonError::Control(control)),
        None => Ok(()),
    }
}

fn check_number(number: &Number) -> Result<(), ExactJsonError> {
    let exact = match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(whole), _, _) => whole <= MAX_INTEGER,
        (None, Some(whole), _) => whole.unsigned_abs() <= MAX_INTEGER,
        (None, None, Some(double)) => {
            double.is_finite() && double.abs() <= DOUBLE_LIMIT && !is_negative_zero(double)
        }
        (None, None, None) => false,
    };
    exact
        .then_some(())
        .ok_or_else(|| ExactJsonError::Number(number.to_string()))
}

fn is_negative_zero(double: f64) -> bool {
    double == 0.0 && double.is_sign_negative()
}

fn check_names(members: &Map<String, Value>) -> Result<(), ExactJsonError> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for name in members.keys() {
        check_text(name)?;
        if name == "__proto__" {
            return Err(ExactJsonError::Prototype);
        }
        if !seen.insert(folded(name)) {
            let same = |other: &&String| *other != name && folded(other) == folded(name);
            let other = members.keys().find(same).cloned().unwrap_or_default();
            return Err(ExactJsonError::SameButCase(other, name.clone()));
        }
    }
    Ok(())
}

/// The same for two names that any reader which ignores case takes for one: simple and full folding together (Unicode, section 3.13.3).
/// Letter by letter, because a sigma at the end of a word is written in another way. The dotted I folds to `i` with a dot or, by simple
/// folding, to `i` alone.
fn folded(name: &str) -> String {
    let small = name.chars().flat_map(char::to_lowercase);
    let large = small.flat_map(char::to_uppercase);
    let small: String = large.flat_map(char::to_lowercase).collect();
    small.replace("i\u{307}", "i")
}

/// `text` is JSON, so that whatever is neither in a string nor a letter or punctuation is a number.
fn check_numbers(text: &[u8]) -> Result<(), ExactJsonError> {
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'"' => after_string(after),
            b'-' | b'0'..=b'9' => {
                let end = rest.iter().position(|byte| !is_of_number(*byte));
                let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
                check_number_text(number)?;
                after
            }
            _ => after,
        };
    }
    Ok(())
}

fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some((first, after)) = rest.split_first() {
        match first {
            b'"' => return after,
            b'\\' => rest = after.get(1..).unwrap_or_default(),
            _ => rest = after,
        }
    }
    rest
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || b"+-.eE".contains(&byte)
}

fn check_number_text(text: &[u8]) -> Result<(), ExactJsonError> {
    let text = String::from_utf8_lossy(text);
    let exact = match text.split_once('.') {
        None => text.parse::<i64>().is_ok_and(|whole| {
            whole.unsigned_abs() <= MAX_INTEGER && !(whole == 0 && text.starts_with('-'))
        }),
        // The shortest text of a double has no exponent here, and nothing behind the digits that tell it from its neighbours.
        Some((_, fraction)) => text.parse::<f64>().is_ok_and(|double| {
            let shortest = format!("{double}");
            let plain = text.trim_end_matches('0').trim_end_matches('.');
            let plain = if fraction.bytes().all(|digit| digit == b'0') {
                plain_whole(&text)
            } else {
                plain
            };
            double.abs() <= DOUBLE_LIMIT && !is_negative_zero(double) && plain == shortest
        }),
    };
    exact
        .then_some(())
        .ok_or_else(|| ExactJsonError::Number(text.chars().take(MAX_TOLD).collect()))
}

fn plain_whole(text: &str) -> &str {
    text.split_once('.').map_or(text, |(whole, _)| whole)
}

/// The most that is told of a number's text, in characters.
const MAX_TOLD: usize = 40;
/// As [`MAX_INTEGER`], for numbers with a fraction.
const DOUBLE_LIMIT: f64 = MAX_INTEGER as f64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_parser_reads_alike_is_taken() {
        for good in [
            "{}",
            "[]",
            "0",
            "-1",
            "9007199254740991",
            "-9007199254740991",
            "1.0",
            "10.0",
            "1.50",
            "0.1",
            "-0.5",
            "0.30000000000000004",
            r#"{"a":"-0 1e5 \" 1e5 \\","b":[1,2.5,true,null]}"#,
            r#"{"text":"12345678901234567890"}"#,
            r#"{"a":"\r\n\t"}"#,
            r#"{"ab":1,"ac":{"ab":2}}"#,
        ] {
            assert_eq!(
                read(good.as_bytes()),
                Ok(serde_json::from_str(good).unwrap()),
                "{good}"
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
            "9007199254740992",
            "-9007199254740992",
            "9007199254740993",
            "18446744073709551616",
            "9007199254740993.0",
            "123456789012345678901234567890",
            "1e2",
            "1E2",
            "1e-2",
            "1.5e3",
            "1e400",
            "-0",
            "-0.0",
            "0.1000000000000000055511151231257827",
            "1.00000000000000000001",
            "3.14159265358979323846",
            r#"{"a":[1,{"b":1e5}]}"#,
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
    fn names_that_differ_in_case_alone_are_one() {
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
        ] {
            for (place, one) in same.iter().enumerate() {
                for other in &same[place + 1..] {
                    let text = format!(r#"{{"{one}":1,"{other}":2}}"#);
                    let found = read(text.as_bytes());
                    let is_refused = matches!(found, Err(ExactJsonError::SameButCase(..)));
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
        for good in [Value::from(1), number(0.5), number(1.0), Value::from(-7)] {
            assert_eq!(check(&good), Ok(()), "{good}");
        }
        for bad in [
            Value::from(u64::MAX),
            Value::from(i64::MIN),
            number(-0.0),
            number(1e300),
            Value::from("a\0"),
            Value::from("\u{1b}[31m"),
            serde_json::json!({ "a\u{7f}": 1 }),
        ] {
            assert!(check(&bad).is_err(), "{bad}");
        }
    }
}
