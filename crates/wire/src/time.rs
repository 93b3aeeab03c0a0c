//! Points in time: microseconds as stored, seconds as in JWTs, RFC 3339 as text.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

const MICROS: i64 = 1_000_000;

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

    /// RFC 3339 in UTC with whole seconds; a date outside the years 1 to 9999 becomes the nearest one inside.
    pub fn rfc3339(self) -> String {
        let clamped = self.seconds().clamp(-62_135_596_800, 253_402_207_200);
        jiff::Timestamp::from_second(clamped).map_or_else(|_| String::new(), |t| t.to_string())
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
}
