//! Time zones by name (IANA), from data inside this binary: what a person reads and signs is the same on every node, whatever is
//! installed there. Summer time included.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use writ_wire::time::Timestamp;

/// Longer than any name of a zone.
const LONGEST_NAME: usize = 64;

/// Every zone that is known here.
#[derive(Debug)]
pub struct Zones(TimeZoneDatabase);

/// One zone. The default is UTC.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A moment as clocks and calendars of a zone show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
    pub day: i8,
    pub hour: i8,
    pub minute: i8,
    /// `CET`, or `UTC+05:45` where a zone's time has no name of its own.
    pub zone: String,
}

/// A day of the calendar.
#[derive(Clone, Copy)]
pub(super) struct Day(Date);

impl Day {
    /// How many days it is later than another one; 2 or -2 stand for all further ones.
    pub(super) fn days_after(self, other: Self) -> i8 {
        match (other.0.tomorrow(), other.0.yesterday()) {
            _ if self.0 == other.0 => 0,
            (Ok(next), _) if self.0 == next => 1,
            (_, Ok(last)) if self.0 == last => -1,
            _ if self.0 > other.0 => 2,
            _ => -2,
        }
    }

    pub(super) fn is_in_year_of(self, other: Self) -> bool {
        self.0.year() == other.0.year()
    }
}

impl Zones {
    pub fn load() -> Self {
        Self(TimeZoneDatabase::bundled())
    }

    /// The zone of exactly that name, however it is capitalised.
    pub fn find(&self, name: &str) -> Option<Zone> {
        let short = !name.is_empty() && name.len() <= LONGEST_NAME;
        let zone = short.then(|| self.0.get(name).ok()).flatten()?;
        (!zone.is_unknown()).then_some(Zone(zone))
    }

    /// UTC where a person has set nothing.
    pub fn of(&self, name: Option<&str>) -> Zone {
        name.and_then(|name| self.find(name)).unwrap_or_default()
    }

    /// Names of places, and UTC, in order: what can be offered. Others can be typed.
    pub fn names(&self) -> Vec<String> {
        let all = self.0.available().map(|name| name.as_str().to_owned());
        let places = all.filter(|name| {
            let area = name.split_once('/').map(|(area, _)| area);
            AREAS.iter().any(|known| area == Some(known)) || name == "UTC"
        });
        let mut names: Vec<String> = places.collect();
        names.sort();
        names
    }
}

const AREAS: [&str; 9] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
];

impl Zone {
    /// A clock that is always so many minutes east of UTC.
    pub fn east(minutes: i32) -> Self {
        let seconds = minutes.saturating_mul(60);
        Offset::from_seconds(seconds).map_or_else(|_| Self::default(), |o| Self(o.to_time_zone()))
    }

    /// As the database writes it.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The day on which a moment is there; `None` outside of all calendars.
    pub(super) fn date(&self, at: Timestamp) -> Option<Day> {
        let at = instant(at)?.to_zoned(self.0.clone());
        Some(Day(at.date()))
    }

