//! `htu`: the URL of a request without query and fragment, normalised (RFC 9449 section 4.3 item 9, RFC 3986 section 6.2).

use std::fmt;

use url::Url;

/// A normalised http(s) URL: equivalent URLs have the same text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Htu(String);

impl Htu {
    /// `None` for anything but an absolute http(s) URL without user information.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_HTU_BYTES || !is_plain(text) {
            return None;
        }
        let mut url = Url::parse(text).ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = normalise_path(url.path())?;
        let origin = url.origin().ascii_serialization();
        Some(Self(origin + &path))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` names this URL.
    pub fn matches(&self, text: &str) -> bool {
        // Fast path: equal text needs no parsing.
        text == self.0 || Self::parse(text).is_some_and(|other| other == *self)
    }
}

impl fmt::Display for Htu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the text has only characters of RFC 3986: the URL parser would repair others.
fn is_plain(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let http = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let allowed = |b: u8| b.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&b);
    http && !rest.starts_with('/') && text.bytes().all(allowed)
}

/// Decodes unreserved characters, writes other escapes in upper case (RFC 3986 section 6.2.2); `None` for a malformed escape.
fn normalise_path(path: &str) -> Option<String> {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let (digits, following) = after.split_at_checked(2)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&digits.to_ascii_uppercase());
        }
        rest = following;
    }
    out.push_str(rest);
    Some(out)
}

/// The longest `htu` that is parsed.
const MAX_HTU_BYTES: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9449_4_3_htu_is_normalised() {
        let same = [
            ("https://as.example", "https://AS.Example:443/"),
            ("https://as.example/a", "HTTPS://as.example/a?q=1"),
            ("https://as.example/a", "https://as.example/a#f"),
            ("https://as.example/a~b", "https://as.example/%61%7eb"),
            ("https://as.example/%2F", "https://as.example/%2f"),
            ("http://127.0.0.1:80/t", "http://127.0.0.1/t"),
            ("https://as.example/b", "https://as.example/a/../b"),
        ];
        for (a, b) in same {
            assert!(Htu::parse(a).unwrap().matches(b), "{a} {b}");
            assert_eq!(Htu::parse(a), Htu::parse(b));
        }
        let different = [
            ("https://as.example/a", "https://as.example/a/"),
            ("https://as.example/a", "https://as.example/A"),
            ("https://as.example/a", "https://as.example:8443/a"),
            ("https://as.example/a/b", "https://as.example/a%2Fb"),
            ("https://as.example/a", "https://as.example.evil/a"),
        ];
        for (a, b) in different {
            assert!(!Htu::parse(a).unwrap().matches(b), "{a} {b}");
        }
        for bad in [
            "as.example/a",
            "//as.example/a",
            "https:as.example",
            "https:///as.example",
            "ftp://as.example/",
            "https://user@as.example/a",
            "https://as.example\\a",
            "https://as.example/a b",
            "https://as.example/\ta",
            "https://as.example/%zz",
            "https://as.example/%4",
            " https://as.example/a",
            "https://",
            "https://ä.example/",
        ] {
            assert_eq!(Htu::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_url_has_a_longest_text() {
        for (length, is_parsed) in [(MAX_HTU_BYTES, true), (MAX_HTU_BYTES + 1, false)] {
            let url = format!("{:x<length$}", "https://as.example/");
            assert_eq!(Htu::parse(&url).is_some(), is_parsed, "{length}");
        }
    }

    #[test]
    fn a_normalised_url_is_its_own_normal_form() {
        for text in [
            "https://as.example",
            "https://AS.example/%7e%2f/./a//b?c",
            "http://[::1]:8080/%41%e4",
        ] {
            let once = Htu::parse(text).unwrap();
            assert_eq!(Htu::parse(once.as_str()), Some(once.clone()));
        }
    }
}
