//! `/app/activity`: approvals, logins and what agents did, newest first, in words.

use askama::Template;
use http::StatusCode;
use writ_wire::time::Timestamp;

use super::account_act::AccountAct;
use super::around::{Around, Tab};
use super::client_name::client_name;
use super::sections::AgentDidTexts;
use super::sentence::{Part, Sentence, fill};
use super::{Page, PersonView, Texts, plain};

/// One page of a person's history. The whole of it is at `/app/activity/export`.
#[derive(Clone, Debug)]
pub struct Activity {
    pub person: PersonView,
    pub now: Timestamp,
    pub entries: Vec<ActivityEntry>,
    /// Comes back as `before`.
    pub older: Option<String>,
}

#[derive(Clone, Debug)]
pub struct ActivityEntry {
    pub at: Timestamp,
    pub kind: ActivityKind,
    pub agent: Option<String>,
    /// The resource server that asked, as it is registered, where one did.
    pub through: Option<String>,
    /// Who decided or stopped it, where that was somebody else.
    pub by: Option<String>,
    /// The sentence of what it was about, or the name of a device or resource.
    pub what: Option<String>,
    /// What was done, after the name of who did it, where its type says so.
    pub did: Option<String>,
    pub receipt: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// A task was consented to.
    Consented,
    ConsentDenied,
    /// An agent asked.
    Asked,
    /// A yes; others are still asked.
    Agreed,
    Approved,
    ApprovedLess,
    Denied,
    /// Not the number that the agent showed: that request was denied.
    WrongNumber,
    Expired,
    /// Approved, and nobody used it in time.
    NotDone,
    /// The resource server that asked took it back.
    Cancelled,
    NotMe,
    /// A question of the same resource server was reported.
    EndedByReport,
    /// A resource server used an approval: the action was permitted.
    Permitted,
    /// The resource server says that the action was done.
    Done,
    DoneInVain,
    NotBegun,
    /// It was permitted, and nobody said what became of it.
    Unreported,
    /// A token for a resource, the name of which is in `what`.
    Used,
    /// Part of a task went on to another agent, the name of which is in `what`.
    HandedOver,
    Stopped,
    StoppedByOperator,
    /// It asks and begins nothing for the person until they allow it again.
    Paused,
    /// The person lifted the pause.
    AllowedAgain,
    /// What it does waits until the person lets it go on.
    Suspended,
    /// The person let it go on.
    Resumed,
    /// The client itself gave its access back.
    GivenBack,
    /// A code or refresh token was used twice: the server ended it.
    UsedTwice,
    SignedIn,
    SignedInWithPasskey,
    /// By a link and the code for it.
    SignedInWithCode,
    SignInFailed,
    SessionEnded,
    Account(AccountAct),
}

impl Activity {
    pub fn page(&self, texts: &Texts) -> Page {
        let template = ActivityTemplate {
            texts,
            title: texts.page_title(&texts.activity.title),
            around: Around::of(&self.person, Tab::Activity, texts),
            days: days(&self.entries, texts),
            older: self.older.as_deref().map(older),
        };
        Page::rendered(&template, StatusCode::OK).with_scripts()
    }
}

/// The path of the page before.
fn older(before: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("before", before);
    format!("/app/activity?{}", query.finish())
}

/// The entries of one day, in their order.
struct Day<'a> {
    day: String,
    lines: Vec<Line<'a>>,
}

fn days<'a>(entries: &'a [ActivityEntry], texts: &Texts) -> Vec<Day<'a>> {
    let mut days: Vec<Day<'a>> = Vec::new();
    for entry in entries {
        let (day, line) = (texts.day(entry.at), Line::of(entry, texts));
        match days.last_mut() {
            Some(last) if last.day == day => last.lines.push(line),
            _ => days.push(Day {
                day,
                lines: vec![line],
            }),
        }
    }
    days
}

impl ActivityEntry {
    /// In the row of the agent that did it, whose name stands there.
    pub(super) fn in_short(&self, texts: &Texts) -> Sentence {
        let text = &texts.agents.did;
        let by = self.by.as_deref().map(plain);
        let (words, name) = match (&by, self.kind.in_short_by(text)) {
            (Some(name), Some(words)) => (Some(words), name.as_str()),
            _ => (self.kind.in_short(text), ""),
        };
        let name = ("name", name);
        match (words, self.what.as_deref().map(plain)) {
            (Some((words, _)), Some(what)) => fill(words, &[("what", &*what), name]),
            (Some((_, words)), None) => fill(words, &[name]),
            (None, _) => Line::of(self, texts).sentence,
        }
    }
}

/// The finished words of one entry.
pub(super) struct Line<'a> {
    pub(super) clock: String,
    pub(super) moment: String,
    pub(super) machine_time: String,
    pub(super) sentence: Sentence,
    pub(super) what: Option<String>,
    pub(super) receipt: Option<&'a str>,
    /// How it is marked: `yes`, `no`, `care` or `plain`.
    pub(super) mark: &'static str,
}

