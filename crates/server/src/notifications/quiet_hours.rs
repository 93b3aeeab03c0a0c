//! Quiet hours: a part of the user's local day in which no push message or mail about what somebody else wants is sent to them. What they
//! wait for themself, and what tells that somebody may act as them, does not wait.

use std::time::Duration;

use writ_core::pending::{Kind, PendingRequest};
use writ_pages::zones::{Zone, Zones};
use writ_store::settings::PersonSettings;
use writ_wire::time::Timestamp;

use super::outcome::DeliveryOutcome;

/// The rest of the quiet hours; `None` outside of them. They follow the user's time zone, or the fixed offset from UTC of a user
/// without one.
fn remaining(settings: &PersonSettings, zones: &Zones, now: Timestamp) -> Option<Duration> {
    let (from, until) = (settings.quiet_from?, settings.quiet_until?);
    let zone = settings.time_zone.as_deref();
    let zone = zone.and_then(|name| zones.find(name));
    let zone = zone.unwrap_or_else(|| Zone::east(settings.offset_minutes.unwrap_or(0)));
    Some(now.until(zone.end_of_stretch(from, until, now)?))
}

/// Whether a question waits for the end of them; one for which its person pressed a button does not.
pub(crate) fn hold_back(request: &PendingRequest) -> bool {
    match request.kind {
        Kind::Consent => false,
        Kind::Ciba | Kind::Device | Kind::Transaction | Kind::Access => true,
    }
}

/// Puts a notice off until the end of the user's quiet hours.
pub(crate) fn check(
    settings: &PersonSettings,
    zones: &Zones,
    now: Timestamp,
) -> Result<(), DeliveryOutcome> {
    match remaining(settings, zones, now) {
        Some(left) => Err(DeliveryOutcome::Retry("quiet hours".to_owned(), Some(left))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(from: u16, until: u16, offset: i32, at: &str) -> Option<u64> {
        let settings = PersonSettings {
            quiet_from: Some(from),
            quiet_until: Some(until),
            offset_minutes: Some(offset),
            ..PersonSettings::default()
        };
        let now = Timestamp::from_rfc3339(at).unwrap();
        remaining(&settings, &Zones::load(), now).map(|left| left.as_secs() / 60)
    }

    #[test]
    fn quiet_hours_follow_the_users_local_day() {
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
        let unset = PersonSettings::default();
        assert_eq!(
            remaining(&unset, &Zones::load(), Timestamp::from_seconds(0)),
            None
        );
    }

    #[test]
    fn a_zone_counts_before_an_offset() {
        let quiet = |zone: &str, at: &str| {
            let settings = PersonSettings {
                quiet_from: Some(22 * 60),
                quiet_until: Some(7 * 60),
                offset_minutes: Some(-480),
                time_zone: Some(zone.to_owned()),
                ..PersonSettings::default()
            };
            let now = Timestamp::from_rfc3339(at).unwrap();
            remaining(&settings, &Zones::load(), now).map(|left| left.as_secs() / 60)
        };
        assert_eq!(quiet("Europe/Berlin", "2026-11-22T21:00:00Z"), Some(9 * 60));
        assert_eq!(quiet("Europe/Berlin", "2026-07-22T20:00:00Z"), Some(9 * 60));
        // Clocks go back in that night, and forward in this one.
        assert_eq!(
            quiet("Europe/Berlin", "2026-10-24T20:00:00Z"),
            Some(10 * 60)
        );
        assert_eq!(quiet("Europe/Berlin", "2026-03-28T21:00:00Z"), Some(8 * 60));
        assert_eq!(quiet("Asia/Kolkata", "2026-11-22T16:29:00Z"), None);
        assert_eq!(quiet("Asia/Kolkata", "2026-11-22T16:30:00Z"), Some(9 * 60));
        // A name that is gone from the data: the clock of before.
        assert_eq!(
            quiet("Europe/Atlantis", "2026-11-22T06:00:00Z"),
            Some(9 * 60)
        );
    }
}
