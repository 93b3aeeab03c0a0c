//! The authorization endpoint (OAuth 2.1 section 4.1.1): where the answer goes is decided first, on a page if it cannot be trusted.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use url::Url;
use writ_authority::Level;
use writ_core::OAuthError;
use writ_core::authorize::{
    self, FoundRequest, Logins, Need, REQUEST_LIFETIME, RequestUnusable, UserSession,
};
use writ_core::checks::Endpoint;
use writ_core::client::Client;
use writ_core::request::{self, Arrival, PreparedRequest, RequestContext};
use writ_pages::FailureKind;
use writ_store::request::NewAuthorizationRequest;
use writ_wire::authorization::{AuthorizationRequest, REQUEST_URI_PREFIX};
use writ_wire::error::{ErrorCode, description};
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::client::par::references;
use crate::client::token::read_form;
use crate::node::app::App;
use crate::node::client_address::ClientAddress;
use crate::node::failure::Failure;
use crate::node::rate_limits::Tries;
use crate::node::registry::Catalogue;
use crate::node::secret::secret_digest;
use crate::people::session::Browser;

/// What ends a person's way through our pages.
pub enum Ended {
    /// A page: there is no redirect that can be trusted.
    Page(Box<writ_pages::Failure>),
    /// Back to the client, with an error.
    Back {
        redirect_uri: String,
        state: Option<String>,
        refusal: Box<OAuthError>,
    },
    Broken(String),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unauthenticated(refusal)
            | Failure::Refused(refusal, _)
            | Failure::Waiting(refusal) => untrusted(&refusal),
            Failure::Broken(cause) => Self::Broken(cause),
        }
    }
}

