//! The page of a request that can no longer be decided, or not by this person.

use askama::Template;
use http::StatusCode;

use super::around::{Around, Tab};
use super::client_name::client_name;
use super::sections::OverText;
use super::sentence::{Part, Sentence, fill};
use super::{Page, PersonView, ReportView, Texts, plain};

/// How a request ended, in the place of its screen.
#[derive(Clone, Debug)]
pub struct Over {
    pub person: PersonView,
    /// Absent where there is nothing to read again.
    pub request: Option<String>,
    pub agent_name: Option<String>,
    pub how: HowOver,
    /// The person's own receipt, if they decided.
    pub receipt: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HowOver {
    Approved,
    Denied,
    /// Denied, and the agent was stopped.
    Stopped,
    /// Denied and reported: the admin knows.
    Reported(ReportView),
    /// Another question of this resource server was reported.
    EndedByReport {
        resource: String,
    },
    Expired,
    /// Approved, and nobody used it in time.
    NotDone,
    /// Approved, and somebody said no to the same before it was used.
    TakenBack,
    /// The resource server that asked took it back.
    Cancelled,
    /// The resource server that asked describes by now otherwise what would be done.
    DescribedAnew,
    /// Somebody else decided.
    ByOther {
        approved: bool,
    },
    /// This person agreed; others are still asked.
    WaitsForOthers {
        agreed: usize,
        need: usize,
    },
    /// A wrong number ends a request: somebody else's prompt was on the screen.
    NumberWrong,
    /// The same of a consent that another browser asks for: what its agent does for the person was stopped as well.
    NumberWrongElsewhere,
    /// The request changed while it was looked at.
    Changed,
    /// No such request, or not this person's.
    Unknown,
}

impl Over {
    pub fn page(&self, texts: &Texts) -> Page {
        let status = match self.how {
            HowOver::Unknown => StatusCode::NOT_FOUND,
            HowOver::Changed => StatusCode::CONFLICT,
            _ => StatusCode::OK,
        };
        let text = self.how.text(texts);
        let template = OverTemplate {
            texts,
            title: texts.page_title(&text.title),
            around: Around::of(&self.person, Tab::Beside, texts),
            view: self,
            heading: &text.title,
            sentence: self.sentence(&text.sentence, texts),
            agents: matches!(
                self.how,
                HowOver::Stopped | HowOver::Reported(_) | HowOver::NumberWrongElsewhere
            ),
        };
        Page::rendered(&template, status).with_scripts()
    }

    fn sentence(&self, text: &str, texts: &Texts) -> Sentence {
        let name = self
            .agent_name
            .as_deref()
            .map(|name| client_name(name, texts.locale()));
        let name = name.filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| texts.activity.kind.somebody.clone());
        let (agreed, need) = match self.how {
            HowOver::WaitsForOthers { agreed, need } => (agreed, need),
            _ => (0, 0),
        };
        let (agreed, need) = (agreed.to_string(), need.to_string());
        let resource = match &self.how {
            HowOver::Reported(report) => report.resource(),
            HowOver::EndedByReport { resource } => plain(resource),
            _ => String::new(),
        };
        fill(
            text,
            &[
                ("name", &name),
                ("agreed", &agreed),
                ("need", &need),
                ("resource", &resource),
            ],
        )
    }
}

impl HowOver {
    fn text<'a>(&self, texts: &'a Texts) -> &'a OverText {
        let over = &texts.over;
        match self {
            Self::Approved => &over.approved,
            Self::Denied => &over.denied,
            Self::Stopped => &over.stopped,
            Self::Reported(report) => report.over(texts),
            Self::EndedByReport { .. } => &over.ended_by_report,
            Self::Expired => &over.expired,
            Self::NotDone => &over.not_done,
            Self::TakenBack => &over.taken_back,
            Self::Cancelled => &over.cancelled,
            Self::DescribedAnew => &over.described_anew,
            Self::ByOther { approved: true } => &over.by_other_yes,
            Self::ByOther { approved: false } => &over.by_other_no,
            Self::WaitsForOthers { .. } => &over.waits,
            Self::NumberWrong => &over.number_wrong,
            Self::NumberWrongElsewhere => &over.number_wrong_elsewhere,
            Self::Changed => &over.changed,
            Self::Unknown => &over.unknown,
        }
    }
}

#[derive(Template)]
#[template(path = "over.html")]
struct OverTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    view: &'a Over,
    heading: &'a str,
    sentence: Sentence,
    agents: bool,
}
