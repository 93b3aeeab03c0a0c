//! A request of a browser, as each route of people takes it: the browser with who is signed in there, and the query or form.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use writ_core::authorize::{FRESH_LOGIN, UserSession};
use writ_core::client::User;
use writ_core::id::UserId;
use writ_pages::{PersonView, Texts};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;

use crate::client::body::RequestBody;
use crate::node::app::App;
use crate::node::client_address::ClientAddress;
use crate::node::passwords::{HashFor, HashHolder};
use crate::people::error::PageError;
use crate::people::inbox;
use crate::people::session::Browser;

/// A browser at one of our pages.
pub struct Visitor {
    pub app: Arc<App>,
    pub headers: HeaderMap,
    pub browser: Browser,
    /// From where the request came, if that is known.
    pub address: Option<IpAddr>,
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageError> {
        let peer = parts.extensions.get::<ClientAddress>();
        Self::of(parts.headers.clone(), peer.copied(), app).await
    }
}

impl Visitor {
    async fn of(
        headers: HeaderMap,
        peer: Option<ClientAddress>,
        app: &Arc<App>,
    ) -> Result<Self, PageError> {
        Ok(Self {
            browser: app.browser(&headers).await?,
            address: app.address_of(peer.map(Extension), &headers),
            headers,
            app: app.clone(),
        })
    }

    /// Who is signed in; otherwise the way to the login, and from there back to `page`.
    pub fn signed_in(&self, page: &str) -> Result<SignedIn<'_>, PageError> {
        let page = Some(page.to_owned());
        self.session().ok_or(PageError::SignedOut { page })
    }

    pub fn session(&self) -> Option<SignedIn<'_>> {
        Some(SignedIn {
            app: &self.app,
            headers: &self.headers,
            browser: &self.browser,
            session: self.browser.session.as_ref()?,
        })
    }
}

/// A user who is signed in, in their browser.
#[derive(Clone, Copy)]
pub struct SignedIn<'a> {
    pub app: &'a App,
    pub headers: &'a HeaderMap,
    pub browser: &'a Browser,
    pub session: &'a UserSession,
}

impl<'a> SignedIn<'a> {
    pub fn user(&self) -> &'a User {
        &self.session.user
    }

    pub fn id(&self) -> &'a UserId {
        &self.session.user.id
    }

    /// The transaction of what they change, as [`App::begin_change`]. Whose session has ended since the request came in signs in again.
    pub async fn begin_change(&self) -> Result<DatabaseTransaction, PageError> {
        let session = self.browser.digest();
        let began = self.app.begin_change(self.id(), &session);
        began.await?.ok_or(PageError::SignedOut { page: None })
    }

    /// Whether the login is a fresh proof of who they are: made a moment ago.
    pub fn is_fresh(&self) -> bool {
        let until = self.session.authenticated_at.plus(FRESH_LOGIN);
        self.app.clock.now() < until
    }

    /// How what they type is hashed.
    pub fn hash_for(&self) -> HashFor {
        HashFor::SignedIn(HashHolder::of(self.id().as_str()))
    }

    /// The words and the clock by which this person reads. The language is remembered for what they are sent.
    pub async fn texts(&self) -> Result<Texts, StoreError> {
        let (app, known) = (self.app, &self.session.reads.language);
        let texts = app.languages.of_request(self.headers);
        if known.as_deref() != Some(texts.locale()) {
            let session = self.browser.digest();
            let began = app.begin_change(self.id(), &session);
            if let Some(mut transaction) = began.await? {
                let now = app.mended_time();
                transaction
                    .set_language(self.id(), texts.locale(), now)
                    .await?;
                transaction.commit().await?;
            }
        }
        Ok(app.texts_in_zone_of(texts, self.session))
    }

    /// What the frame of every page shows of them.
    pub async fn frame(&self) -> Result<PersonView, PageError> {
        let waiting = inbox::open_requests(self.app, &self.user().id).await?;
        Ok(self.frame_with(waiting.len()))
    }

    /// The same, where it is known how many requests wait for them.
    pub fn frame_with(&self, waiting: usize) -> PersonView {
        PersonView {
            csrf: self.browser.csrf(),
            name: self.user().name.clone(),
            waiting,
            has_zone: self.session.reads.time_zone.is_some(),
        }
    }
}

/// The query of an address, read before anything else of its request.
pub struct Query(pub Form);

impl FromRequestParts<Arc<App>> for Query {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, PageError> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(Form::parse(query.as_bytes())?))
    }
}

/// A form that was sent. It is handed out once its token is checked (RFC 9700 section 4.7), so that no handler can forget to.
pub struct PostedForm {
    pub visitor: Visitor,
    form: Form,
}

impl FromRequest<Arc<App>> for PostedForm {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, PageError> {
        let headers = request.headers().clone();
        let peer = request.extensions().get::<ClientAddress>().copied();
        let Ok(body) = RequestBody::from_request(request, app).await;
        Ok(Self {
            form: body.form()?,
            visitor: Visitor::of(headers, peer, app).await?,
        })
    }
}

impl PostedForm {
    /// The form of a page that this browser was given.
    pub fn checked(&self) -> Result<&Form, PageError> {
        self.is_ours()
            .then_some(&self.form)
            .ok_or_else(|| self.expired())
    }

    /// Another login of this browser, in another window, ends the forms of the one before. What waits for a decision can be read again.
    fn expired(&self) -> PageError {
        let handle = self.form.optional("request").ok().flatten();
        match handle.filter(|handle| is_handle(handle)) {
            Some(handle) => PageError::form_expired_at(format!("/consent?request={handle}")),
            None => PageError::form_expired(),
        }
    }

    /// The same of a signed-in user; otherwise the way to the login, and from there back to `page`.
    pub fn of_signed_in(&self, page: &str) -> Result<(SignedIn<'_>, &Form), PageError> {
        let person = self.visitor.signed_in(page)?;
        Ok((person, self.checked()?))
    }

    /// The same for a script of ours, which is told in JSON.
    pub fn checked_for_script(&self) -> Result<&Form, PageError> {
        self.is_ours()
            .then_some(&self.form)
            .ok_or_else(|| PageError::script(StatusCode::FORBIDDEN, "form_expired"))
    }

    /// The same of a signed-in user, for a script of ours.
    pub fn of_signed_in_for_script(&self) -> Result<(SignedIn<'_>, &Form), PageError> {
        let person = self.visitor.session().ok_or_else(PageError::needs_login)?;
        Ok((person, self.checked_for_script()?))
    }

    /// For a page that shows what was typed again: nothing may be changed by it unless `is_ours`.
    pub fn unchecked(&self) -> &Form {
        &self.form
    }

    /// Whether this browser was given the page that the form is of.
    pub fn is_ours(&self) -> bool {
        self.visitor.browser.sent(&self.form)
    }
}

/// Whether a text could be the handle of an authorization request.
pub fn is_handle(text: &str) -> bool {
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.len() == HANDLE_LENGTH && text.chars().all(is_base64url)
}

/// 32 bytes in base64url.
const HANDLE_LENGTH: usize = 43;
