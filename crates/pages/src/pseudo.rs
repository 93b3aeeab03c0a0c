//! A language that nobody reads: the English one with each word turned round by marks (Unicode Standard Annex 9, RLO and PDF), on pages
//! that run from right to left. It shows what such a language would, before there is one. Only debug builds have it, which tests use
//! and nobody ships; no list of languages names it.

use toml::{Table, Value};

/// Its tag is among those for private use (ISO 639-2), and known for such languages.
pub(super) const TAG: &str = "qps";

/// The catalogue of English in that language.
pub(super) fn catalogue(english: &str) -> Result<Table, toml::de::Error> {
    let mut catalogue: Table = toml::from_str(english)?;
    for (section, texts) in &mut catalogue {
        match (section.as_str(), texts) {
            // Numbers and times stay as they are: it is seen whether they are isolated.
            ("time", _) => {}
            ("layout", Value::Table(layout)) => turn_layout(layout),
            (_, texts) => turn(texts),
        }
    }
    Ok(catalogue)
}

fn turn_layout(layout: &mut Table) {
    for (name, text) in layout.iter_mut() {
        match name.as_str() {
            "language" => *text = TAG.into(),
            "direction" => *text = "rtl".into(),
            "product" => {}
            _ => turn(text),
        }
    }
}

fn turn(texts: &mut Value) {
    match texts {
        Value::Table(table) => table.iter_mut().for_each(|(_, text)| turn(text)),
        Value::Array(list) => list.iter_mut().for_each(turn),
        Value::String(text) => *text = turned(text),
        _ => {}
    }
}

/// `Deny {name}` with `Deny` turned round; each word by itself, so that a text may be cut after any.
fn turned(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((words, tail)) = rest.split_once('{') {
        let (placeholder, after) = tail.split_once('}').unwrap_or((tail, ""));
        shown.push_str(&turned_words(words));
        shown.push_str(&format!("{{{placeholder}}}"));
        rest = after;
    }
    shown.push_str(&turned_words(rest));
    shown
}

fn turned_words(words: &str) -> String {
    let words = words.split_inclusive(char::is_whitespace);
    let turned = words.map(|word| {
        let letters = word.trim_end();
        let space = word.strip_prefix(letters).unwrap_or_default();
        match letters.contains(char::is_alphanumeric) {
            true => format!("\u{202e}{letters}\u{202c}{space}"),
            false => word.to_owned(),
        }
    });
    turned.collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::Languages;

    #[test]
    fn words_are_turned_round_and_placeholders_are_not() {
        for (text, shown) in [
            ("Deny", "\u{202e}Deny\u{202c}"),
            (
                "{name} asks you",
                "{name} \u{202e}asks\u{202c} \u{202e}you\u{202c}",
            ),
            ("“{words}”", "“{words}”"),
            (
                "Until {until}. Yes",
                "\u{202e}Until\u{202c} {until}. \u{202e}Yes\u{202c}",
            ),
            (", ", ", "),
            ("", ""),
        ] {
            assert_eq!(turned(text), shown);
        }
    }

    #[test]
    fn it_is_found_by_its_name_alone() {
        let languages = Languages::load().unwrap();
        assert_eq!(languages.of(TAG).layout.direction, "rtl");
        assert_eq!(languages.choose(Some("qps-plocm"), None).locale(), TAG);
        let names = languages.names();
        assert!(names.iter().all(|(tag, _)| tag != TAG), "{names:?}");
        for accept in ["*", "q", "qp", "en", ""] {
            assert_ne!(languages.choose(None, Some(accept)).locale(), TAG);
        }
        assert_eq!(languages.of_request(&HeaderMap::new()).locale(), "en");
    }
}
