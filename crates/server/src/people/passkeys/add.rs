//! Adds a passkey (WebAuthn section 7.1): options for the browser, once the person was authenticated; then its response.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_pages::messages::Passkey;
use writ_pages::{DevicesNotice, DevicesProblem, plain};
use writ_passkey::{NewPasskey, PasskeyError};
use writ_store::DatabaseTransaction;
use writ_store::passkey::StoredPasskey;
use writ_wire::form::Form;

use super::ceremony::{CeremonyKind, CeremonyRequest};
use super::first::by_login;
use super::proof::{ChangeProof, ProvenAct, by_code, by_passkey};
use super::{Change, MAX_PASSKEYS, answer, holder, record};
use crate::node::app::App;
use crate::people::error::{PageError, StepError};
use crate::people::request::{PostedForm, SignedIn};

/// The longest name of a passkey, in characters.
const LONGEST_NAME: usize = 64;

/// What waits for the new passkey.
#[derive(Serialize, Deserialize)]
struct KeptEnrolment {
    proof: ChangeProof,
    state: String,
}

pub async fn options(posted: PostedForm) -> Result<Response, PageError> {
    let request = CeremonyRequest::of(&posted).await?;
    if request.existing.len() >= MAX_PASSKEYS {
        return Err(PageError::script(StatusCode::CONFLICT, "too_many"));
    }
    let proof = prove(&request).await?;
    let (person, existing) = (request.person, request.existing.into_iter());
    let existing: Vec<_> = existing.map(|one| one.passkey).collect();
    let began = request
        .relying_party
        .start_enrolment(&holder(person), &existing);
    let began = began.map_err(PageError::broken)?;
    let kept = KeptEnrolment {
        proof,
        state: began.state.clone(),
    };
    CeremonyKind::Enrol.begin(person, &began, &kept).await
}

/// A passkey where there is one, otherwise the operator's code or a login that counts for it. The script learns what is missing.
async fn prove(request: &CeremonyRequest<'_>) -> Result<ChangeProof, PageError> {
    let (person, form) = (request.person, request.form);
    if request.accepted.is_empty() {
        let mut reading = person.app.read().await?;
        let login = by_login(person, &mut reading).await?;
        drop(reading);
        return match login.filter(|_| form.optional("code").is_ok_and(|code| code.is_none())) {
            Some(issuer) => Ok(ChangeProof::Upstream(issuer)),
            None => by_code(person, form).await,
        };
    }
    let mut transaction = person.begin_change().await?;
    let proof = by_passkey(person, &mut transaction, &ProvenAct::Add, form).await?;
    transaction.commit().await?;
    proof.ok_or_else(|| PageError::script(StatusCode::FORBIDDEN, "needs_passkey"))
}

/// In one transaction with the challenge.
pub(super) async fn add(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    form: &Form,
) -> Result<DevicesNotice, StepError<DevicesProblem>> {
    let failed = || StepError::Problem(DevicesProblem::PasskeyFailed);
    let (answer, challenge) = answer(form, "credential").ok_or_else(failed)?;
    let taken = CeremonyKind::Enrol
        .take(person, transaction, &challenge)
        .await?;
    let kept: KeptEnrolment = taken.ok_or_else(failed)?;
    let enrolled = verify(person.app, &kept.state, &answer).map_err(StepError::Problem)?;
    let user = person.id();
    if !person.app.config.passkeys.accept(&enrolled.passkey) {
        return Err(StepError::Problem(DevicesProblem::NotBound));
    }
    // What was true when the person proved themselves may have changed while their device was asked.
    if !kept.proof.holds(person, transaction).await? {
        return Err(StepError::Problem(DevicesProblem::NotProven));
    }
    let existing = transaction.passkeys_of(user).await?;
    if existing.len() >= MAX_PASSKEYS {
        return Err(StepError::Problem(DevicesProblem::TooMany));
    }
    let new = StoredPasskey {
        credential_id: enrolled.credential_id,
        user: user.clone(),
        name: name(form),
        passkey: enrolled.passkey,
        created_at: person.app.clock.now(),
        used_at: None,
    };
    if !transaction.insert_passkey(&new).await? {
        return Err(StepError::Problem(DevicesProblem::AlreadyThere));
    }
    let change = Change {
        what: Passkey::Added,
        credential_id: &new.credential_id,
        proof: &kept.proof,
    };
    record(person, transaction, change).await?;
    Ok(DevicesNotice::PasskeyAdded)
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

/// As the person calls it; without a name the page finds words.
fn name(form: &Form) -> String {
    let typed = form.optional("name").ok().flatten().unwrap_or_default();
    plain(typed).chars().take(LONGEST_NAME).collect()
}
