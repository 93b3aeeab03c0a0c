//! `/app/devices`: a person's passkeys (WebAuthn section 7.1). Whoever adds one can come back and approve, so the person proves
//! themselves in the same ceremony: for the first one by a code that an operator gave them, or by a login at a provider that the operator
//! lets enrol.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_pages::messages::Passkey;
use writ_pages::{Devices, DevicesNotice, DevicesProblem, Enrolment, NotifiedView, PasskeyView};
use writ_passkey::{UserEntity, challenge_of};
use writ_store::DatabaseTransaction;
use writ_store::passkey::StoredPasskey;
use writ_wire::form::Form;
use writ_wire::strict_json;

use crate::node::app::App;
use crate::notifications::account_notice::passkey_changed;
use crate::people::error::{PageError, StepError};
use crate::people::request::{PostedForm, SignedIn, Visitor};

mod accepted;
mod add;
mod ceremony;
mod first;
mod proof;
mod remove;
mod retire;
mod sessions;

pub use accepted::{accepted_passkeys, can_prove_by_passkey};
use first::by_login;
pub use proof::{ChangeProof, ProvenAct, by_passkey};
pub use retire::retire;

/// The most passkeys of one person.
pub const MAX_PASSKEYS: usize = 20;
const PATH: &str = "/app/devices";

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PATH, get(show))
        .route("/app/devices/passkeys/prove", post(proof::options))
        .route("/app/devices/passkeys/options", post(add::options))
        .route("/app/devices/passkeys", post(submit_new))
        .route("/app/devices/passkeys/remove", post(submit_removal))
        .route("/app/devices/sessions/end", post(sessions::end_one))
        .route(
            "/app/devices/sessions/end-others",
            post(sessions::end_others),
        )
}

/// What the page says after a step.
#[derive(Clone, Copy, Default)]
struct Said {
    notice: Option<DevicesNotice>,
    problem: Option<DevicesProblem>,
}

async fn show(visitor: Visitor) -> Result<Response, PageError> {
    page(visitor.signed_in(PATH)?, Said::default()).await
}

async fn submit_new(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let mut transaction = person.begin_change().await?;
    let added = add::add(person, &mut transaction, form).await;
    finish(person, transaction, added).await
}

async fn submit_removal(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let mut transaction = person.begin_change().await?;
    let removed = remove::remove(person, &mut transaction, form).await;
    finish(person, transaction, removed).await
}

/// Commits in either case: a challenge is used up whether its answer is good or not.
async fn finish(
    person: SignedIn<'_>,
    transaction: DatabaseTransaction,
    changed: Result<DevicesNotice, StepError<DevicesProblem>>,
) -> Result<Response, PageError> {
    let said = match changed {
        Ok(notice) => Said {
            notice: Some(notice),
            problem: None,
        },
        Err(error) => Said {
            notice: None,
            problem: Some(error.problem()?),
        },
    };
    transaction.commit().await?;
    person.app.notices.wake();
    page(person, said).await
}

/// A passkey that was added or removed.
struct Change<'a> {
    what: Passkey,
    credential_id: &'a str,
    proof: &'a ChangeProof,
}

/// In the transaction of the change: its event, and the person is told on every channel, so that it is never done unnoticed.
async fn record(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    change: Change<'_>,
) -> Result<(), PageError> {
    let (app, user) = (person.app, &person.user().id);
    let data = json!({
        "passkey": change.what,
        "credential_id": change.credential_id,
        "by": change.proof.recorded(),
    });
    let now = app.clock.now();
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(user.as_str())
        .with(data);
    transaction.insert_event(&event).await?;
    Ok(passkey_changed(&app.outbox(), transaction, user, change.what).await?)
}

/// What the device answered, in this field, and the challenge that it claims to have signed.
fn answer(form: &Form, field: &'static str) -> Option<(Value, String)> {
    let answer = strict_json::read(form.optional(field).ok()??).ok()?;
    let challenge = challenge_of(&answer).ok()?;
    Some((answer, challenge))
}

fn holder(person: SignedIn<'_>) -> UserEntity {
    let user = person.user();
    UserEntity {
        id: user.id.as_str().to_owned(),
        name: user.name.clone(),
    }
}

async fn page(person: SignedIn<'_>, said: Said) -> Result<Response, PageError> {
    let (app, user) = (person.app, &person.user().id);
    let mut reading = app.read().await?;
    let passkeys = reading.passkeys_of(user).await?;
    let accepted = accepted_passkeys(app, &mut reading, user).await?;
    let subscriptions = reading.subscriptions_of(user).await?;
    let enrolment = match enrolment(app, &accepted) {
        Enrolment::First if by_login(person, &mut reading).await?.is_some() => {
            Enrolment::FirstByLogin
        }
        other => other,
    };
    drop(reading);
    let notified = subscriptions.into_iter().map(|one| NotifiedView {
        id: one.digest,
        name: one.name,
        added: one.created_at,
    });
    let devices = Devices {
        person: person.frame().await?,
        enrolment,
        passkeys: passkeys
            .into_iter()
            .map(|one| passkey_view(app, one))
            .collect(),
        notified: notified.collect(),
        sessions: sessions::views(person).await?,
        push_key: Some(app.notices.push_key.public.clone()),
        notice: said.notice,
        problem: said.problem,
    };
    let texts = person.texts().await?;
    Ok(devices.page(&texts).into_http().into_response())
}

fn enrolment(app: &App, accepted: &[StoredPasskey]) -> Enrolment {
    match &app.passkeys {
        Err(_) => Enrolment::Impossible,
        Ok(_) if accepted.is_empty() => Enrolment::First,
        Ok(_) => Enrolment::Another,
    }
}

fn passkey_view(app: &App, stored: StoredPasskey) -> PasskeyView {
    PasskeyView {
        counts: app.config.passkeys.accept(&stored.passkey),
        id: stored.credential_id,
        name: stored.name,
        added: stored.created_at,
        used: stored.used_at,
    }
}
