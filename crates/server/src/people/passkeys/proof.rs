//! What proves, in this very ceremony, that a person adds or removes a passkey: one that they have, with user verification, over a
//! challenge for this act alone. For the first passkey it is the password, typed there. An earlier login is no proof.

use std::fmt::Display;

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use writ_jose::hash;
use writ_pages::LoginProblem;
use writ_passkey::PasskeyError;
use writ_store::DatabaseTransaction;
use writ_store::passkey::StoredPasskey;
use writ_wire::form::{Form, FormError};

use super::answer;
use super::ceremony::{CeremonyKind, CeremonyRequest};
use super::retire;
use crate::people::error::{PageError, StepError};
use crate::people::login::check_password;
use crate::people::request::{PostedForm, SignedIn};

/// A proof is for one of these and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    Add,
    Remove { credential_id: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeProof {
    Password,
    /// By its credential id.
    Passkey(String),
}

/// What waits for the device's answer.
#[derive(Serialize, Deserialize)]
struct KeptProof {
    act: Act,
    state: String,
}

impl Act {
    /// Of a form: with `passkey` that one is removed, without it another one is added.
    fn of(form: &Form) -> Result<Self, FormError> {
        let passkey = form.optional("passkey")?;
        Ok(passkey.map_or(Self::Add, Self::remove))
    }

    pub(super) fn remove(credential_id: &str) -> Self {
        Self::Remove {
            credential_id: credential_id.to_owned(),
        }
    }

    /// Never the challenge of an approval, which begins otherwise, and never twice the same.
    fn challenge(&self, person: SignedIn<'_>) -> Result<[u8; 32], PageError> {
        let act = serde_json::to_string(self).map_err(PageError::broken)?;
        let nonce = person.app.random.secret();
        let text = format!("writ passkeys\n{}\n{act}\n{nonce}", person.user().id);
        Ok(hash::sha256(text.as_bytes()))
    }
}

impl ChangeProof {
    /// Whether it still counts: what a password proves, it proves only for somebody without a passkey.
    pub(super) fn holds(&self, passkeys: &[StoredPasskey]) -> bool {
        match self {
            Self::Password => passkeys.is_empty(),
            Self::Passkey(id) => passkeys.iter().any(|one| one.credential_id == *id),
        }
    }
}

/// The challenge for an act, for one of the passkeys that the person has.
pub async fn options(posted: PostedForm) -> Result<Response, PageError> {
    let request = CeremonyRequest::of(&posted).await?;
    let (person, passkeys) = (request.person, passkeys(request.existing));
    if passkeys.is_empty() {
        return Err(PageError::script(StatusCode::CONFLICT, "no_passkey"));
    }
    let act = Act::of(request.form)?;
    let challenge = act.challenge(person)?;
    let began = request.relying_party.start_approval(challenge, &passkeys);
    let began = began.map_err(PageError::broken)?;
    let kept = KeptProof {
        act,
        state: began.state.clone(),
    };
    CeremonyKind::Prove.begin(person, &began, &kept).await
}

/// By the answer in the form's `assertion`. The challenge is used up whatever comes of it; the caller commits. Until then no other
/// request changes this person's passkeys. The browser learns only that it did not count; the log says why.
pub(super) async fn by_passkey(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    act: &Act,
    form: &Form,
) -> Result<Option<ChangeProof>, PageError> {
    let (Some((answer, challenge)), Ok(party)) = (answer(form, "assertion"), &person.app.passkeys)
    else {
        return Ok(None);
    };
    let taken = CeremonyKind::Prove
        .take(person, transaction, &challenge)
        .await?;
    let Some(kept) = taken.filter(|kept: &KeptProof| kept.act == *act) else {
        return Ok(unproven(person, "its challenge is not one for this"));
    };
    let user = &person.user().id;
    transaction.hold_user(user).await?;
    let stored = transaction.passkeys_of(user).await?;
    let approved = match party.finish_approval(&kept.state, &answer, &passkeys(stored.clone())) {
        Ok(approved) => approved,
        Err(fault) => {
            if let PasskeyError::EligibilityChanged(id) = &fault {
                retire(person.app, transaction, user, id).await?;
            }
            return Ok(unproven(person, fault));
        }
    };
    let id = approved.assertion.credential_id;
    let before = stored.into_iter().find(|one| one.credential_id == id);
    let before = before.map(|one| one.passkey).unwrap_or_default();
    let now = person.app.clock.now();
    let used = transaction.use_passkey(&id, &before, &approved.passkey, now);
    if !used.await? {
        return Ok(unproven(person, "the passkey changed meanwhile"));
    }
    Ok(Some(ChangeProof::Passkey(id)))
}

fn unproven(person: SignedIn<'_>, why: impl Display) -> Option<ChangeProof> {
    tracing::info!(%why, person = %person.user().id, "a change of passkeys is refused");
    None
}

/// Counted and paused as at login, so that this is no second place to guess passwords. The script learns what is wrong.
pub(super) async fn by_password(
    person: SignedIn<'_>,
    form: &Form,
) -> Result<ChangeProof, PageError> {
    let refused = |error| PageError::script(StatusCode::FORBIDDEN, error);
    let password = form.optional("password")?;
    let password = password.ok_or_else(|| refused("needs_password"))?;
    let user = person.user();
    match check_password(person.app, &user.name, password.to_owned()).await {
        Ok(found) if found.id == user.id => Ok(ChangeProof::Password),
        Ok(_) => Err(refused("wrong_password")),
        Err(StepError::Problem(problem)) => Err(refused(match problem {
            LoginProblem::TooMany => "too_many_tries",
            LoginProblem::Busy => "busy",
            _ => "wrong_password",
        })),
        Err(StepError::Page(error)) => Err(error),
    }
}

fn passkeys(stored: Vec<StoredPasskey>) -> Vec<String> {
    stored.into_iter().map(|one| one.passkey).collect()
}
