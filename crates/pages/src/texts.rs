//! The catalogue of all words on our pages in one language, `text/*.toml`, read once at start-up.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use writ_wire::time::Timestamp;

use super::brand::Brand;
use super::plain;
use super::sections::{
    AccountTexts, ActivityTexts, AgentsTexts, AppTexts, ApprovalTexts, ConsentTexts, ConsoleTexts,
    DeviceTexts, DevicesTexts, DoneTexts, ElsewhereTexts, FailureTexts, FormPostTexts, GuestTexts,
    InboxTexts, LayoutTexts, LoginTexts, LogoutTexts, MineTexts, OfflineTexts, OverTexts,
    PauseTexts, ReceiptTexts, SettingsTexts, TimeTexts, UndoTexts, UpstreamTexts,
};
use super::sentence::{Sentence, fill};
use crate::zones::Zone;

/// The catalogue cannot be read: a key is missing, unknown or of the wrong type.
#[derive(Debug, thiserror::Error)]
#[error("the text catalogue cannot be read")]
pub struct TextError(#[from] toml::de::Error);

/// All words of all pages in one language, with the clock of whoever reads them; UTC unless somebody says.
#[derive(Clone, Debug)]
pub struct Texts {
    words: Arc<CatalogueTexts>,
    zone: Zone,
    brand: Arc<Brand>,
}

impl Deref for Texts {
    type Target = CatalogueTexts;

    fn deref(&self) -> &CatalogueTexts {
        &self.words
    }
}

/// The catalogue as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueTexts {
    pub(super) layout: LayoutTexts,
    pub(super) login: LoginTexts,
    pub(super) account: AccountTexts,
    pub(super) consent: ConsentTexts,
    pub(super) elsewhere: ElsewhereTexts,
    pub(super) guest: GuestTexts,
    pub(super) mine: MineTexts,
    pub(super) failure: FailureTexts,
    pub(super) done: DoneTexts,
    pub(super) form_post: FormPostTexts,
    pub(super) logout: LogoutTexts,
    pub(super) console: ConsoleTexts,
    pub(super) app: AppTexts,
    pub(super) inbox: InboxTexts,
    pub(super) approval: ApprovalTexts,
    pub(super) receipt: ReceiptTexts,
    pub(super) over: OverTexts,
    pub(super) agents: AgentsTexts,
    pub(super) undo: UndoTexts,
    pub(super) pause: PauseTexts,
    pub(super) upstream: UpstreamTexts,
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
        Self::parse(include_str!("../text/en.toml"))
    }

    pub(super) fn german() -> Result<Self, TextError> {
        Self::parse(include_str!("../text/de.toml"))
    }

    /// For tests: see the module.
    #[cfg(debug_assertions)]
    pub(super) fn pseudo() -> Result<Self, TextError> {
        let catalogue = super::pseudo::catalogue(include_str!("../text/en.toml"))?;
        Ok(Self::of(catalogue.try_into()?))
    }

    fn parse(catalogue: &str) -> Result<Self, TextError> {
        Ok(Self::of(toml::from_str(catalogue)?))
    }

    fn of(words: CatalogueTexts) -> Self {
        Self {
            words: Arc::new(words),
            zone: Zone::default(),
            brand: Arc::default(),
        }
    }

    /// The same words by another clock.
    pub fn in_zone(&self, zone: Zone) -> Self {
        Self {
            words: Arc::clone(&self.words),
            zone,
            brand: Arc::clone(&self.brand),
        }
    }

    /// The same words under the operator's name.
    pub fn under(self, brand: &Arc<Brand>) -> Self {
        Self {
            brand: Arc::clone(brand),
            ..self
        }
    }

    #[cfg(debug_assertions)]
    pub(super) fn shared_brand(&self) -> &Arc<Brand> {
        &self.brand
    }

    pub(super) fn brand(&self) -> &Brand {
        &self.brand
    }

    /// The name of this server to people.
    pub(super) fn product(&self) -> &str {
        self.brand.name().unwrap_or(&self.layout.product)
    }

    /// The name of the zone that times are shown in.
    pub fn zone(&self) -> &str {
        self.zone.name()
    }

    /// The BCP 47 tag of the language, as a consent records it.
    pub fn locale(&self) -> &str {
        &self.layout.language
    }

    /// A point in time as people read it, to the minute, with the name of the zone's time. An unrepresentable one stays RFC 3339.
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

    /// A point in time as people say it at another one: "today 08:04". The name of the zone only where nobody has set one.
    pub fn when(&self, at: Timestamp, now: Timestamp) -> String {
        let (day, today) = (self.zone.date(at), self.zone.date(now));
        let (Some(day), Some(today)) = (day, today) else {
            return at.rfc3339();
        };
        let pattern = match day.days_after(today) {
            0 => &self.time.today,
            1 => &self.time.tomorrow,
            -1 => &self.time.yesterday,
            _ if day.is_in_year_of(today) => &self.time.near,
            _ => &self.time.far,
        };
        let text = self.written(pattern, at);
        match self.zone == Zone::default() {
            true => format!("{text} {}", self.zone()),
            false => text,
        }
    }

    /// An amount as people write it, which no line break parts from its unit.
    pub(super) fn amount(&self, decimal: &str, unit: &str) -> String {
        let number = self.number(decimal);
        let unit = plain(unit);
        match unit.is_empty() {
            true => number,
            false => {
                let values = [("number", &*number), ("unit", &*unit)];
                fill(&self.time.amount, &values)
                    .to_string()
                    .replace(' ', NO_BREAK)
            }
        }
    }

    /// Decimal text as people write it: `1.412,00` in German.
    pub(super) fn number(&self, decimal: &str) -> String {
        let time = &self.time;
        writ_authority::grouped(decimal, &time.digit_separator, &time.decimal_point)
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
        self.filled(pattern, at).unwrap_or_else(|| at.rfc3339())
    }

    fn filled(&self, pattern: &str, at: Timestamp) -> Option<String> {
        let local = self.zone.local(at)?;
        let month = usize::try_from(local.month).ok()?.checked_sub(1)?;
        let values = [
            ("day", &*local.day.to_string()),
            ("month", self.time.months.get(month)?),
            ("year", &*local.year.to_string()),
            ("time", &*format!("{:02}:{:02}", local.hour, local.minute)),
            ("zone", &*local.zone),
        ];
        Some(fill(pattern, &values).to_string())
    }

    /// Words of others, in the quotation marks of this language.
    pub(super) fn quotation(&self, words: &str) -> Sentence {
        fill(&self.layout.quotation, &[("words", words)])
    }

    pub(super) fn page_title(&self, page: &str) -> String {
        let values = [("page", page), ("product", self.product())];
        fill(&self.layout.title, &values).to_string()
    }
}

