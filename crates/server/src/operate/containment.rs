//! What an operator ends at once, beside single tasks and agents of one person: all that a client does, logins, what need not be asked.

use serde_json::json;
use writ_core::event::EventName;
use writ_core::id::{ClientId, UserId};
use writ_store::stop::TasksOf;
use writ_store::{DatabaseTransaction, StoreError};

use super::change::ChangeContext;
use super::stop::BulkEvents;
use super::suspend::suspend_agent;

/// What a stop for everybody ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoppedForAll {
    /// Whether it was not suspended before.
    pub suspended: bool,
    pub tasks: u64,
}

/// Suspends the client first, so that what is made from here on is of one that is stopped, and stops each live task that it opened. As
/// many statements for one task as for a hundred thousand.
pub async fn stop_for_all(
    transaction: &mut DatabaseTransaction,
    client: &ClientId,
    suspension: ChangeContext<'_>,
    stops: ChangeContext<'_>,
) -> Result<StoppedForAll, StoreError> {
    transaction.begin_stop().await?;
    let suspended = suspend_agent(transaction, client, suspension).await?;
    let events = BulkEvents::new(stops);
    let tasks = transaction.stop_tasks(TasksOf::Client(client), events.of_stop());
    Ok(StoppedForAll {
        suspended,
        tasks: tasks.await?,
    })
}

/// Every login of this person ends; says how many.
pub async fn end_sessions(
    transaction: &mut DatabaseTransaction,
    person: &UserId,
    change: ChangeContext<'_>,
) -> Result<u64, StoreError> {
    let ended = transaction.end_sessions_of(person, change.now).await?;
    let event = change.event(EventName::SessionEnded, json!({ "sessions_ended": ended }));
    let event = event.of_subject(person.as_str());
    transaction.insert_event(&event).await?;
    Ok(ended)
}

/// The client asks this person again. Whether anything was remembered.
pub async fn forget_consents(
    transaction: &mut DatabaseTransaction,
    person: &UserId,
    client: &ClientId,
    change: ChangeContext<'_>,
) -> Result<bool, StoreError> {
    if !transaction.forget_consents(person, client).await? {
        return Ok(false);
    }
    let event = change.event(EventName::ConsentForgotten, json!({}));
    let mut event = event.of_subject(person.as_str());
    event.client = Some(client.to_string());
    transaction.insert_event(&event).await?;
    Ok(true)
}
