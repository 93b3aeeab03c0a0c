//! The number that the agent shows and the person types. It is no secret of theirs, so how it is typed is forgiven: spaces, and the
//! digits of every script that a keyboard has.

use writ_wire::form::{Form, FormError};

/// What was typed; nothing unless it is two digits, so that a slip of the finger denies nothing.
pub fn typed(form: &Form) -> Result<Option<u8>, FormError> {
    let text = form.optional("number")?;
    Ok(text.and_then(two_digits))
}

fn two_digits(text: &str) -> Option<u8> {
    let mut written = text.chars().filter(|c| !is_blank(*c));
    let (tens, ones) = (digit(written.next()?)?, digit(written.next()?)?);
    written.next().is_none().then_some(tens * 10 + ones)
}

/// Spaces, and the marks of direction that right-to-left keyboards add.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn digit(c: char) -> Option<u8> {
    ZEROS.iter().find_map(|zero| {
        let above = u32::from(c).checked_sub(u32::from(*zero))?;
        u8::try_from(above).ok().filter(|value| *value <= 9)
    })
}

/// The zero of each script's decimal digits, which follow it in order (Unicode, general category Nd).
const ZEROS: [char; 23] = [
    '0',
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{17e0}',
    '\u{1810}',
    '\u{a9d0}',
    '\u{1e950}',
    '\u{ff10}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_however_they_are_typed() {
        for text in [
            "42",
            " 42\n",
            "4 2",
            "4\u{a0}2",
            "\u{664}\u{662}",
            "\u{6f4}\u{6f2}",
            "\u{200f}\u{664}\u{662}\u{200f}",
            "\u{96a}\u{968}",
            "\u{e54}\u{e52}",
            "\u{ff14}\u{ff12}",
            "4\u{662}",
        ] {
            assert_eq!(two_digits(text), Some(42), "{text:?}");
        }
        assert_eq!(two_digits("07"), Some(7));
    }

    #[test]
    fn anything_else_is_no_number() {
        for text in [
            "",
            " ",
            "4",
            "142",
            "042",
            "+42",
            "-4",
            "4.2",
            "42.",
            "4b",
            "0x2a",
            "forty-two",
            "\u{2463}",
            "\u{b2}\u{b2}",
            "四二",
        ] {
            assert_eq!(two_digits(text), None, "{text:?}");
        }
    }
}
