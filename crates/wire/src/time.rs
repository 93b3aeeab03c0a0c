//! Points in time: microseconds as stored, seconds as in JWTs, RFC 3339 as text.

use std::fmt;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

const MICROS: i64 = 1_000_000;
const MICROSECONDS_OF_A_MINUTE: i64 = 60 * MICROS;

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From a JWT `NumericDate` (RFC 7519 section 2). Saturates far outside any real date.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS))
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded down: a JWT `NumericDate`.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// Saturates.
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// Saturates.
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros))
    }

    /// How long until `later`; zero if that is not in the future.
    pub fn until(self, later: Self) -> Duration {
        let micros = u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0);
        Duration::from_micros(micros)
    }

    /// Whether `now` is in the time of this length that begins here; not before it, where a clock went back.
    pub fn is_within(self, length: Duration, now: Self) -> bool {
        self <= now && now < self.plus(length)
    }

    /// RFC 3339 in UTC with whole seconds; a date outside the years 1 to 9999 becomes the nearest one inside.
    pub fn rfc3339(self) -> String {
        let clamped = self.seconds().clamp(-62_135_596_800, 253_402_207_200);
        jiff::Timestamp::from_second(clamped).map_or_else(|_| String::new(), |t| t.to_string())
    }

    /// Whether a clock without seconds shows all of it.
    pub fn is_whole_minute(self) -> bool {
        self.0.rem_euclid(MICROSECONDS_OF_A_MINUTE) == 0
    }

    /// Parses RFC 3339; `None` for any other text.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|t| Self(t.as_microsecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// A `NumericDate`, rounded down: it may have a fraction (RFC 7519 section 2).
pub(crate) fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = Number::deserialize(deserializer)?;
    whole_seconds(&number).ok_or_else(|| D::Error::custom("this number is no NumericDate"))
}

pub(crate) fn optional_numeric_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    let number = Option::<Number>::deserialize(deserializer)?;
    let seconds = number.map(|number| {
        let seconds = whole_seconds(&number);
        seconds.ok_or_else(|| D::Error::custom("this number is no NumericDate"))
    });
    seconds.transpose()
}

/// `Retry-After` of a wait (RFC 9110 section 10.2.3): never too early, and never at once.
pub fn seconds_to_wait(wait: Duration) -> u64 {
    let begun = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(begun).max(1)
}

fn whole_seconds(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let since_1970 = Duration::try_from_secs_f64(number.as_f64()?).ok()?;
        i64::try_from(since_1970.as_secs()).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_down_and_rfc3339_reads_back() {
        assert_eq!(Timestamp::from_micros(1_999_999).seconds(), 1);
        assert_eq!(Timestamp::from_micros(-1).seconds(), -1);
        let at = Timestamp::from_seconds(1_790_000_000);
        assert_eq!(at.rfc3339(), "2026-09-21T14:13:20Z");
        assert_eq!(Timestamp::from_rfc3339("2026-09-21T14:13:20Z"), Some(at));
        assert_eq!(Timestamp::from_rfc3339("tomorrow"), None);
    }

    #[test]
    fn a_time_of_a_length_begins_and_ends() {
        let begin = Timestamp::from_seconds(100);
        for (now, inside) in [(99, false), (100, true), (109, true), (110, false)] {
            let now = Timestamp::from_seconds(now);
            assert_eq!(begin.is_within(Duration::from_secs(10), now), inside);
        }
    }

    #[test]
    fn rfc_7519_2_a_numeric_date_may_have_a_fraction() {
        let read = |text: &str| numeric_date(&mut serde_json::Deserializer::from_str(text)).ok();
        for (text, expected) in [
            ("1790000000", Some(1_790_000_000)),
            ("1790000000.9", Some(1_790_000_000)),
            ("1.79e9", Some(1_790_000_000)),
            ("-1", Some(-1)),
            ("1e300", None),
            ("18446744073709551615", None),
            ("-0.5", None),
            ("\"1790000000\"", None),
            ("null", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
