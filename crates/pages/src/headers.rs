//! The headers of every page: nothing from elsewhere, no framing, no caching, no address in a
//! referrer. RFC 9700 section 4.16 (clickjacking), 4.2.4 (referrer), 4.12 (caches); Content
//! Security Policy level 3.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::{FormEnds, Scripts};

/// Puts the headers on a page.
pub(super) fn protect(headers: &mut HeaderMap, form_ends: FormEnds, scripts: Scripts) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = HeaderValue::try_from(policy(form_ends, scripts))
        .unwrap_or_else(|_| HeaderValue::from_static(NOTHING_ALLOWED));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
}

fn policy(form_ends: FormEnds, scripts: Scripts) -> String {
    let forms = match form_ends {
        FormEnds::Here => "form-action 'self'; ",
        FormEnds::Anywhere => "",
    };
    let ours = match scripts {
        Scripts::None => "",
        Scripts::Ours => SCRIPTS,
    };
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; \
         {forms}frame-ancestors 'none'; base-uri 'none'{ours}"
    )
}

/// Our files alone, what they fetch from here, and no text that becomes code (Trusted Types).
const SCRIPTS: &str = "; script-src 'self'; connect-src 'self'; manifest-src 'self'; \
     worker-src 'self'; require-trusted-types-for 'script'; trusted-types writ";

const NOTHING_ALLOWED: &str =
    "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const FIXED: [(HeaderName, &str); 6] = [
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: with it browsers send `Origin: null` on our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];
