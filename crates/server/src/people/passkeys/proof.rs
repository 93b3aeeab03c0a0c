//! What proves, in this very ceremony, that a person adds or removes a passkey: one that they have, with user verification, over a
//! challenge for this act alone (promise 7). For the first passkey it is the password, typed there. A login of before is no proof.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use writ_core::authorize::UserSession as Person;
use writ_core::checks::Endpoint;
use writ_jose::hash;
use writ_pages::LoginProblem;
use writ_passkey as passkey;
use writ_store::DatabaseTransaction;
use writ_store::passkey::StoredPasskey;
use writ_wire::form::Form;

use super::ceremony::{Ceremony, PROVE};
use super::{answer, refused};
use crate::client::answer::json as json_answer;
use crate::node::app::App;
use crate::people::authorize::{Ended, untrusted};
use crate::people::login::{check_password, signed_in};
use crate::people::session::Browser;

/// A proof is for one of these and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    Add,
    Remove { credential_id: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Proof {
    Password,
    /// By its credential id.
    Passkey(String),
}

/// What waits for the device's answer.
#[derive(Serialize, Deserialize)]
struct Kept {
    act: Act,
    state: String,
}

impl Act {
    /// Of a form: with `passkey` that one is removed, without it another one is added.
    fn of(form: &Form) -> Result<Self, Ended> {
        let passkey = form.optional("passkey").map_err(|e| untrusted(&e.into()))?;
        Ok(passkey.map_or(Self::Add, Self::remove))
    }

    pub(super) fn remove(credential_id: &str) -> Self {
        Self::Remove {
            credential_id: credential_id.to_owned(),
        }
    }

    /// Never the challenge of an approval, which begins otherwise, and never twice the same.
    fn challenge(&self, app: &App, person: &Person) -> Result<[u8; 32], Ended> {
        let act = serde_json::to_string(self).map_err(broken)?;
        let nonce = app.random.secret();
        let text = format!("writ passkeys\n{}\n{act}\n{nonce}", person.user.id);
        Ok(hash::sha256(text.as_bytes()))
    }
}

impl Proof {
    /// Whether it still counts: what a password proves, it proves only for somebody without a passkey.
    pub(super) fn holds(&self, passkeys: &[StoredPasskey]) -> bool {
        match self {
            Self::Password => passkeys.is_empty(),
            Self::Passkey(id) => passkeys.iter().any(|one| one.credential_id == *id),
        }
    }
}

/// The challenge for an act, for one of the passkeys that the person has.
pub async fn options(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match begin(&app, &headers, &body).await {
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
    let passkeys = passkeys(app.read().await?.passkeys_of(&person.user.id).await?);
    if passkeys.is_empty() {
        return Ok(refused(StatusCode::CONFLICT, "no_passkey"));
    }
    let act = Act::of(&form)?;
    let challenge = act.challenge(app, person)?;
    let began = relying_party
        .start_approval(challenge, &passkeys)
        .map_err(broken)?;
    let kept = Kept {
        act,
        state: began.state,
    };
    let kept = passkey::PendingCeremony {
        state: serde_json::to_string(&kept).map_err(broken)?,
        ..began
    };
    of(&browser, person).keep(app, &kept).await?;
    Ok(json_answer(StatusCode::OK, &kept.options))
}

/// By the answer in the form's `assertion`. The challenge is used up whatever comes of it; the caller commits. Until then nobody
/// else changes this person's passkeys. The browser learns only that it did not count; the log says why.
pub(super) async fn by_passkey(
    app: &App,
    session: &mut DatabaseTransaction,
    (browser, person): (&Browser, &Person),
    (act, form): (&Act, &Form),
) -> Result<Option<Proof>, Ended> {
    let (Some((answer, challenge)), Ok(party)) = (answer(form, "assertion"), &app.passkeys) else {
        return Ok(None);
    };
    let taken = of(browser, person).take(app, session, &challenge).await?;
    let kept: Option<Kept> = taken.and_then(|text| serde_json::from_str(&text).ok());
    let Some(kept) = kept.filter(|kept| kept.act == *act) else {
        return Ok(unproven(person, &"its challenge is not one for this"));
    };
    session.hold_user(&person.user.id).await?;
    let stored = session.passkeys_of(&person.user.id).await?;
    let approved = match party.finish_approval(&kept.state, &answer, &passkeys(stored.clone())) {
        Ok(approved) => approved,
        Err(fault) => return Ok(unproven(person, &fault)),
    };
    let id = approved.assertion.credential_id;
    let before = stored.into_iter().find(|one| one.credential_id == id);
    let before = before.map(|one| one.passkey).unwrap_or_default();
    let now = app.clock.now();
    let used = session.use_passkey(&id, &before, &approved.passkey, now);
    if !used.await? {
        return Ok(unproven(person, &"the passkey changed meanwhile"));
    }
    Ok(Some(Proof::Passkey(id)))
}

fn unproven(person: &Person, why: &dyn std::fmt::Display) -> Option<Proof> {
    tracing::info!(%why, person = %person.user.id, "a change of passkeys is refused");
    None
}

/// Counted and paused as at login, so that nobody guesses here what they may not guess there. Otherwise the code for the script.
pub(super) async fn by_password(
    app: &App,
    person: &Person,
    form: &Form,
) -> Result<Result<Proof, &'static str>, Ended> {
    let password = form
        .optional("password")
        .map_err(|e| untrusted(&e.into()))?;
    let Some(password) = password.filter(|typed| !typed.is_empty()) else {
        return Ok(Err("needs_password"));
    };
    let user = &person.user;
    match check_password(app, &user.name, password.to_owned()).await? {
        Ok(found) if found.id == user.id => Ok(Ok(Proof::Password)),
        Err(LoginProblem::TooMany) => Ok(Err("too_many_tries")),
        Err(LoginProblem::Busy) => Ok(Err("busy")),
        Ok(_) | Err(_) => Ok(Err("wrong_password")),
    }
}

fn of<'a>(browser: &'a Browser, person: &'a Person) -> Ceremony<'a> {
    Ceremony {
        kind: PROVE,
        browser,
        person: &person.user.id,
    }
}

fn passkeys(stored: Vec<StoredPasskey>) -> Vec<String> {
    stored.into_iter().map(|one| one.passkey).collect()
}

fn broken(fault: impl std::fmt::Display) -> Ended {
    Ended::Broken(fault.to_string())
}
