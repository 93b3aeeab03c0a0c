//! Resource indicators (RFC 8707 section 2): an absolute URI without fragment.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use url::Url;

/// The longest resource indicator, in bytes.
pub const MAX_RESOURCE_LENGTH: usize = 512;

/// A resource indicator. The text stays as it was written, with scheme and host in lower case; two are equal when RFC 3986
/// section 6.2 says so: equal after normalisation of case, percent-encoding, dot segments, default port and empty path.
/// Whoever needs the spelling compares [`ResourceUri::as_str`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceUri {
    text: String,
    /// What is compared.
    normal: String,
}

/// The text is not a resource indicator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an absolute URI without fragment")]
pub struct ResourceUriError(String);

impl ResourceUri {
    pub fn parse(text: &str) -> Result<Self, ResourceUriError> {
        let refuse = || ResourceUriError(text.chars().take(80).collect());
        if text.len() > MAX_RESOURCE_LENGTH || text.contains('#') {
            return Err(refuse());
        }
        let url = Url::parse(text).map_err(|_| refuse())?;
        if url.cannot_be_a_base() {
            return Ok(Self::of(text.to_owned()));
        }
        // `Url` writes an empty path as "/": keep the text as written, in lower case up to the path.
        let bare = text.find("://").and_then(|start| {
            let authority = text.get(start + 3..)?;
            Some(start + 3 + authority.find(['/', '?']).unwrap_or(authority.len()))
        });
        let (Some(end), Some(_)) = (bare, url.host_str()) else {
            return Err(refuse());
        };
        let (head, tail) = text.split_at_checked(end).ok_or_else(refuse)?;
        if head.contains('@') {
            return Err(refuse());
        }
        Ok(Self::of(format!("{}{tail}", head.to_ascii_lowercase())))
    }

    fn of(text: String) -> Self {
        let normal = normal(&text);
        Self { text, normal }
    }

    /// The text as it was written, scheme and host in lower case.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for ResourceUri {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for ResourceUri {}

impl PartialOrd for ResourceUri {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceUri {
    fn cmp(&self, other: &Self) -> Ordering {
        self.normal.cmp(&other.normal)
    }
}

impl Hash for ResourceUri {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.normal.hash(state);
    }
}

impl TryFrom<String> for ResourceUri {
    type Error = ResourceUriError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ResourceUri> for String {
    fn from(uri: ResourceUri) -> Self {
        uri.text
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// RFC 3986 section 6.2.2 and, for the default port and the empty path, 6.2.3. What is no escape stays as it is.
fn normal(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once(':') else {
        return text.to_owned();
    };
    let scheme = scheme.to_ascii_lowercase();
    let Some(rest) = rest.strip_prefix("//") else {
        return format!("{scheme}:{}", decoded(rest));
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(decoded(query))),
        None => (rest, None),
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = decoded(host).to_ascii_lowercase();
    let host = without_default_port(&scheme, &host);
    let path = without_dot_segments(&decoded(path));
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{host}{path}{query}")
}

/// Unreserved characters without their percent-encoding; the digits of every other escape in upper case.
fn decoded(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        shown.push_str(before);
        let digits = after.get(..2);
        let byte = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if is_unreserved(byte) => shown.push(char::from(byte)),
            Some(byte) => shown.push_str(&format!("%{byte:02X}")),
            None => {
                shown.push('%');
                rest = after;
                continue;
            }
        }
        rest = after.get(2..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn without_default_port<'a>(scheme: &str, host: &'a str) -> &'a str {
    let default = match scheme {
        "https" | "wss" => ":443",
        "http" | "ws" => ":80",
        _ => ":",
    };
    let bare = host.strip_suffix(default);
    bare.or_else(|| host.strip_suffix(':')).unwrap_or(host)
}

/// RFC 3986 section 5.2.4; an empty path is `/`.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => _ = kept.pop(),
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8707_2_absolute_without_fragment() {
        let uri = ResourceUri::parse("HTTPS://Bank.Example/Path").unwrap();
        assert_eq!(uri.as_str(), "https://bank.example/Path");
        assert_eq!(
            ResourceUri::parse("https://bank.example").unwrap().as_str(),
            "https://bank.example"
        );
        assert_eq!(ResourceUri::parse("urn:bank").unwrap().as_str(), "urn:bank");
        for bad in ["", "bank", "/path", "https://a/#f", "https://u@a/", "//a"] {
            assert!(ResourceUri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rfc_3986_6_2_the_same_resource_in_other_letters() {
        let same = |a: &str, b: &str| {
            let (a, b) = (
                ResourceUri::parse(a).unwrap(),
                ResourceUri::parse(b).unwrap(),
            );
            a == b && a.cmp(&b) == Ordering::Equal
        };
        for (a, b) in [
            ("https://h.example", "https://h.example/"),
            ("https://h.example:443", "https://h.example"),
            ("https://h.example:/mcp", "https://h.example/mcp"),
            ("http://localhost:80/a", "http://localhost/a"),
            ("HTTPS://H.Example/mcp", "https://h.example/mcp"),
            (
                "https://h.example/%7Eme/%6d%63p",
                "https://h.example/~me/mcp",
            ),
            ("https://h.example/a%2fb", "https://h.example/a%2Fb"),
            ("https://h.example/a/./b/../mcp", "https://h.example/a/mcp"),
            ("https://h.example/a/..", "https://h.example"),
            ("https://h.example/%2e%2E/mcp", "https://h.example/mcp"),
            ("https://h.example?q=%61", "https://h.example/?q=a"),
            ("URN:bank", "urn:bank"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("https://h.example/mcp", "https://h.example/mcp/"),
            ("https://h.example/mcp", "https://h.example/MCP"),
            ("https://h.example/a%2Fb", "https://h.example/a/b"),
            ("https://h.example/a//b", "https://h.example/a/b"),
            ("https://h.example", "http://h.example"),
            ("https://h.example:8443", "https://h.example"),
            ("https://h.example:80", "https://h.example"),
            ("https://h.example/?", "https://h.example/"),
            ("https://h.example/?a=1&b=2", "https://h.example/?b=2&a=1"),
            ("https://h.example/%zz", "https://h.example/%ZZ"),
            ("urn:bank", "urn:Bank"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn the_spelling_stays() {
        let uri = ResourceUri::parse("https://H.example:443/%7Eme").unwrap();
        assert_eq!(uri.as_str(), "https://h.example:443/%7Eme");
        assert_eq!(
            serde_json::to_string(&uri).unwrap(),
            "\"https://h.example:443/%7Eme\""
        );
    }

    #[test]
    fn whatever_is_written_has_one_normal_form() {
        for text in [
            "https://h/%",
            "https://h/%4",
            "https://h/%%41",
            "https://h/../..",
            "urn:%",
        ] {
            let once = normal(text);
            assert_eq!(normal(&once), once, "{text}");
        }
    }
}
