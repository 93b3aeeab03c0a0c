//! `/app/devices/push`: a logged-in person's browser asks to be reached by Web Push (RFC 8030 section 4), or no longer.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_jose::hash;
use writ_pages::{LONGEST_WORDS, clean};
use writ_store::DatabaseTransaction;
use writ_store::push::PushSubscription;
use writ_wire::form::Form;

use crate::client::answer;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::notifications::web_push::Subscribed;
use crate::people::authorize::{see_other, untrusted};
use crate::people::login::form_expired;

/// `PushSubscription.toJSON()` of a browser.
#[derive(Deserialize)]
struct Subscribing {
    endpoint: String,
    keys: Keys,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Removing {
    endpoint: String,
    /// The digest, as the page of devices shows it.
    device: String,
}

/// What a browser sent: the form of our page, or JSON of a script with the form token in `x-csrf`.
enum Sent {
    Form(Form),
    Json(Value),
}

/// How it went.
enum Done {
    Yes,
    NotLoggedIn,
    Forged,
    Bad,
    /// As many browsers as can be told.
    TooMany,
}

/// The key that `pushManager.subscribe` wants (RFC 8292 section 4.1); it is no secret.
pub async fn key(State(app): State<Arc<App>>) -> Response {
    let key = &app.notices.push_key.public;
    answer::json(StatusCode::OK, &json!({ "key": key }))
}

pub async fn subscribe(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(sent) = Sent::read(&headers, &body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let done = subscribed(&app, &headers, &sent).await;
    finish(&app, &sent, done)
}

pub async fn remove(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(sent) = Sent::read(&headers, &body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let done = removed(&app, &headers, &sent).await;
    finish(&app, &sent, done)
}

async fn subscribed(app: &App, headers: &HeaderMap, sent: &Sent) -> Result<Done, Failure> {
    let user = match person(app, headers, sent).await? {
        Ok(user) => user,
        Err(done) => return Ok(done),
    };
    let Some(asked) = sent.subscribing() else {
        return Ok(Done::Bad);
    };
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let browser = Subscribed {
        language: app
            .notices
            .language(text(ACCEPT_LANGUAGE).unwrap_or_default()),
        endpoint: asked.endpoint,
        p256dh: asked.keys.p256dh,
        auth: asked.keys.auth,
    };
    // Only services that the operator named are called for a browser (LESSONS 28).
    let service = app.config.channels.push_service(&browser.endpoint);
    if !browser.is_usable() || service.is_none() {
        return Ok(Done::Bad);
    }
    let named = asked.name.filter(|name| !name.trim().is_empty());
    let name = named.as_deref().or(text(USER_AGENT)).unwrap_or_default();
    let row = PushSubscription {
        digest: browser.digest(),
        user,
        sealed: browser.seal(app)?,
        name: clean(name, LONGEST_WORDS),
        created_at: app.clock.now(),
    };
    let mut session = app.begin().await?;
    let is_new = !is_of(&mut session, &row.user, &row.digest).await?;
    if !session.upsert_subscription(&row).await? {
        return Ok(Done::TooMany);
    }
    if is_new {
        record(app, &mut session, (&row.user, &row.digest), "added").await?;
    }
    session.commit().await?;
    Ok(Done::Yes)
}

async fn removed(app: &App, headers: &HeaderMap, sent: &Sent) -> Result<Done, Failure> {
    let user = match person(app, headers, sent).await? {
        Ok(user) => user,
        Err(done) => return Ok(done),
    };
    let Some(removing) = sent.removing() else {
        return Ok(Done::Bad);
    };
    let digest = if removing.device.is_empty() {
        Subscribed::digest_of(&removing.endpoint)
    } else {
        removing.device
    };
    let mut session = app.begin().await?;
    let mine = is_of(&mut session, &user, &digest).await?;
    if mine && session.subscription_gone(&digest, app.clock.now()).await? {
        record(app, &mut session, (&user, &digest), "removed").await?;
    }
    session.commit().await?;
    Ok(Done::Yes)
}

async fn is_of(
    session: &mut DatabaseTransaction,
    user: &UserId,
    digest: &str,
) -> Result<bool, Failure> {
    let known = session.subscriptions_of(user).await?;
    Ok(known.iter().any(|one| one.digest == digest))
}

/// Whoever is told of what a person is asked stands in the record (promise 4).
async fn record(
    app: &App,
    session: &mut DatabaseTransaction,
    (user, digest): (&UserId, &str),
    what: &str,
) -> Result<(), Failure> {
    let now = app.clock.now();
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(user.as_str())
        .with(json!({ "push": what, "device": digest }));
    Ok(session.insert_event(&event).await?)
}

impl Sent {
    fn read(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        match kind.split(';').next()?.trim() {
            "application/json" => serde_json::from_slice(body).ok().map(Self::Json),
            "application/x-www-form-urlencoded" => Form::parse(body).ok().map(Self::Form),
            _ => None,
        }
    }

    /// The form token that came with it.
    fn csrf<'a>(&'a self, headers: &'a HeaderMap) -> &'a str {
        let header = || headers.get("x-csrf")?.to_str().ok();
        let csrf = match self {
            Self::Form(form) => field(form, "csrf"),
            Self::Json(_) => header(),
        };
        csrf.unwrap_or_default()
    }

    fn subscribing(&self) -> Option<Subscribing> {
        match self {
            Self::Json(value) => serde_json::from_value(value.clone()).ok(),
            Self::Form(form) => {
                let mut asked: Subscribing =
                    serde_json::from_str(field(form, "subscription")?).ok()?;
                asked.name = field(form, "name").map(str::to_owned);
                Some(asked)
            }
        }
    }

    fn removing(&self) -> Option<Removing> {
        let text = |form, name| field(form, name).unwrap_or_default().to_owned();
        match self {
            Self::Json(value) => serde_json::from_value(value.clone()).ok(),
            Self::Form(form) => Some(Removing {
                endpoint: text(form, "endpoint"),
                device: text(form, "device"),
            }),
        }
    }
}

fn field<'a>(form: &'a Form, name: &'static str) -> Option<&'a str> {
    form.optional(name).ok().flatten()
}

/// Who is logged in, if the request came from one of our own pages.
async fn person(
    app: &App,
    headers: &HeaderMap,
    sent: &Sent,
) -> Result<Result<UserId, Done>, Failure> {
    let browser = app.browser(headers).await?;
    let ours = hash::constant_time_eq(sent.csrf(headers).as_bytes(), browser.csrf().as_bytes());
    Ok(match browser.session {
        None => Err(Done::NotLoggedIn),
        Some(_) if !ours => Err(Done::Forged),
        Some(session) => Ok(session.user.id),
    })
}

/// A form leads back to the page, a script gets a status.
fn finish(app: &App, sent: &Sent, done: Result<Done, Failure>) -> Response {
    let done = match done {
        Ok(done) => done,
        Err(failure) => return app.broken(&format!("{failure:?}")),
    };
    let end = |ended| app.end(Endpoint::Authorize, ended);
    match (sent, done) {
        (Sent::Form(_), Done::Yes) => see_other(PAGE),
        (Sent::Form(_), Done::NotLoggedIn) => see_other("/login"),
        (Sent::Form(_), Done::Forged) => end(form_expired()),
        (Sent::Form(_), Done::Bad) => {
            let sentence = "the browser sent no subscription that can be used";
            end(untrusted(&OAuthError::invalid_request(sentence)))
        }
        (Sent::Form(_), Done::TooMany) => {
            let sentence = "as many browsers are told as can be: remove one first";
            end(untrusted(&OAuthError::invalid_request(sentence)))
        }
        (Sent::Json(_), Done::Yes) => StatusCode::NO_CONTENT.into_response(),
        (Sent::Json(_), Done::NotLoggedIn) => StatusCode::UNAUTHORIZED.into_response(),
        (Sent::Json(_), Done::Forged) => StatusCode::FORBIDDEN.into_response(),
        (Sent::Json(_), Done::Bad) => StatusCode::BAD_REQUEST.into_response(),
        (Sent::Json(_), Done::TooMany) => StatusCode::CONFLICT.into_response(),
    }
}

/// Where a person's devices are shown.
const PAGE: &str = "/app/devices";
