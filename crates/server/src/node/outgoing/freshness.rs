//! How long a fetched document need not be fetched again (RFC 9111 section 4.2), within the bounds of this house. This server is a
//! private cache: `s-maxage` and `private` are not for it.

use std::time::Duration;

use http::HeaderMap;
use http::header::{AGE, AsHeaderName, CACHE_CONTROL, DATE, EXPIRES};
use writ_wire::time::Timestamp;

/// No host makes this server call more often.
pub const MIN_FRESHNESS: Duration = Duration::from_secs(5 * 60);
/// No document goes unchecked for longer.
pub const MAX_FRESHNESS: Duration = Duration::from_secs(24 * 3600);
/// For a response that says nothing.
const DEFAULT_FRESHNESS: Duration = Duration::from_secs(3600);

/// Where a document may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptIn {
    Database,
    /// `no-store` (RFC 9111 section 5.2.2.5): not on a disk, and as short as possible.
    Memory,
}

/// What the response says about its own age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    pub fresh_for: Duration,
    pub kept_in: KeptIn,
}

impl Freshness {
    pub fn of(headers: &HeaderMap, now: Timestamp) -> Self {
        let directives = directives(headers);
        let has = |name: &str| directives.iter().any(|(found, _)| found == name);
        let kept_in = if has("no-store") {
            KeptIn::Memory
        } else {
            KeptIn::Database
        };
        let told = if has("no-store") || has("no-cache") {
            Duration::ZERO
        } else {
            let max_age = directives.iter().filter(|(name, _)| name == "max-age");
            // The shortest of several; one that cannot be read counts as stale (RFC 9111 section 4.2.1).
            max_age
                .map(|(_, value)| seconds(value.trim_matches('"')))
                .min()
                .or_else(|| until_expiry(headers, now))
                .unwrap_or(DEFAULT_FRESHNESS)
                .saturating_sub(age(headers))
        };
        Self {
            fresh_for: told.clamp(MIN_FRESHNESS, MAX_FRESHNESS),
            kept_in,
        }
    }
}

/// Names in lower case, with their values.
fn directives(headers: &HeaderMap) -> Vec<(String, String)> {
    let fields = headers.get_all(CACHE_CONTROL).iter();
    fields
        .flat_map(|field| field.as_bytes().split(|byte| *byte == b','))
        .map(|directive| {
            let directive = String::from_utf8_lossy(directive);
            let (name, value) = directive.split_once('=').unwrap_or((&directive, ""));
            (name.trim().to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect()
}

/// A number too large for us is a long time; anything else is none (RFC 9111 section 1.2.2).
fn seconds(text: &str) -> Duration {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let read = text.parse().unwrap_or(u64::from(u32::MAX));
    Duration::from_secs(if digits { read } else { 0 })
}

fn age(headers: &HeaderMap) -> Duration {
    text(headers, AGE).map_or(Duration::ZERO, seconds)
}

/// `Expires` less `Date`; a date that cannot be read lies in the past (RFC 9111 section 5.3).
fn until_expiry(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let expires = text(headers, EXPIRES)?;
    let date = text(headers, DATE).and_then(http_date).unwrap_or(now);
    let expires = http_date(expires).unwrap_or(date);
    Some(date.until(expires))
}

fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// IMF-fixdate (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let (time, zone) = (parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let fits = zone == "GMT" && parts.next().is_none();
    fits.then(|| Timestamp::from_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")))?
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn of(fields: &[(&str, &str)]) -> Freshness {
        let fields = fields.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value);
        }
        Freshness::of(&headers, Timestamp::from_seconds(1_790_000_000))
    }

    #[test]
    fn rfc_9111_4_2_1_freshness_is_told_by_the_response_within_our_bounds() {
        const DAY: u64 = 24 * 3600;
        let now = "Mon, 21 Sep 2026 14:13:20 GMT";
        let later = "Mon, 21 Sep 2026 14:23:20 GMT";
        let table: &[(&[(&str, &str)], u64)] = &[
            (&[], 3600),
            (&[("cache-control", "max-age=600")], 600),
            (&[("cache-control", "Public, Max-Age=\"600\"")], 600),
            (&[("cache-control", "max-age=600"), ("age", "60")], 540),
            (&[("cache-control", "max-age=600"), ("age", "x")], 600),
            (&[("cache-control", "max-age=900, max-age=700")], 700),
            (&[("cache-control", "max-age=1")], 300),
            (&[("cache-control", "max-age=999999999")], DAY),
            (&[("cache-control", "max-age=99999999999999999999999")], DAY),
            (&[("cache-control", "max-age=-1")], 300),
            (&[("cache-control", "max-age=soon")], 300),
            (&[("cache-control", "no-cache"), ("expires", later)], 300),
            (
                &[
                    ("cache-control", "max-age=900"),
                    ("cache-control", "no-cache"),
                ],
                300,
            ),
            (&[("cache-control", "max-age=900"), ("expires", now)], 900),
            (&[("expires", later)], 600),
            (&[("expires", later), ("date", now), ("age", "60")], 540),
            (&[("expires", later), ("date", later)], 300),
            (&[("expires", "0")], 300),
            (&[("expires", "Mon, 21 Sep 2026 14:23:20 CET")], 300),
            (&[("age", "86400")], 300),
        ];
        for (fields, expected) in table {
            let found = of(fields);
            assert_eq!(found.fresh_for.as_secs(), *expected, "{fields:?}");
            assert_eq!(found.kept_in, KeptIn::Database, "{fields:?}");
        }
    }

    #[test]
    fn rfc_9111_5_2_2_5_no_store_stays_off_the_disk() {
        for field in ["no-store, max-age=900", "x=\"\u{e9}\", no-store"] {
            let found = of(&[("cache-control", field)]);
            assert_eq!(
                (found.fresh_for, found.kept_in),
                (MIN_FRESHNESS, KeptIn::Memory),
                "{field}"
            );
        }
    }
}