impl From<writ_store::StoreError> for Ended {
    fn from(error: writ_store::StoreError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<RequestUnusable> for Ended {
    fn from(dead: RequestUnusable) -> Self {
        let kind = match dead {
            RequestUnusable::Unknown | RequestUnusable::OtherClient => {
                FailureKind::UntrustedRequest
            }
            RequestUnusable::Expired => FailureKind::RequestExpired,
            RequestUnusable::Used => FailureKind::RequestUsed,
        };
        let code = Some(ErrorCode::InvalidRequestUri.as_str().to_owned());
        Self::Page(Box::new(writ_pages::Failure {
            error_code: code,
            ..writ_pages::Failure::new(kind)
        }))
    }
}

/// `GET /authorize`.
pub async fn authorize(
    State(app): State<Arc<App>>,
    peer: Option<Extension<ClientAddress>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let raw = query.unwrap_or_default();
        let form = Form::parse(raw.as_bytes()).map_err(|e| untrusted(&e.into()))?;
        let asked = asked(&app, &form, app.address_of(peer, &headers)).await?;
        let browser = app.browser(&headers).await?;
        let location =
            next_page(&app, &browser, (&asked.handle, &asked.found), &asked.client).await?;
        Ok((browser, location))
    };
    match result.await {
        Ok((browser, location)) => {
            let mut response = see_other(&location);
            app.remember(&browser, response.headers_mut());
            response
        }
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

/// `POST /authorize` (OpenID Connect Core 3.1.2.1): the same, from a form. A form of another site brings no cookie, so nobody
/// is looked for and none is set: the way goes on by GET, with a handle of ours.
pub async fn by_form(
    State(app): State<Arc<App>>,
    peer: Option<Extension<ClientAddress>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let result = async {
        if query.is_some_and(|query| !query.is_empty()) {
            return Err(untrusted(&OAuthError::invalid_request(
                "a POST has its parameters in the body alone",
            )));
        }
        let form = read_form(&headers, &body)?;
        let asked = asked(&app, &form, app.address_of(peer, &headers)).await?;
        asked
            .found
            .usable(asked.client.id.as_str(), app.clock.now())?;
        Ok(again(&asked))
    };
    match result.await {
        Ok(location) => see_other(&location),
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

/// A request that is kept, whoever comes with it.
struct Asked {
    client: Arc<Client>,
    handle: String,
    found: FoundRequest,
}

async fn asked(app: &App, form: &Form, address: Option<IpAddr>) -> Result<Asked, Ended> {
    let client_id = form
        .required("client_id")
        .map_err(|e| untrusted(&e.into()))?;
    let unknown = || untrusted(&OAuthError::invalid_client("the client is unknown"));
    let client = app.client(client_id).await?.ok_or_else(unknown)?;
    let (handle, found) = match form
        .optional("request_uri")
        .map_err(|e| untrusted(&e.into()))?
    {
        Some(request_uri) => pushed(app, request_uri).await?,
        None => front(app, (form, address), &client).await?,
    };
    Ok(Asked {
        client,
        handle,
        found,
    })
}

/// The request by its handle: nothing of it is in the address.
fn again(asked: &Asked) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", asked.client.id.as_str())
        .append_pair(
            "request_uri",
            &format!("{REQUEST_URI_PREFIX}{}", asked.handle),
        )
        .finish();
    format!("/authorize?{query}")
}

/// Only `client_id` and `request_uri` count; anything beside them is never merged in (LESSONS 36).
async fn pushed(app: &App, request_uri: &str) -> Result<(String, FoundRequest), Ended> {
    let Some(handle) = request_uri.strip_prefix(REQUEST_URI_PREFIX) else {
        return Err(untrusted(&OAuthError::new(
            ErrorCode::InvalidRequestUri,
            "`request_uri` is not one of this server",
        )));
    };
    let found = load(app, handle).await?;
    Ok((handle.to_owned(), found))
}

/// A request in the front channel is kept like a pushed one, so that everything after is the same.
async fn front(
    app: &App,
    (form, address): (&Form, Option<IpAddr>),
    client: &Client,
) -> Result<(String, FoundRequest), Ended> {
    let asked = form
        .optional("redirect_uri")
        .map_err(|e| untrusted(&e.into()))?;
    let redirect_uri = client.redirect_uri(asked).map_err(|e| untrusted(&e))?;
    let state = form.optional("state").ok().flatten().map(str::to_owned);
    let back = |refusal: OAuthError| Ended::Back {
        redirect_uri: redirect_uri.clone(),
        state: state.clone(),
        refusal: Box::new(refusal),
    };
    let request = AuthorizationRequest::parse(form).map_err(|e| back(e.into()))?;
    let now = app.clock.now();
    let catalogue = app.fresh_catalogue().await?;
    let prepared = prepare(app, request, client, (&catalogue, now)).map_err(back)?;
    let counted = address.and_then(|address| Tries::from(address, now));
    if let Some(tries) = counted
        && !app.may_try(&tries).await?
    {
        return Err(Ended::Page(Box::new(writ_pages::Failure::new(
            FailureKind::TooManyRequests,
        ))));
    }
    let handle = app.random.secret();
    let digest = secret_digest(&handle);
    let mut session = app.begin().await?;
    let expires_at = now.plus(REQUEST_LIFETIME);
    let request = NewAuthorizationRequest {
        digest: &digest,
        client: &client.id,
        prepared: &prepared,
        created_at: now,
        expires_at,
    };
    session.insert_request(request).await?;
    session.commit().await?;
    let found = FoundRequest {
        digest,
        client: client.id.to_string(),
        prepared,
        created_at: now,
        expires_at,
        consumed_at: None,
    };
    Ok((handle, found))
}

fn prepare(
    app: &App,
    request: AuthorizationRequest,
    client: &Client,
    (catalogue, now): (&Catalogue, Timestamp),
) -> Result<PreparedRequest, OAuthError> {
    let mut make_ref = references(app, now);
    let mut making = RequestContext {
        realm: catalogue.realm(),
        now,
        mission_intent: app.config.features.mission_intent,
        make_ref: &mut make_ref,
    };
    request::prepare(request, client, Arrival::Front, &mut making)
}

/// The request behind a handle.
pub async fn load(app: &App, handle: &str) -> Result<FoundRequest, Ended> {
    let found = app.read().await?.request(&secret_digest(handle)).await?;
    found.ok_or(Ended::from(RequestUnusable::Unknown))
}

/// Login or consent, or back to the client where a person may not be asked.
async fn next_page(
    app: &App,
    browser: &Browser,
    (handle, found): (&str, &FoundRequest),
    client: &Client,
) -> Result<String, Ended> {
    let now = app.clock.now();
    found.usable(client.id.as_str(), now)?;
    match next(app, (found, client), browser.session.as_ref(), now).await? {
        Ok(Need::Login) => Ok(format!("/login?request={handle}")),
        Ok(Need::Consent) => Ok(format!("/consent?request={handle}")),
        Err(refusal) => Err(back(found, refusal)),
    }
}

/// The decision of `core` with what it needs to know of logins here (RFC 9470 section 5).
pub async fn next(
    app: &App,
    (found, client): (&FoundRequest, &Client),
    session: Option<&UserSession>,
    now: Timestamp,
) -> Result<Result<Need, OAuthError>, Ended> {
    let catalogue = app.catalogue().await?;
    let logins = Logins {
        realm: catalogue.realm(),
        strongest: strongest(app, session).await?,
    };
    Ok(authorize::next(found, client, session, logins, now))
}

/// The strongest login that this person can give here, or before they said who they are, that anybody can. A verifier
/// sees people before a screen of an approval, so no login shows a live face.
async fn strongest(app: &App, session: Option<&UserSession>) -> Result<Level, Ended> {
    let given = session.map_or(Level::Password, |session| session.level);
    if app.passkeys.is_err() {
        return Ok(given);
    }
    let Some(session) = session else {
        return Ok(Level::Passkey);
    };
    let passkeys = app.read().await?.passkeys_of(&session.user.id).await?;
    Ok(if passkeys.is_empty() {
        given
    } else {
        given.max(Level::Passkey)
    })
}

/// An error that goes to the client of a request.
pub fn back(found: &FoundRequest, refusal: OAuthError) -> Ended {
    Ended::Back {
        redirect_uri: found.prepared.redirect_uri.clone(),
        state: found.prepared.request.state.clone(),
        refusal: Box::new(refusal),
    }
}

/// A page, because client or redirect cannot be trusted.
pub fn untrusted(refusal: &OAuthError) -> Ended {
    Ended::Page(Box::new(writ_pages::Failure {
        detail: Some(refusal.sentence.clone()),
        error_code: Some(refusal.code.as_str().to_owned()),
        ..writ_pages::Failure::new(FailureKind::UntrustedRequest)
    }))
}

impl App {
    pub fn end(&self, endpoint: Endpoint, ended: Ended) -> Response {
        match ended {
            Ended::Page(failure) => {
                self.metrics.refused(endpoint, ErrorCode::InvalidRequest);
                let busy = failure.kind == FailureKind::TooManyRequests;
                let mut response = failure.page(&self.texts).into_http().into_response();
                if busy {
                    let headers = response.headers_mut();
                    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
                }
                response
            }
            Ended::Back {
                redirect_uri,
                state,
                refusal,
            } => {
                self.metrics.refused(endpoint, refusal.code);
                let sentence = description(&refusal.sentence);
                let mut answer = vec![
                    ("error", refusal.code.as_str()),
                    ("error_description", sentence.as_str()),
                ];
                answer.extend(state.as_deref().map(|state| ("state", state)));
                self.answer_client(&redirect_uri, &answer)
            }
            Ended::Broken(cause) => {
                let failure = writ_pages::Failure {
                    error_id: Some(self.log_broken(&cause)),
                    ..writ_pages::Failure::new(FailureKind::ServerError)
                };
                failure.page(&self.texts).into_http().into_response()
            }
        }
    }

    /// 303 to the client, with `iss` (RFC 9207) in success and error alike.
    pub fn answer_client(&self, redirect_uri: &str, answer: &[(&str, &str)]) -> Response {
        let Ok(mut url) = Url::parse(redirect_uri) else {
            return self.end(
                Endpoint::Authorize,
                Ended::Broken("a stored redirect URI is no URL".to_owned()),
            );
        };
        url.query_pairs_mut()
            .extend_pairs(answer)
            .append_pair("iss", self.config.issuer.as_str());
        see_other(url.as_str())
    }
}

/// 303: never 307, which would send a password on (RFC 9700 section 4.12).
pub fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}