/// A space at which no line ends.
const NO_BREAK: &str = "\u{a0}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_by_the_day_of_whoever_reads_them() {
        let at = |text: &str| Timestamp::from_rfc3339(text).unwrap();
        let zone = |name| crate::zones::Zones::load().find(name).unwrap();
        let english = Texts::load().unwrap();
        let berlin = english.in_zone(zone("Europe/Berlin"));
        let german = Texts::german().unwrap().in_zone(zone("Europe/Berlin"));
        let now = at("2026-12-31T22:30:00Z");
        for (moment, utc, there, in_german) in [
            (
                "2026-12-31T22:04:00Z",
                "today 22:04 UTC",
                "today 23:04",
                "heute 23:04",
            ),
            (
                "2026-12-31T23:04:00Z",
                "today 23:04 UTC",
                "tomorrow 00:04",
                "morgen 00:04",
            ),
            (
                "2026-12-30T08:04:00Z",
                "yesterday 08:04 UTC",
                "yesterday 09:04",
                "gestern 09:04",
            ),
            (
                "2026-03-03T08:04:00Z",
                "3 March, 08:04 UTC",
                "3 March, 09:04",
                "3. März, 09:04",
            ),
            (
                "2027-03-03T08:04:00Z",
                "3 March 2027, 08:04 UTC",
                "3 March 2027, 09:04",
                "3. März 2027, 09:04",
            ),
        ] {
            assert_eq!(english.when(at(moment), now), utc);
            assert_eq!(berlin.when(at(moment), now), there);
            assert_eq!(german.when(at(moment), now), in_german);
        }
        let far = Timestamp::from_micros(i64::MAX);
        assert_eq!(english.when(far, now), far.rfc3339());
    }

    #[test]
    fn amounts_are_grouped_and_unbroken() {
        let (english, german) = (Texts::load().unwrap(), Texts::german().unwrap());
        for (decimal, unit, in_english, in_german) in [
            ("412.00", "EUR", "EUR\u{a0}412.00", "412,00\u{a0}EUR"),
            (
                "19999.99",
                "EUR",
                "EUR\u{a0}19,999.99",
                "19.999,99\u{a0}EUR",
            ),
            ("1000", "", "1,000", "1.000"),
        ] {
            assert_eq!(english.amount(decimal, unit), in_english);
            assert_eq!(german.amount(decimal, unit), in_german);
        }
    }

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
    fn moments_are_those_of_a_zone_in_every_language() {
        let at = Timestamp::from_rfc3339("2026-07-31T22:34:56Z").unwrap();
        let zone = |name| crate::zones::Zones::load().find(name).unwrap();
        let (english, german) = (Texts::load().unwrap(), Texts::german().unwrap());
        let german = german.in_zone(zone("Europe/Berlin"));
        assert_eq!(german.moment(at), "1. August 2026, 00:34 CEST");
        assert_eq!(german.day(at), "1. August 2026");
        assert_eq!(german.zone(), "Europe/Berlin");
        let english = english.in_zone(zone("Asia/Kathmandu"));
        assert_eq!(english.clock(at), "04:19 UTC+05:45");
        let far = Timestamp::from_micros(i64::MAX);
        assert_eq!(english.moment(far), far.rfc3339());
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
        let extended = include_str!("../text/en.toml").replace("[login]", "[login]\nx = \"y\"");
        assert!(Texts::parse(&extended).is_err());
    }
}
