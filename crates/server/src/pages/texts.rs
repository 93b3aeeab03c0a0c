//! The catalogue of all words on our pages in one language, `text/*.toml`, read once at start-up.

use std::time::Duration;

use serde::Deserialize;
use writ_wire::time::Timestamp;

use super::sections::{
    ActivityTexts, AgentsTexts, AppTexts, ApprovalTexts, ConsentTexts, DeviceTexts, DevicesTexts,
    DoneTexts, FailureTexts, InboxTexts, LayoutTexts, LoginTexts, MineTexts, OfflineTexts,
    OverTexts, ReceiptTexts, SettingsTexts, TimeTexts,
};
use super::sentence::fill;

/// The catalogue cannot be read: a key is missing, unknown or of the wrong type.
#[derive(Debug, thiserror::Error)]
#[error("the text catalogue cannot be read")]
pub struct TextError(#[from] toml::de::Error);

/// All words of all pages in one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    pub(super) layout: LayoutTexts,
    pub(super) login: LoginTexts,
    pub(super) consent: ConsentTexts,
    pub(super) mine: MineTexts,
    pub(super) failure: FailureTexts,
    pub(super) done: DoneTexts,
    pub(super) app: AppTexts,
    pub(super) inbox: InboxTexts,
    pub(super) approval: ApprovalTexts,
    pub(super) receipt: ReceiptTexts,
    pub(super) over: OverTexts,
    pub(super) agents: AgentsTexts,
    pub(super) activity: ActivityTexts,
    pub(super) devices: DevicesTexts,
    pub(super) settings: SettingsTexts,
    pub(super) device: DeviceTexts,
    pub(super) offline: OfflineTexts,
    time: TimeTexts,
}

impl Texts {
    /// English.
    pub fn load() -> Result<Self, TextError> {
        Self::parse(include_str!("../../text/en.toml"))
    }

    pub(super) fn german() -> Result<Self, TextError> {
        Self::parse(include_str!("../../text/de.toml"))
    }

    fn parse(catalogue: &str) -> Result<Self, TextError> {
        Ok(toml::from_str(catalogue)?)
    }

    /// The BCP 47 tag of the language, as a consent records it.
    pub fn locale(&self) -> &str {
        &self.layout.language
    }

    /// A point in time as people read it, in UTC to the minute. An unrepresentable one stays RFC
    /// 3339.
    pub fn moment(&self, at: Timestamp) -> String {
        self.written(&self.time.moment, at)
    }

    /// The day of a point in time.
    pub(super) fn day(&self, at: Timestamp) -> String {
        self.written(&self.time.day, at)
    }

    /// The time of day of a point in time.
    pub(super) fn clock(&self, at: Timestamp) -> String {
        self.written(&self.time.clock, at)
    }

    /// How long something still takes, in its largest unit, rounded down: never more than there is.
    pub(super) fn length(&self, length: Duration) -> String {
        let minutes = length.as_secs() / 60;
        let (text, count) = match minutes {
            0 => (&self.time.moments, 0),
            1 => (&self.time.minute, 1),
            2..=119 => (&self.time.minutes, minutes),
            _ => (&self.time.hours, minutes / 60),
        };
        fill(text, &[("count", &count.to_string())]).to_string()
    }

    /// A whole number of minutes that somebody may choose.
    pub(super) fn minutes(&self, minutes: u32) -> String {
        if minutes == 60 {
            return self.time.hour.clone();
        }
        let minutes = Duration::from_secs(u64::from(minutes) * 60);
        self.length(minutes)
    }

    fn written(&self, pattern: &str, at: Timestamp) -> String {
        let rfc3339 = at.rfc3339();
        self.filled(pattern, &rfc3339).unwrap_or(rfc3339)
    }

    fn filled(&self, pattern: &str, rfc3339: &str) -> Option<String> {
        let (year, month, day) = (rfc3339.get(0..4)?, rfc3339.get(5..7)?, rfc3339.get(8..10)?);
        let month = month.parse::<usize>().ok()?.checked_sub(1)?;
        let values = [
            ("day", day.trim_start_matches('0')),
            ("month", self.time.months.get(month)?.as_str()),
            ("year", year),
            ("time", rfc3339.get(11..16)?),
        ];
        Some(fill(pattern, &values).to_string())
    }

    pub(super) fn page_title(&self, page: &str) -> String {
        let values = [("page", page), ("product", self.layout.product.as_str())];
        fill(&self.layout.title, &values).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_like_dates() {
        let at = Timestamp::from_rfc3339("2026-11-01T12:34:56Z").unwrap();
        let (english, german) = (Texts::load().unwrap(), Texts::german().unwrap());
        assert_eq!(english.moment(at), "1 November 2026, 12:34 UTC");
        assert_eq!(german.moment(at), "1. November 2026, 12:34 UTC");
        assert_eq!(english.day(at), "1 November 2026");
        assert_eq!(german.clock(at), "12:34 UTC");
    }

    #[test]
    fn lengths_are_rounded_down() {
        let texts = Texts::load().unwrap();
        let length = |seconds| texts.length(Duration::from_secs(seconds));
        assert_eq!(length(0), "less than a minute");
        assert_eq!(length(59), "less than a minute");
        assert_eq!(length(119), "1 minute");
        assert_eq!(length(120), "2 minutes");
        assert_eq!(length(7199), "119 minutes");
        assert_eq!(length(7200), "2 hours");
        assert_eq!(texts.minutes(60), "1 hour");
        assert_eq!(texts.minutes(15), "15 minutes");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let extended = include_str!("../../text/en.toml").replace("[login]", "[login]\nx = \"y\"");
        assert!(Texts::parse(&extended).is_err());
    }
}