impl<'a> Line<'a> {
    pub(super) fn of(entry: &'a ActivityEntry, texts: &Texts) -> Self {
        let agent = entry
            .agent
            .as_deref()
            .map(|name| client_name(name, texts.locale()));
        let agent = agent.filter(|name| !name.is_empty());
        let agent = agent.unwrap_or_else(|| texts.activity.kind.somebody.clone());
        let agent = match &entry.through {
            Some(resource) => {
                let values = [("agent", &*agent), ("resource", &*plain(resource))];
                fill(&texts.activity.through, &values).to_string()
            }
            None => agent,
        };
        let by = entry.by.as_deref().map(plain);
        let (words, name) = match (&by, entry.kind.text_by(texts)) {
            (Some(name), Some(words)) => (words, name.as_str()),
            _ if entry.did.is_some() => (&*texts.activity.kind.did, ""),
            _ => (entry.kind.text(texts), ""),
        };
        let did = entry.did.as_deref().map(plain).unwrap_or_default();
        Self {
            clock: texts.clock(entry.at),
            moment: texts.moment(entry.at),
            machine_time: entry.at.rfc3339(),
            sentence: fill(words, &[("agent", &*agent), ("name", name), ("did", &*did)]),
            // The sentence says it.
            what: entry
                .what
                .as_deref()
                .filter(|_| entry.did.is_none())
                .map(plain),
            receipt: entry.receipt.as_deref(),
            mark: entry.kind.mark(),
        }
    }
}

impl ActivityKind {
    /// With what it was about, and without.
    fn in_short(self, text: &AgentDidTexts) -> Option<(&str, &str)> {
        match self {
            Self::Used => Some((&text.used, &text.used_something)),
            Self::Permitted => Some((&text.permitted, &text.permitted_something)),
            Self::Done => Some((&text.done, &text.done_something)),
            Self::Asked => Some((&text.asked, &text.asked_something)),
            Self::HandedOver => Some((&text.handed_over, &text.handed_over_something)),
            Self::Approved | Self::ApprovedLess | Self::Agreed => {
                Some((&text.approved, &text.approved_something))
            }
            Self::Denied | Self::NotMe => Some((&text.denied, &text.denied_something)),
            Self::Consented => Some((&text.consented, &text.consented)),
            _ => None,
        }
    }

    /// The same where another person did it.
    fn in_short_by(self, text: &AgentDidTexts) -> Option<(&str, &str)> {
        match self {
            Self::Approved | Self::ApprovedLess | Self::Agreed => {
                Some((&text.approved_by, &text.approved_something_by))
            }
            Self::Denied | Self::NotMe => Some((&text.denied_by, &text.denied_something_by)),
            _ => None,
        }
    }

    /// Of what another person did.
    fn text_by(self, texts: &Texts) -> Option<&str> {
        let text = &texts.activity.kind;
        match self {
            Self::Approved => Some(&text.approved_by),
            Self::ApprovedLess => Some(&text.approved_less_by),
            Self::Denied => Some(&text.denied_by),
            Self::NotMe => Some(&text.not_me_by),
            Self::Stopped => Some(&text.stopped_by),
            _ => None,
        }
    }

    fn text(self, texts: &Texts) -> &str {
        let text = &texts.activity.kind;
        match self {
            Self::Consented => &text.consented,
            Self::ConsentDenied => &text.consent_denied,
            Self::Asked => &text.asked,
            Self::Agreed => &text.agreed,
            Self::Approved => &text.approved,
            Self::ApprovedLess => &text.approved_less,
            Self::Denied => &text.denied,
            Self::WrongNumber => &text.wrong_number,
            Self::Expired => &text.expired,
            Self::NotDone => &text.not_done,
            Self::Cancelled => &text.cancelled,
            Self::Permitted => &text.permitted,
            Self::Done => &text.done,
            Self::DoneInVain => &text.done_in_vain,
            Self::NotBegun => &text.not_begun,
            Self::Unreported => &text.unreported,
            Self::NotMe => &text.not_me,
            Self::EndedByReport => &text.ended_by_report,
            Self::Used => &text.used,
            Self::HandedOver => &text.handed_over,
            Self::Stopped => &text.stopped,
            Self::StoppedByOperator => &text.stopped_by_operator,
            Self::Paused => &text.paused,
            Self::AllowedAgain => &text.allowed_again,
            Self::Suspended => &text.suspended,
            Self::Resumed => &text.resumed,
            Self::GivenBack => &text.given_back,
            Self::UsedTwice => &text.used_twice,
            Self::SignedIn => &text.signed_in,
            Self::SignedInWithPasskey => &text.signed_in_passkey,
            Self::SignedInWithCode => &text.signed_in_code,
            Self::SignInFailed => &text.sign_in_failed,
            Self::SessionEnded => &text.session_ended,
            Self::Account(act) => act.text(texts),
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Self::Consented
            | Self::Agreed
            | Self::Approved
            | Self::ApprovedLess
            | Self::Done
            | Self::AllowedAgain
            | Self::Resumed => "yes",
            Self::ConsentDenied
            | Self::Denied
            | Self::Paused
            | Self::Suspended
            | Self::EndedByReport
            | Self::Stopped
            | Self::StoppedByOperator => "no",
            Self::NotMe
            | Self::WrongNumber
            | Self::NotDone
            | Self::SignInFailed
            | Self::UsedTwice => "care",
            Self::Asked
            | Self::Expired
            | Self::Cancelled
            | Self::Permitted
            | Self::DoneInVain
            | Self::NotBegun
            | Self::Unreported
            | Self::Used
            | Self::HandedOver
            | Self::GivenBack
            | Self::SignedIn
            | Self::SignedInWithPasskey
            | Self::SignedInWithCode
            | Self::SessionEnded => "plain",
            Self::Account(act) => act.mark(),
        }
    }
}

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    older: Option<String>,
    days: Vec<Day<'a>>,
}
