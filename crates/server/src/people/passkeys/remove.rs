//! Removes a passkey: the person authenticates with one of theirs, maybe the same, over a challenge that names the removed one.

use writ_core::upstream::AccountOrigin;
use writ_pages::messages::Passkey;
use writ_pages::{DevicesNotice, DevicesProblem};
use writ_store::upstream_account::UpstreamAccount;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;

use super::accepted::accepted_passkeys;
use super::proof::{ProvenAct, by_passkey};
use super::{Change, record};
use crate::people::error::StepError;
use crate::people::request::SignedIn;

/// In one transaction with the proof.
pub(super) async fn remove(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    form: &Form,
) -> Result<DevicesNotice, StepError<DevicesProblem>> {
    let id = form.required("passkey")?;
    let proof = by_passkey(person, transaction, &ProvenAct::remove(id), form).await?;
    let proof = proof.ok_or(StepError::Problem(DevicesProblem::NotProven))?;
    let (user, now) = (&person.user().id, person.app.clock.now());
    if is_only_way_in(person, transaction, id).await? {
        return Err(StepError::Problem(DevicesProblem::OnlyWayIn));
    }
    if transaction.remove_passkey(user, id, now).await? {
        // Which of them it opened is not known; this browser's person has just proved themselves.
        let this = person.browser.digest();
        transaction.end_passkey_sessions(user, &this, now).await?;
        let change = Change {
            what: Passkey::Removed,
            credential_id: id,
            proof: &proof,
        };
        record(person, transaction, change).await?;
    }
    Ok(DevicesNotice::PasskeyRemoved)
}

/// Whether nothing else signs this person in: they have no password, no other passkey that counts, and did not come by a provider. What
/// they linked they can remove by a tap.
async fn is_only_way_in(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    id: &str,
) -> Result<bool, StoreError> {
    let stored = transaction.user_by_id(person.id()).await?;
    let accepted = accepted_passkeys(person.app, transaction, person.id()).await?;
    let has_password = stored.is_some_and(|stored| stored.has_password());
    if has_password || accepted.iter().any(|one| one.credential_id != id) {
        return Ok(false);
    }
    let accounts = transaction.upstream_accounts_of(person.id()).await?;
    let came = |one: &UpstreamAccount| one.origin == AccountOrigin::Admission;
    Ok(!accounts.iter().any(came))
}
