//! What proves that a person changes what others could take their account by: a passkey of theirs, over this very change; only where they
//! have none, their password, which an agent may have seen.

use serde_json::{Value, json};
use writ_authority::Level;
use writ_pages::SettingsProblem;
use writ_store::user::StoredUser;
use writ_wire::form::Form;

use crate::people::error::StepError;
use crate::people::passkeys::{ProvenAct, by_passkey, can_prove_by_passkey};
use crate::people::password::{PasswordProblem, check_own};
use crate::people::request::SignedIn;

/// A person who proved themselves in this very form.
pub(super) struct ProvenChange {
    pub(super) stored: StoredUser,
    /// By what, as the event says it.
    pub(super) by: Value,
}

/// By the form's `assertion` or `password`.
pub(super) async fn prove(
    person: SignedIn<'_>,
    form: &Form,
) -> Result<ProvenChange, StepError<SettingsProblem>> {
    if !can_prove_by_passkey(person).await? {
        let password = form.optional("password")?.unwrap_or_default();
        let checked = check_own(person, password).await;
        let stored = checked.map_err(|error| error.map(PasswordProblem::at_settings))?;
        let by = json!(Level::Password);
        return Ok(ProvenChange { stored, by });
    }
    let act = ProvenAct::set(person.app, form)?;
    let mut transaction = person.begin_change().await?;
    let proof = by_passkey(person, &mut transaction, &act, form).await?;
    let stored = transaction.user_by_id(person.id()).await?;
    // Its challenge is used up, whatever comes of it.
    transaction.commit().await?;
    match (proof, stored) {
        (Some(proof), Some(stored)) => Ok(ProvenChange {
            stored,
            by: proof.recorded(),
        }),
        _ => Err(StepError::Problem(SettingsProblem::NotProven)),
    }
}
