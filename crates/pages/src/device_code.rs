//! `/device`: the code of a terminal is entered here (RFC 8628 section 3.3); an approval screen follows.

use std::time::Duration;

use askama::Template;
use http::StatusCode;

use super::around::{Around, Tab};
use super::sentence::Part;
use super::{Page, PersonView, Texts, plain};

/// The form goes to `POST /device` with `csrf` and `user_code`.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    pub person: PersonView,
    /// As typed, or from `verification_uri_complete`: the person still has to go on.
    pub user_code: String,
    pub problem: Option<DeviceCodeProblem>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceCodeProblem {
    /// Unknown, over, or somebody else's: never says which.
    Wrong,
    /// Until then no try is looked at.
    TooMany {
        retry_after: Duration,
    },
    /// The code is right, but those who decide were asked too often: it can be typed again later.
    AskedTooOften {
        retry_after: Duration,
    },
    FormExpired,
    /// The code is right, but the person may not grant what is asked for.
    BeyondRoles,
}

impl DeviceCode {
    pub fn page(&self, texts: &Texts) -> Page {
        let status = match self.problem {
            None => StatusCode::OK,
            Some(DeviceCodeProblem::Wrong) => StatusCode::UNPROCESSABLE_ENTITY,
            Some(DeviceCodeProblem::TooMany { .. } | DeviceCodeProblem::AskedTooOften { .. }) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Some(DeviceCodeProblem::FormExpired | DeviceCodeProblem::BeyondRoles) => {
                StatusCode::FORBIDDEN
            }
        };
        let template = DeviceCodeTemplate {
            texts,
            title: texts.page_title(&texts.device.title),
            around: Around::of(&self.person, Tab::Beside, texts),
            user_code: plain(&self.user_code),
            problem: self.problem.map(|problem| problem.text(texts)),
        };
        let page = Page::rendered(&template, status).with_scripts();
        page.with_retry_after(self.problem.and_then(DeviceCodeProblem::retry_after))
    }
}

impl DeviceCodeProblem {
    /// After how long the same may succeed, where that is known.
    const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after } | Self::AskedTooOften { retry_after } => {
                Some(retry_after)
            }
            Self::Wrong | Self::FormExpired | Self::BeyondRoles => None,
        }
    }

    fn text(self, texts: &Texts) -> &str {
        let text = &texts.device.problem;
        match self {
            Self::Wrong => &text.wrong,
            Self::TooMany { .. } => &text.too_many,
            Self::AskedTooOften { .. } => &text.asked_too_often,
            Self::FormExpired => &text.form_expired,
            Self::BeyondRoles => &text.beyond_roles,
        }
    }
}

#[derive(Template)]
#[template(path = "device_code.html")]
struct DeviceCodeTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    user_code: String,
    problem: Option<&'a str>,
}
