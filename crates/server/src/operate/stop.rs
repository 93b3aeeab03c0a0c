//! Stopping a task, or everything that an agent does for a user. From the commit on, no token or delegation below what was
//! stopped is live on any node.

use serde_json::json;
use writ_core::event::EventName;
use writ_core::id::{ClientId, EventId, TaskId, UserId};
use writ_core::task::Subject;
use writ_store::DatabaseTransaction;
use writ_store::stop::{StopEvents, TasksOf};
use writ_wire::time::Timestamp;

use super::change::{ChangeContext, ChangedBy};
use crate::approvals::close::{EndingPart, Endings, deny_all, deny_within};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::notifications::outbox::{OutboxContext, StoppedPair};

/// What a stop of an agent ended.
pub struct StoppedAgent {
    /// What the ids of its events begin with.
    pub id: EventId,
    pub at: Timestamp,
    pub endings: Endings,
    pub tasks: u64,
    pub delegations: u64,
}

impl StoppedAgent {
    /// Whether there was nothing to stop.
    pub fn is_nothing(&self) -> bool {
        self.endings.is_empty() && self.tasks == 0 && self.delegations == 0
    }
}

/// What was asked within it, which ended with it; `None` if there is no such live task, or it is not the actor's to stop.
pub async fn stop_task(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    id: &TaskId,
    change: ChangeContext<'_>,
) -> Result<Option<Endings>, Failure> {
    let Some(stored) = transaction.task(id).await? else {
        return Ok(None);
    };
    let (task, at) = (&stored.task, change.now);
    let owner = match (change.by, &task.subject) {
        (ChangedBy::Subject(person), Subject::Person(of)) if person == of => Some(person),
        (ChangedBy::Subject(_), _) => return Ok(None),
        _ => None,
    };
    let ending = EndingPart {
        task,
        piece: None,
        event: &change.event_id,
        at,
    };
    let endings = deny_within(outbox, transaction, ending).await?;
    let stopped = match owner {
        Some(person) => transaction.stop_task_of(id, person, at).await?,
        None => transaction.stop_task(id, at).await?,
    };
    if !stopped {
        return Ok(None);
    }
    let mut event = change.event(EventName::TaskRevoked, json!({})).about(task);
    event.client = Some(task.client.to_string());
    transaction.insert_event(&event).await?;
    Ok(Some(endings))
}

/// Stops everything that this agent does for this user: what it need not ask again, its requests, the tasks that it opened, and its
/// delegations in other agents' tasks. In this order, because a redemption or a remembered consent at the same moment either commits
/// before what it builds on is ended, and its task is found afterwards, or finds that ended. As many statements for one task as for
/// a hundred thousand.
pub async fn stop_agent(
    app: &App,
    transaction: &mut DatabaseTransaction,
    subject: &UserId,
    client: &ClientId,
    by: ChangedBy<'_>,
) -> Result<StoppedAgent, Failure> {
    let now = app.mended_time();
    transaction.begin_stop().await?;
    transaction.guard_person(subject, now).await?;
    transaction.forget_undoable_stops(subject, client).await?;
    transaction.forget_consents(subject, client).await?;
    let endings = deny_all(app, transaction, StoppedPair { subject, client }, now).await?;
    let events = BulkEvents::new(app.change(by, now));
    let tasks = transaction.stop_tasks(TasksOf::Pair(subject, client), events.of_stop());
    let tasks = tasks.await?;
    let held = transaction.stop_delegations_held(subject, client, events.of_stop());
    app.metrics.stopped(tasks);
    let delegations = held.await?;
    // Once more: a stop of a task in which it acts may have come in between.
    transaction.forget_undoable_stops(subject, client).await?;
    Ok(StoppedAgent {
        id: events.id,
        at: now,
        endings,
        tasks,
        delegations,
    })
}

/// What the events of one stop have in common.
pub struct BulkEvents {
    id: EventId,
    now: Timestamp,
    data: String,
}

impl BulkEvents {
    pub fn new(change: ChangeContext<'_>) -> Self {
        let event = change.event(EventName::TaskRevoked, json!({}));
        Self {
            id: event.id,
            now: event.at,
            data: event.data.to_string(),
        }
    }

    pub fn of_stop(&self) -> StopEvents<'_> {
        StopEvents {
            id: &self.id,
            now: self.now,
            data: &self.data,
        }
    }
}
