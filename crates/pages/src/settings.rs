//! `/app/settings`: quiet hours, e-mail, user code (CIBA 7.1), language.

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use writ_core::password::PasswordFault;

use super::around::{Around, Tab};
use super::sentence::{Part, Sentence, fill};
use super::{Page, PersonView, Texts};

/// What a person set. Each part is a form of its own to `POST /app/settings`, named by `setting`: `time_zone`
/// (`time_zone`), `quiet` (`from`, `until` as
/// `22:00`, both empty for none; `offset` in minutes), `email` (`email`), `password` (`new_password`, `new_password_again`),
/// `user_code` (`user_code`), `language` (`language`); those of `email`, `password` and `user_code` with `password` or, of whoever has a
/// passkey, `assertion` (the answer to `POST /app/devices/passkeys/prove` with all that is chosen).
#[derive(Clone, Debug)]
pub struct Settings {
    pub person: PersonView,
    /// Name of a zone; empty for none.
    pub time_zone: String,
    /// Names that are offered.
    pub zones: Vec<String>,
    pub quiet: Option<QuietView>,
    /// Minutes east of UTC; asked for only as long as there is no zone.
    pub offset_minutes: i32,
    pub email: String,
    /// Whether e-mail can be sent at all.
    pub email_possible: bool,
    /// Whether the person proves a change by a passkey instead of their password.
    pub by_passkey: bool,
    /// Whether providers are offered by which people sign in.
    pub upstreams: bool,
    pub has_user_code: bool,
    /// Tag and name of each, in that language itself: `Languages::names`.
    pub languages: Vec<(String, String)>,
    pub notice: Option<SettingsNotice>,
    pub problem: Option<SettingsProblem>,
    /// Of which form a problem with the password is.
    pub asked_by: PasswordAskedBy,
}

/// The form that asks for the person's password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PasswordAskedBy {
    #[default]
    NewPassword,
    UserCode,
    Email,
}

/// Minutes since midnight, local.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietView {
    pub from: u16,
    pub until: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsNotice {
    Saved,
    PasswordChanged,
    /// To the new address, which counts once it is confirmed.
    LinkSent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsProblem {
    TimeZone,
    Quiet,
    Email,
    UserCode,
    /// The new password, typed twice.
    Differs,
    Password(PasswordFault),
    PasswordWrong,
    /// It was no passkey of theirs, or for something else.
    NotProven,
    /// Until then no try is looked at.
    TooMany {
        retry_after: Duration,
    },
    Busy,
    FormExpired,
}

impl Settings {
    pub fn page(&self, texts: &Texts) -> Page {
        let status = match self.problem {
            Some(problem) => problem.status(),
            None => StatusCode::OK,
        };
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
        let (problem_at, wrong) = self
            .problem
            .map_or(("", ""), |problem| problem.place(self.asked_by));
        let template = SettingsTemplate {
            texts,
            title: texts.page_title(&texts.settings.title),
            around: Around::of(&self.person, Tab::Settings, texts),
            view: self,
            problem: self.problem.map(|problem| problem.text(texts)),
            notice: self.notice.map(|notice| notice.text(texts)),
            quiet_from: self.quiet.map(|quiet| time(quiet.from)).unwrap_or_default(),
            quiet_until: self
                .quiet
                .map(|quiet| time(quiet.until))
                .unwrap_or_default(),
            offsets: offsets(self.offset_minutes),
            quiet_zone: fill(&texts.settings.quiet_zone, &[("zone", &self.time_zone)]),
            problem_at,
            wrong,
        };
        let page = Page::rendered(&template, status).with_scripts();
        page.with_retry_after(self.problem.and_then(SettingsProblem::retry_after))
    }
}

impl SettingsNotice {
    fn text(self, texts: &Texts) -> &str {
        match self {
            Self::Saved => &texts.settings.saved,
            Self::PasswordChanged => &texts.settings.new_saved,
            Self::LinkSent => &texts.settings.email_sent,
        }
    }
}

impl PasswordAskedBy {
    /// The form, by its `setting`, and its field, by its `id`.
    const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::NewPassword => ("password", "old_password"),
            Self::UserCode => ("user_code", "password"),
            Self::Email => ("email", "email_password"),
        }
    }
}