    /// `None` for moments outside of all calendars.
    pub fn local(&self, at: Timestamp) -> Option<Local> {
        let at = instant(at)?;
        let zoned = at.to_zoned(self.0.clone());
        let info = self.0.to_offset_info(at);
        let name = info.abbreviation();
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphabetic());
        Some(Local {
            year: zoned.year(),
            month: zoned.month(),
            day: zoned.day(),
            hour: zoned.hour(),
            minute: zoned.minute(),
            zone: match is_name {
                true => name.to_owned(),
                false => offset_text(info.offset()),
            },
        })
    }

    /// If `now` lies in the stretch of each day from one minute of the day to another, perhaps over midnight: when it ends.
    /// A time that a day does not have, because clocks are put forward, is as much later; one that it has twice is the first.
    pub fn end_of_stretch(&self, from: u16, until: u16, now: Timestamp) -> Option<Timestamp> {
        let here = instant(now)?.to_zoned(self.0.clone());
        let days = [here.date().yesterday().ok()?, here.date()];
        days.into_iter().find_map(|day| {
            let last = match from < until {
                true => day,
                false => day.tomorrow().ok()?,
            };
            let (start, end) = (self.at(day, from)?, self.at(last, until)?);
            (from != until && start <= now && now < end).then_some(end)
        })
    }

    fn at(&self, day: Date, minute: u16) -> Option<Timestamp> {
        let hour = i8::try_from(minute / 60).ok()?;
        let minute = i8::try_from(minute % 60).ok()?;
        let time = jiff::civil::Time::new(hour, minute, 0, 0).ok()?;
        let zoned = day.to_datetime(time).to_zoned(self.0.clone()).ok()?;
        Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn instant(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(at.micros()).ok()
}

fn offset_text(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zones::load().find(name).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_rfc3339(text).unwrap()
    }

    fn clock(zone: &Zone, text: &str) -> String {
        let local = zone.local(at(text)).unwrap();
        let (day, hour, minute) = (local.day, local.hour, local.minute);
        format!("{day} {hour:02}:{minute:02} {}", local.zone)
    }

    #[test]
    fn summer_and_winter() {
        let berlin = zone("Europe/Berlin");
        // Clocks go forward on 29 March 2026 and back on 25 October, at 01:00 UTC.
        for (utc, here) in [
            ("2026-03-29T00:59:59Z", "29 01:59 CET"),
            ("2026-03-29T01:00:00Z", "29 03:00 CEST"),
            ("2026-10-25T00:59:59Z", "25 02:59 CEST"),
            ("2026-10-25T01:00:00Z", "25 02:00 CET"),
            ("2026-12-31T23:30:00Z", "1 00:30 CET"),
        ] {
            assert_eq!(clock(&berlin, utc), here, "{utc}");
        }
    }

    #[test]
    fn zones_with_half_and_quarter_hours_and_without_a_name() {
        let noon = "2026-06-21T12:00:00Z";
        for (name, here) in [
            ("Asia/Kolkata", "21 17:30 IST"),
            ("Asia/Kathmandu", "21 17:45 UTC+05:45"),
            ("America/Sao_Paulo", "21 09:00 UTC-03:00"),
            ("Australia/Lord_Howe", "21 22:30 UTC+10:30"),
            ("UTC", "21 12:00 UTC"),
        ] {
            assert_eq!(clock(&zone(name), noon), here, "{name}");
        }
        assert_eq!(clock(&Zone::east(-570), noon), "21 02:30 UTC-09:30");
        assert_eq!(clock(&Zone::default(), noon), "21 12:00 UTC");
    }

    #[test]
    fn names_that_do_not_exist() {
        let zones = Zones::load();
        let long = "A".repeat(LONGEST_NAME + 1);
        for name in [
            "",
            "Europe/Atlantis",
            "Europe",
            "../etc/passwd",
            "Etc/Unknown",
            &long,
        ] {
            assert_eq!(zones.find(name), None, "{name}");
        }
        assert_eq!(zones.of(Some("Europe/Atlantis")), Zone::default());
        assert_eq!(zones.find("europe/berlin").unwrap().name(), "Europe/Berlin");
        let names = zones.names();
        for name in ["Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC"] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
        assert!(names.iter().all(|name| zones.find(name).is_some()));
    }

    #[test]
    fn a_stretch_of_the_day_follows_the_clock_of_the_zone() {
        let berlin = zone("Europe/Berlin");
        let night = (22 * 60, 7 * 60);
        let end = |utc: &str| {
            berlin
                .end_of_stretch(night.0, night.1, at(utc))
                .map(Timestamp::rfc3339)
        };
        let ends = |utc: &str| Some(utc.to_owned());
        // In winter 21:00 UTC is 22:00; in summer it is 20:00 UTC.
        assert_eq!(end("2026-01-10T20:59:59Z"), None);
        assert_eq!(end("2026-01-10T21:00:00Z"), ends("2026-01-11T06:00:00Z"));
        assert_eq!(end("2026-07-10T19:59:59Z"), None);
        assert_eq!(end("2026-07-10T20:00:00Z"), ends("2026-07-11T05:00:00Z"));
        // The night in which clocks go forward is an hour shorter, the other one longer.
        assert_eq!(end("2026-03-28T21:00:00Z"), ends("2026-03-29T05:00:00Z"));
        assert_eq!(end("2026-10-24T20:00:00Z"), ends("2026-10-25T06:00:00Z"));
        assert_eq!(end("2026-10-25T05:59:59Z"), ends("2026-10-25T06:00:00Z"));
        assert_eq!(end("2026-10-25T06:00:00Z"), None);
    }

    #[test]
    fn a_stretch_within_the_hour_that_is_missing_or_comes_twice() {
        let berlin = zone("Europe/Berlin");
        let end = |stretch: (u16, u16), utc: &str| {
            let end = berlin.end_of_stretch(stretch.0, stretch.1, at(utc));
            end.map(Timestamp::rfc3339)
        };
        // 02:15 to 02:45 is 03:15 to 03:45 on that day.
        let missing = (135, 165);
        assert_eq!(end(missing, "2026-03-29T01:14:59Z"), None);
        let until = Some("2026-03-29T01:45:00Z".to_owned());
        assert_eq!(end(missing, "2026-03-29T01:15:00Z"), until);
        let twice = Some("2026-10-25T00:45:00Z".to_owned());
        assert_eq!(end(missing, "2026-10-25T00:15:00Z"), twice);
        assert_eq!(end(missing, "2026-10-25T01:15:00Z"), None);
        assert_eq!(end((600, 600), "2026-03-29T10:00:00Z"), None);
    }
}
