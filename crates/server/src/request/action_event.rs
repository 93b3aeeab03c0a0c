//! What became of the action of a decision: the event of what was reported, and of what was not.

use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_store::access::AccessDecision;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use crate::node::app::App;

/// What became of the action of a decision.
pub async fn action_event(
    app: &App,
    transaction: &mut DatabaseTransaction,
    decision: &AccessDecision,
    name: EventName,
    more: Value,
) -> Result<Event, StoreError> {
    let now = app.clock.now();
    let mut event = Event::new(app.event_id(now), now, name).at_resource(&decision.resource);
    if let Some(delegation) = &decision.delegation
        && let Some(lineage) = transaction.lineage(delegation).await?
    {
        event = event.about(&lineage.task).under(&lineage.leaf);
    }
    event.client = decision.client.as_ref().map(|client| client.to_string());
    event.details_hash.clone_from(&decision.object_hash);
    let mut data = json!({
        "decision_id": decision.id, "by": decision.caller, "action": decision.action,
        "authorization_details": decision.details.as_slice(),
    });
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Ok(event.with(data))
}

/// Permits of which nothing was heard in time, a bounded number of them; each says so once.
pub async fn note_silence(app: &App) -> Result<u64, StoreError> {
    let now = app.clock.now();
    let mut noted = 0;
    for decision in silent(app, now).await? {
        let mut transaction = app.begin().await?;
        if !transaction.await_no_more(&decision.id, now).await? {
            continue;
        }
        let name = EventName::ActionUnreported;
        let event = action_event(app, &mut transaction, &decision, name, Value::Null).await?;
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        noted += 1;
    }
    Ok(noted)
}

async fn silent(app: &App, now: Timestamp) -> Result<Vec<AccessDecision>, StoreError> {
    app.read()
        .await?
        .silent_decisions(now, SILENT_AT_ONCE)
        .await
}

/// The most decisions of one round.
const SILENT_AT_ONCE: u32 = 200;
