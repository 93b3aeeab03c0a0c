//! Which characters no text of a stranger may have: control characters (Unicode category Cc). A database may not be able to keep
//! them (PostgreSQL has no U+0000), a terminal acts on them, and no parameter of any specification here needs them. Tab and line
//! breaks are let through, because JSON and what people type have them; who takes one line only refuses those itself.

/// The first control character of a text that may have several lines.
pub fn control_in(text: &str) -> Option<char> {
    text.chars().find(|c| is_control(*c))
}

/// The first code point that is no character, and never will be (Unicode, section 23.7).
pub fn noncharacter_in(text: &str) -> Option<char> {
    let is_none = |c: &char| {
        let code = u32::from(*c);
        matches!(code, 0xfdd0..=0xfdef) || matches!(code & 0xffff, 0xfffe | 0xffff)
    };
    text.chars().find(is_none)
}

/// As it is named in a sentence.
pub fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Whether a path, percent-decoded, is UTF-8 without control characters, tab and line breaks among them.
pub fn is_path(raw: &str) -> bool {
    // Where the decoder cuts does not matter to which characters there are.
    let mut parts = form_urlencoded::parse(raw.as_bytes()).flat_map(|(name, value)| [name, value]);
    parts.all(|part| !part.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER))
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_found_and_nothing_else() {
        for (bad, name) in [
            ("a\0b", "U+0000"),
            ("\u{1b}[31m", "U+001B"),
            ("x\u{7f}", "U+007F"),
            ("\u{85}", "U+0085"),
            ("\u{9f}", "U+009F"),
        ] {
            assert_eq!(control_in(bad).map(code_point).as_deref(), Some(name));
        }
        for good in [
            "",
            "two\r\n\tlines",
            "\u{202e}",
            "\u{feff}",
            "\u{200b}",
            "e\u{301}",
            "😀",
            "\u{a0}",
        ] {
            assert_eq!(control_in(good), None, "{good:?}");
        }
    }

    #[test]
    fn noncharacters_are_found_and_nothing_else() {
        for (bad, name) in [
            ("a\u{fffe}", "U+FFFE"),
            ("\u{ffff}", "U+FFFF"),
            ("\u{fdd0}", "U+FDD0"),
            ("\u{fdef}", "U+FDEF"),
            ("\u{1fffe}", "U+1FFFE"),
            ("\u{10ffff}b", "U+10FFFF"),
        ] {
            assert_eq!(noncharacter_in(bad).map(code_point).as_deref(), Some(name));
        }
        for good in [
            "",
            "\u{fdcf}\u{fdf0}",
            "\u{fffd}\u{feff}",
            "\u{10000}",
            "\u{10fffd}",
        ] {
            assert_eq!(noncharacter_in(good), None, "{good:?}");
        }
    }

    #[test]
    fn a_path_is_one_line_of_text() {
        for good in ["/", "/app/requests/0a-_~%C3%A9", "/a%2Fb+c&d=e"] {
            assert!(is_path(good), "{good}");
        }
        for bad in [
            "/%00",
            "/a%0d%0ab",
            "/%09",
            "/%7f",
            "/%c2%85",
            "/%ff",
            "/%c0%80",
            "/%ed%a0%80",
        ] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
