//! Stylesheet, scripts and icons. The addresses of what changes with the server hold a hash of the content, so they may be
//! cached for ever; the service worker's address never changes, as its specification demands.

use std::borrow::Cow;

use http::Response;
use http::header::{self, HeaderName, HeaderValue};

/// `/static/writ-<hash>.css`
pub const STYLESHEET_PATH: &str =
    text(&const { named(b"/static/writ-****************.css", STYLESHEET) });
pub const ICON_PATH: &str = "/static/icon.svg";

pub(crate) const APP_SCRIPT_PATH: &str =
    text(&const { named(b"/static/app-****************.js", APP_SCRIPT) });
pub(crate) const PASSKEY_SCRIPT_PATH: &str =
    text(&const { named(b"/static/passkey-****************.js", PASSKEY_SCRIPT) });
pub(crate) const PUSH_SCRIPT_PATH: &str =
    text(&const { named(b"/static/push-****************.js", PUSH_SCRIPT) });
pub(crate) const FORM_POST_SCRIPT_PATH: &str =
    text(&const { named(b"/static/form-post-****************.js", FORM_POST_SCRIPT) });
pub(crate) const ICON_192_PATH: &str = "/static/icon-192.png";
pub(crate) const ICON_512_PATH: &str = "/static/icon-512.png";
pub(crate) const MASKABLE_PATH: &str = "/static/icon-maskable.png";
pub(crate) const APPLE_ICON_PATH: &str = "/static/icon-180.png";

/// What a file holds.
pub type Asset = Cow<'static, [u8]>;

/// Every file that is the same for everybody: its path, and the answer to `GET`. An icon of the operator's takes the place of ours.
pub(super) fn assets(icon: Option<&[u8]>) -> Vec<(String, Response<Asset>)> {
    let mut assets = vec![
        (STYLESHEET_PATH, asset(STYLESHEET, CSS, FOR_EVER)),
        (ICON_PATH, asset(ICON, "image/svg+xml", A_DAY)),
        ("/app/sw.js", service_worker()),
    ];
    let scripts = [
        (APP_SCRIPT_PATH, APP_SCRIPT),
        (PASSKEY_SCRIPT_PATH, PASSKEY_SCRIPT),
        (PUSH_SCRIPT_PATH, PUSH_SCRIPT),
        (FORM_POST_SCRIPT_PATH, FORM_POST_SCRIPT),
    ];
    assets.extend(scripts.map(|(path, script)| (path, asset(script, SCRIPT, FOR_EVER))));
    assets.extend(PICTURES.map(|(path, ours)| {
        let picture = icon.map_or(Cow::Borrowed(ours), |icon| Cow::Owned(icon.to_vec()));
        (path, asset(picture, "image/png", A_DAY))
    }));
    assets
        .into_iter()
        .map(|(path, answer)| (path.to_owned(), answer))
        .collect()
}

/// A stylesheet whose address holds its hash.
pub(super) fn stylesheet(css: &str) -> Response<Asset> {
    asset(css.as_bytes().to_vec(), CSS, FOR_EVER)
}

/// `/static/brand-<hash>.css`
pub(super) fn named_by(content: &[u8], name: &str, ending: &str) -> String {
    format!("/static/{name}-{:016x}.{ending}", fnv1a(content))
}

/// Above its own folder, so that `/app` itself is in its scope (Service Workers, `Service-Worker-Allowed`).
fn service_worker() -> Response<Asset> {
    let mut response = asset(SERVICE_WORKER, SCRIPT, "no-cache");
    let scope = HeaderName::from_static("service-worker-allowed");
    for (name, value) in [
        (scope, "/app"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; connect-src 'self'; script-src 'self'",
        ),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

fn asset(content: impl Into<Asset>, kind: &'static str, cache: &'static str) -> Response<Asset> {
    let mut response = Response::new(content.into());
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

const SCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const A_DAY: &str = "public, max-age=86400";

const STYLESHEET: &[u8] = include_bytes!("../static/writ.css");
const APP_SCRIPT: &[u8] = include_bytes!("../static/app.js");
const PASSKEY_SCRIPT: &[u8] = include_bytes!("../static/passkey.js");
const PUSH_SCRIPT: &[u8] = include_bytes!("../static/push.js");
const FORM_POST_SCRIPT: &[u8] = include_bytes!("../static/form-post.js");
const SERVICE_WORKER: &[u8] = include_bytes!("../static/sw.js");
const ICON: &[u8] = include_bytes!("../static/icon.svg");
const PICTURES: [(&str, &[u8]); 4] = [
    (ICON_192_PATH, include_bytes!("../static/icon-192.png")),
    (ICON_512_PATH, include_bytes!("../static/icon-512.png")),
    (MASKABLE_PATH, include_bytes!("../static/icon-maskable.png")),
    (APPLE_ICON_PATH, include_bytes!("../static/icon-180.png")),
];

/// The address with a hash of the content in the place of its stars.
const fn named<const N: usize>(pattern: &[u8; N], content: &[u8]) -> [u8; N] {
    let mut path = *pattern;
    let mut hash = fnv1a(content);
    let mut left: &mut [u8] = &mut path;
    while let [byte, rest @ ..] = left {
        if *byte == b'*' {
            let nibble = (hash >> 60) as u8;
            *byte = if nibble < 10 {
                b'0' + nibble
            } else {
                b'a' + nibble - 10
            };
            hash <<= 4;
        }
        left = rest;
    }
    path
}

const fn text(path: &'static [u8]) -> &'static str {
    match std::str::from_utf8(path) {
        Ok(path) => path,
        Err(_) => "",
    }
}

/// Tells versions of our own files apart; it guards against nobody. (FNV-1a, 64 bits, runs in a
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
    fn addresses_name_the_content() {
        let hash = format!("{:016x}", fnv1a(STYLESHEET));
        assert_eq!(STYLESHEET_PATH, format!("/static/writ-{hash}.css"));
        let hash = format!("{:016x}", fnv1a(PASSKEY_SCRIPT));
        assert_eq!(PASSKEY_SCRIPT_PATH, format!("/static/passkey-{hash}.js"));
    }

    #[test]
    fn the_stylesheet_fetches_nothing() {
        let css = std::str::from_utf8(STYLESHEET).unwrap();
        assert!(!css.contains("@import") && !css.contains("url("));
    }

    /// No text becomes code, nothing comes from elsewhere, and words are the catalogue's.
    #[test]
    fn scripts_hold_no_words_and_no_way_to_make_code() {
        let all = [APP_SCRIPT, PASSKEY_SCRIPT, PUSH_SCRIPT, FORM_POST_SCRIPT];
        for script in all.into_iter().chain([SERVICE_WORKER]) {
            let script = std::str::from_utf8(script).unwrap();
            for part in [
                "eval",
                "Function(",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "import ",
                "import(",
                "http://",
                "https://",
                "textContent = '",
            ] {
                assert!(!script.contains(part), "{part}");
            }
        }
    }
}
