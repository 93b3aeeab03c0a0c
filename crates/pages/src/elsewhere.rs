//! In the browser that asks: what an agent asks is decided on another device of the person. This page starts the question, shows the number
//! and waits, without a script.

use std::time::Duration;

use askama::Template;
use http::StatusCode;

use super::sentence::{Part, Sentence, fill};
use super::{ClientView, FormEnds, Page, Texts};

/// After so long the waiting page asks again how it is.
const LOOKS_AGAIN_AFTER: Duration = Duration::from_secs(3);

/// The form goes to `POST /consent` with `csrf`, `request` and one button: `consent-elsewhere` asks on the device, `consent-deny` ends it.
#[derive(Clone, Debug)]
pub struct ElsewherePage {
    pub csrf: String,
    pub request: String,
    pub client: ClientView,
    pub step: ElsewhereStep,
    pub problem: Option<ElsewhereProblem>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElsewhereStep {
    /// Nobody was asked yet, or not in time.
    Start,
    /// The device asks for these two digits.
    Waiting { number: u8, left: Duration },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElsewhereProblem {
    /// A yes in this browser.
    NotHere,
    NotAnswered,
    AskedTooOften {
        retry_after: Duration,
    },
}

impl ElsewherePage {
    pub fn page(&self, texts: &Texts) -> Page {
        let text = &texts.elsewhere;
        let name = self.client.shown_name(texts);
        let waiting = match self.step {
            ElsewhereStep::Start => None,
            ElsewhereStep::Waiting { number, left } => Some(Waiting {
                number: format!("{number:02}"),
                left: fill(&text.left, &[("time", &texts.length(left))]),
            }),
        };
        let refresh = waiting.is_some().then_some(LOOKS_AGAIN_AFTER);
        let template = ElsewhereTemplate {
            texts,
            title: texts.page_title(&text.title),
            view: self,
            lead: fill(&text.lead, &[("name", &name)]),
            waiting,
            problem: self.problem.map(|problem| problem.text(texts)),
        };
        let status = self
            .problem
            .map_or(StatusCode::OK, ElsewhereProblem::status);
        Page::rendered(&template, status)
            .with_form_ends(FormEnds::Anywhere)
            .with_retry_after(self.problem.and_then(ElsewhereProblem::retry_after))
            .with_refresh(refresh)
    }
}

impl ElsewhereProblem {
    const fn status(self) -> StatusCode {
        match self {
            Self::NotHere => StatusCode::FORBIDDEN,
            Self::NotAnswered => StatusCode::OK,
            Self::AskedTooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::AskedTooOften { retry_after } => Some(retry_after),
            Self::NotHere | Self::NotAnswered => None,
        }
    }

    fn text(self, texts: &Texts) -> &str {
        let text = &texts.elsewhere.problem;
        match self {
            Self::NotHere => &text.not_here,
            Self::NotAnswered => &text.not_answered,
            Self::AskedTooOften { .. } => &text.asked_too_often,
        }
    }
}

struct Waiting {
    number: String,
    left: Sentence,
}

#[derive(Template)]
#[template(path = "elsewhere.html")]
struct ElsewhereTemplate<'a> {
    texts: &'a Texts,
    title: String,
    view: &'a ElsewherePage,
    lead: Sentence,
    waiting: Option<Waiting>,
    problem: Option<&'a str>,
}
