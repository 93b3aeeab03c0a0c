//! The end of every login, by password or passkey: a new session cookie, its event, and the redirect.

use axum::response::Response;
use http::header::USER_AGENT;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use writ_authority::Level;
use writ_core::authorize::{OpenedBy, RequestUnusable, SESSION_LIFETIME};
use writ_core::browser_name::LONGEST;
use writ_core::event::{Event, EventName};
use writ_core::words::clean;
use writ_store::session::{NewUserSession, UpstreamSession};
use writ_store::user::StoredUser;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::secret::secret_digest;
use crate::people::error::PageError;
use crate::people::redirect::see_other;
use crate::people::request::{Visitor, is_handle};
use crate::people::session::Browser;

/// Where a login goes on: to the authorization request that waits for it, or to one of our own pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::people) struct Destination {
    pub(in crate::people) request: Option<String>,
    pub(in crate::people) next: Option<String>,
}

/// An authenticated user, on the way to a new session.
pub(in crate::people) struct Entrance<'a> {
    /// As they came: signed out, or signed in before.
    pub(in crate::people) visitor: &'a Visitor,
    pub(in crate::people) person: &'a StoredUser,
    pub(in crate::people) proof: LoginProof<'a>,
    pub(in crate::people) destination: &'a Destination,
    /// When they proved who they are.
    pub(in crate::people) at: Timestamp,
}

/// By what they proved who they are.
#[derive(Clone, Copy)]
pub(in crate::people) enum LoginProof<'a> {
    Here(OpenedBy),
    Upstream(UpstreamProof<'a>),
}

impl From<OpenedBy> for LoginProof<'_> {
    fn from(here: OpenedBy) -> Self {
        Self::Here(here)
    }
}

/// What an OpenID provider said of a login there.
#[derive(Clone, Copy)]
pub(in crate::people) struct UpstreamProof<'a> {
    pub(in crate::people) session: UpstreamSession<'a>,
    /// What the operator lets it count as.
    pub(in crate::people) level: Level,
    /// When they proved who they are to the provider.
    pub(in crate::people) authenticated_at: Timestamp,
}

impl LoginProof<'_> {
    const fn level(self) -> Level {
        match self {
            Self::Here(here) => here.level(),
            Self::Upstream(there) => there.level,
        }
    }

    const fn opened_by(self) -> OpenedBy {
        match self {
            Self::Here(here) => here,
            Self::Upstream(_) => OpenedBy::Upstream,
        }
    }

    /// Where it was at another moment than the login here.
    const fn authenticated_at(self) -> Option<Timestamp> {
        match self {
            Self::Here(_) => None,
            Self::Upstream(there) => Some(there.authenticated_at),
        }
    }

    const fn upstream(&self) -> Option<UpstreamSession<'_>> {
        match self {
            Self::Here(_) => None,
            Self::Upstream(there) => Some(there.session),
        }
    }

    /// As the event says it.
    fn recorded(self) -> Value {
        match self {
            Self::Here(here) => json!({ "method": here }),
            Self::Upstream(there) => json!({
                "method": "upstream", "upstream": there.session.issuer, "level": there.level,
            }),
        }
    }
}

impl Destination {
    /// What could be no handle of a request is none that waits. A `next` that is none of our pages is as good as absent.
    pub(in crate::people) fn of(form: &Form) -> Result<Self, PageError> {
        let request = form.optional("request")?;
        if request.is_some_and(|handle| !is_handle(handle)) {
            return Err(RequestUnusable::Unknown.into());
        }
        Ok(Self {
            request: request.map(str::to_owned),
            next: form.optional("next")?.and_then(own_page),
        })
    }

    fn location(&self) -> String {
        match (&self.request, &self.next) {
            (Some(handle), _) => format!("/consent?request={handle}"),
            (None, Some(next)) => next.clone(),
            (None, None) => HOME.to_owned(),
        }
    }
}

