//! `/app/devices/push`: the browser of a signed-in user asks to be reached by Web Push (RFC 8030 section 4), or no longer.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use writ_core::browser_name::BrowserName;
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_jose::hash;
use writ_pages::messages::Reach;
use writ_pages::{LONGEST_WORDS, clean};
use writ_store::push::PushSubscription;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;
use writ_wire::strict_json;

use crate::client::answer::json as json_answer;
use crate::client::body::RequestBody;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::notifications::reach_notice;
use crate::notifications::web_push::BrowserSubscription;
use crate::people::elsewhere::OwnDevice;
use crate::people::error::PageError;
use crate::people::redirect::{see_other, to_login};
use crate::people::request::{SignedIn, Visitor};

/// Where a person's devices are shown.
const PAGE: &str = "/app/devices";

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/app/devices/push/key", get(key))
        .route("/app/devices/push", post(subscribe))
        .route("/app/devices/push/remove", post(remove))
}

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

/// Why a subscription was not changed.
enum NotDone {
    SignedOut,
    /// The login is no fresh proof any more.
    NotFresh,
    FormExpired,
    Unusable,
    /// As many browsers as can be told.
    TooMany,
    Failed(PageError),
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<PageError> for NotDone {
    fn from(error: PageError) -> Self {
        match error {
            PageError::SignedOut { .. } => Self::SignedOut,
            other => Self::Failed(other),
        }
    }
}

impl From<Failure> for NotDone {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.into())
    }
}

/// The key that `pushManager.subscribe` wants (RFC 8292 section 4.1); it is no secret.
async fn key(State(app): State<Arc<App>>) -> Response {
    let key = &app.notices.push_key.public;
    json_answer(StatusCode::OK, &json!({ "key": key }))
}

async fn subscribe(
    visitor: Result<Visitor, PageError>,
    body: RequestBody,
) -> Result<Response, PageError> {
    let visitor = visitor.map_err(PageError::for_script)?;
    let sent = Sent::read(&body)?;
    let device = visitor.app.own_device(&visitor.headers);
    let mut response = answer(&sent, add(&visitor, &sent, &device).await)?;
    visitor.app.remember_device(&device, response.headers_mut());
    Ok(response)
}

async fn remove(
    visitor: Result<Visitor, PageError>,
    body: RequestBody,
) -> Result<Response, PageError> {
    let visitor = visitor.map_err(PageError::for_script)?;
    let sent = Sent::read(&body)?;
    answer(&sent, take_away(&visitor, &sent).await)
}

async fn add(visitor: &Visitor, sent: &Sent, device: &OwnDevice) -> Result<(), NotDone> {
    let (app, headers) = (&*visitor.app, &visitor.headers);
    let person = signed_in(visitor, sent)?;
    let user = person.user().id.clone();
    let asked = sent.subscribing().ok_or(NotDone::Unusable)?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let browser = BrowserSubscription {
        language: app
            .notices
            .language(text(ACCEPT_LANGUAGE).unwrap_or_default()),
        endpoint: asked.endpoint,
        p256dh: asked.keys.p256dh,
        auth: asked.keys.auth,
    };
    // Only services that the operator named are called for a browser (their addresses come from the browser).
    let service = app.config.channels.push_service(&browser.endpoint);
    if !browser.is_usable() || service.is_none() {
        return Err(NotDone::Unusable);
    }
    let named = asked.name.filter(|name| !name.trim().is_empty());
    let name = match named {
        Some(name) => name,
        None => BrowserName::of(text(USER_AGENT).unwrap_or_default()).to_string(),
    };
    let row = PushSubscription {
        digest: browser.digest(),
        user,
        sealed: browser.seal(app)?,
        name: clean(&name, LONGEST_WORDS),
        browser: Some(device.digest()),
        created_at: app.clock.now(),
    };
    if of(&mut app.read().await?, &row.user, &row.digest)
        .await?
        .is_none()
    {
        // Another browser reads what a person is asked.
        if !person.is_fresh() {
            return Err(NotDone::NotFresh);
        }
        reach_notice::admit_change(app, &row.user).await?;
    }
    let (outbox, what) = (app.outbox(), Reach::BrowserAdded);
    let mut transaction = person.begin_change().await?;
    let known = of(&mut transaction, &row.user, &row.digest).await?;
    let is_new = known.is_none();
    if is_new {
        reach_notice::about_to_change(&outbox, &mut transaction, &row.user, what, None).await?;
    }
    if !transaction.upsert_subscription(&row).await? {
        return Err(NotDone::TooMany);
    }
    if is_new {
        record(app, &mut transaction, &row.user, added(&row.digest)).await?;
    }
    transaction.commit().await?;
    app.notices.wake();
    Ok(())
}

