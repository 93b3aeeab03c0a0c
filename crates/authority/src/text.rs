//! Formats values for people: numbers, times and quotation marks by language.

use serde_json::Value;

use crate::decimal::Decimal;
use crate::legible;
use crate::rules::is_rfc3339;

/// The quotation marks before and after a text from a request.
pub fn marks(lang: &str) -> (&'static str, &'static str) {
    match lang.starts_with("de") {
        true => ("„", "“"),
        false => ("“", "”"),
    }
}

/// What stands for `true`, `false` and `null`: words without quotation marks, which no text is.
pub(crate) fn word(value: &Value, lang: &str) -> Option<&'static str> {
    match (value, lang.starts_with("de")) {
        (Value::Bool(true), false) => Some("yes"),
        (Value::Bool(true), true) => Some("ja"),
        (Value::Bool(false), false) => Some("no"),
        (Value::Bool(false), true) => Some("nein"),
        (Value::Null, false) => Some("nothing"),
        (Value::Null, true) => Some("nichts"),
        _ => None,
    }
}

/// Whether a text without quotation marks would read like a [`word`].
pub(crate) fn is_word(text: &str, lang: &str) -> bool {
    let values = [Value::Bool(true), Value::Bool(false), Value::Null];
    values.iter().any(|value| word(value, lang) == Some(text))
}

/// Escapes a text for use between [`marks`]: a backslash before quotation marks and backslashes, invisible characters as `\u{..}`.
pub fn inner(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut before = Vec::new();
    let all: Vec<char> = text.chars().collect();
    for (at, c) in all.iter().enumerate() {
        let after = all.get(at + 1..).unwrap_or_default();
        if c == &'\\' || is_quotation_mark(*c, before.last(), after.first()) {
            line.push('\\');
        }
        line.push_str(&legible::one(*c, &before, after));
        before.push(*c);
    }
    line
}

/// The same for a text of several lines: each line end and each tab has a sign before it, so that none is taken for a line that was
/// too long for the screen.
pub(crate) fn block(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = Vec::new();
    let all: Vec<char> = text.chars().collect();
    for (at, c) in all.iter().enumerate() {
        let after = all.get(at + 1..).unwrap_or_default();
        match c {
            '\n' => shown.extend([legible::LINE_END, '\n']),
            '\t' => shown.extend([legible::TAB, '\t']),
            '\r' if after.first() == Some(&'\n') => shown.push(legible::RETURN),
            '\\' | &legible::LINE_END | &legible::TAB | &legible::RETURN => {
                shown.extend(['\\', *c]);
            }
            c if is_quotation_mark(*c, before.last(), after.first()) => shown.extend(['\\', *c]),
            c => shown.push_str(&legible::one(*c, &before, after)),
        }
        before.push(*c);
    }
    shown
}

/// Reads like the end of the quotation. That of Hebrew stands in its abbreviations too, between letters.
fn is_quotation_mark(c: char, before: Option<&char>, after: Option<&char>) -> bool {
    let inside = [before, after]
        .iter()
        .all(|c| c.is_some_and(|c| c.is_alphabetic()));
    match c {
        '״' => !inside,
        '"' | '“' | '”' | '„' | '‟' | '«' | '»' | '〝' | '〞' | '〟' | '＂' | '″' | '‶' | '˝'
        | 'ʺ' | 'ˮ' => true,
        _ => false,
    }
}

/// `1,412.00` in English, `1.412,00` in German.
pub(crate) fn number(value: &Value, lang: &str) -> Option<String> {
    Decimal::from_value(value)?;
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Some(match lang.starts_with("de") {
        true => grouped(&text, ".", ","),
        false => grouped(&text, ",", "."),
    })
}

/// Decimal text with its whole digits in threes.
pub fn grouped(decimal: &str, separator: &str, point: &str) -> String {
    let (whole, fraction) = decimal
        .split_once('.')
        .map_or((decimal, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = whole.trim_start_matches('-');
    let mut text = whole.strip_suffix(digits).unwrap_or_default().to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push_str(separator);
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push_str(point);
        text.push_str(fraction);
    }
    text
}

/// The number of an account (ISO 13616) in groups of four, as it stands on paper; every other text as it is.
pub(crate) fn account(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_shaped = (15..=34).contains(&bytes.len())
        && bytes.iter().take(2).all(u8::is_ascii_uppercase)
        && bytes.iter().skip(2).take(2).all(u8::is_ascii_digit)
        && bytes
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    match is_shaped {
        true => fours(text),
        false => text.to_owned(),
    }
}

/// In groups of four characters.
pub fn fours(text: &str) -> String {
    let mut grouped = String::with_capacity(text.len() + text.len() / 4);
    for (place, c) in text.chars().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            grouped.push(' ');
        }
        grouped.push(c);
    }
    grouped
}

