//! `/app/devices`: passkeys and notifications.

use askama::Template;
use http::StatusCode;
use writ_wire::time::Timestamp;

use super::around::{Around, Tab};
use super::sentence::{Part, Sentence, fill};
use super::{LONGEST_WORDS, Page, PersonView, Texts, clean, plain};

/// A person's devices. To add a passkey scripts ask `POST /app/devices/passkeys/options` for the JSON of
/// `parseCreationOptionsFromJSON`, with `code` for the first one (with nothing where a login counts for it), otherwise with `assertion`: the answer to
/// `POST /app/devices/passkeys/prove`. Then they send the form `POST /app/devices/passkeys` with `name` and `credential`
/// (`toJSON`). A passkey goes by `POST /app/devices/passkeys/remove` with `passkey` and `assertion`. Notifications: `POST /app/devices/push` with
/// `subscription` (the JSON of `PushSubscription`) and `name`, and `POST /app/devices/push/remove` with `endpoint` or `device`.
#[derive(Clone, Debug)]
pub struct Devices {
    pub person: PersonView,
    pub passkeys: Vec<PasskeyView>,
    pub notified: Vec<NotifiedView>,
    /// Where the person is signed in: `POST /app/devices/sessions/end` with `session`, and `/app/devices/sessions/end-others`.
    pub sessions: Vec<SessionView>,
    /// `applicationServerKey`, base64url; absent where Web Push is off.
    pub push_key: Option<String>,
    pub enrolment: Enrolment,
    pub notice: Option<DevicesNotice>,
    pub problem: Option<DevicesProblem>,
}

#[derive(Clone, Debug)]
pub struct PasskeyView {
    pub id: String,
    pub name: String,
    pub added: Timestamp,
    pub used: Option<Timestamp>,
    /// Not one that a provider copies, where this server takes only those that stay on their device.
    pub counts: bool,
}

/// A device that receives notifications.
#[derive(Clone, Debug)]
pub struct NotifiedView {
    pub id: String,
    pub name: String,
    pub added: Timestamp,
}

/// A browser in which the person is signed in.
#[derive(Clone, Debug)]
pub struct SessionView {
    pub id: String,
    /// As their makers call them, where the browser said so.
    pub browser: Option<&'static str>,
    pub system: Option<&'static str>,
    pub address: Option<String>,
    pub since: Timestamp,
    pub proof: SessionProof,
    /// It is the one that looks at the page.
    pub current: bool,
}

/// By what they signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionProof {
    Password,
    Passkey,
    /// A link and its code.
    Code,
    /// A provider, as the operator calls it.
    Provider(String),
}

/// What proves the person who adds a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// A code that they were given.
    First,
    /// A login at a provider, a moment ago.
    FirstByLogin,
    /// A passkey that they have.
    Another,
    /// Passkeys need a host name or https.
    Impossible,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicesNotice {
    PasskeyAdded,
    PasskeyRemoved,
    NotificationsOn,
    NotificationsOff,
    SessionEnded,
    /// It had ended before, or there was no other.
    NoSessionEnded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicesProblem {
    PasskeyFailed,
    AlreadyThere,
    TooMany,
    NotProven,
    /// It is one that a provider copies.
    NotBound,
    /// The last one of somebody without a password.
    OnlyWayIn,
}

impl Devices {
    pub fn page(&self, texts: &Texts) -> Page {
        let status = match self.problem {
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
            None => StatusCode::OK,
        };
        let template = DevicesTemplate {
            texts,
            title: texts.page_title(&texts.devices.title),
            around: Around::of(&self.person, Tab::Devices, texts),
            view: self,
            notice: self.notice.map(|notice| notice.text(texts)),
            problem: self.problem.map(|problem| problem.text(texts)),
            passkeys: self.passkeys.iter().map(|one| one.words(texts)).collect(),
            notified: self.notified.iter().map(|one| one.words(texts)).collect(),
            others: self.sessions.iter().any(|one| !one.current),
            sessions: self.sessions.iter().map(|one| one.words(texts)).collect(),
        };
        Page::rendered(&template, status).with_scripts()
    }
}

/// The finished words of one device.
struct DeviceWords<'a> {
    id: &'a str,
    name: String,
    added: Sentence,
    used: Option<Sentence>,
    counts: bool,
}

