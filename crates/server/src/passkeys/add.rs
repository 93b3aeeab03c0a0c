//! A new passkey: options for the browser, then its answer.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use writ_core::authorize::Session as Person;
use writ_core::checks::Endpoint;
use writ_passkey::{Enrolled, Fault, challenge_of};
use writ_store::Session;
use writ_store::passkey::StoredPasskey;
use writ_wire::form::Form;

use super::ceremony::{Ceremony, ENROL};
use super::{MAX_PASSKEYS, PATH, Said, holder, is_fresh, page, record, refused};
use crate::answer::json as json_answer;
use crate::app::App;
use crate::authorize::{Ended, untrusted};
use crate::login::{form_expired, signed_in, to_login};
use crate::pages::{DevicesNotice, DevicesProblem, plain};
use crate::session::Browser;

/// In characters.
const LONGEST_NAME: usize = 64;

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
    if !is_fresh(person, app.clock.now()) {
        return Ok(refused(StatusCode::FORBIDDEN, "needs_login"));
    }
    let Ok(relying_party) = &app.passkeys else {
        return Ok(refused(StatusCode::NOT_FOUND, "impossible"));
    };
    let existing = app.read().await?.passkeys_of(&person.user.id).await?;
    if existing.len() >= MAX_PASSKEYS {
        return Ok(refused(StatusCode::CONFLICT, "too_many"));
    }
    let existing: Vec<_> = existing.into_iter().map(|one| one.passkey).collect();
    let began = relying_party.enrol(&holder(person), &existing);
    let began = began.map_err(|fault| Ended::Broken(fault.to_string()))?;
    of(&browser, person).keep(app, &began).await?;
    Ok(json_answer(StatusCode::OK, &began.options))
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
    if !is_fresh(person, app.clock.now()) {
        return Ok(to_login(PATH));
    }
    let name = name(&form);
    let mut session = app.begin().await?;
    let added = add(app, &mut session, (&browser, person), (&form, name)).await?;
    session.commit().await?;
    let said = match added {
        Ok(()) => Said::from(DevicesNotice::PasskeyAdded),
        Err(problem) => Said::from(problem),
    };
    page(app, (headers, &browser), person, said).await
}

/// One transaction: the challenge is used up whether the answer is good or not.
async fn add(
    app: &App,
    session: &mut Session,
    (browser, person): (&Browser, &Person),
    (form, name): (&Form, String),
) -> Result<Result<(), DevicesProblem>, Ended> {
    let Some((answer, challenge)) = answer(form) else {
        return Ok(Err(DevicesProblem::PasskeyFailed));
    };
    let Some(state) = of(browser, person).take(app, session, &challenge).await? else {
        return Ok(Err(DevicesProblem::PasskeyFailed));
    };
    let enrolled = match verify(app, &state, &answer) {
        Ok(enrolled) => enrolled,
        Err(problem) => return Ok(Err(problem)),
    };
    if session.passkeys_of(&person.user.id).await?.len() >= MAX_PASSKEYS {
        return Ok(Err(DevicesProblem::TooMany));
    }
    let new = StoredPasskey {
        credential_id: enrolled.credential_id,
        user: person.user.id.clone(),
        name,
        passkey: enrolled.passkey,
        created_at: app.clock.now(),
        used_at: None,
    };
    if !session.insert_passkey(&new).await? {
        return Ok(Err(DevicesProblem::AlreadyThere));
    }
    record(app, session, person, ("added", &new.credential_id)).await?;
    Ok(Ok(()))
}

fn verify(app: &App, state: &str, answer: &Value) -> Result<Enrolled, DevicesProblem> {
    let relying_party = app
        .passkeys
        .as_ref()
        .map_err(|_| DevicesProblem::PasskeyFailed)?;
    relying_party
        .enrolled(state, answer)
        .map_err(|fault| match fault {
            Fault::Enrolled => DevicesProblem::AlreadyThere,
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
        person: Some(&person.user.id),
    }
}

fn answer(form: &Form) -> Option<(Value, String)> {
    let answer = serde_json::from_str(form.optional("credential").ok()??).ok()?;
    let challenge = challenge_of(&answer).ok()?;
    Some((answer, challenge))
}

/// As the person calls it; without a name the page finds words.
fn name(form: &Form) -> String {
    let typed = form.optional("name").ok().flatten().unwrap_or_default();
    plain(typed).chars().take(LONGEST_NAME).collect()
}
