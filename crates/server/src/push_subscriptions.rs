//! `/app/devices/push`: a logged-in person's browser asks to be reached by Web Push (RFC 8030 section 4), or no longer.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use writ_core::Refusal;
use writ_core::checks::Endpoint;
use writ_core::id::UserId;
use writ_jose::hash;
use writ_outside::guard::Origin;
use writ_store::push::Subscription;
use writ_wire::form::Form;

use crate::answer::{self, Failure};
use crate::app::App;
use crate::authorize::{see_other, untrusted};
use crate::login::form_expired;
use crate::notices::Subscribed;
use crate::pages::{LONGEST_WORDS, clean};

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
    if !browser.is_usable() || !is_push_service(app, &browser.endpoint) {
        return Ok(Done::Bad);
    }
    let named = asked.name.filter(|name| !name.trim().is_empty());
    let name = named.as_deref().or(text(USER_AGENT)).unwrap_or_default();
    let row = Subscription {
        digest: browser.digest(),
        user,
        sealed: browser.seal(app)?,
        name: clean(name, LONGEST_WORDS),
        created_at: app.clock.now(),
    };
    let mut session = app.begin().await?;
    session.upsert_subscription(&row).await?;
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
    let mine = session.subscriptions_of(&user).await?;
    if mine.iter().any(|one| one.digest == digest) {
        session.subscription_gone(&digest, app.clock.now()).await?;
    }
    session.commit().await?;
    Ok(Done::Yes)
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
    let ours = hash::equal(sent.csrf(headers).as_bytes(), browser.csrf().as_bytes());
    Ok(match browser.session {
        None => Err(Done::NotLoggedIn),
        Some(_) if !ours => Err(Done::Forged),
        Some(session) => Ok(session.user.id),
    })
}

/// Only services that the operator named are called for a browser; a stranger's address never is (LESSONS 28).
fn is_push_service(app: &App, endpoint: &str) -> bool {
    let channels = &app.config.channels;
    if channels.rules.admits(endpoint).is_err() {
        return false;
    }
    let trusted = |origin: &Origin| channels.rules.trusted.contains(origin);
    if channels
        .rules
        .origin(endpoint)
        .is_ok_and(|origin| trusted(&origin))
    {
        return true;
    }
    let url = Url::parse(endpoint).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let usual_port = url.as_ref().is_some_and(|url| url.port().is_none());
    usual_port && channels.push_hosts.iter().any(|known| is_host(known, host))
}

fn is_host(known: &str, host: &str) -> bool {
    match known.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => host == known,
    }
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
            end(untrusted(&Refusal::invalid_request(sentence)))
        }
        (Sent::Json(_), Done::Yes) => StatusCode::NO_CONTENT.into_response(),
        (Sent::Json(_), Done::NotLoggedIn) => StatusCode::UNAUTHORIZED.into_response(),
        (Sent::Json(_), Done::Forged) => StatusCode::FORBIDDEN.into_response(),
        (Sent::Json(_), Done::Bad) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Where a person's devices are shown.
const PAGE: &str = "/app/devices";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_whole_or_below_a_dot() {
        assert!(is_host("push.example", "push.example"));
        assert!(is_host("*.push.example", "a.b.push.example"));
        for (known, host) in [
            ("push.example", "a.push.example"),
            ("push.example", "push.example.evil.example"),
            ("*.push.example", "push.example"),
            ("*.push.example", ".push.example"),
            ("*.push.example", "evilpush.example"),
        ] {
            assert!(!is_host(known, host), "{known} {host}");
        }
    }
}
