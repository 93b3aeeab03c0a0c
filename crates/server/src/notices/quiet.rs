//! Quiet hours: a stretch of the person's own day in which nothing buzzes.

use std::time::Duration;

use writ_store::settings::Settings;
use writ_wire::time::Timestamp;

const MINUTES_OF_DAY: i64 = 24 * 60;

/// How long it stays quiet; `None` outside of quiet hours.
pub(super) fn lasts(settings: &Settings, now: Timestamp) -> Option<Duration> {
    let (from, until) = (settings.quiet_from?, settings.quiet_until?);
    let (from, until) = (i64::from(from), i64::from(until));
    let east = i64::from(settings.offset_minutes.unwrap_or(0));
    let minute = (now.seconds().div_euclid(60) + east).rem_euclid(MINUTES_OF_DAY);
    let since_start = (minute - from).rem_euclid(MINUTES_OF_DAY);
    let length = (until - from).rem_euclid(MINUTES_OF_DAY);
    if since_start >= length {
        return None;
    }
    let left = (length - since_start) * 60 - now.seconds().rem_euclid(60);
    u64::try_from(left).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(from: u16, until: u16, offset: i32, at: &str) -> Option<u64> {
        let settings = Settings {
            quiet_from: Some(from),
            quiet_until: Some(until),
            offset_minutes: Some(offset),
            ..Settings::default()
        };
        let now = Timestamp::from_rfc3339(at).unwrap();
        lasts(&settings, now).map(|left| left.as_secs() / 60)
    }

    #[test]
    fn quiet_hours_are_of_the_persons_day() {
        let night = (22 * 60, 7 * 60);
        let quiet = |offset, at| minutes(night.0, night.1, offset, at);
        assert_eq!(quiet(0, "2026-11-22T21:59:59Z"), None);
        assert_eq!(quiet(0, "2026-11-22T22:00:00Z"), Some(9 * 60));
        assert_eq!(quiet(0, "2026-11-22T06:59:00Z"), Some(1));
        assert_eq!(quiet(0, "2026-11-22T07:00:00Z"), None);
        assert_eq!(quiet(60, "2026-11-22T21:00:00Z"), Some(9 * 60));
        assert_eq!(quiet(-480, "2026-11-22T05:59:00Z"), None);
        assert_eq!(quiet(-480, "2026-11-22T06:00:00Z"), Some(9 * 60));
    }

    #[test]
    fn quiet_hours_within_a_day_and_none() {
        assert_eq!(minutes(600, 720, 0, "2026-11-22T11:00:00Z"), Some(60));
        assert_eq!(minutes(600, 720, 0, "2026-11-22T12:00:00Z"), None);
        assert_eq!(minutes(600, 600, 0, "2026-11-22T10:00:00Z"), None);
        let unset = Settings::default();
        assert_eq!(lasts(&unset, Timestamp::from_seconds(0)), None);
    }
}
