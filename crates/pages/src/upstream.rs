//! `/app/upstream`: the providers by which a person signs in. Linking one opens a way in, so it asks for the strongest proof that they have;
//! removing one takes a tap.

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use writ_wire::time::Timestamp;

use super::around::{Around, Tab};
use super::sentence::{Part, Sentence, fill};
use super::{LoginProblem, OfferedUpstream, Page, PersonView, SettingsProblem, Texts, plain};

/// Linked by `POST /app/upstream` with `upstream` and `password` or `assertion`; removed by `POST /app/upstream/remove` with `upstream`.
#[derive(Clone, Debug)]
pub struct UpstreamPage {
    pub person: PersonView,
    pub upstreams: Vec<UpstreamView>,
    pub proof: LinkingProof,
    pub problem: Option<LinkingProblem>,
}

/// A provider, and whether the person signs in by it.
#[derive(Clone, Debug)]
pub struct UpstreamView {
    pub provider: OfferedUpstream,
    pub account: Option<LinkedView>,
}

/// An account of the person there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkedView {
    pub since: Timestamp,
    pub last_login: Option<Timestamp>,
    /// Whether the person linked it: one by which they came is who they are here.
    pub removable: bool,
}

/// The strongest that the person has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkingProof {
    Passkey,
    Password,
    /// Neither: they came by a provider, whose session an agent may have found in the browser.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkingProblem {
    Password(SettingsProblem),
    Passkey,
    /// They have neither passkey nor password here.
    NothingToProveBy,
    /// The account there is another person's here.
    Taken,
    /// They sign in by an account there already.
    AlreadyThere,
    TooMany,
    /// Of the way there and back.
    Provider(LoginProblem),
}

impl LinkingProblem {
    const fn status(self) -> StatusCode {
        match self {
            Self::Password(problem) => problem.status(),
            Self::Provider(problem) => problem.status(),
            Self::Passkey
            | Self::NothingToProveBy
            | Self::Taken
            | Self::AlreadyThere
            | Self::TooMany => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Password(problem) => problem.retry_after(),
            Self::Provider(problem) => problem.retry_after(),
            Self::Passkey
            | Self::NothingToProveBy
            | Self::Taken
            | Self::AlreadyThere
            | Self::TooMany => None,
        }
    }

    fn text(self, texts: &Texts) -> &str {
        let text = &texts.upstream;
        match self {
            Self::Password(problem) => problem.text(texts),
            Self::Passkey => &text.not_proven,
            Self::NothingToProveBy => &text.nothing,
            Self::Taken => &text.taken,
            Self::AlreadyThere => &text.already_there,
            Self::TooMany => &text.too_many,
            Self::Provider(problem) => problem.text(texts),
        }
    }
}

impl UpstreamPage {
    pub fn page(&self, texts: &Texts) -> Page {
        let status = self.problem.map_or(StatusCode::OK, LinkingProblem::status);
        let template = UpstreamTemplate {
            texts,
            title: texts.page_title(&texts.upstream.title),
            around: Around::of(&self.person, Tab::Beside, texts),
            rows: self.upstreams.iter().map(|one| one.words(texts)).collect(),
            by_passkey: self.proof == LinkingProof::Passkey,
            by_password: self.proof == LinkingProof::Password,
            by_nothing: self.proof == LinkingProof::Nothing,
            problem: self.problem.map(|problem| problem.text(texts)),
        };
        Page::rendered(&template, status)
            .with_scripts()
            .with_form_ends(super::FormEnds::Anywhere)
            .with_retry_after(self.problem.and_then(LinkingProblem::retry_after))
    }
}

/// The finished words of one provider.
struct UpstreamWords<'a> {
    name: &'a str,
    label: String,
    linked: Option<Sentence>,
    used: Option<Sentence>,
    removable: bool,
}

impl UpstreamView {
    fn words<'a>(&'a self, texts: &Texts) -> UpstreamWords<'a> {
        let text = &texts.upstream;
        let account = self.account.as_ref();
        let used = account.and_then(|account| account.last_login);
        UpstreamWords {
            name: &self.provider.name,
            label: plain(&self.provider.label),
            linked: account.map(|one| fill(&text.since, &[("at", &texts.day(one.since))])),
            used: used.map(|at| fill(&text.used, &[("at", &texts.moment(at))])),
            removable: account.is_some_and(|account| account.removable),
        }
    }
}

#[derive(Template)]
#[template(path = "upstream.html")]
struct UpstreamTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    rows: Vec<UpstreamWords<'a>>,
    by_passkey: bool,
    by_password: bool,
    by_nothing: bool,
    problem: Option<&'a str>,
}
