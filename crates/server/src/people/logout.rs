//! Signing out: by a button of ours, or because an app asks for it (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use serde_json::json;
use url::Url;
use writ_core::authorize::UserSession;
use writ_core::client::Client;
use writ_core::event::{Event, EventName};
use writ_jose::assertion::HintedIdentity;
use writ_pages::{Done, LogoutQuestion};
use writ_store::StoreError;
use writ_wire::form::Form;
use writ_wire::openid::LogoutRequest;

use crate::client::body::RequestBody;
use crate::node::app::App;
use crate::node::id_token_hint::HintError;
use crate::people::error::PageError;
use crate::people::redirect::see_other;
use crate::people::request::{Query, Visitor};
use crate::people::sign_out_there::{SessionThere, session_there, sign_out_there};
use crate::people::views::client_view;

const PATH: &str = "/logout";

pub fn routes() -> Router<Arc<App>> {
    Router::new().route(PATH, get(by_query).post(by_form))
}

/// An app's request, as far as it can be trusted.
struct Asked {
    request: LogoutRequest,
    /// One that works.
    client: Option<Arc<Client>>,
    hinted: Option<HintedIdentity>,
}

/// `GET /logout`: an app sends the person here.
async fn by_query(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    let asked = asked(&visitor.app, &query).await?;
    let back = asked.back()?;
    let Some(session) = &visitor.browser.session else {
        return Ok(leave(&visitor, &asked, back, None).await);
    };
    let names_them = |hinted: &HintedIdentity| hinted.sub == session.user.id.as_str();
    if asked.hinted.as_ref().is_some_and(names_them) {
        let there = end(&visitor, session, asked.client.as_deref()).await?;
        return Ok(leave(&visitor, &asked, back, there).await);
    }
    Ok(question(&visitor, session, &asked))
}

/// `POST /logout`: the answer to our question, or our own button. A form of an app brings no cookie, so that it goes on by GET.
async fn by_form(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: RequestBody,
) -> Result<Response, PageError> {
    let form = body.form()?;
    let asked = asked(&app, &form).await?;
    if !form.contains("csrf") && asked.request != LogoutRequest::default() {
        return Ok(see_other(&again(&asked.request)));
    }
    let browser = app.browser(&headers).await?;
    if !browser.sent(&form) {
        return Err(PageError::form_expired());
    }
    let visitor = Visitor {
        app,
        headers,
        browser,
        address: None,
    };
    let there = match &visitor.browser.session {
        Some(session) => end(&visitor, session, asked.client.as_deref()).await?,
        None => None,
    };
    // The person wants to be signed out, also where the app lost its way back since they were asked.
    let back = asked.back().ok().flatten();
    Ok(leave(&visitor, &asked, back, there).await)
}

async fn asked(app: &App, form: &Form) -> Result<Asked, PageError> {
    let request = LogoutRequest::parse(form)?;
    let hinted = match &request.id_token_hint {
        Some(hint) => Some(hinted(app, hint, request.client_id.as_deref()).await?),
        None => None,
    };
    let issued_to = hinted.as_ref().and_then(|hinted| hinted.audiences.first());
    let client = match request.client_id.as_ref().or(issued_to) {
        Some(id) => app.working_client(id).await?,
        None => None,
    };
    Ok(Asked {
        request,
        client,
        hinted,
    })
}

async fn hinted(app: &App, hint: &str, client: Option<&str>) -> Result<HintedIdentity, PageError> {
    let hinted = match client {
        Some(client) => app.hinted_by(client, hint).await,
        None => app.hinted_identity(hint).await,
    };
    hinted.map_err(|error| match error {
        HintError::Refused(refusal) => refusal.into(),
        HintError::Store(error) => error.into(),
    })
}

impl Asked {
    /// With `state`, and only where a client that works has it in its record now, character by character.
    fn back(&self) -> Result<Option<String>, PageError> {
        let Some(uri) = &self.request.post_logout_redirect_uri else {
            return Ok(None);
        };
        let client = self.client.as_ref().ok_or_else(|| {
            PageError::invalid_request(
                "`post_logout_redirect_uri` needs `client_id` or `id_token_hint` of a client that is registered and not stopped",
            )
        })?;
        if !client.openid.post_logout_redirect_uris.contains(uri) {
            return Err(PageError::invalid_request(
                "`post_logout_redirect_uri` is not registered for this client: register exactly this URI, or send one that is",
            ));
        }
        let mut url = Url::parse(uri).map_err(PageError::broken)?;
        if let Some(state) = &self.request.state {
            url.query_pairs_mut().append_pair("state", state);
        }
        Ok(Some(url.into()))
    }
}

fn again(request: &LogoutRequest) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(request.fields())
        .finish();
    format!("{PATH}?{query}")
}

/// Without the hint, which named somebody else or nobody.
fn question(visitor: &Visitor, session: &UserSession, asked: &Asked) -> Response {
    let fields = asked.request.fields().into_iter();
    let page = LogoutQuestion {
        csrf: visitor.browser.csrf(),
        name: session.user.name.clone(),
        client: asked.client.as_deref().map(client_view),
        fields: fields
            .filter(|(name, _)| *name != "id_token_hint")
            .chain(client_field(asked))
            .collect(),
    };
    let (app, locales) = (&visitor.app, &asked.request.ui_locales);
    let texts = app.languages.of_request_in(&visitor.headers, locales);
    page.page(texts).into_http().into_response()
}

/// The client, where only the hint named it.
fn client_field(asked: &Asked) -> Option<(&'static str, String)> {
    let client = asked.client.as_ref()?;
    let unnamed = asked.request.client_id.is_none();
    unnamed.then(|| ("client_id", client.id.to_string()))
}

/// The session at the provider that opened this one, which goes on.
async fn end(
    visitor: &Visitor,
    session: &UserSession,
    client: Option<&Client>,
) -> Result<Option<SessionThere>, StoreError> {
    let (app, now) = (&*visitor.app, visitor.app.mended_time());
    let mut transaction = app.begin().await?;
    let (user, digest) = (&session.user.id, visitor.browser.digest());
    transaction.hold_user(user).await?;
    let upstream = transaction.session_upstream(&digest, now).await?;
    let there = match &upstream {
        Some(issuer) => session_there(app, &mut transaction, &digest, issuer.clone()).await?,
        None => None,
    };
    if transaction.end_session(&digest, now).await? {
        if let Some(issuer) = &upstream {
            transaction.forget_upstream_tokens(user, issuer).await?;
        }
        let mut event = Event::new(app.event_id(now), now, EventName::LogoutSucceeded)
            .of_subject(user.as_str())
            .with(json!({ "by": if client.is_some() { "client" } else { "person" } }));
        event.client = client.map(|client| client.id.to_string());
        transaction.insert_event(&event).await?;
        app.metrics.logout();
    }
    transaction.commit().await?;
    Ok(there)
}

/// Back to the app, or the page that says that it is done; the cookie is gone in either case.
async fn leave(
    visitor: &Visitor,
    asked: &Asked,
    back: Option<String>,
    there: Option<SessionThere>,
) -> Response {
    let app = &visitor.app;
    let mut response = match (back, there) {
        (Some(back), _) => see_other(&back),
        (None, there) => {
            let there = match &there {
                Some(session) => sign_out_there(app, session).await,
                None => None,
            };
            let locales = &asked.request.ui_locales;
            let texts = app.languages.of_request_in(&visitor.headers, locales);
            let done = Done::SignedOut { there };
            done.page(texts).into_http().into_response()
        }
    };
    app.forget(response.headers_mut());
    response
}
