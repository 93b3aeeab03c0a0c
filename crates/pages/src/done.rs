//! The page after something is over: signing out.

use askama::Template;
use http::StatusCode;

use super::{Page, Texts};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    SignedOut,
}

impl Done {
    pub fn page(self, texts: &Texts) -> Page {
        let Self::SignedOut = self;
        let title = texts.page_title(&texts.done.signed_out.title);
        Page::rendered(&DoneTemplate { texts, title }, StatusCode::OK)
    }
}

#[derive(Template)]
#[template(path = "done.html")]
struct DoneTemplate<'a> {
    texts: &'a Texts,
    title: String,
}
