//! The end of a link that set a password, or begins with a passkey: by which name its person signs in from now on, and where they go on.

use askama::Template;
use http::StatusCode;
use writ_core::account_link::LinkKind;

use super::account::sign_in_as;
use super::sentence::{Part, Sentence};
use super::{Page, Texts};

/// What was chosen is set, and its person is signed in where they are.
#[derive(Clone, Debug)]
pub struct AccountDonePage {
    pub name: String,
    pub kind: LinkKind,
    pub next: NextStep,
    /// Whether agents wait until their person lets them go on.
    pub agents_paused: bool,
    /// Whether other browsers are told of nothing any more.
    pub browsers_ended: bool,
}

/// Where its first button leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    Home,
    /// The code that was typed adds a first passkey for a while.
    AddPasskey,
    /// The same, and there is no password.
    OnlyPasskey,
}

impl AccountDonePage {
    pub fn page(&self, texts: &Texts) -> Page {
        let text = &texts.account;
        let heading = match self.next {
            NextStep::Home | NextStep::AddPasskey => &text.done_title,
            NextStep::OnlyPasskey => &text.joined_title,
        };
        let template = AccountDoneTemplate {
            texts,
            title: texts.page_title(heading),
            heading,
            sign_in_as: sign_in_as(&self.name, texts),
            where_signed_in: match self.kind {
                // They were signed in nowhere before.
                LinkKind::Invitation => &text.done_new,
                LinkKind::Reset | LinkKind::Forgotten | LinkKind::Address => &text.done,
            },
            view: self,
            adds_passkey: self.next != NextStep::Home,
            only_passkey: self.next == NextStep::OnlyPasskey,
        };
        Page::rendered(&template, StatusCode::OK)
    }
}

#[derive(Template)]
#[template(path = "account_done.html")]
struct AccountDoneTemplate<'a> {
    texts: &'a Texts,
    title: String,
    heading: &'a str,
    view: &'a AccountDonePage,
    sign_in_as: Sentence,
    where_signed_in: &'a str,
    adds_passkey: bool,
    only_passkey: bool,
}
