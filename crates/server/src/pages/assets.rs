//! The stylesheet and the icon. The stylesheet's address holds a hash of its content, so it may be
//! cached for ever.

use axum::body::Body;
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};

/// `/static/writ-<hash>.css`
pub const STYLESHEET_PATH: &str = match std::str::from_utf8(&PATH_BYTES) {
    Ok(path) => path,
    Err(_) => "",
};

pub const ICON_PATH: &str = "/static/icon.svg";

/// Answers `GET` of [`STYLESHEET_PATH`].
pub async fn stylesheet() -> Response {
    asset(
        STYLESHEET,
        "text/css; charset=utf-8",
        "public, max-age=31536000, immutable",
    )
}

/// Answers `GET` of [`ICON_PATH`].
pub async fn icon() -> Response {
    asset(ICON, "image/svg+xml", "public, max-age=86400")
}

fn asset(content: &'static str, kind: &'static str, cache: &'static str) -> Response {
    let mut response = Response::new(Body::from(content));
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

const STYLESHEET: &str = include_str!("../../static/writ.css");
const ICON: &str = include_str!("../../static/icon.svg");

const PATTERN: &[u8; 33] = b"/static/writ-.................css";
const PATH_BYTES: [u8; 33] = path_bytes();

const fn path_bytes() -> [u8; 33] {
    let mut path = *PATTERN;
    let mut hash = fnv1a(STYLESHEET.as_bytes());
    let (_, mut digits) = path.split_at_mut(13);
    let mut left = 16;
    while left > 0
        && let [digit, rest @ ..] = digits
    {
        let nibble = (hash >> 60) as u8;
        *digit = if nibble < 10 {
            b'0' + nibble
        } else {
            b'a' + nibble - 10
        };
        hash <<= 4;
        digits = rest;
        left -= 1;
    }
    path
}

/// Tells versions of our own file apart; it guards against nobody. (FNV-1a, 64 bits, runs in a
/// constant.)
const fn fnv1a(mut bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    while let [byte, rest @ ..] = bytes {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
        bytes = rest;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_agrees_with_its_published_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_address_of_the_stylesheet_names_its_content() {
        let hash = format!("{:016x}", fnv1a(STYLESHEET.as_bytes()));
        assert_eq!(STYLESHEET_PATH, format!("/static/writ-{hash}.css"));
    }

    #[test]
    fn the_stylesheet_fetches_nothing() {
        assert!(!STYLESHEET.contains("@import") && !STYLESHEET.contains("url("));
    }
}
