//! The pages that people see: views in, HTML out; no database, no routing. All words
//! come from `text/en.toml`. Protections against clickjacking, leaks and mixed-up forms: RFC 9700
//! sections 4.16 and 4.2.

use std::time::Duration;

use askama::Template;
use http::{HeaderValue, Response, StatusCode, header};
use writ_wire::time::seconds_to_wait;

mod account;
mod account_act;
mod account_done;
mod action_name;
mod activity;
mod agents;
mod amount;
mod approval;
mod approval_form;
mod approve;
mod around;
mod assets;
mod brand;
mod brand_icon;
mod brief;
mod clean;
mod client_name;
mod consent;
mod console;
mod device_code;
mod devices;
mod done;
mod elsewhere;
mod failure;
mod form_post;
mod guest;
mod headers;
mod headline;
mod hints;
mod inbox;
mod installed;
mod languages;
mod letter;
mod listed_app;
mod login;
mod logout;
pub mod messages;
mod onward;
mod over;
mod pause_cause;
mod person;
#[cfg(debug_assertions)]
mod pseudo;
mod receipt;
mod report;
mod scope;
mod screen;
mod sections;
mod sentence;
mod settings;
mod tasks;
mod texts;
mod through;
mod undo;
mod upstream;
pub mod zones;

#[cfg(test)]
mod account_samples;
#[cfg(test)]
mod app_samples;
#[cfg(test)]
mod app_tests;
#[cfg(test)]
mod approval_samples;
#[cfg(test)]
mod approval_tests;
#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod console_samples;
#[cfg(test)]
mod direction_tests;
#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod samples;

pub use account::{
    AccountLinkPage, AccountLinkProblem, AccountSaid, AddressPage, ForgottenPage, LinkProof,
    NotMePage,
};
pub use account_act::AccountAct;
pub use account_done::{AccountDonePage, NextStep};
pub use action_name::title_of;
pub use activity::{Activity, ActivityEntry, ActivityKind};
pub use agents::{
    AgentEntry, AgentTask, Agents, PausedView, RememberedView, SpendingView, UnfetchedView,
};
pub use approval::{
    AmountView, ApprovalDetail, ApprovalPage, ApprovalProblem, BrowserView, DecidersView,
    DurationView, GrantsView, Hint, LevelView, NarrowingView, PartView, PurposeView, ResourceWords,
    RoleView, ScreenView,
};
pub(crate) use assets::{
    APP_SCRIPT_PATH, APPLE_ICON_PATH, FORM_POST_SCRIPT_PATH, ICON_192_PATH, PASSKEY_SCRIPT_PATH,
    PUSH_SCRIPT_PATH,
};
pub use assets::{Asset, ICON_PATH, STYLESHEET_PATH};
pub use brand::{Accent, Brand, LONGEST_NAME};
pub use brand_icon::{BrandIcon, LARGEST_ICON};
pub use clean::{LONGEST_WORDS, clean, legible, legible_block, plain};
pub use consent::{
    AgentName, AgentView, ClientView, ConsentPage, ConsentProblem, DetailView, OnwardView,
};
pub use console::{ConsoleEntrance, ConsoleHome, ConsoleView, EntranceProblem, EntranceStep};
pub use device_code::{DeviceCode, DeviceCodeProblem};
pub use devices::{
    Devices, DevicesNotice, DevicesProblem, Enrolment, NotifiedView, PasskeyView, SessionProof,
    SessionView,
};
pub use done::{Done, SignOutThere};
pub use elsewhere::{ElsewherePage, ElsewhereProblem, ElsewhereStep};
pub use failure::{FailureKind, FailurePage, WayOn};
pub use form_post::FormPost;
pub use guest::{AskedTypeView, GuestView, LifetimeView};
pub use inbox::{Inbox, InboxEntry};
pub use installed::{ByLanguage, manifests, offline_pages};
pub use languages::{LANGUAGE_COOKIE, LANGUAGES, Languages};
pub use login::{Login, LoginProblem, OfferedUpstream};
pub use logout::LogoutQuestion;
pub use over::{HowOver, Over};
pub use person::PersonView;
pub use receipt::{BecameOf, ReceiptPage, ReceiptVerdict, ShownSection, VoteView, shown};
pub use report::ReportView;
pub use scope::{AskedEachTime, ScopeView, ScopeWords};
pub use settings::{PasswordAskedBy, QuietView, Settings, SettingsNotice, SettingsProblem};
pub use tasks::{HolderView, MineNotice, TaskStateView, TaskView};
pub use texts::{TextError, Texts};
pub use through::{RetryView, ThroughView};
pub use undo::{UndoAct, UndoProblem, UndoProofs, UndoStep, UndoView};
pub use upstream::{LinkedView, LinkingProblem, LinkingProof, UpstreamPage, UpstreamView};

/// A finished page. As an HTTP response it carries the headers of every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub status: StatusCode,
    pub html: String,
    pub form_ends: FormEnds,
    pub scripts: Scripts,
    /// After how long the same may succeed (RFC 6585 section 4).
    pub retry_after: Option<Duration>,
    /// After how long the browser asks again by itself, also without a script (HTML section 7.4.2.2, "refresh").
    pub refresh: Option<Duration>,
}

/// Whether a page brings scripts; only our own files, never any inside the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    None,
    Ours,
}

/// Where the form of a page may end up, redirects after it included: Chromium applies `form-action` to each of them (Content
/// Security Policy level 3, section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormEnds {
    /// On this server.
    Here,
    /// At a client, and from there wherever its callback redirects to, which no policy can name. Escaping keeps foreign forms out of the
    /// page, and the form's token keeps foreign pages out.
    Anywhere,
}

impl Page {
    /// Escaping is the template's. Rendering writes to memory and fails only on a bug, which
    /// becomes an empty 500.
    fn rendered(template: &impl Template, status: StatusCode) -> Self {
        match template.render() {
            Ok(html) => Self::of(html, status),
            Err(cause) => {
                tracing::error!(%cause, "page cannot be rendered");
                Self::of(String::new(), StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    fn of(html: String, status: StatusCode) -> Self {
        Self {
            status,
            html,
            form_ends: FormEnds::Here,
            scripts: Scripts::None,
            retry_after: None,
            refresh: None,
        }
    }

    fn with_retry_after(self, retry_after: Option<Duration>) -> Self {
        Self {
            retry_after,
            ..self
        }
    }

    fn with_refresh(self, refresh: Option<Duration>) -> Self {
        Self { refresh, ..self }
    }

    fn with_scripts(self) -> Self {
        Self {
            scripts: Scripts::Ours,
            ..self
        }
    }

    fn with_form_ends(self, form_ends: FormEnds) -> Self {
        Self { form_ends, ..self }
    }

    /// The answer to a request, with the headers of every page.
    pub fn into_http(self) -> Response<String> {
        let mut response = Response::new(self.html);
        *response.status_mut() = self.status;
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        headers::protect(response.headers_mut(), self.form_ends, self.scripts);
        if let Some(wait) = self.retry_after {
            let wait = HeaderValue::from(seconds_to_wait(wait));
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        if let Some(refresh) = self.refresh {
            let refresh = HeaderValue::from(seconds_to_wait(refresh));
            response.headers_mut().insert(header::REFRESH, refresh);
        }
        response
    }
}
