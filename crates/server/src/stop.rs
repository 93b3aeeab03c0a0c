//! Stopping a task: one guarded statement and its event; everything below dies with it, on every node (promise 5).

use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::id::{EventId, TaskId};
use writ_store::{Session, StoreError};
use writ_wire::time::Timestamp;

/// Who stops it.
#[derive(Clone, Copy)]
pub enum Stopper<'a> {
    /// From the command line.
    Operator,
    /// Only their own tasks.
    Person(&'a str),
    /// Who decides about this agent's requests for somebody else.
    Approver(&'a str),
}

/// `false` if there is no such live task for the stopper.
pub async fn stop_task(
    session: &mut Session,
    id: &TaskId,
    stopper: Stopper<'_>,
    (event_id, now): (EventId, Timestamp),
) -> Result<bool, StoreError> {
    let stopped = match stopper {
        Stopper::Operator | Stopper::Approver(_) => session.stop_task(id, now).await?,
        Stopper::Person(subject) => session.stop_task_of(id, subject, now).await?,
    };
    if !stopped {
        return Ok(false);
    }
    let by = match stopper {
        Stopper::Operator => json!({ "by": "operator" }),
        Stopper::Person(_) => json!({ "by": "subject" }),
        Stopper::Approver(person) => json!({ "by": "approver", "approver": person }),
    };
    let mut event = Event::new(event_id, now, EventName::TaskRevoked).with(by);
    if let Some(stored) = session.task(id).await? {
        event = event.about(&stored.task);
        event.client = Some(stored.task.client.to_string());
    }
    session.insert_event(&event).await?;
    Ok(true)
}
