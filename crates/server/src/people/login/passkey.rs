//! Login with a passkey (WebAuthn 7.2): the device names the person, so no name is typed. One try of a known passkey for each
//! challenge; of what nobody has, nothing is kept.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use writ_authority::Level;
use writ_core::checks::Endpoint;
use writ_core::client::User;
use writ_core::event::{Event, EventName};
use writ_pages::LoginProblem;
use writ_passkey::{UnverifiedCredential, VerifiedLogin, challenge_of, unverified_credential};
use writ_store::DatabaseTransaction;
use writ_wire::form::Form;

use super::entrance::{Arrival, Way};
use super::{Again, challenge, page};
use crate::client::answer::json as json_answer;
use crate::node::app::App;
use crate::people::authorize::{Ended, untrusted};
use crate::people::passkeys::refused;
use crate::people::session::Browser;

/// The challenge for a login, for whoever it will be.
pub async fn options(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match begin(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

pub async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match attempt(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn begin(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let browser = app.browser(headers).await?;
    if !browser.sent(&form) {
        return Ok(refused(StatusCode::FORBIDDEN, "form_expired"));
    }
    let Ok(relying_party) = &app.passkeys else {
        return Ok(refused(StatusCode::NOT_FOUND, "impossible"));
    };
    let challenge = challenge::make(app, &browser).map_err(|e| Ended::Broken(e.to_string()))?;
    let began = relying_party.start_login(&challenge).map_err(broken)?;
    Ok(json_answer(StatusCode::OK, &began.options))
}

async fn attempt(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let way = Way::of(&form)?;
    let browser = app.browser(headers).await?;
    let outcome = match browser.sent(&form) {
        true => enter(app, &browser, &form, &way).await?,
        false => Err(LoginProblem::Expired),
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(problem) => page(app, (headers, &browser), &way, Again::after(problem)).await,
    }
}

/// One transaction: a known passkey uses the challenge up whether its answer is good or not.
async fn enter(
    app: &App,
    browser: &Browser,
    form: &Form,
    way: &Way,
) -> Result<Result<Response, LoginProblem>, Ended> {
    let Some((answer, claimed)) = answer(form) else {
        return Ok(Err(LoginProblem::PasskeyFailed));
    };
    let mut session = app.begin().await?;
    let checked = check(app, &mut session, (browser, &answer), &claimed).await?;
    let (user, before, used) = match checked {
        Ok(checked) => checked,
        Err(failed) => {
            failed.record(app, &mut session).await?;
            session.commit().await?;
            app.metrics.login("failed");
            return Ok(Err(LoginProblem::PasskeyFailed));
        }
    };
    let arrival = Arrival {
        before: browser,
        user: &user,
        level: Level::Passkey,
        way,
    };
    let now = app.clock.now();
    let still_there = session.use_passkey(&used.credential_id, &before, &used.passkey, now);
    if !still_there.await? {
        return Ok(Err(LoginProblem::PasskeyFailed));
    }
    let fresh = arrival.enter(app, &mut session).await?;
    session.commit().await?;
    Ok(Ok(arrival.go_on(app, &fresh)))
}

/// The device's answer, and whose it claims to be.
fn answer(form: &Form) -> Option<(Value, UnverifiedCredential)> {
    let answer = serde_json::from_str(form.optional("assertion").ok()??).ok()?;
    let claimed = unverified_credential(&answer).ok()?;
    Some((answer, claimed))
}

/// Why nobody came in. What the person is told is always the same.
struct Failed {
    user: Option<User>,
    reason: String,
}

impl Failed {
    fn of(user: Option<User>, reason: &str) -> Self {
        Self {
            user,
            reason: reason.to_owned(),
        }
    }

    async fn record(self, app: &App, session: &mut DatabaseTransaction) -> Result<(), Ended> {
        let now = app.clock.now();
        match self.user {
            Some(user) => {
                let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
                    .of_subject(user.id.as_str())
                    .with(json!({ "method": Level::Passkey, "reason": self.reason }));
                session.insert_event(&event).await?;
            }
            // Anybody can send answers: counted, not written one row each.
            None => {
                session
                    .count_refusal("/login/passkey", "unknown_passkey", now)
                    .await?;
            }
        }
        Ok(())
    }
}

async fn check(
    app: &App,
    session: &mut DatabaseTransaction,
    (browser, answer): (&Browser, &Value),
    claimed: &UnverifiedCredential,
) -> Result<Result<(User, String, VerifiedLogin), Failed>, Ended> {
    let (Ok(relying_party), Ok(challenge)) = (&app.passkeys, challenge_of(answer)) else {
        return Ok(Err(Failed::of(None, "no passkeys here")));
    };
    let Some(opened) = challenge::open(app, browser, &challenge) else {
        return Ok(Err(Failed::of(None, "the challenge is unknown")));
    };
    let Some(stored) = session.passkey(&claimed.credential_id).await? else {
        return Ok(Err(Failed::of(None, "the passkey is unknown")));
    };
    let once = std::slice::from_ref(&opened.once);
    if session.claim_once(once).await?.is_some() {
        return Ok(Err(Failed::of(None, "the challenge was used before")));
    }
    let Some(found) = session.user_by_id(&stored.user).await? else {
        return Ok(Err(Failed::of(None, "the person is unknown")));
    };
    let user = found.user;
    if user.disabled {
        return Ok(Err(Failed::of(Some(user), "the person is disabled")));
    }
    let state = relying_party
        .start_login(&opened.challenge)
        .map_err(broken)?
        .state;
    match relying_party.finish_login(&state, answer, &stored.passkey) {
        Ok(used) => Ok(Ok((user, stored.passkey, used))),
        Err(fault) => Ok(Err(Failed::of(Some(user), &fault.to_string()))),
    }
}

fn broken(fault: writ_passkey::PasskeyError) -> Ended {
    Ended::Broken(fault.to_string())
}
