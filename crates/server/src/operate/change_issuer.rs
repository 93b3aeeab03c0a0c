//! Changing the issuer of a tenant. Whatever names the old one ends by that: it is compared exactly wherever it counts.

use serde_json::json;
use writ_core::event::EventName;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::resource::ResourceUri;

use super::change::ChangeContext;

/// `false` if the issuer is another one than `from` by now.
pub async fn change_issuer(
    transaction: &mut DatabaseTransaction,
    from: &str,
    to: &ResourceUri,
    change: ChangeContext<'_>,
) -> Result<bool, StoreError> {
    if !transaction.change_issuer(from, to.as_str()).await? {
        return Ok(false);
    }
    let event = change.event(EventName::IssuerChanged, json!({ "from": from, "to": to }));
    transaction.insert_event(&event).await?;
    Ok(true)
}
