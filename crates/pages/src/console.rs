//! The console of operators: how it is opened, and what stands around each of its pages.

use askama::Template;
use http::StatusCode;
use writ_core::operator::OperatorRole;
use writ_wire::time::Timestamp;

use super::sentence::{Part, Sentence, fill};
use super::{Page, Texts, plain};

/// Whose console it is, as the frame of every page shows it.
#[derive(Clone, Debug)]
pub struct ConsoleView {
    /// For every form of the page.
    pub csrf: String,
    pub name: String,
    pub role: OperatorRole,
    pub since: Timestamp,
    /// When it closes whatever is done in it.
    pub until: Timestamp,
}

/// `GET /admin`. The form of the frame goes to `POST /admin/leave`.
#[derive(Clone, Debug)]
pub struct ConsoleHome {
    pub console: ConsoleView,
}

/// In the place of any page of the console, while it is closed.
#[derive(Clone, Debug)]
pub struct ConsoleEntrance {
    pub csrf: String,
    pub name: String,
    pub step: EntranceStep,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntranceStep {
    /// `POST /admin/enter` with `assertion`, and with `next`: a page of the console, shown then.
    Passkey {
        next: String,
        problem: Option<EntranceProblem>,
    },
    /// They have none that counts.
    NoPasskey,
    /// No passkey works at the address of this server.
    Impossible,
    /// They hold no office.
    NotOperator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntranceProblem {
    /// What the device answered does not count.
    NotProven,
}

/// The finished words of the frame.
pub(super) struct ConsoleFrame<'a> {
    pub(super) csrf: &'a str,
    pub(super) whose: Sentence,
}

impl<'a> ConsoleFrame<'a> {
    pub(super) fn of(console: &'a ConsoleView, texts: &Texts) -> Self {
        let name = plain(&console.name);
        let values = [("name", name.as_str()), ("role", role(console.role, texts))];
        Self {
            csrf: &console.csrf,
            whose: fill(&texts.console.whose, &values),
        }
    }
}

fn role(role: OperatorRole, texts: &Texts) -> &str {
    let text = &texts.console.role;
    match role {
        OperatorRole::Admin => &text.admin,
        OperatorRole::Auditor => &text.auditor,
        OperatorRole::Helpdesk => &text.helpdesk,
    }
}

impl ConsoleHome {
    pub fn page(&self, texts: &Texts) -> Page {
        let (text, console) = (&texts.console, &self.console);
        let template = ConsoleHomeTemplate {
            texts,
            title: texts.page_title(&text.title),
            frame: ConsoleFrame::of(console, texts),
            may: match console.role {
                OperatorRole::Admin => &text.may.admin,
                OperatorRole::Auditor => &text.may.auditor,
                OperatorRole::Helpdesk => &text.may.helpdesk,
            },
            since: fill(&text.since, &[("at", &texts.moment(console.since))]),
            until: fill(&text.until, &[("at", &texts.moment(console.until))]),
        };
        Page::rendered(&template, StatusCode::OK)
    }
}

impl ConsoleEntrance {
    pub fn page(&self, texts: &Texts) -> Page {
        let text = &texts.console.enter;
        let home = ("/app", text.home.as_str());
        let (title, lead, way) = match &self.step {
            EntranceStep::Passkey { .. } => (&text.title, &text.lead, None),
            EntranceStep::NoPasskey => {
                let devices = ("/app/devices", text.add.as_str());
                (&text.title, &text.no_passkey, Some(devices))
            }
            EntranceStep::Impossible => (&text.title, &text.impossible, Some(home)),
            EntranceStep::NotOperator => (&text.not_operator_title, &text.not_operator, Some(home)),
        };
        let (asked, problem) = match &self.step {
            EntranceStep::Passkey { next, problem } => (Some(next.as_str()), *problem),
            _ => (None, None),
        };
        let template = ConsoleEntranceTemplate {
            texts,
            title: texts.page_title(title),
            heading: title,
            csrf: &self.csrf,
            lead: fill(lead, &[("name", &plain(&self.name))]),
            asked,
            problem: problem.map(|EntranceProblem::NotProven| text.not_proven.as_str()),
            way,
        };
        let page = Page::rendered(&template, self.status());
        match asked {
            Some(_) => page.with_scripts(),
            None => page,
        }
    }

    const fn status(&self) -> StatusCode {
        match &self.step {
            EntranceStep::Passkey { problem: None, .. } => StatusCode::OK,
            EntranceStep::Passkey {
                problem: Some(_), ..
            } => StatusCode::UNPROCESSABLE_ENTITY,
            EntranceStep::NoPasskey | EntranceStep::Impossible | EntranceStep::NotOperator => {
                StatusCode::FORBIDDEN
            }
        }
    }
}

#[derive(Template)]
#[template(path = "console_home.html")]
struct ConsoleHomeTemplate<'a> {
    texts: &'a Texts,
    title: String,
    frame: ConsoleFrame<'a>,
    may: &'a str,
    since: Sentence,
    until: Sentence,
}

#[derive(Template)]
#[template(path = "console_entrance.html")]
struct ConsoleEntranceTemplate<'a> {
    texts: &'a Texts,
    title: String,
    heading: &'a str,
    csrf: &'a str,
    lead: Sentence,
    /// Where it leads, once a passkey opened it.
    asked: Option<&'a str>,
    problem: Option<&'a str>,
    /// The one link of a page that asks for none.
    way: Option<(&'static str, &'a str)>,
}
