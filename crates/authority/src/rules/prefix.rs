//! `prefix`: an absolute URI or an absolute path, compared by whole, normalised segments (RFC 3986 6.2.2).
//! What servers interpret differently is refused: dot segments, encoded or not, `%2F`, `%5C`, `%25`, backslash,
//! empty segments, path parameters (`;`), queries, fragments, user names and control characters.

use serde_json::Value;
use url::Url;

/// The longest URI or path, in bytes.
const MAX_LENGTH: usize = 2048;

#[derive(PartialEq, Eq)]
struct Place {
    /// `https://host:8443` in normal form; empty for a bare path.
    origin: String,
    segments: Vec<String>,
}

pub(super) fn covers(parent: &Value, child: &Value) -> bool {
    match (Place::read(parent), Place::read(child)) {
        (Some(parent), Some(child)) => {
            parent.origin == child.origin && child.segments.starts_with(&parent.segments)
        }
        _ => false,
    }
}

pub(super) fn normal(value: &Value) -> Option<Value> {
    Place::read(value).map(|place| Value::String(place.write()))
}

impl Place {
    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        if text.len() > MAX_LENGTH || text.contains(is_refused) {
            return None;
        }
        let (origin, path) = match text.split_once("://") {
            Some((scheme, rest)) => {
                let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
                (origin(scheme, host)?, path)
            }
            None if text.starts_with('/') => (String::new(), text),
            None => return None,
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments = path
            .split('/')
            .skip(1)
            .map(segment)
            .collect::<Option<Vec<_>>>()?;
        Some(Self { origin, segments })
    }

    fn write(self) -> String {
        format!("{}/{}", self.origin, self.segments.join("/"))
    }
}

fn is_refused(c: char) -> bool {
    c.is_control() || c.is_whitespace() && c != ' ' || matches!(c, '\\' | '?' | '#' | ';')
}

fn origin(scheme: &str, host: &str) -> Option<String> {
    if host.contains(['%', ' ', '@']) {
        return None;
    }
    let url = Url::parse(&format!("{scheme}://{host}/")).ok()?;
    // The host may be empty (`file:///`), but no part of it may have become a path.
    if url.path() != "/" {
        return None;
    }
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    Some(format!(
        "{}://{}{port}",
        url.scheme(),
        url.host_str().unwrap_or_default().to_lowercase()
    ))
}

/// One segment: unreserved characters decoded, all others percent-encoded in upper case (RFC 3986 section 6.2.2).
fn segment(text: &str) -> Option<String> {
    let bytes = decode(text)?;
    let refused = [&b""[..], b".", b".."].contains(&bytes.as_slice())
        || bytes
            .iter()
            .any(|b| b.is_ascii_control() || b"/\\%;".contains(b));
    (!refused).then(|| encode(&bytes))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(bytes)
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn within(parent: &str, child: &str) -> bool {
        covers(&json!(parent), &json!(child))
    }

    #[test]
    fn only_whole_segments_match() {
        assert!(within("/reports", "/reports"));
        assert!(within("/reports", "/reports/2026/q4.pdf"));
        assert!(within("/reports/", "/reports/2026"));
        assert!(within("/", "/anything"));
        assert!(!within("/reports", "/reports-secret"));
        assert!(!within("/reports", "/report"));
        assert!(!within("/reports/2026", "/reports"));
        assert!(within("https://files.example", "https://files.example/a"));
        assert!(!within(
            "https://files.example",
            "https://files.example.evil.test/a"
        ));
        assert!(!within("https://files.example", "http://files.example/a"));
        assert!(!within("/a", "https://files.example/a"));
    }

    #[test]
    fn rfc_3986_6_2_2_the_same_place_written_in_another_way() {
        assert!(within(
            "HTTPS://Files.Example:443/%61",
            "https://files.example/a/b"
        ));
        assert!(within("/caf%c3%a9", "/caf\u{e9}/menu"));
        assert_eq!(normal(&json!("/a%7Eb/")), Some(json!("/a~b")));
        assert_eq!(
            normal(&json!("https://files.example")),
            Some(json!("https://files.example/"))
        );
        assert_eq!(
            normal(&json!("file:///srv/a b")),
            Some(json!("file:///srv/a%20b"))
        );
    }

    #[test]
    fn dot_segments_and_encoded_slashes_are_refused() {
        for bad in [
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/a/%2e%2e/b",
            "/a/%2E./b",
            "/a%2Fb",
            "/a%2fb",
            "/a%5Cb",
            "/a\\b",
            "/a//b",
            "//host/a",
            "/a/..;/b",
            "/a%3Bx",
            "/a;x=1",
            "/a%252e",
            "/a%00",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a?x=1",
            "/a#x",
            "a/b",
            "",
            "/a\nb",
            "/a%0Ab",
            "https://u@files.example/a",
            "https://files.example%2F.evil.test/",
            "https:///a",
            "mailto:a@b",
        ] {
            assert_eq!(normal(&json!(bad)), None, "{bad}");
            assert!(!within("/", bad) && !within(bad, bad), "{bad}");
        }
        assert_eq!(normal(&json!(7)), None);
        assert_eq!(normal(&json!("/".repeat(MAX_LENGTH + 1))), None);
    }
}
