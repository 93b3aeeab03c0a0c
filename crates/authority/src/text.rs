//! Values as people read them: cleaned, cut, with the numbers and times of their language.

use serde_json::Value;

use crate::decimal::Decimal;
use crate::rules::is_rfc3339;

/// The longest text of one value, in characters.
pub const MAX_VALUE_LENGTH: usize = 140;

/// One line without control characters, characters that turn the direction of text and characters that cannot be
/// seen. A longer text ends in an ellipsis.
pub fn clean(text: &str) -> String {
    let visible = text.chars().filter(|c| !is_hidden(*c));
    let spaced: String = visible
        .map(|c| {
            if c.is_control() || c.is_whitespace() {
                ' '
            } else {
                c
            }
        })
        .collect();
    let line = spaced
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if line.chars().count() <= MAX_VALUE_LENGTH {
        return line;
    }
    line.chars()
        .take(MAX_VALUE_LENGTH - 1)
        .chain(['…'])
        .collect()
}

/// Bidirectional controls, zero-width and filler characters, variation selectors and tags.
const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// `412.00` in English, `412,00` in German.
pub(crate) fn number(value: &Value, lang: &str) -> Option<String> {
    Decimal::from_value(value)?;
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Some(if lang.starts_with("de") {
        text.replace('.', ",")
    } else {
        text
    })
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
    fn lessons_37_a_value_cannot_hide_or_turn_what_is_shown() {
        assert_eq!(clean("K\u{202e}L\u{200b}M\r\n\tAir\u{0}"), "KLM Air");
        assert_eq!(clean("  a   b "), "a b");
        let long = clean(&"x".repeat(141));
        assert_eq!(long.chars().count(), MAX_VALUE_LENGTH);
        assert!(long.ends_with('…'));
        assert_eq!(clean(&"é".repeat(140)), "é".repeat(140));
    }

    #[test]
    fn numbers_and_times_of_the_reader() {
        assert_eq!(number(&json!("412.00"), "en").unwrap(), "412.00");
        assert_eq!(number(&json!("412.00"), "de-AT").unwrap(), "412,00");
        assert_eq!(number(&json!(7), "de").unwrap(), "7");
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
