//! Login with a password: a bounded pool, a pause after wrong ones, a new cookie at success.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::json;
use writ_authority::Level;
use writ_core::authorize::{FoundRequest, UserSession};
use writ_core::checks::Endpoint;
use writ_core::client::User;
use writ_core::event::{Event, EventName};
use writ_pages::{Done, FailureKind, FormAction, Login, LoginProblem};
use writ_store::user::StoredUser;
use writ_wire::form::Form;

use crate::node::app::App;
use crate::node::rate_limits::Tries;
use crate::people::authorize::{Ended, load, untrusted};
use crate::people::consent::client_view;
use crate::people::session::Browser;

mod challenge;
mod entrance;
mod passkey;

pub use entrance::to_login;
use entrance::{Arrival, Way};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/login", get(show).post(submit))
        .route("/login/passkey/options", post(passkey::options))
        .route("/login/passkey", post(passkey::submit))
        .route("/logout", post(logout))
}

/// What the page shows of a try before.
#[derive(Default)]
struct Again {
    username: String,
    problem: Option<LoginProblem>,
}

impl Again {
    fn after(problem: LoginProblem) -> Self {
        Self {
            username: String::new(),
            problem: Some(problem),
        }
    }
}

async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let form =
            Form::parse(query.unwrap_or_default().as_bytes()).map_err(|e| untrusted(&e.into()))?;
        let way = Way::of(&form)?;
        let browser = app.browser(&headers).await?;
        page(&app, (&headers, &browser), &way, Again::default()).await
    };
    match result.await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match attempt(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn logout(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
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
        let texts = app.languages.of_request(&headers);
        let mut response = Done::SignedOut.page(texts).into_http().into_response();
        app.forget(response.headers_mut());
        Ok(response)
    };
    match result.await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

/// Who is signed in.
pub fn signed_in(browser: &Browser) -> Option<&UserSession> {
    browser.session.as_ref()
}

/// A form that this browser was not given, or whose cookie is gone.
pub fn form_expired() -> Ended {
    Ended::Page(Box::new(writ_pages::Failure::new(FailureKind::FormExpired)))
}

async fn attempt(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let field = |name| form.optional(name).map_err(|e| untrusted(&e.into()));
    let way = Way::of(&form)?;
    let username = field("username")?.unwrap_or_default().to_owned();
    let password = field("password")?.unwrap_or_default().to_owned();
    let browser = app.browser(headers).await?;
    let outcome = match browser.sent(&form) {
        true => check_password(app, &username, password).await?,
        false => Err(LoginProblem::Expired),
    };
    match outcome {
        Ok(user) => enter(app, &browser, &user, &way).await,
        Err(problem) => {
            let again = Again {
                username,
                problem: Some(problem),
            };
            page(app, (headers, &browser), &way, again).await
        }
    }
}

/// The person, or what to tell them; never whether the name exists.
pub async fn check_password(
    app: &App,
    username: &str,
    password: String,
) -> Result<Result<User, LoginProblem>, Ended> {
    let tries = Tries::of_password(username, app.clock.now());
    if !app.may_try(&tries).await? {
        app.metrics.login("paused");
        return Ok(Err(LoginProblem::TooMany));
    }
    let stored = app.read().await?.user_by_name(username).await?;
    let hash = stored.as_ref().map(|s| s.password_hash.clone());
    let Ok(matches) = app.passwords.verify(password, hash).await else {
        app.metrics.login("busy");
        app.forgive_try(&tries).await?;
        return Ok(Err(LoginProblem::Busy));
    };
    match stored {
        Some(stored) if matches && !stored.user.disabled => {
            app.forget_tries(&tries).await?;
            Ok(Ok(stored.user))
        }
        stored => {
            failed(app, stored).await?;
            Ok(Err(LoginProblem::Wrong))
        }
    }
}

async fn failed(app: &App, stored: Option<StoredUser>) -> Result<(), Ended> {
    app.metrics.login("failed");
    let now = app.clock.now();
    let mut session = app.begin().await?;
    match stored {
        Some(stored) => {
            let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
                .of_subject(stored.user.id.as_str())
                .with(json!({ "method": Level::Password }));
            session.insert_event(&event).await?;
        }
        // Anybody can send names: counted, not written one event each.
        None => session.count_refusal("/login", "unknown_name", now).await?,
    }
    session.commit().await?;
    Ok(())
}

async fn enter(app: &App, before: &Browser, user: &User, way: &Way) -> Result<Response, Ended> {
    let arrival = Arrival {
        before,
        user,
        level: Level::Password,
        way,
    };
    let mut session = app.begin().await?;
    let fresh = arrival.enter(app, &mut session).await?;
    session.commit().await?;
    Ok(arrival.go_on(app, &fresh))
}

async fn page(
    app: &App,
    (headers, browser): (&HeaderMap, &Browser),
    way: &Way,
    again: Again,
) -> Result<Response, Ended> {
    let found = match &way.request {
        Some(handle) => Some(waiting(app, handle).await?),
        None => None,
    };
    let client = match &found {
        Some(found) => app.client(&found.client).await?,
        None => None,
    };
    let login = Login {
        csrf: browser.csrf(),
        request: way.request.clone(),
        next: way.next.clone(),
        client: client.map(|client| client_view(&client)),
        username: again.username,
        problem: again.problem,
        offers_passkey: app.passkeys.is_ok(),
        form_action: found.and_then(|found| FormAction::of_redirect(&found.prepared.redirect_uri)),
    };
    let texts = app.languages.of_request(headers);
    let mut response = login.page(texts).into_http().into_response();
    app.remember(browser, response.headers_mut());
    Ok(response)
}

/// A request that still waits for a person.
async fn waiting(app: &App, handle: &str) -> Result<FoundRequest, Ended> {
    let found = load(app, handle).await?;
    found.usable(&found.client, app.clock.now())?;
    Ok(found)
}
