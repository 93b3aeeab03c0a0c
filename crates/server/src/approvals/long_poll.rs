//! How long a client would like a poll to be held (RFC 7240 `Prefer: wait`, CIBA 10.1.1).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use writ_core::pending::LONGEST_POLL;

/// `wait` of the `Prefer` headers (RFC 7240 section 4.3), at most [`LONGEST_POLL`]; the first one counts.
pub fn preference(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("prefer").iter();
    let mut preferences = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let seconds = preferences.find_map(|preference| {
        let preference = std::str::from_utf8(preference).ok()?;
        let first = preference.split(';').next()?;
        let (name, value) = first.split_once('=')?;
        let wanted = name.trim().eq_ignore_ascii_case("wait");
        let value = value.trim().trim_matches('"');
        let digits = value.bytes().all(|b| b.is_ascii_digit()) && !value.is_empty();
        // More digits than a number has are a long wait all the same.
        (wanted && digits).then(|| value.parse().unwrap_or(u64::MAX))
    })?;
    let wait = Duration::from_secs(seconds).min(LONGEST_POLL);
    (!wait.is_zero()).then_some(wait)
}

/// RFC 7240 section 3: the answer of a poll that was held as long as the client liked.
pub fn add_preference_applied(headers: &mut HeaderMap, wait: Option<Duration>) {
    if let Some(wait) = wait
        && let Ok(applied) = HeaderValue::from_str(&format!("wait={}", wait.as_secs()))
    {
        headers.insert(PREFERENCE_APPLIED, applied);
    }
}

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(values: &[&'static str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", HeaderValue::from_str(value).unwrap());
        }
        preference(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn rfc_7240_4_3_wait_is_read_among_others() {
        assert_eq!(wait(&["wait=10"]), Some(10));
        assert_eq!(wait(&["respond-async, wait=7"]), Some(7));
        assert_eq!(wait(&["respond-async", "Wait = \"9\"; foo=1"]), Some(9));
        assert_eq!(
            wait(&["wait=3, wait=5"]),
            Some(3),
            "section 2: the first one counts"
        );
        assert_eq!(
            wait(&["wait=100000"]),
            Some(25),
            "CIBA 10.1.1: at most 30 s"
        );
        assert_eq!(wait(&["wait=99999999999999999999999"]), Some(25));
        for none in [
            &[][..],
            &["wait"],
            &["wait=0"],
            &["wait=-1"],
            &["wait=soon"],
            &["await=5"],
        ] {
            assert_eq!(wait(none), None, "{none:?}");
        }
    }
}
