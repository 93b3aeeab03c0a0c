//! Suspending an agent: one guarded statement and its event. Nothing of it is live from that commit on, on every node, until an
//! operator resumes it (promise 5, JOURNEYS: the admin's containment).

use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::id::{ClientId, EventId};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

/// Who suspends it.
#[derive(Clone, Copy, Debug)]
pub enum Suspender<'a> {
    /// From the command line.
    Operator,
    /// "This was not me": anybody who was asked.
    Person(&'a str),
}

/// Whether this call did it. `more` is added to the event's data.
pub async fn suspend(
    session: &mut DatabaseTransaction,
    client: &ClientId,
    by: Suspender<'_>,
    (event_id, now, more): (EventId, Timestamp, Value),
) -> Result<bool, StoreError> {
    if !session.stop_client(client, now).await? {
        return Ok(false);
    }
    let (by, reporter) = match by {
        Suspender::Operator => ("operator", None),
        Suspender::Person(person) => ("report", Some(person)),
    };
    let mut event = Event::new(event_id, now, EventName::AgentSuspended);
    event.client = Some(client.to_string());
    event.subject = reporter.map(str::to_owned);
    event.reason = reporter.map(|_| "not me".to_owned());
    let mut data = json!({ "by": by, "reported_by": reporter });
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    session.insert_event(&event.with(data)).await?;
    Ok(true)
}

/// Whether this call did it.
pub async fn resume(
    session: &mut DatabaseTransaction,
    client: &ClientId,
    (event_id, now): (EventId, Timestamp),
) -> Result<bool, StoreError> {
    if !session.resume_client(client).await? {
        return Ok(false);
    }
    let mut event = Event::new(event_id, now, EventName::AgentResumed);
    event.client = Some(client.to_string());
    session
        .insert_event(&event.with(json!({ "by": "operator" })))
        .await?;
    Ok(true)
}