/// `2026-11-21T12:00:00+01:00` as `2026-11-21 12:00 UTC+01:00`: the same in every language, and in the zone in which
/// it was written.
pub(crate) fn time(text: &str) -> Option<String> {
    if !is_rfc3339(text) {
        return None;
    }
    let (date, rest) = text.split_once('T')?;
    let (clock, zone) = match rest.strip_suffix('Z') {
        Some(clock) => (clock, ""),
        None => rest.split_at_checked(rest.len().checked_sub(6)?)?,
    };
    Some(format!(
        "{date} {} UTC{zone}",
        clock.strip_suffix(":00").unwrap_or(clock)
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_text_and_no_number_is_a_word_of_the_reader() {
        for (value, english, german) in [
            (json!(true), Some("yes"), Some("ja")),
            (json!(false), Some("no"), Some("nein")),
            (json!(null), Some("nothing"), Some("nichts")),
            (json!("yes"), None, None),
            (json!(1), None, None),
            (json!([]), None, None),
        ] {
            assert_eq!(word(&value, "en"), english);
            assert_eq!(word(&value, "fr"), english);
            assert_eq!(word(&value, "de-AT"), german);
        }
        for (text, lang, reads_like_one) in [
            ("yes", "en", true),
            ("ja", "en", false),
            ("nichts", "de", true),
            ("Yes", "en", false),
        ] {
            assert_eq!(is_word(text, lang), reads_like_one, "{text}");
        }
    }

    #[test]
    fn nothing_in_a_text_closes_its_quotation() {
        assert_eq!(inner("KLM” (“x\")"), "KLM\\” (\\“x\\\")");
        assert_eq!(inner("a\\“"), "a\\\\\\“");
        assert_eq!(
            inner("K\u{202e}L\u{200b}M\n"),
            "K\\u{202e}L\\u{200b}M\\u{a}"
        );
        assert_ne!(inner("\u{200b}"), inner("\\u{200b}"));
    }

    #[test]
    fn an_account_is_written_in_fours_and_nothing_else_is() {
        for (text, shown) in [
            ("NL91ABNA0417164300", "NL91 ABNA 0417 1643 00"),
            ("NO9386011117947", "NO93 8601 1117 947"),
            ("nl91ABNA0417164300", "nl91ABNA0417164300"),
            ("N191ABNA0417164300", "N191ABNA0417164300"),
            ("NL91ABNA041716", "NL91ABNA041716"),
            ("EUR", "EUR"),
        ] {
            assert_eq!(account(text), shown);
        }
        let longest = format!("MT84{}", "A1".repeat(15));
        assert_eq!(account(&longest).replace(' ', ""), longest);
        assert_eq!(account(&format!("{longest}A")), format!("{longest}A"));
    }

    #[test]
    fn numbers_and_times_of_the_reader() {
        assert_eq!(number(&json!("412.00"), "en").unwrap(), "412.00");
        assert_eq!(number(&json!("412.00"), "de-AT").unwrap(), "412,00");
        assert_eq!(number(&json!(7), "de").unwrap(), "7");
        for (value, english, german) in [
            ("999", "999", "999"),
            ("1000", "1,000", "1.000"),
            ("19999.99", "19,999.99", "19.999,99"),
            ("-123456.7891", "-123,456.7891", "-123.456,7891"),
            ("1234567", "1,234,567", "1.234.567"),
        ] {
            assert_eq!(number(&json!(value), "en").unwrap(), english);
            assert_eq!(number(&json!(value), "de").unwrap(), german);
        }
        assert_eq!(number(&json!("a.b"), "de"), None);
        assert_eq!(
            time("2026-11-21T12:00:00Z").unwrap(),
            "2026-11-21 12:00 UTC"
        );
        assert_eq!(
            time("2026-11-21T12:00:30+01:00").unwrap(),
            "2026-11-21 12:00:30 UTC+01:00"
        );
        assert_eq!(time("tomorrow"), None);
    }
}
