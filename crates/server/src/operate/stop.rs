//! Stopping a task, or everything that an agent does for a user. From the commit on, no token or delegation below what was
//! stopped is live on any node.

use serde_json::json;
use writ_core::event::EventName;
use writ_core::id::{ClientId, TaskId, UserId};
use writ_core::pending::Ending;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use super::change::{ChangeContext, ChangedBy};
use crate::approvals::close::{Endings, end};
use crate::node::app::App;
use crate::node::failure::Failure;

/// Tasks, and delegations, that are stopped by one query; there are as many queries as it takes.
pub const BATCH: u32 = 64;

/// What a stop of an agent ended.
pub struct StoppedAgent {
    pub endings: Endings,
    pub tasks: u32,
    pub delegations: u32,
}

impl StoppedAgent {
    /// Whether there was nothing to stop.
    pub fn is_nothing(&self) -> bool {
        self.endings.is_empty() && self.tasks == 0 && self.delegations == 0
    }
}

/// `false` if there is no such live task, or it is not the actor's to stop.
pub async fn stop_task(
    transaction: &mut DatabaseTransaction,
    id: &TaskId,
    change: ChangeContext<'_>,
) -> Result<bool, StoreError> {
    let stopped = match change.by {
        ChangedBy::Subject(subject) => transaction.stop_task_of(id, subject, change.now).await?,
        ChangedBy::Operator
        | ChangedBy::Registration
        | ChangedBy::Approver(_)
        | ChangedBy::Reporter { .. } => transaction.stop_task(id, change.now).await?,
    };
    if !stopped {
        return Ok(false);
    }
    let mut event = change.event(EventName::TaskRevoked, json!({}));
    if let Some(stored) = transaction.task(id).await? {
        event = event.about(&stored.task);
        event.client = Some(stored.task.client.to_string());
    }
    transaction.insert_event(&event).await?;
    Ok(true)
}

/// Stops everything that this agent does for this user: what it need not ask again, its requests, the tasks that it opened, and its
/// delegations in other agents' tasks. In this order, because a redemption or a remembered consent at the same moment either commits
/// before what it builds on is ended, and its task is found afterwards, or finds that ended.
pub async fn stop_agent(
    app: &App,
    transaction: &mut DatabaseTransaction,
    subject: &UserId,
    client: &ClientId,
    by: ChangedBy<'_>,
) -> Result<StoppedAgent, Failure> {
    let now = app.clock.now();
    transaction.forget_consents(subject, client).await?;
    let endings = end(app, transaction, Ending::Stopped { subject, client }, now).await?;
    let stop = AgentStop {
        app,
        subject,
        client,
        by,
        now,
    };
    Ok(StoppedAgent {
        endings,
        tasks: stop.tasks(transaction).await?,
        delegations: stop.delegations(transaction).await?,
    })
}

/// A stop of one agent for one user.
struct AgentStop<'a> {
    app: &'a App,
    subject: &'a UserId,
    client: &'a ClientId,
    by: ChangedBy<'a>,
    now: Timestamp,
}

impl AgentStop<'_> {
    /// Stops the tasks between them; says how many.
    async fn tasks(&self, transaction: &mut DatabaseTransaction) -> Result<u32, Failure> {
        let mut stopped = 0;
        loop {
            let live = transaction.live_tasks_between(self.subject, self.client, self.now, BATCH);
            let live = live.await?;
            if live.is_empty() {
                return Ok(stopped);
            }
            for task in live {
                if stop_task(transaction, &task, self.change()).await? {
                    self.app.metrics.stopped();
                    stopped += 1;
                }
            }
        }
    }

    /// Stops the delegations to the agent in other agents' tasks; says how many.
    async fn delegations(&self, transaction: &mut DatabaseTransaction) -> Result<u32, Failure> {
        let mut stopped = 0;
        loop {
            let held =
                transaction.stop_delegations_held(self.subject, self.client, self.now, BATCH);
            let held = held.await?;
            if held.is_empty() {
                return Ok(stopped);
            }
            for (delegation, task) in held {
                let event = self.change().event(EventName::DelegationStopped, json!({}));
                let mut event = event.of_subject(self.subject.as_str());
                event.client = Some(self.client.to_string());
                event.task = Some(task.to_string());
                event.delegation = Some(delegation.to_string());
                transaction.insert_event(&event).await?;
                stopped += 1;
            }
        }
    }

    fn change(&self) -> ChangeContext<'_> {
        self.app.change(self.by, self.now)
    }
}
