//! Suspending and resuming an agent. From the commit of a suspension on, no token, task or request of the agent is live on any
//! node, until an operator resumes it.

use serde_json::json;
use writ_core::event::EventName;
use writ_core::id::ClientId;
use writ_store::{DatabaseTransaction, StoreError};

use super::change::{ChangeContext, ChangedBy};

/// `false` if there is no such agent, or it is suspended already.
pub async fn suspend_agent(
    transaction: &mut DatabaseTransaction,
    client: &ClientId,
    change: ChangeContext<'_>,
) -> Result<bool, StoreError> {
    if !transaction.stop_client(client, change.now).await? {
        return Ok(false);
    }
    let by = change.by;
    let mut event = change.event(EventName::AgentSuspended, json!({ "reported_by": null }));
    event.client = Some(client.to_string());
    if let ChangedBy::Reporter { user, .. } = by {
        event.subject = Some(user.to_owned());
        event.reason = Some("not me".to_owned());
    }
    transaction.insert_event(&event).await?;
    Ok(true)
}

/// `false` if there is no such agent, or it is not suspended.
pub async fn resume_agent(
    transaction: &mut DatabaseTransaction,
    client: &ClientId,
    change: ChangeContext<'_>,
) -> Result<bool, StoreError> {
    if !transaction.resume_client(client).await? {
        return Ok(false);
    }
    let mut event = change.event(EventName::AgentResumed, json!({}));
    event.client = Some(client.to_string());
    transaction.insert_event(&event).await?;
    Ok(true)
}
