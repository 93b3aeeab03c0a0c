//! Structured fields (RFC 9651): an Item that is a Boolean (section 3.3.6). A field that fails to parse, or is of another type, is
//! ignored (section 4.2).

/// The value, given all lines of the field. Parameters are parsed and ignored. `None` for several lines, which are a List
/// (section 3.1).
pub fn boolean<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> Option<bool> {
    let line = lines.next()?;
    if lines.next().is_some() {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?.trim_matches(' ');
    let (value, rest) = text.split_at_checked(2)?;
    let value = match value {
        "?1" => true,
        "?0" => false,
        _ => return None,
    };
    are_parameters(rest).then_some(value)
}

/// RFC 9651 section 4.2.3.2.
fn are_parameters(mut rest: &str) -> bool {
    while !rest.is_empty() {
        let Some(after) = parameter(rest) else {
            return false;
        };
        rest = after;
    }
    true
}

/// Parses `;key` or `;key=value`; returns the rest.
fn parameter(text: &str) -> Option<&str> {
    let text = text.strip_prefix(';')?.trim_start_matches(' ');
    let first = |c: char| c.is_ascii_lowercase() || c == '*';
    let key = |c: char| first(c) || c.is_ascii_digit() || "_-.".contains(c);
    if !text.starts_with(first) {
        return None;
    }
    let after = text.trim_start_matches(key);
    match after.strip_prefix('=') {
        Some(value) => bare_item(value),
        None => Some(after),
    }
}

/// Parses a bare item (RFC 9651 section 4.2.3.1); returns the rest.
fn bare_item(text: &str) -> Option<&str> {
    let (first, rest) = text.split_at_checked(1)?;
    match first {
        "\"" => quoted(rest),
        "%" => quoted(rest.strip_prefix('"')?),
        ":" => bytes(rest),
        "?" => rest.strip_prefix(['0', '1']),
        "@" => number(rest),
        "-" | "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" => number(text),
        "*" => Some(token(rest)),
        letter if letter.bytes().all(|b| b.is_ascii_alphabetic()) => Some(token(rest)),
        _ => None,
    }
}

/// Skips to the end of a string, past escapes; returns the rest.
fn quoted(text: &str) -> Option<&str> {
    let mut characters = text.char_indices();
    while let Some((place, c)) = characters.next() {
        match c {
            '"' => return text.get(place + 1..),
            '\\' => {
                characters.next().filter(|(_, c)| "\"\\".contains(*c))?;
            }
            ' '..='~' => {}
            _ => return None,
        }
    }
    None
}

fn bytes(text: &str) -> Option<&str> {
    let base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    text.trim_start_matches(base64).strip_prefix(':')
}

fn number(text: &str) -> Option<&str> {
    let digits =
        |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, after) = text.split_at_checked(digits(text))?;
    let fraction = after.strip_prefix('.');
    match (whole.len(), fraction) {
        (1..=15, None) => Some(after),
        (1..=12, Some(fraction)) => {
            let (decimals, after) = fraction.split_at_checked(digits(fraction))?;
            (1..=3).contains(&decimals.len()).then_some(after)
        }
        _ => None,
    }
}

fn token(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Option<bool> {
        boolean(lines.iter().map(|line| line.as_bytes()))
    }

    #[test]
    fn rfc_9651_3_3_6_booleans() {
        for line in [
            "?1",
            " ?1 ",
            "?1;a",
            "?1; a=2;b=\"x, \\\"y\\\"\"",
            "?1;a=:aGk=:",
            "?1;a=?0",
        ] {
            assert_eq!(read(&[line]), Some(true), "{line}");
        }
        for line in [
            "?1;d=@1659578233",
            "?1;n=-12.125",
            "?1;t=*a/b",
            "?1;u=%\"f%c3%bc\"",
        ] {
            assert_eq!(read(&[line]), Some(true), "{line}");
        }
        assert_eq!(read(&["?0"]), Some(false));
    }

    #[test]
    fn rfc_9651_4_2_anything_else_counts_as_absent() {
        for line in [
            "",
            "?",
            "1",
            "true",
            "?2",
            "?1x",
            "?1, ?1",
            "?1,",
            "?1 ;a",
            "?1;",
            "?1;A",
            "?1;a=",
            "?1;a=\"x",
            "?1;a=:x",
            "?1;a=1.",
            "?1;a=1234567890123456",
            "(?1)",
            "a=?1",
            "\"?1\"",
            "?1;a=\"\u{e4}\"",
            "ü1",
        ] {
            assert_eq!(read(&[line]), None, "{line}");
        }
        assert_eq!(read(&["?1", "?1"]), None, "two lines are a List");
        assert_eq!(boolean([b"\xff1".as_slice()].into_iter()), None);
        assert_eq!(read(&[]), None);
    }
}
