//! A passkey whose backup eligibility is no longer that of enrolment counts no more (WebAuthn section 7.2). It proved its own removal by its
//! signature, so it does not stand in the way of a new one: the person adds it again as their first, or with another that they have.

use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_pages::messages::Passkey;
use writ_store::DatabaseTransaction;

use crate::node::app::App;
use crate::notifications::account_notice::passkey_changed;
use crate::people::error::PageError;

/// In the caller's transaction; the person is told on every channel.
pub async fn retire(
    app: &App,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    credential_id: &str,
) -> Result<(), PageError> {
    let now = app.clock.now();
    if !transaction.remove_passkey(user, credential_id, now).await? {
        return Ok(());
    }
    let data = json!({
        "passkey": Passkey::Removed,
        "credential_id": credential_id,
        "by": "backup_eligibility",
    });
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(user.as_str())
        .with(data);
    transaction.insert_event(&event).await?;
    Ok(passkey_changed(&app.outbox(), transaction, user, Passkey::Removed).await?)
}
