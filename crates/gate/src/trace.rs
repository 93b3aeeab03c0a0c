//! The trace of a request in `_meta` (MCP 2026-07-28, general fields), as W3C Trace Context (sections 3.2 and 3.3) and W3C Baggage
//! (section 3.3) write it. What is written otherwise stays at the gate.

/// What everybody passes on of `tracestate` (W3C Trace Context section 3.3.1.5), and the most of it that is passed on here.
const MAX_STATE: usize = 512;
const MAX_STATE_MEMBERS: usize = 32;
const MAX_STATE_TEXT: usize = 256;
/// What everybody passes on of `baggage` (W3C Baggage section 3.3.2), and the most of it that is passed on here.
const MAX_BAGGAGE: usize = 8192;
const MAX_BAGGAGE_MEMBERS: usize = 64;

/// `traceparent`: version, trace, span and flags.
pub(crate) fn is_parent(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_hex = |part: Option<&str>, length: usize| {
        part.is_some_and(|part| part.len() == length && part.bytes().all(is_lower_hex))
    };
    let is_id = |part: Option<&str>, length: usize| {
        is_hex(part, length) && part.is_some_and(|part| part.bytes().any(|digit| digit != b'0'))
    };
    let version = parts.next();
    is_hex(version, 2)
        && version != Some("ff")
        && is_id(parts.next(), 32)
        && is_id(parts.next(), 16)
        && is_hex(parts.next(), 2)
        && parts.next().is_none()
}

/// `tracestate`: what each tracer says of itself.
pub(crate) fn is_state(text: &str) -> bool {
    let is_key = |key: &str| {
        (1..=MAX_STATE_TEXT).contains(&key.len())
            && key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && key
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/@".contains(&b))
    };
    let is_value = |value: &str| {
        (1..=MAX_STATE_TEXT).contains(&value.len())
            && value
                .bytes()
                .all(|b| (0x20..0x7f).contains(&b) && b != b'=')
    };
    let is_member = |member: &str| {
        let member = member.trim_matches([' ', '\t']);
        let parts = member.split_once('=');
        member.is_empty() || parts.is_some_and(|(key, value)| is_key(key) && is_value(value))
    };
    text.len() <= MAX_STATE
        && text.split(',').count() <= MAX_STATE_MEMBERS
        && text.split(',').all(is_member)
}

/// `baggage`: names and values, each with properties.
pub(crate) fn is_baggage(text: &str) -> bool {
    let is_token = |name: &str| !name.is_empty() && name.bytes().all(is_token_byte);
    let is_value = |value: &str| value.bytes().all(is_baggage_octet);
    let is_pair = |part: &str| {
        let pair = part
            .split_once('=')
            .map(|(name, value)| (spaceless(name), spaceless(value)));
        pair.is_some_and(|(name, value)| is_token(name) && is_value(value))
    };
    let is_member = |member: &str| {
        let mut parts = member.split(';');
        parts.next().is_some_and(is_pair)
            && parts.all(|property| is_token(spaceless(property)) || is_pair(property))
    };
    text.len() <= MAX_BAGGAGE
        && text.split(',').count() <= MAX_BAGGAGE_MEMBERS
        && text.split(',').all(is_member)
}

fn spaceless(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// RFC 9110 section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_baggage_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_as_long_as_its_specification_lets_everybody_pass_on() {
        let members = |count: usize| vec!["a=1"; count].join(",");
        assert!(is_state(&members(MAX_STATE_MEMBERS)));
        assert!(!is_state(&members(MAX_STATE_MEMBERS + 1)));
        assert!(is_baggage(&members(MAX_BAGGAGE_MEMBERS)));
        assert!(!is_baggage(&members(MAX_BAGGAGE_MEMBERS + 1)));
        for (length, passes) in [(MAX_STATE_TEXT, true), (MAX_STATE_TEXT + 1, false)] {
            assert_eq!(
                is_state(&format!("a={}", "b".repeat(length))),
                passes,
                "{length}"
            );
            assert_eq!(
                is_state(&format!("{}=b", "a".repeat(length))),
                passes,
                "{length}"
            );
        }
        for (length, passes) in [(MAX_STATE, true), (MAX_STATE + 1, false)] {
            let state = format!("{:x<256},{:x<rest$}", "a=", "b=", rest = length - 257);
            assert_eq!(is_state(&state), passes, "{length}");
        }
        for (length, passes) in [(MAX_BAGGAGE, true), (MAX_BAGGAGE + 1, false)] {
            assert_eq!(
                is_baggage(&format!("{:x<length$}", "a=")),
                passes,
                "{length}"
            );
        }
    }

    /// Examples of the two specifications, and what is near them.
    #[test]
    fn a_trace_is_written_as_its_specification_has_it() {
        const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
        assert!(is_parent(PARENT));
        for bad in [
            String::new(),
            PARENT.replacen("00", "ff", 1),
            PARENT.to_uppercase(),
            format!("{PARENT}-00"),
            PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            PARENT.replace("-01", ""),
            format!(" {PARENT}"),
        ] {
            assert!(!is_parent(&bad), "{bad}");
        }
        for good in [
            "",
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
            "rojo=00f067aa0ba902b7 , fw529a3039@dt=FfIdKwZf",
            "1a-2f@foo=1, ,b=2",
        ] {
            assert!(is_state(good), "{good}");
        }
        for bad in [
            "rojo",
            "Rojo=1",
            "a=b=c",
            "a=\u{e9}",
            "a=",
            "a=1,".repeat(40).as_str(),
            format!("a={}", "b".repeat(300)).as_str(),
        ] {
            assert!(!is_state(bad), "{bad}");
        }
        for good in [
            "userId=alice",
            "userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false",
            "key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue",
            "a=",
        ] {
            assert!(is_baggage(good), "{good}");
        }
        for bad in [
            "",
            "userId",
            "=a",
            "a b=c",
            "a=b c",
            "a=\"b\"",
            "a=b,,c=d",
            "a=\u{e9}",
            format!("a={}", "b".repeat(9000)).as_str(),
            "a=1,".repeat(70).as_str(),
        ] {
            assert!(!is_baggage(bad), "{bad}");
        }
    }
}
