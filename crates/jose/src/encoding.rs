//! base64url without padding (RFC 7515 section 2), strict: padding and non-zero trailing bits are refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn encode_onto(bytes: &[u8], text: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// `None` unless it is exactly `N` bytes.
pub(crate) fn decode_exactly<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == N).then_some(bytes)
}

/// Untrusted text for an error message: shortened and printable.
pub(crate) fn quoted(text: &str) -> String {
    text.chars()
        .take(MAX_QUOTED)
        .map(|c| match c {
            '"' | '\\' | '`' => '\'',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

const MAX_QUOTED: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_untrusted_text_so_much_is_told() {
        assert_eq!(quoted("a\"b\\c`d\u{e4}\n~"), "a'b'c'd??~");
        for (length, told) in [(MAX_QUOTED, MAX_QUOTED), (MAX_QUOTED + 1, MAX_QUOTED)] {
            assert_eq!(
                quoted(&"\u{e4}".repeat(length)),
                "?".repeat(told),
                "{length}"
            );
        }
    }
}
