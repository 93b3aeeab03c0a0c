//! `/device`: the code of a terminal is entered here (RFC 8628 section 3.3); an approval screen follows.

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
    TooMany,
    /// The code is right, but those who decide were asked too often: it can be typed again later.
    AskedTooOften,
    FormExpired,
}

impl DeviceCode {
    pub fn page(&self, texts: &Texts) -> Page {
        let status = match self.problem {
            None => StatusCode::OK,
            Some(DeviceCodeProblem::Wrong) => StatusCode::UNPROCESSABLE_ENTITY,
            Some(DeviceCodeProblem::TooMany | DeviceCodeProblem::AskedTooOften) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Some(DeviceCodeProblem::FormExpired) => StatusCode::FORBIDDEN,
        };
        let template = DeviceCodeTemplate {
            texts,
            title: texts.page_title(&texts.device.title),
            around: Around::of(&self.person, Tab::Beside, texts),
            user_code: plain(&self.user_code),
            problem: self.problem.map(|problem| problem.text(texts)),
        };
        Page::rendered(&template, status).with_scripts()
    }
}

impl DeviceCodeProblem {
    fn text(self, texts: &Texts) -> &str {
        let text = &texts.device.problem;
        match self {
            Self::Wrong => &text.wrong,
            Self::TooMany => &text.too_many,
            Self::AskedTooOften => &text.asked_too_often,
            Self::FormExpired => &text.form_expired,
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