/// Counted by no budget: each that goes was counted when it came.
async fn take_away(visitor: &Visitor, sent: &Sent) -> Result<(), NotDone> {
    let app = &*visitor.app;
    let person = signed_in(visitor, sent)?;
    let user = person.id();
    let removing = sent.removing().ok_or(NotDone::Unusable)?;
    let digest = match removing.device.is_empty() {
        true => BrowserSubscription::digest_of(&removing.endpoint),
        false => removing.device,
    };
    let (outbox, what, now) = (app.outbox(), Reach::BrowserRemoved, app.clock.now());
    let mut transaction = person.begin_change().await?;
    let Some(row) = of(&mut transaction, user, &digest).await? else {
        return Ok(());
    };
    reach_notice::about_to_change(&outbox, &mut transaction, user, what, Some(&row)).await?;
    if transaction.subscription_gone(&digest, now).await? {
        record(app, &mut transaction, user, removed(&digest)).await?;
    }
    transaction.commit().await?;
    app.notices.wake();
    Ok(())
}

async fn of(
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    digest: &str,
) -> Result<Option<PushSubscription>, StoreError> {
    let known = transaction.subscriptions_of(user).await?;
    Ok(known.into_iter().find(|one| one.digest == digest))
}

fn added(device: &str) -> Value {
    json!({ "push": "added", "device": device })
}

fn removed(device: &str) -> Value {
    json!({ "push": "removed", "device": device })
}

/// Whoever is told of what a person is asked stands in the audit record.
async fn record(
    app: &App,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    change: Value,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(user.as_str())
        .with(change);
    transaction.insert_event(&event).await
}

impl Sent {
    fn read(body: &RequestBody) -> Result<Self, PageError> {
        if !body.is_json() {
            return Ok(Self::Form(body.form()?));
        }
        let unreadable = |_| PageError::script(StatusCode::BAD_REQUEST, "invalid_request");
        let read = strict_json::read(body.json()?);
        read.map(Self::Json).map_err(unreadable)
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
                    strict_json::read(field(form, "subscription")?).ok()?;
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

/// Who is signed in, if the request came from one of our own pages.
fn signed_in<'a>(visitor: &'a Visitor, sent: &Sent) -> Result<SignedIn<'a>, NotDone> {
    let person = visitor.session().ok_or(NotDone::SignedOut)?;
    let (token, expected) = (sent.csrf(&visitor.headers), person.browser.csrf());
    hash::constant_time_eq(token.as_bytes(), expected.as_bytes())
        .then_some(person)
        .ok_or(NotDone::FormExpired)
}

/// A form leads back to the page, a script gets a status.
fn answer(sent: &Sent, done: Result<(), NotDone>) -> Result<Response, PageError> {
    let refused = match (sent, done) {
        (Sent::Form(_), Ok(())) => return Ok(see_other(PAGE)),
        (Sent::Form(_), Err(NotDone::SignedOut)) => return Ok(see_other("/login")),
        (Sent::Form(_), Err(NotDone::NotFresh)) => return Ok(to_login(PAGE)),
        (Sent::Json(_), Ok(())) => return Ok(StatusCode::NO_CONTENT.into_response()),
        (Sent::Form(_), Err(NotDone::FormExpired)) => PageError::form_expired(),
        (Sent::Form(_), Err(NotDone::Unusable)) => {
            PageError::invalid_request("the browser sent no subscription that can be used")
        }
        (Sent::Form(_), Err(NotDone::TooMany)) => {
            PageError::invalid_request("as many browsers are told as can be: remove one first")
        }
        (Sent::Json(_), Err(NotDone::SignedOut | NotDone::NotFresh)) => {
            PageError::script_status(StatusCode::UNAUTHORIZED)
        }
        (Sent::Json(_), Err(NotDone::FormExpired)) => {
            PageError::script_status(StatusCode::FORBIDDEN)
        }
        (Sent::Json(_), Err(NotDone::Unusable)) => {
            PageError::script_status(StatusCode::BAD_REQUEST)
        }
        (Sent::Json(_), Err(NotDone::TooMany)) => PageError::script_status(StatusCode::CONFLICT),
        (_, Err(NotDone::Failed(error))) => error.for_script(),
    };
    Err(refused)
}
