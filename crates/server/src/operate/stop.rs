//! Stopping a task, or all that an agent does for a person: guarded statements and their events; everything below dies with
//! them, on every node (promise 5).

use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::id::{ClientId, EventId, TaskId, UserId};
use writ_core::pending::Ending;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use crate::approvals::close::{Endings, end};
use crate::node::app::App;
use crate::node::failure::Failure;

/// Tasks, and delegations, of one turn; there are as many turns as it takes.
pub const TURN: u32 = 64;

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

/// What a stop of an agent reached.
pub struct Stopped {
    pub endings: Endings,
    pub tasks: u32,
    pub delegations: u32,
}

impl Stopped {
    pub fn is_nothing(&self) -> bool {
        self.endings.is_empty() && self.tasks == 0 && self.delegations == 0
    }
}

/// `false` if there is no such live task for the stopper.
pub async fn stop_task(
    session: &mut DatabaseTransaction,
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
    let mut event = Event::new(event_id, now, EventName::TaskRevoked).with(stopper.data());
    if let Some(stored) = session.task(id).await? {
        event = event.about(&stored.task);
        event.client = Some(stored.task.client.to_string());
    }
    session.insert_event(&event).await?;
    Ok(true)
}

/// Everything that this agent does for this person: what it asked, the tasks that it opened, and its part of others' tasks.
/// In this order, because a redemption at the same moment is before the first statement, and its task is found by the second,
/// or it finds its request ended.
pub async fn stop_agent(
    app: &App,
    session: &mut DatabaseTransaction,
    (subject, client): (&UserId, &ClientId),
    stopper: Stopper<'_>,
) -> Result<Stopped, Failure> {
    let now = app.clock.now();
    let endings = end(app, session, Ending::Stopped { subject, client }, now).await?;
    let pair = (subject, client, now);
    Ok(Stopped {
        endings,
        tasks: stop_tasks(app, session, pair, stopper).await?,
        delegations: stop_delegations(app, session, pair, stopper).await?,
    })
}

/// How many.
async fn stop_tasks(
    app: &App,
    session: &mut DatabaseTransaction,
    (subject, client, now): (&UserId, &ClientId, Timestamp),
    stopper: Stopper<'_>,
) -> Result<u32, Failure> {
    let mut stopped = 0;
    loop {
        let live = session.live_tasks_between(subject, client, now, TURN);
        let live = live.await?;
        if live.is_empty() {
            return Ok(stopped);
        }
        for task in live {
            if stop_task(session, &task, stopper, (app.event_id(now), now)).await? {
                app.metrics.stopped();
                stopped += 1;
            }
        }
    }
}

/// How many, each where a chain reaches this agent.
async fn stop_delegations(
    app: &App,
    session: &mut DatabaseTransaction,
    (subject, client, now): (&UserId, &ClientId, Timestamp),
    stopper: Stopper<'_>,
) -> Result<u32, Failure> {
    let mut stopped = 0;
    loop {
        let held = session.stop_delegations_held(subject, client, now, TURN);
        let held = held.await?;
        if held.is_empty() {
            return Ok(stopped);
        }
        for (delegation, task) in held {
            let event = Event::new(app.event_id(now), now, EventName::DelegationStopped);
            let mut event = event.of_subject(subject.as_str()).with(stopper.data());
            event.client = Some(client.to_string());
            event.task = Some(task.to_string());
            event.delegation = Some(delegation.to_string());
            session.insert_event(&event).await?;
            stopped += 1;
        }
    }
}

impl Stopper<'_> {
    fn data(self) -> Value {
        match self {
            Self::Operator => json!({ "by": "operator" }),
            Self::Person(_) => json!({ "by": "subject" }),
            Self::Approver(person) => json!({ "by": "approver", "approver": person }),
        }
    }
}
