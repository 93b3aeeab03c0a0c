//! The pages that people see: views in, HTML out; no database, no routing, no script. All words
//! come from `text/en.toml`. Protections against clickjacking, leaks and mixed-up forms: RFC 9700
//! sections 4.16 and 4.2, DESIGN section 4.

use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

mod assets;
mod clean;
mod consent;
mod done;
mod failure;
mod form_action;
mod headers;
mod login;
mod mine;
mod sentence;
mod texts;

#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod samples;

pub use assets::{ICON_PATH, STYLESHEET_PATH, icon, stylesheet};
pub use clean::{LONGEST_WORDS, clean, plain};
pub use consent::{
    AgentName, AgentView, ClientView, Consent, ConsentProblem, DetailView, OnwardView, ScopeView,
};
pub use done::Done;
pub use failure::{Failure, FailureKind};
pub use form_action::FormAction;
pub use login::{Login, LoginProblem};
pub use mine::{Mine, MineNotice, TaskStateView, TaskView};
pub use texts::{TextError, Texts};

/// A finished page. As a response it carries the headers of every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub status: StatusCode,
    pub html: String,
    /// Where a form on this page may end up besides this server.
    pub form_action: Option<FormAction>,
}

impl Page {
    /// Escaping is the template's. Rendering writes to memory and fails only on a bug, which
    /// becomes an empty 500.
    fn rendered(template: &impl Template, status: StatusCode) -> Self {
        match template.render() {
            Ok(html) => Self {
                status,
                html,
                form_action: None,
            },
            Err(cause) => {
                tracing::error!(%cause, "page cannot be rendered");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Self {
                    status,
                    html: String::new(),
                    form_action: None,
                }
            }
        }
    }

    fn with_form_action(self, form_action: Option<FormAction>) -> Self {
        Self {
            form_action,
            ..self
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.html));
        *response.status_mut() = self.status;
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        headers::protect(response.headers_mut(), self.form_action.as_ref());
        response
    }
}