impl SettingsProblem {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::TimeZone
            | Self::Quiet
            | Self::Email
            | Self::UserCode
            | Self::Differs
            | Self::Password(_)
            | Self::PasswordWrong
            | Self::NotProven
            | Self::FormExpired => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// After how long another try is looked at, where that is known.
    pub(super) const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after } => Some(retry_after),
            _ => None,
        }
    }

    /// The form that shows it, by its `setting`, and the field that it is about, by its `id`.
    const fn place(self, asked_by: PasswordAskedBy) -> (&'static str, &'static str) {
        let (form, field) = asked_by.place();
        match self {
            Self::TimeZone => ("time_zone", "time_zone"),
            Self::Quiet => ("quiet", "from"),
            Self::Email => ("email", "email"),
            Self::UserCode => ("user_code", "user_code"),
            Self::Password(_) => ("password", "new_password"),
            Self::Differs => ("password", "new_password_again"),
            Self::PasswordWrong => (form, field),
            Self::NotProven | Self::TooMany { .. } | Self::Busy => (form, ""),
            Self::FormExpired => ("", ""),
        }
    }

    pub(super) fn text(self, texts: &Texts) -> &str {
        let text = &texts.settings.problem;
        match self {
            Self::TimeZone => &text.time_zone,
            Self::Quiet => &text.quiet,
            Self::Email => &text.email,
            Self::UserCode => &text.user_code,
            Self::Differs => &text.new_differs,
            Self::Password(PasswordFault::TooShort) => &text.new_short,
            Self::Password(PasswordFault::TooLong) => &text.new_long,
            Self::Password(PasswordFault::Breached) => &text.new_breached,
            Self::Password(PasswordFault::Guessable) => &text.new_guessable,
            Self::PasswordWrong => &text.password_wrong,
            Self::NotProven => &texts.devices.problem.not_proven,
            Self::TooMany { .. } => &text.too_many,
            Self::Busy => &texts.login.problem.busy,
            Self::FormExpired => &text.form_expired,
        }
    }
}

/// One choice of the clock.
struct Offset {
    minutes: i32,
    text: String,
    chosen: bool,
}

/// All offsets that are in use somewhere, and the one that is set.
fn offsets(chosen: i32) -> Vec<Offset> {
    let whole = (EARLIEST_HOUR..=LATEST_HOUR).map(|hour| hour * 60);
    let mut all: Vec<i32> = whole.chain(UNEVEN).chain([chosen]).collect();
    all.sort_unstable();
    all.dedup();
    let offset = |minutes: i32| Offset {
        minutes,
        text: offset_text(minutes),
        chosen: minutes == chosen,
    };
    all.into_iter().map(offset).collect()
}

/// As in RFC 3339.
fn offset_text(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

const EARLIEST_HOUR: i32 = -12;
const LATEST_HOUR: i32 = 14;
/// Offsets that are no whole hour, from the Marquesas to the Chatham Islands.
const UNEVEN: [i32; 11] = [-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630];

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    view: &'a Settings,
    problem: Option<&'a str>,
    notice: Option<&'a str>,
    quiet_from: String,
    quiet_until: String,
    offsets: Vec<Offset>,
    quiet_zone: Sentence,
    /// The form that shows the problem; empty: the page.
    problem_at: &'static str,
    /// The field that it is about, by its `id`; empty: none.
    wrong: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_in_order_and_hold_the_one_that_is_set() {
        let all = offsets(765);
        assert!(all.is_sorted_by_key(|offset| offset.minutes));
        let chosen: Vec<_> = all.iter().filter(|offset| offset.chosen).collect();
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].text, "+12:45");
        assert_eq!(offset_text(-210), "-03:30");
        assert_eq!(offset_text(0), "+00:00");
    }
}