impl Entrance<'_> {
    /// Ends the login before it and opens the new one; the caller commits.
    pub(in crate::people) async fn open_session(
        &self,
        app: &App,
        transaction: &mut DatabaseTransaction,
    ) -> Result<Browser, StoreError> {
        let now = self.at;
        let fresh = app.new_browser();
        let for_request = self.destination.request.as_deref().map(secret_digest);
        let (before, user) = (&self.visitor.browser, &self.person.user.id);
        let user_agent = self.visitor.headers.get(USER_AGENT);
        let user_agent = user_agent.and_then(|value| value.to_str().ok());
        let address = self.visitor.address.map(|address| address.to_string());
        transaction.end_session(&before.digest(), now).await?;
        transaction
            .insert_session(NewUserSession {
                digest: &fresh.digest(),
                user,
                authenticated_at: self.proof.authenticated_at().unwrap_or(now),
                level: self.proof.level(),
                opened_by: self.proof.opened_by(),
                for_request: for_request.as_deref(),
                expires_at: now.plus(SESSION_LIFETIME),
                user_agent: user_agent.map(|text| clean(text, LONGEST)).as_deref(),
                address: address.as_deref(),
                upstream: self.proof.upstream(),
            })
            .await?;
        let event = Event::new(app.event_id(now), now, self.event_name())
            .of_subject(user.as_str())
            .with(self.proof.recorded());
        transaction.insert_event(&event).await?;
        Ok(fresh)
    }

    /// The answer after the commit: redirects, with the new cookie, in a browser that is known from now on.
    pub(in crate::people) fn go_on(
        &self,
        app: &App,
        fresh: &Browser,
    ) -> Result<Response, PageError> {
        self.answer(app, fresh, see_other(&self.destination.location()))
    }

    /// The same with another answer.
    pub(in crate::people) fn answer(
        &self,
        app: &App,
        fresh: &Browser,
        mut response: Response,
    ) -> Result<Response, PageError> {
        app.metrics.login("succeeded");
        let answer = response.headers_mut();
        app.remember(fresh, answer);
        let known = app.know_browser(&self.visitor.headers, self.person, answer);
        known.map_err(PageError::broken)?;
        Ok(response)
    }

    /// RFC 9470: the same person, more strongly than before.
    fn event_name(&self) -> EventName {
        match &self.visitor.browser.session {
            Some(old) if old.user.id == self.person.user.id && self.proof.level() > old.level => {
                EventName::LoginSteppedUp
            }
            _ => EventName::LoginSucceeded,
        }
    }
}

/// Path and query of a page of `/app`, `/device` or `/admin`, as a browser would understand them; no open redirector (RFC 9700 section 4.11).
pub fn own_page(text: &str) -> Option<String> {
    if text.len() > LONGEST_NEXT || !text.starts_with('/') {
        return None;
    }
    let base = Url::parse(ANYWHERE).ok()?;
    let url = base.join(text).ok()?;
    let path = url.path();
    let within = |page: &&str| {
        let rest = path.strip_prefix(*page);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let ours = url.origin() == base.origin() && OWN_PAGES.iter().any(within);
    ours.then(|| match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

const HOME: &str = "/app";
const OWN_PAGES: [&str; 3] = ["/app", "/device", "/admin"];
/// A place to resolve paths against.
const ANYWHERE: &str = "https://writ.invalid";
/// In bytes: an approval's address with all that can be chosen there.
const LONGEST_NEXT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::own_page;

    #[test]
    fn rfc_9700_4_11_only_our_own_pages() {
        for (text, page) in [
            ("/app", "/app"),
            (
                "/app/requests/apr_1?narrow=1",
                "/app/requests/apr_1?narrow=1",
            ),
            ("/app?before=x", "/app?before=x"),
            ("/device?user_code=WDJB-MJHT", "/device?user_code=WDJB-MJHT"),
            ("/app/a/../b#c", "/app/b"),
            ("/admin", "/admin"),
            ("/admin/changes/x", "/admin/changes/x"),
        ] {
            assert_eq!(own_page(text).as_deref(), Some(page), "{text}");
        }
        for text in [
            "",
            "app",
            "/",
            "/login",
            "/apple",
            "/administrator",
            "/device_authorization",
            "//evil.example/app",
            "/\\evil.example/app",
            "\\\\evil.example/app",
            "https://evil.example/app",
            "/app/../logout",
            "/app/..//evil.example",
            "/app\\..\\..\\evil",
            "/%2e%2e/app/../x",
            "javascript:alert(1)",
            "\t//evil.example/app",
        ] {
            assert_eq!(own_page(text), None, "{text}");
        }
        assert_eq!(own_page(&format!("/app/{}", "x".repeat(1024))), None);
    }
}