impl PasskeyView {
    fn words(&self, texts: &Texts) -> DeviceWords<'_> {
        let used = match self.used {
            Some(at) => fill(&texts.devices.used, &[("at", &texts.moment(at))]),
            None => fill(&texts.devices.never_used, &[]),
        };
        DeviceWords {
            id: &self.id,
            name: name(&self.name, texts),
            added: added(self.added, texts),
            used: Some(used),
            counts: self.counts,
        }
    }
}

impl NotifiedView {
    fn words(&self, texts: &Texts) -> DeviceWords<'_> {
        DeviceWords {
            id: &self.id,
            name: name(&self.name, texts),
            added: added(self.added, texts),
            used: None,
            counts: true,
        }
    }
}

/// The finished words of one session.
struct SessionWords<'a> {
    id: &'a str,
    browser: Sentence,
    since: Sentence,
    how: Sentence,
    address: Option<Sentence>,
    current: bool,
}

impl SessionView {
    fn words<'a>(&'a self, texts: &'a Texts) -> SessionWords<'a> {
        let text = &texts.devices.session;
        SessionWords {
            id: &self.id,
            browser: match (self.browser, self.system) {
                (Some(browser), Some(system)) => {
                    fill(&text.named, &[("browser", browser), ("system", system)])
                }
                (Some(name), None) | (None, Some(name)) => Sentence::of_value(name),
                (None, None) => fill(&text.unnamed, &[]),
            },
            since: fill(&text.since, &[("at", &texts.moment(self.since))]),
            how: match &self.proof {
                SessionProof::Password => fill(&text.password, &[]),
                SessionProof::Passkey => fill(&text.passkey, &[]),
                SessionProof::Code => fill(&text.code, &[]),
                SessionProof::Provider(label) => fill(&text.provider, &[("name", &plain(label))]),
            },
            address: self
                .address
                .as_deref()
                .map(|address| fill(&text.from, &[("address", &clean(address, LONGEST_WORDS))])),
            current: self.current,
        }
    }
}

fn added(at: Timestamp, texts: &Texts) -> Sentence {
    fill(&texts.devices.added, &[("at", &texts.day(at))])
}

fn name(given: &str, texts: &Texts) -> String {
    let name = clean(given, LONGEST_WORDS);
    if name.is_empty() {
        texts.devices.device_unnamed.clone()
    } else {
        name
    }
}

impl DevicesNotice {
    fn text(self, texts: &Texts) -> &str {
        let text = &texts.devices.notice;
        match self {
            Self::PasskeyAdded => &text.passkey_added,
            Self::PasskeyRemoved => &text.passkey_removed,
            Self::NotificationsOn => &text.notifications_on,
            Self::NotificationsOff => &text.notifications_off,
            Self::SessionEnded => &texts.devices.session.ended,
            Self::NoSessionEnded => &texts.devices.session.none_ended,
        }
    }
}

impl DevicesProblem {
    fn text(self, texts: &Texts) -> &str {
        let text = &texts.devices.problem;
        match self {
            Self::PasskeyFailed => &text.passkey_failed,
            Self::AlreadyThere => &text.already_there,
            Self::TooMany => &text.too_many,
            Self::NotProven => &text.not_proven,
            Self::NotBound => &text.not_bound,
            Self::OnlyWayIn => &text.only_way_in,
        }
    }
}

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    view: &'a Devices,
    notice: Option<&'a str>,
    problem: Option<&'a str>,
    passkeys: Vec<DeviceWords<'a>>,
    notified: Vec<DeviceWords<'a>>,
    sessions: Vec<SessionWords<'a>>,
    /// Whether they are signed in elsewhere.
    others: bool,
}
