//! `/app/devices`: a person's passkeys (WebAuthn 7.1). Whoever adds one can come back and approve, so the person proves themselves
//! in that very act.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use writ_core::authorize::UserSession as Person;
use writ_core::checks::Endpoint;
use writ_core::event::{Event, EventName};
use writ_pages::messages::Passkey;
use writ_pages::{Devices, DevicesNotice, DevicesProblem, Enrolment, NotifiedView, PasskeyView};
use writ_passkey::{UserEntity, challenge_of};
use writ_store::DatabaseTransaction;
use writ_store::passkey::StoredPasskey;
use writ_wire::form::Form;

use crate::client::answer::json as json_answer;
use crate::node::app::App;
use crate::notifications::passkey::passkey_changed;
use crate::people::authorize::Ended;
use crate::people::inbox;
use crate::people::login::{signed_in, to_login};
use crate::people::session::Browser;

mod add;
mod ceremony;
mod proof;
mod remove;

use proof::Proof;

/// More than anybody's devices.
pub const MAX_PASSKEYS: usize = 20;
const PATH: &str = "/app/devices";

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PATH, get(show))
        .route("/app/devices/passkeys/prove", post(proof::options))
        .route("/app/devices/passkeys/options", post(add::options))
        .route("/app/devices/passkeys", post(add::submit))
        .route("/app/devices/passkeys/remove", post(remove::submit))
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

/// A passkey that was added or removed.
struct Change<'a> {
    what: Passkey,
    credential_id: &'a str,
    proof: &'a Proof,
}

/// In the transaction of the change: its event, and the person is told on every channel, so that it is never done unnoticed.
async fn record(
    app: &App,
    session: &mut DatabaseTransaction,
    person: &Person,
    change: Change<'_>,
) -> Result<(), Ended> {
    let (user, now) = (&person.user.id, app.clock.now());
    let data = json!({
        "passkey": change.what,
        "credential_id": change.credential_id,
        "by": change.proof,
    });
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(user.as_str())
        .with(data);
    session.insert_event(&event).await?;
    Ok(passkey_changed(&app.post(), session, (user, change.what)).await?)
}

/// An answer to a script of ours.
pub fn refused(status: StatusCode, error: &'static str) -> Response {
    json_answer(status, &json!({ "error": error }))
}

/// What the device answered, in this field, and the challenge that it claims to have signed.
fn answer(form: &Form, field: &'static str) -> Option<(Value, String)> {
    let answer = serde_json::from_str(form.optional(field).ok()??).ok()?;
    let challenge = challenge_of(&answer).ok()?;
    Some((answer, challenge))
}

fn holder(person: &Person) -> UserEntity {
    UserEntity {
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
        enrolment: enrolment(app, &passkeys),
        passkeys: passkeys.into_iter().map(passkey_view).collect(),
        notified: notified.collect(),
        push_key: Some(app.notices.push_key.public.clone()),
        notice: said.notice,
        problem: said.problem,
    };
    let texts = app.texts_for(headers, person).await?;
    Ok(devices.page(&texts).into_http().into_response())
}

fn enrolment(app: &App, passkeys: &[StoredPasskey]) -> Enrolment {
    match &app.passkeys {
        Err(_) => Enrolment::Impossible,
        Ok(_) if passkeys.is_empty() => Enrolment::First,
        Ok(_) => Enrolment::Another,
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
