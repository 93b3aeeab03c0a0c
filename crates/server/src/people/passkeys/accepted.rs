//! The passkeys of a person that count here (`levels.passkey`); the others are listed, and prove nothing.

use writ_core::id::UserId;
use writ_store::passkey::StoredPasskey;
use writ_store::{DatabaseTransaction, StoreError};

use crate::node::app::App;
use crate::people::request::SignedIn;

/// The oldest first.
pub async fn accepted_passkeys(
    app: &App,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
) -> Result<Vec<StoredPasskey>, StoreError> {
    let mut stored = transaction.passkeys_of(user).await?;
    stored.retain(|one| app.config.passkeys.accept(&one.passkey));
    Ok(stored)
}

/// Whether this person has one that counts, on a server that takes passkeys.
pub async fn can_prove_by_passkey(person: SignedIn<'_>) -> Result<bool, StoreError> {
    let app = person.app;
    if app.passkeys.is_err() {
        return Ok(false);
    }
    let mut reading = app.read().await?;
    let passkeys = accepted_passkeys(app, &mut reading, person.id()).await?;
    Ok(!passkeys.is_empty())
}
