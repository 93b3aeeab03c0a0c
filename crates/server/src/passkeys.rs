//! `/app/devices`: a person's passkeys (WebAuthn 7.1). Added and removed only soon after a login, because whoever adds one stays.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use writ_core::authorize::Session as Person;
use writ_core::checks::Endpoint;
use writ_core::event::{Event, EventName};
use writ_passkey::Person as Holder;
use writ_store::Session;
use writ_store::passkey::StoredPasskey;
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::answer::json as json_answer;
use crate::app::App;
use crate::authorize::{Ended, untrusted};
use crate::inbox;
use crate::login::{form_expired, signed_in, to_login};
use crate::pages::{Devices, DevicesNotice, DevicesProblem, Enrolment, NotifiedView, PasskeyView};
use crate::session::Browser;

mod add;
mod ceremony;

pub use ceremony::{Ceremony, LOGIN};

/// A passkey is added or removed at most so long after a login.
pub const FRESH_LOGIN: Duration = Duration::from_secs(10 * 60);
/// More than anybody's devices.
pub const MAX_PASSKEYS: usize = 20;
const PATH: &str = "/app/devices";

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PATH, get(show))
        .route("/app/devices/passkeys/options", post(add::options))
        .route("/app/devices/passkeys", post(add::submit))
        .route("/app/devices/passkeys/remove", post(remove))
}

/// What the page says after a step.
#[derive(Clone, Copy, Default)]
struct Said {
    notice: Option<DevicesNotice>,
    problem: Option<DevicesProblem>,
}

impl From<DevicesNotice> for Said {
    fn from(notice: DevicesNotice) -> Self {
        Self {
            notice: Some(notice),
            problem: None,
        }
    }
}

impl From<DevicesProblem> for Said {
    fn from(problem: DevicesProblem) -> Self {
        Self {
            notice: None,
            problem: Some(problem),
        }
    }
}

async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let result = async {
        let browser = app.browser(&headers).await?;
        match signed_in(&browser) {
            Some(person) => page(&app, (&headers, &browser), person, Said::default()).await,
            None => Ok(to_login(PATH)),
        }
    };
    match result.await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn remove(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match removed(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn removed(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let browser = app.browser(headers).await?;
    let Some(person) = signed_in(&browser) else {
        return Ok(to_login(PATH));
    };
    if !browser.sent(&form) {
        return Err(form_expired());
    }
    let now = app.clock.now();
    if !is_fresh(person, now) {
        return Ok(to_login(PATH));
    }
    let id = form.required("passkey").map_err(|e| untrusted(&e.into()))?;
    let mut session = app.begin().await?;
    if session.remove_passkey(&person.user.id, id, now).await? {
        record(app, &mut session, person, ("removed", id)).await?;
    }
    session.commit().await?;
    let said = Said::from(DevicesNotice::PasskeyRemoved);
    page(app, (headers, &browser), person, said).await
}

async fn record(
    app: &App,
    session: &mut Session,
    person: &Person,
    (what, credential_id): (&str, &str),
) -> Result<(), Ended> {
    let now = app.clock.now();
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(person.user.id.as_str())
        .with(json!({ "passkey": what, "credential_id": credential_id }));
    Ok(session.insert_event(&event).await?)
}

/// Whether this login is young enough for what a thief of the cookie must not do.
pub fn is_fresh(person: &Person, now: Timestamp) -> bool {
    now <= person.authenticated_at.plus(FRESH_LOGIN)
}

/// An answer to a script of ours.
pub fn refused(status: StatusCode, error: &'static str) -> Response {
    json_answer(status, &json!({ "error": error }))
}

fn holder(person: &Person) -> Holder {
    Holder {
        id: person.user.id.as_str().to_owned(),
        name: person.user.name.clone(),
    }
}

async fn page(
    app: &App,
    (headers, browser): (&HeaderMap, &Browser),
    person: &Person,
    said: Said,
) -> Result<Response, Ended> {
    let now = app.clock.now();
    let user = &person.user.id;
    let mut reading = app.read().await?;
    let passkeys = reading.passkeys_of(user).await?;
    let subscriptions = reading.subscriptions_of(user).await?;
    drop(reading);
    let notified = subscriptions.into_iter().map(|one| NotifiedView {
        id: one.digest,
        name: one.name,
        added: one.created_at,
    });
    let devices = Devices {
        person: inbox::person(app, browser, person).await?,
        passkeys: passkeys.into_iter().map(passkey_view).collect(),
        notified: notified.collect(),
        push_key: Some(app.notices.push_key.public.clone()),
        enrolment: enrolment(app, person, now),
        notice: said.notice,
        problem: said.problem,
    };
    let texts = app.languages.of_request(headers);
    Ok(devices.page(texts).into_response())
}

fn enrolment(app: &App, person: &Person, now: Timestamp) -> Enrolment {
    match &app.passkeys {
        Err(_) => Enrolment::Impossible,
        Ok(_) if is_fresh(person, now) => Enrolment::Open,
        Ok(_) => Enrolment::NeedsLogin,
    }
}

fn passkey_view(stored: StoredPasskey) -> PasskeyView {
    PasskeyView {
        id: stored.credential_id,
        name: stored.name,
        added: stored.created_at,
        used: stored.used_at,
    }
}
