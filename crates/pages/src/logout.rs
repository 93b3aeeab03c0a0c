//! The question whether to sign out, where an app asked for it (OpenID Connect RP-Initiated Logout 1.0 section 2).

use askama::Template;
use http::StatusCode;

use super::sentence::{Part, Sentence, fill};
use super::{ClientView, FormEnds, Page, Texts, plain};

/// What the person is asked.
#[derive(Clone, Debug)]
pub struct LogoutQuestion {
    pub csrf: String,
    /// Who is signed in.
    pub name: String,
    /// Who asks, if that is known.
    pub client: Option<ClientView>,
    /// What of the request comes back with the answer.
    pub fields: Vec<(&'static str, String)>,
}

impl LogoutQuestion {
    pub fn page(&self, texts: &Texts) -> Page {
        let text = &texts.logout;
        let account = plain(&self.name);
        let lead = match &self.client {
            Some(client) => {
                let values = [("client", &*client.shown_name(texts)), ("name", &*account)];
                fill(&text.lead_client, &values)
            }
            None => fill(&text.lead, &[("name", &account)]),
        };
        let template = LogoutTemplate {
            texts,
            title: texts.page_title(&text.title),
            view: self,
            lead,
        };
        Page::rendered(&template, StatusCode::OK).with_form_ends(FormEnds::Anywhere)
    }
}

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutTemplate<'a> {
    texts: &'a Texts,
    title: String,
    view: &'a LogoutQuestion,
    lead: Sentence,
}
