//! A passkey goes: proved by one that the person has, for exactly the one that goes. It may be the same.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use writ_core::authorize::UserSession as Person;
use writ_core::checks::Endpoint;
use writ_pages::messages::Passkey;
use writ_pages::{DevicesNotice, DevicesProblem};
use writ_store::DatabaseTransaction;
use writ_wire::form::Form;

use super::proof::{Act, by_passkey};
use super::{Change, PATH, Said, page, record};
use crate::node::app::App;
use crate::people::authorize::{Ended, untrusted};
use crate::people::login::{form_expired, signed_in, to_login};
use crate::people::session::Browser;

pub async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match finish(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
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
    let removed = remove(app, &mut session, (&browser, person), &form).await?;
    session.commit().await?;
    app.notices.wake();
    let said = match removed {
        Ok(()) => Said::from(DevicesNotice::PasskeyRemoved),
        Err(problem) => Said::from(problem),
    };
    page(app, (headers, &browser), person, said).await
}

/// One transaction: the proof is used up whether it is good or not.
async fn remove(
    app: &App,
    session: &mut DatabaseTransaction,
    (browser, person): (&Browser, &Person),
    form: &Form,
) -> Result<Result<(), DevicesProblem>, Ended> {
    let id = form.required("passkey").map_err(|e| untrusted(&e.into()))?;
    let act = Act::remove(id);
    let proof = by_passkey(app, session, (browser, person), (&act, form)).await?;
    let Some(proof) = proof else {
        return Ok(Err(DevicesProblem::NotProven));
    };
    let (user, now) = (&person.user.id, app.clock.now());
    if session.remove_passkey(user, id, now).await? {
        // Which of them it opened is not known; this browser's person has just proved themselves.
        session
            .end_passkey_sessions(user, &browser.digest(), now)
            .await?;
        let change = Change {
            what: Passkey::Removed,
            credential_id: id,
            proof: &proof,
        };
        record(app, session, person, change).await?;
    }
    Ok(Ok(()))
}
