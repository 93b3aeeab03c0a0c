//! The passkeys of a person that count here (`levels.passkey`); the others are listed, and prove nothing.

use writ_core::id::UserId;
use writ_store::passkey::StoredPasskey;
use writ_store::{DatabaseTransaction, StoreError};

use crate::node::app::App;

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
