//! What a client is answered through a browser (OAuth 2.1 sections 4.1.2 and 4.1.2.1): by a redirect, by a page that posts itself, or, to
//! guests before anybody signed in, by a page with one link.

use axum::response::{IntoResponse, Response};
use url::Url;
use writ_core::OAuthError;
use writ_core::authorize::{ErrorWay, FoundRequest};
use writ_core::client::Client;
use writ_core::guest::redirect_host;
use writ_pages::{ClientView, FailureKind, FailurePage, FormPost, WayOn};
use writ_wire::error::description;
use writ_wire::openid::ResponseMode;
use writ_wire::prompt::Prompt;

use crate::node::app::App;
use crate::people::error::PageError;
use crate::people::redirect::see_other;
use crate::people::views::client_view;

/// An error that a client gets at its redirect URI.
#[derive(Debug)]
pub struct AuthorizationError {
    pub redirect_uri: String,
    pub state: Option<String>,
    pub response_mode: ResponseMode,
    pub refusal: OAuthError,
}

/// An error that its client gets only if the person follows the link.
#[derive(Debug)]
pub struct LinkedError {
    pub client: ClientView,
    pub error: AuthorizationError,
    pub page: FailureKind,
    way_to: fn(ClientView, String) -> WayOn,
}

impl AuthorizationError {
    /// Of a request that is kept.
    pub fn of(found: &FoundRequest, refusal: OAuthError) -> Self {
        Self {
            redirect_uri: found.prepared.redirect_uri.clone(),
            state: found.prepared.request.state.clone(),
            response_mode: found.prepared.request.openid.response_mode,
            refusal,
        }
    }

    pub fn by(self, way: ErrorWay, client: &Client) -> PageError {
        match way {
            ErrorWay::Redirect => PageError::Client(Box::new(self)),
            ErrorWay::Link => self.on_page(FailureKind::RequestRefused, client),
        }
    }

    /// A person reads why, and whom to ask; the client is told by the link.
    pub fn beyond_roles(self, found: &FoundRequest, client: &Client) -> PageError {
        // Nobody looks at a page.
        match found.prepared.request.prompt.contains(Prompt::None) {
            true => self.by(ErrorWay::of(client), client),
            false => self.on_page(FailureKind::BeyondRoles, client),
        }
    }

    fn on_page(self, page: FailureKind, client: &Client) -> PageError {
        PageError::ClientByLink(Box::new(LinkedError {
            client: client_view(client),
            error: self,
            page,
            way_to: match client.is_guest() {
                true => way_to_guest,
                false => way_to_registered,
            },
        }))
    }

    fn answer<'a>(&'a self, sentence: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut answer = vec![
            ("error", self.refusal.code.as_str()),
            ("error_description", sentence),
        ];
        answer.extend(self.state.as_deref().map(|state| ("state", state)));
        answer
    }
}

/// A link to an address of this client.
pub fn way_to(client: &Client, address: String) -> WayOn {
    let view = client_view(client);
    match client.is_guest() {
        true => way_to_guest(view, address),
        false => way_to_registered(view, address),
    }
}

const fn way_to_registered(client: ClientView, address: String) -> WayOn {
    WayOn::Client { client, address }
}

/// Nobody vouches for a guest, so its page says where the link leads.
fn way_to_guest(client: ClientView, address: String) -> WayOn {
    WayOn::Guest {
        client,
        host: redirect_host(&address),
        address,
    }
}

impl App {
    /// `None` for a stored redirect URI that is no URL.
    pub fn answer_client_error(&self, error: &AuthorizationError) -> Option<Response> {
        let sentence = description(&error.refusal.sentence);
        let answer = error.answer(&sentence);
        let answered = self.answer_client(&error.redirect_uri, error.response_mode, &answer);
        answered.ok()
    }

    /// What happened, and the one link.
    pub fn linked_page(&self, linked: &LinkedError) -> FailurePage {
        let error = &linked.error;
        let address = self.client_error_url(error);
        FailurePage {
            detail: Some(error.refusal.sentence.clone()),
            error_code: Some(error.refusal.code.as_str().to_owned()),
            way_on: address.map(|address| (linked.way_to)(linked.client.clone(), address)),
            ..FailurePage::new(linked.page)
        }
    }

    /// Where the client reads an error.
    pub fn client_error_url(&self, error: &AuthorizationError) -> Option<String> {
        let sentence = description(&error.refusal.sentence);
        self.answer_url(&error.redirect_uri, &error.answer(&sentence))
    }

    /// To the client, by 303 or by a page that posts itself.
    pub fn answer_client(
        &self,
        redirect_uri: &str,
        mode: ResponseMode,
        answer: &[(&str, &str)],
    ) -> Result<Response, PageError> {
        // Only a web server takes a POST.
        let is_web = redirect_uri.starts_with("https:") || redirect_uri.starts_with("http:");
        if mode == ResponseMode::FormPost && is_web {
            let issuer = ("iss", self.config.issuer.as_str());
            let fields = answer.iter().copied().chain([issuer]);
            let page = FormPost {
                redirect_uri: redirect_uri.to_owned(),
                fields: fields
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            };
            return Ok(page.into_http(&self.texts).into_response());
        }
        let url = self.answer_url(redirect_uri, answer);
        let url = url.ok_or_else(|| PageError::broken(NO_URL))?;
        Ok(see_other(&url))
    }

    /// With `iss` (RFC 9207) in success and error alike.
    fn answer_url(&self, redirect_uri: &str, answer: &[(&str, &str)]) -> Option<String> {
        let mut url = Url::parse(redirect_uri).ok()?;
        url.query_pairs_mut()
            .extend_pairs(answer)
            .append_pair("iss", self.config.issuer.as_str());
        Some(url.into())
    }
}

pub const NO_URL: &str = "a stored redirect URI is no URL";
