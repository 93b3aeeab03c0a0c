//! The login form. Plain HTML with stable names, so that outside clients can drive it too.

use std::time::Duration;

use askama::Template;
use http::StatusCode;

use super::sentence::{Part, Sentence, fill};
use super::{ClientView, FormEnds, Page, Texts, plain};

/// What the login page shows.
#[derive(Clone, Debug)]
pub struct Login {
    pub csrf: String,
    /// The authorization request that waits for this login.
    pub request: Option<String>,
    /// The page of ours that the person came from; comes back as `next`, like `request`.
    pub next: Option<String>,
    /// Who asks, if somebody does.
    pub client: Option<ClientView>,
    /// What was typed before.
    pub username: String,
    pub problem: Option<LoginProblem>,
    /// Whether the page offers a passkey: its script asks `POST /login/passkey/options` (form: `csrf`) for the JSON of
    /// `parseRequestOptionsFromJSON`, then sends the form `POST /login/passkey` with `csrf`, `request`, `next` and `assertion`.
    pub offers_passkey: bool,
    /// Whether it has a form for name and password.
    pub offers_password: bool,
    /// Each is a form `POST /upstream/{name}` with `csrf`, `request` and `next`.
    pub upstreams: Vec<OfferedUpstream>,
}

/// A provider by which people sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedUpstream {
    pub name: String,
    /// As the operator calls it.
    pub label: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginProblem {
    /// Unknown user or wrong password: never says which.
    Wrong,
    /// Until then no try is looked at.
    TooMany {
        retry_after: Duration,
    },
    /// The pool that checks passwords is full.
    Busy,
    /// The form's token is no longer valid.
    Expired,
    /// The passkey is unknown or its answer not right.
    PasskeyFailed,
    /// The passkey's backup eligibility is no longer that of enrolment, so it is retired.
    PasskeyChanged,
    /// What the provider said is not right, or it said that nobody signed in.
    UpstreamFailed,
    UpstreamUnavailable,
    /// Proved there, and not let in here.
    UpstreamNotAdmitted,
    /// The provider does not say that this is a login of now.
    UpstreamNotFresh,
    /// The operator lets people in by providers alone.
    LocalOff,
}

impl Login {
    pub fn page(&self, texts: &Texts) -> Page {
        let status = self.problem.map_or(StatusCode::OK, LoginProblem::status);
        let template = LoginTemplate {
            texts,
            title: texts.page_title(&texts.login.title),
            view: self,
            username: plain(&self.username),
            lead: self.lead(texts),
            upstreams: self.upstream_buttons(texts),
            problem: self.problem.map(|problem| problem.text(texts)),
            fields_wrong: self.problem == Some(LoginProblem::Wrong),
        };
        let page = Page::rendered(&template, status)
            .with_form_ends(self.form_ends())
            .with_retry_after(self.problem.and_then(LoginProblem::retry_after));
        if self.offers_passkey {
            page.with_scripts()
        } else {
            page
        }
    }

    /// The login for a request may end with the redirect of its client, and one by a provider goes on there.
    fn form_ends(&self) -> FormEnds {
        match self.request.is_none() && self.upstreams.is_empty() {
            true => FormEnds::Here,
            false => FormEnds::Anywhere,
        }
    }

    /// The name in the path, and what the button says.
    fn upstream_buttons(&self, texts: &Texts) -> Vec<(&str, Sentence)> {
        let button = |one: &OfferedUpstream| {
            let label = plain(&one.label);
            fill(&texts.login.upstream, &[("name", &label)])
        };
        let upstreams = self.upstreams.iter();
        upstreams
            .map(|one| (one.name.as_str(), button(one)))
            .collect()
    }

    fn lead(&self, texts: &Texts) -> Sentence {
        let Some(client) = &self.client else {
            return match self.offers_password {
                true => fill(&texts.login.lead, &[]),
                false => fill(&texts.login.lead_upstream, &[]),
            };
        };
        let text = match client.agent {
            Some(_) => &texts.login.lead_agent,
            None => &texts.login.lead_client,
        };
        fill(text, &[("name", &client.shown_name(texts))])
    }
}

impl LoginProblem {
    /// Not 401, which RFC 9110 section 15.5.2 ties to `WWW-Authenticate`.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Wrong
            | Self::PasskeyFailed
            | Self::PasskeyChanged
            | Self::UpstreamFailed
            | Self::UpstreamNotFresh => StatusCode::UNPROCESSABLE_ENTITY,
            Self::UpstreamNotAdmitted | Self::LocalOff => StatusCode::FORBIDDEN,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy | Self::UpstreamUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Expired => StatusCode::FORBIDDEN,
        }
    }

    /// After how long another try is looked at, where that is known.
    pub(super) const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after } => Some(retry_after),
            _ => None,
        }
    }

    pub(super) fn text(self, texts: &Texts) -> &str {
        match self {
            Self::Wrong => &texts.login.problem.wrong,
            Self::TooMany { .. } => &texts.login.problem.too_many,
            Self::Busy => &texts.login.problem.busy,
            Self::Expired => &texts.login.problem.expired,
            Self::PasskeyFailed => &texts.login.problem.passkey_failed,
            Self::PasskeyChanged => &texts.login.problem.passkey_changed,
            Self::UpstreamFailed => &texts.login.problem.upstream_failed,
            Self::UpstreamUnavailable => &texts.login.problem.upstream_unavailable,
            Self::UpstreamNotAdmitted => &texts.login.problem.upstream_not_admitted,
            Self::UpstreamNotFresh => &texts.login.problem.upstream_not_fresh,
            Self::LocalOff => &texts.login.problem.local_off,
        }
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginTemplate<'a> {
    texts: &'a Texts,
    title: String,
    view: &'a Login,
    username: String,
    lead: Sentence,
    upstreams: Vec<(&'a str, Sentence)>,
    problem: Option<&'a str>,
    fields_wrong: bool,
}
