//! Login with a password: hashed in a bounded pool, paused after failures, with a new cookie at success.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use writ_authority::Level;
use writ_core::authorize::FoundRequest;
use writ_core::client::User;
use writ_core::event::{Event, EventName};
use writ_pages::{Login, LoginProblem};
use writ_store::StoreError;
use writ_store::user::StoredUser;

use crate::node::app::App;
use crate::node::rate_limits::RateLimit;
use crate::people::authorize::load;
use crate::people::error::{PageError, StepError};
use crate::people::request::{PostedForm, Query, Visitor};
use crate::people::request_over::require_usable;
use crate::people::views::asking_client;

mod challenge;
mod entrance;
mod passkey;

use entrance::{Destination, Entrance};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/login", get(show).post(submit))
        .route("/login/passkey/options", post(passkey::options))
        .route("/login/passkey", post(passkey::submit))
}

/// What the login page shows of a failed attempt.
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

async fn show(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    let destination = Destination::of(&query)?;
    page(&visitor, &destination, Again::default()).await
}

async fn submit(posted: PostedForm) -> Result<Response, PageError> {
    let (visitor, form) = (&posted.visitor, posted.unchecked());
    let destination = Destination::of(form)?;
    let username = form.optional("username")?.unwrap_or_default();
    let password = form.optional("password")?.unwrap_or_default();
    let checked = match posted.is_ours() {
        true => check_password(&visitor.app, username, password.to_owned()).await,
        false => Err(StepError::Problem(LoginProblem::Expired)),
    };
    match checked {
        Ok(user) => enter(visitor, &user, &destination).await,
        Err(error) => {
            let again = Again {
                username: username.to_owned(),
                problem: Some(error.problem()?),
            };
            page(visitor, &destination, again).await
        }
    }
}

/// The person, or what to tell them; never whether the name exists.
pub async fn check_password(
    app: &App,
    username: &str,
    password: String,
) -> Result<User, StepError<LoginProblem>> {
    let tries = RateLimit::of_password(username, app.clock.now());
    if !app.admit_attempt(&tries).await? {
        app.metrics.login("paused");
        return Err(StepError::Problem(LoginProblem::TooMany));
    }
    let stored = app.read().await?.user_by_name(username).await?;
    let hash = stored.as_ref().map(|s| s.password_hash.clone());
    let Ok(matches) = app.passwords.verify(password, hash).await else {
        app.metrics.login("busy");
        app.uncount_attempt(&tries).await?;
        return Err(StepError::Problem(LoginProblem::Busy));
    };
    match stored {
        Some(stored) if matches && !stored.user.disabled => {
            app.reset_attempts(&tries).await?;
            Ok(stored.user)
        }
        stored => {
            record_failure(app, stored).await?;
            Err(StepError::Problem(LoginProblem::Wrong))
        }
    }
}

async fn record_failure(app: &App, stored: Option<StoredUser>) -> Result<(), StoreError> {
    app.metrics.login("failed");
    let now = app.clock.now();
    let mut transaction = app.begin().await?;
    match stored {
        Some(stored) => {
            let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
                .of_subject(stored.user.id.as_str())
                .with(json!({ "method": Level::Password }));
            transaction.insert_event(&event).await?;
        }
        // Anybody can send names: counted, not written one event each.
        None => {
            transaction
                .count_refusal("/login", "unknown_name", now)
                .await?
        }
    }
    transaction.commit().await
}

async fn enter(
    visitor: &Visitor,
    user: &User,
    destination: &Destination,
) -> Result<Response, PageError> {
    let app = &*visitor.app;
    let entrance = Entrance {
        before: &visitor.browser,
        user,
        level: Level::Password,
        destination,
    };
    let mut transaction = app.begin().await?;
    let fresh = entrance.open_session(app, &mut transaction).await?;
    transaction.commit().await?;
    Ok(entrance.go_on(app, &fresh))
}

async fn page(
    visitor: &Visitor,
    destination: &Destination,
    again: Again,
) -> Result<Response, PageError> {
    let app = &*visitor.app;
    let found = match &destination.request {
        Some(handle) => Some(usable_request(app, handle).await?),
        None => None,
    };
    let client = match &found {
        Some(found) => asking_client(app, &found.client).await?,
        None => None,
    };
    let openid = found.as_ref().map(|found| &found.prepared.request.openid);
    let asked = openid.map_or(&[][..], |openid| &openid.ui_locales);
    let texts = app.languages.of_request_in(&visitor.headers, asked);
    let username = match (&found, again.problem) {
        (Some(found), None) => hinted_name(app, found).await?,
        _ => again.username,
    };
    let login = Login {
        csrf: visitor.browser.csrf(),
        request: destination.request.clone(),
        next: destination.next.clone(),
        client,
        username,
        problem: again.problem,
        offers_passkey: app.passkeys.is_ok(),
    };
    let mut response = login.page(texts).into_http().into_response();
    app.remember(&visitor.browser, response.headers_mut());
    Ok(response)
}

/// Whom the client expects: by its `id_token_hint`, else in its own words.
async fn hinted_name(app: &App, found: &FoundRequest) -> Result<String, StoreError> {
    let hinted = match &found.prepared.hinted {
        Some(id) => app.read().await?.user_by_id(id).await?,
        None => None,
    };
    let said = found.prepared.request.openid.login_hint.clone();
    Ok(match hinted {
        Some(stored) => stored.user.name,
        None => said.unwrap_or_default(),
    })
}

/// A request that still waits for a person.
async fn usable_request(app: &App, handle: &str) -> Result<FoundRequest, PageError> {
    let found = load(app, handle).await?;
    require_usable(app, &found, &found.client).await?;
    Ok(found)
}
