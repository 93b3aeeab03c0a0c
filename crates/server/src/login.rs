//! Login with a password: a bounded pool, a pause after wrong ones, a new cookie at success.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use writ_core::authorize::{FoundRequest, LOGIN_PAUSE, MAX_LOGIN_FAILURES, SESSION_LIFETIME};
use writ_core::checks::Endpoint;
use writ_core::client::User;
use writ_core::event::{Event, EventName};
use writ_store::session::NewSession;
use writ_store::user::StoredUser;
use writ_wire::form::Form;

use crate::app::App;
use crate::authorize::{Ended, load, see_other, untrusted};
use crate::caller::secret_digest;
use crate::consent::client_view;
use crate::pages::{self, Done, FailureKind, FormAction, Login, LoginProblem};
use crate::session::Browser;

pub async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let form =
            Form::parse(query.unwrap_or_default().as_bytes()).map_err(|e| untrusted(&e.into()))?;
        let handle = form.optional("request").map_err(|e| untrusted(&e.into()))?;
        let browser = app.browser(&headers).await?;
        page(&app, &browser, handle, (String::new(), None)).await
    };
    match result.await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

pub async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match attempt(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

pub async fn logout(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let result = async {
        let form = Form::parse(&body).map_err(|e| untrusted(&e.into()))?;
        let browser = app.browser(&headers).await?;
        if !browser.sent(&form) {
            return Err(form_expired());
        }
        let mut session = app.begin().await?;
        session
            .end_session(&browser.digest(), app.clock.now())
            .await?;
        session.commit().await?;
        let mut response = Done::SignedOut.page(&app.texts).into_response();
        app.forget(response.headers_mut());
        Ok(response)
    };
    match result.await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

/// A form that this browser was not given, or whose cookie is gone.
pub fn form_expired() -> Ended {
    Ended::Page(Box::new(pages::Failure::new(FailureKind::FormExpired)))
}

async fn attempt(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let field = |name| form.optional(name).map_err(|e| untrusted(&e.into()));
    let handle = field("request")?.map(str::to_owned);
    let username = field("username")?.unwrap_or_default().to_owned();
    let password = field("password")?.unwrap_or_default().to_owned();
    let browser = app.browser(headers).await?;
    if !browser.sent(&form) {
        return page(
            app,
            &browser,
            handle.as_deref(),
            (username, Some(LoginProblem::Expired)),
        )
        .await;
    }
    match check(app, &username, password).await? {
        Ok(user) => enter(app, &browser, &user, handle.as_deref()).await,
        Err(problem) => page(app, &browser, handle.as_deref(), (username, Some(problem))).await,
    }
}

/// The person, or what to tell them; never whether the name exists.
async fn check(
    app: &App,
    username: &str,
    password: String,
) -> Result<Result<User, LoginProblem>, Ended> {
    let now = app.clock.now();
    let stored = app.read().await?.user_by_name(username).await?;
    let paused = match &stored {
        Some(stored) => stored.paused_until.is_some_and(|until| now < until),
        None => app.strangers.is_paused(username, now),
    };
    if paused {
        app.metrics.login("paused");
        return Ok(Err(LoginProblem::TooMany));
    }
    let hash = stored.as_ref().map(|s| s.password_hash.clone());
    let Ok(matches) = app.passwords.verify(password, hash).await else {
        app.metrics.login("busy");
        return Ok(Err(LoginProblem::Busy));
    };
    match stored {
        Some(stored) if matches && !stored.user.disabled => Ok(Ok(stored.user)),
        stored => {
            failed(app, username, stored).await?;
            Ok(Err(LoginProblem::Wrong))
        }
    }
}

async fn failed(app: &App, username: &str, stored: Option<StoredUser>) -> Result<(), Ended> {
    app.metrics.login("failed");
    let now = app.clock.now();
    let mut session = app.begin().await?;
    match stored {
        Some(stored) => {
            let pause = now.plus(LOGIN_PAUSE);
            session
                .record_login_failure(&stored.user.id, MAX_LOGIN_FAILURES, pause)
                .await?;
            let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
                .of_subject(stored.user.id.as_str());
            session.insert_event(&event).await?;
        }
        // Anybody can send names: counted, not written one row each.
        None => {
            app.strangers.failed(username, now);
            session.count_refusal("/login", "unknown_name", now).await?;
        }
    }
    session.commit().await?;
    Ok(())
}

/// A new cookie for a new login; the old one ends.
async fn enter(
    app: &App,
    before: &Browser,
    user: &User,
    handle: Option<&str>,
) -> Result<Response, Ended> {
    let now = app.clock.now();
    let fresh = app.new_browser();
    let for_request = handle.map(secret_digest);
    let mut session = app.begin().await?;
    session.clear_login_failures(&user.id).await?;
    session.end_session(&before.digest(), now).await?;
    session
        .insert_session(NewSession {
            digest: &fresh.digest(),
            user: &user.id,
            authenticated_at: now,
            for_request: for_request.as_deref(),
            expires_at: now.plus(SESSION_LIFETIME),
        })
        .await?;
    let event =
        Event::new(app.event_id(now), now, EventName::LoginSucceeded).of_subject(user.id.as_str());
    session.insert_event(&event).await?;
    session.commit().await?;
    app.metrics.login("succeeded");
    let location = handle.map_or_else(
        || "/app".to_owned(),
        |handle| format!("/consent?request={handle}"),
    );
    let mut response = see_other(&location);
    app.remember(&fresh, response.headers_mut());
    Ok(response)
}

async fn page(
    app: &App,
    browser: &Browser,
    handle: Option<&str>,
    (username, problem): (String, Option<LoginProblem>),
) -> Result<Response, Ended> {
    let found = match handle {
        Some(handle) => Some(waiting(app, handle).await?),
        None => None,
    };
    let client = match &found {
        Some(found) => app.client(&found.client).await?,
        None => None,
    };
    let login = Login {
        csrf: browser.csrf(),
        request: handle.map(str::to_owned),
        client: client.map(|client| client_view(&client)),
        username,
        problem,
        form_action: found.and_then(|found| FormAction::of_redirect(&found.prepared.redirect_uri)),
    };
    let mut response = login.page(&app.texts).into_response();
    app.remember(browser, response.headers_mut());
    Ok(response)
}

/// A request that still waits for a person.
async fn waiting(app: &App, handle: &str) -> Result<FoundRequest, Ended> {
    let found = load(app, handle).await?;
    found.usable(&found.client, app.clock.now())?;
    Ok(found)
}
