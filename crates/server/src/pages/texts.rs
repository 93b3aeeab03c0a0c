//! The catalogue of all words on our pages, `text/en.toml`, read once at start-up.

use serde::Deserialize;
use writ_wire::time::Timestamp;

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
    time: TimeTexts,
}

impl Texts {
    pub fn load() -> Result<Self, TextError> {
        Ok(toml::from_str(include_str!("../../text/en.toml"))?)
    }

    /// The BCP 47 tag of the language, as a consent records it.
    pub fn locale(&self) -> &str {
        &self.layout.language
    }

    /// A point in time as people read it, in UTC to the minute. An unrepresentable one stays RFC
    /// 3339.
    pub fn moment(&self, at: Timestamp) -> String {
        let rfc3339 = at.rfc3339();
        self.moment_of(&rfc3339).unwrap_or(rfc3339)
    }

    fn moment_of(&self, rfc3339: &str) -> Option<String> {
        let (year, month, day) = (rfc3339.get(0..4)?, rfc3339.get(5..7)?, rfc3339.get(8..10)?);
        let month = month.parse::<usize>().ok()?.checked_sub(1)?;
        let values = [
            ("day", day.trim_start_matches('0')),
            ("month", self.time.months.get(month)?.as_str()),
            ("year", year),
            ("time", rfc3339.get(11..16)?),
        ];
        Some(fill(&self.time.moment, &values).to_string())
    }

    pub(super) fn page_title(&self, page: &str) -> String {
        let values = [("page", page), ("product", self.layout.product.as_str())];
        fill(&self.layout.title, &values).to_string()
    }
}

/// A struct of texts: each field is one key of the catalogue.
macro_rules! texts {
    ($($name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {
        $(
            #[derive(Debug, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(super) struct $name { $(pub(super) $field: $kind),* }
        )*
    };
}

texts! {
    LayoutTexts {
        language: String, direction: String, product: String, title: String, quotation: String,
        verified: String, not_verified: String,
    }
    LoginTexts {
        title: String, lead: String, lead_agent: String, lead_client: String, username: String,
        password: String, submit: String, problem: LoginProblemTexts,
    }
    LoginProblemTexts { wrong: String, too_many: String, busy: String, expired: String }
    ConsentTexts {
        heading_agent: String, heading_client: String, publisher: String,
        publisher_unknown: String, what: String, what_hint: String, scope: String,
        audience: String,
        identity: String, nothing_chosen: String, limits: String, until: String,
        agent_named: String, onward_none: String, onward_agents: String, onward_owner: String, onward_both: String,
        onward_once: String, onward_depth: String, nothing_else: String, list_separator: String,
        own_words_agent: String, own_words_client: String, about: String,
        subject: String, owner: String, sponsor: String, identifier: String, returns_to: String,
        unsure: String, deny: String, approve: String,
    }
    MineTexts {
        title: String, signed_in: String, sign_out: String, live: String, live_none: String,
        ended: String, publisher: String, own_words: String, chain: String,
        chain_separator: String, opened: String, expires: String, stop: String, stopped: String,
        already_ended: String, state: TaskStateTexts,
    }
    TaskStateTexts {
        active: String, suspended: String, completed: String, stopped: String, expired: String,
    }
    FailureTexts {
        developer: String, detail: String, error_code: String, error_id: String, home: String,
        untrusted_request: FailureText, request_expired: FailureText, request_used: FailureText,
        form_expired: FailureText, forbidden: FailureText, not_found: FailureText,
        method_not_allowed: FailureText, too_many_requests: FailureText,
        server_error: FailureText, unavailable: FailureText,
    }
    FailureText { title: String, sentence: String, hint: String }
    DoneTexts { signed_out: SignedOutText }
    SignedOutText { title: String, sentence: String, again: String }
    TimeTexts { moment: String, months: [String; 12] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_like_dates() {
        let texts = Texts::load().unwrap();
        let at = Timestamp::from_rfc3339("2026-11-01T12:34:56Z").unwrap();
        assert_eq!(texts.moment(at), "1 November 2026, 12:34 UTC");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let extended = include_str!("../../text/en.toml").replace("[login]", "[login]\nx = \"y\"");
        assert!(toml::from_str::<Texts>(&extended).is_err());
    }
}
