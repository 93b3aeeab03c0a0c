//! A new passkey: options for the browser, once the person proved themselves; then its answer.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_core::authorize::UserSession as Person;
use writ_core::checks::Endpoint;
use writ_pages::messages::Passkey;
use writ_pages::{DevicesNotice, DevicesProblem, plain};
use writ_passkey as passkey;
use writ_passkey::{NewPasskey, PasskeyError};
use writ_store::DatabaseTransaction;
use writ_store::passkey::StoredPasskey;
use writ_wire::form::Form;

use super::ceremony::{Ceremony, ENROL};
use super::proof::{Act, Proof, by_passkey, by_password};
use super::{Change, MAX_PASSKEYS, PATH, Said, answer, holder, page, record, refused};
use crate::client::answer::json as json_answer;
use crate::node::app::App;
use crate::people::authorize::{Ended, untrusted};
use crate::people::login::{form_expired, signed_in, to_login};
use crate::people::session::Browser;

/// In characters.
const LONGEST_NAME: usize = 64;

/// What waits for the new passkey.
#[derive(Serialize, Deserialize)]
struct Kept {
    proof: Proof,
    state: String,
}

pub async fn options(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match begin(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

pub async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match finish(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn begin(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let browser = app.browser(headers).await?;
    let Some(person) = signed_in(&browser) else {
        return Ok(refused(StatusCode::FORBIDDEN, "needs_login"));
    };
    if !browser.sent(&form) {
        return Ok(refused(StatusCode::FORBIDDEN, "form_expired"));
    }
    let Ok(relying_party) = &app.passkeys else {
        return Ok(refused(StatusCode::NOT_FOUND, "impossible"));
    };
    let existing = app.read().await?.passkeys_of(&person.user.id).await?;
    if existing.len() >= MAX_PASSKEYS {
        return Ok(refused(StatusCode::CONFLICT, "too_many"));
    }
    let proof = match prove(app, (&browser, person), &form, &existing).await? {
        Ok(proof) => proof,
        Err(error) => return Ok(refused(StatusCode::FORBIDDEN, error)),
    };
    let existing: Vec<_> = existing.into_iter().map(|one| one.passkey).collect();
    let began = relying_party.start_enrolment(&holder(person), &existing);
    let began = began.map_err(|fault| Ended::Broken(fault.to_string()))?;
    keep(app, (&browser, person), (proof, &began)).await?;
    Ok(json_answer(StatusCode::OK, &began.options))
}

/// A passkey where there is one, otherwise the password. The code for the script if it was neither.
async fn prove(
    app: &App,
    (browser, person): (&Browser, &Person),
    form: &Form,
    existing: &[StoredPasskey],
) -> Result<Result<Proof, &'static str>, Ended> {
    if existing.is_empty() {
        return by_password(app, person, form).await;
    }
    let mut session = app.begin().await?;
    let proof = by_passkey(app, &mut session, (browser, person), (&Act::Add, form)).await?;
    session.commit().await?;
    Ok(proof.ok_or("needs_passkey"))
}

async fn keep(
    app: &App,
    (browser, person): (&Browser, &Person),
    (proof, began): (Proof, &passkey::PendingCeremony),
) -> Result<(), Ended> {
    let state = began.state.clone();
    let kept = serde_json::to_string(&Kept { proof, state });
    let kept = passkey::PendingCeremony {
        state: kept.map_err(|e| Ended::Broken(e.to_string()))?,
        ..began.clone()
    };
    of(browser, person).keep(app, &kept).await
}

async fn finish(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let browser = app.browser(headers).await?;
    let Some(person) = signed_in(&browser) else {
        return Ok(to_login(PATH));
    };
    if !browser.sent(&form) {
        return Err(form_expired());
    }
    let mut session = app.begin().await?;
    let added = add(app, &mut session, (&browser, person), &form).await?;
    session.commit().await?;
    app.notices.wake();
    let said = match added {
        Ok(()) => Said::from(DevicesNotice::PasskeyAdded),
        Err(problem) => Said::from(problem),
    };
    page(app, (headers, &browser), person, said).await
}

/// One transaction: the challenge is used up whether the answer is good or not.
async fn add(
    app: &App,
    session: &mut DatabaseTransaction,
    (browser, person): (&Browser, &Person),
    form: &Form,
) -> Result<Result<(), DevicesProblem>, Ended> {
    let Some((answer, challenge)) = answer(form, "credential") else {
        return Ok(Err(DevicesProblem::PasskeyFailed));
    };
    let taken = of(browser, person).take(app, session, &challenge).await?;
    let kept: Option<Kept> = taken.and_then(|text| serde_json::from_str(&text).ok());
    let Some(kept) = kept else {
        return Ok(Err(DevicesProblem::PasskeyFailed));
    };
    let enrolled = match verify(app, &kept.state, &answer) {
        Ok(enrolled) => enrolled,
        Err(problem) => return Ok(Err(problem)),
    };
    // What was true when the person proved themselves may have changed while their device was asked.
    session.hold_user(&person.user.id).await?;
    let existing = session.passkeys_of(&person.user.id).await?;
    if !kept.proof.holds(&existing) {
        return Ok(Err(DevicesProblem::NotProven));
    }
    if existing.len() >= MAX_PASSKEYS {
        return Ok(Err(DevicesProblem::TooMany));
    }
    let new = StoredPasskey {
        credential_id: enrolled.credential_id,
        user: person.user.id.clone(),
        name: name(form),
        passkey: enrolled.passkey,
        created_at: app.clock.now(),
        used_at: None,
    };
    if !session.insert_passkey(&new).await? {
        return Ok(Err(DevicesProblem::AlreadyThere));
    }
    let change = Change {
        what: Passkey::Added,
        credential_id: &new.credential_id,
        proof: &kept.proof,
    };
    record(app, session, person, change).await?;
    Ok(Ok(()))
}

fn verify(app: &App, state: &str, answer: &Value) -> Result<NewPasskey, DevicesProblem> {
    let relying_party = app
        .passkeys
        .as_ref()
        .map_err(|_| DevicesProblem::PasskeyFailed)?;
    relying_party
        .finish_enrolment(state, answer)
        .map_err(|fault| match fault {
            PasskeyError::AlreadyEnrolled => DevicesProblem::AlreadyThere,
            fault => {
                tracing::info!(%fault, "a passkey was not enrolled");
                DevicesProblem::PasskeyFailed
            }
        })
}

fn of<'a>(browser: &'a Browser, person: &'a Person) -> Ceremony<'a> {
    Ceremony {
        kind: ENROL,
        browser,
        person: &person.user.id,
    }
}

/// As the person calls it; without a name the page finds words.
fn name(form: &Form) -> String {
    let typed = form.optional("name").ok().flatten().unwrap_or_default();
    plain(typed).chars().take(LONGEST_NAME).collect()
}
