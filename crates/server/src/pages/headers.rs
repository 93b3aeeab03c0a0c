//! The headers of every page: nothing from elsewhere, no framing, no caching, no address in a
//! referrer. RFC 9700 section 4.16 (clickjacking), 4.2.4 (referrer), 4.12 (caches); Content
//! Security Policy level 3.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::FormAction;

/// Puts the headers on a page; `form_action` is one more place where its form may end up.
pub(super) fn protect(headers: &mut HeaderMap, form_action: Option<&FormAction>) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A header value cannot be refused here: `FormAction` holds only letters, digits and `.-+:/`.
    let policy = HeaderValue::try_from(policy(form_action))
        .unwrap_or_else(|_| HeaderValue::from_static(NOTHING_ALLOWED));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
}

fn policy(form_action: Option<&FormAction>) -> String {
    let elsewhere = form_action
        .map(|action| format!(" {action}"))
        .unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self' data:; \
         form-action 'self'{elsewhere}; frame-ancestors 'none'; base-uri 'none'"
    )
}

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
