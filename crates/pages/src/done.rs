//! The page after something is over: signing out, here and at the provider that opened the session.

use askama::Template;
use http::StatusCode;

use super::sentence::{Part, Sentence, fill};
use super::{Page, Texts, plain};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    SignedOut {
        /// Where the person may sign out too: a second step, which they take themselves.
        there: Option<SignOutThere>,
    },
    /// Back from the provider.
    SignedOutThere,
}

/// The end of the session at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOutThere {
    /// As the operator calls it.
    pub label: String,
    pub url: String,
}

impl Done {
    pub fn page(&self, texts: &Texts) -> Page {
        let signed_out = &texts.done.signed_out;
        let (there, sentence) = match self {
            Self::SignedOut { there } => (there.as_ref(), &signed_out.sentence),
            Self::SignedOutThere => (None, &signed_out.there_too),
        };
        let template = DoneTemplate {
            texts,
            title: texts.page_title(&signed_out.title),
            sentence,
            there: there.map(|there| {
                let label = plain(&there.label);
                (
                    there.url.as_str(),
                    fill(&signed_out.there, &[("name", &label)]),
                )
            }),
        };
        Page::rendered(&template, StatusCode::OK)
    }
}

#[derive(Template)]
#[template(path = "done.html")]
struct DoneTemplate<'a> {
    texts: &'a Texts,
    title: String,
    sentence: &'a str,
    there: Option<(&'a str, Sentence)>,
}
