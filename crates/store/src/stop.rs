//! Stops of everything of one kind at once: each is one statement, whose work is what it stops, with an event for each row in the same
//! statement. Nothing is read into this process but counts.

mod requests;

use writ_core::event::EventName;
use writ_core::id::{ClientId, EventId, UserId};
use writ_wire::time::Timestamp;

use crate::deadline::STOP_DEADLINE;
use crate::error::Result;
use crate::store::{DatabaseConnection, DatabaseTransaction};

pub(crate) use requests::request_events;
pub use requests::{RequestsOf, StoppedRequests};

/// Whose live tasks.
#[derive(Clone, Copy, Debug)]
pub enum TasksOf<'a> {
    /// Those that this client opened for this person.
    Pair(&'a UserId, &'a ClientId),
    /// Those that it opened, its own work too.
    Client(&'a ClientId),
    /// Those of which they are the subject.
    Person(&'a UserId),
}

/// What the events of a stop have in common. The id of each is this one with the id of what was stopped.
#[derive(Clone, Copy, Debug)]
pub struct StopEvents<'a> {
    pub id: &'a EventId,
    pub now: Timestamp,
    /// JSON text.
    pub data: &'a str,
}

row! { StoppedRow { stopped: i64 } }

macro_rules! live {
    ($whose:literal) => {
        concat!(
            "t.tenant = $tenant AND ",
            $whose,
            " AND t.stopped_at IS NULL AND t.expires_at > $now"
        )
    };
}

macro_rules! task_events {
    ($from:expr) => {
        concat!(
            "INSERT INTO events (tenant, id, at, name, subject, client_id, task_id, purpose,
                transaction_id, data)
            SELECT t.tenant, CAST($event AS TEXT) || '_' || t.id, CAST($now AS BIGINT), \
            CAST($name AS TEXT), t.subject, t.client_id, t.id, t.purpose, t.transaction_id,
                CAST($data AS TEXT)
            FROM ",
            $from
        )
    };
}
pub(crate) use task_events;

/// SQLite has one writer: what the first statement of a text found is what the last one changes. PostgreSQL records what it changed.
macro_rules! stop_tasks {
    ($whose:literal) => {
        (
            concat!(
                task_events!(concat!("tasks t WHERE ", live!($whose))),
                "; UPDATE tasks AS t SET stopped_at = $now WHERE ",
                live!($whose),
                "; SELECT changes() AS stopped"
            ),
            concat!(
                "WITH stopped AS (UPDATE tasks AS t SET stopped_at = $now WHERE ",
                live!($whose),
                " RETURNING t.tenant, t.id, t.subject, t.client_id, t.purpose, t.transaction_id),
                recorded AS (",
                task_events!("stopped t"),
                ") SELECT COUNT(*) AS stopped FROM stopped"
            ),
        )
    };
}

const TASKS_OF_PAIR: (&str, &str) =
    stop_tasks!("t.client_id = $client AND t.subject = $subject AND t.subject_kind = 'person'");
const TASKS_OF_CLIENT: (&str, &str) = stop_tasks!("t.client_id = $client");
const TASKS_OF_PERSON: (&str, &str) =
    stop_tasks!("t.subject = $subject AND t.subject_kind = 'person'");

/// What the client holds in valid tasks of the person. What it delegated to itself ends with its parent.
macro_rules! held {
    () => {
        "d.tenant = $tenant AND d.id IN (
            SELECT h.id FROM tasks t
                JOIN delegations h ON h.tenant = t.tenant AND h.task_id = t.id
                LEFT JOIN delegations a
                    ON a.tenant = h.tenant AND a.id = COALESCE(h.parent_id, h.asked_by)
            WHERE t.tenant = $tenant AND t.subject_kind = 'person' AND t.subject = $subject
                AND t.stopped_at IS NULL AND t.expires_at > $now
                AND h.holder = $client AND h.stopped_at IS NULL AND h.expires_at > $now
                AND (a.id IS NULL OR a.holder <> $client))"
    };
}

macro_rules! delegation_events {
    ($from:expr) => {
        concat!(
            "INSERT INTO events (tenant, id, at, name, subject, client_id, task_id, delegation_id, data)
            SELECT d.tenant, CAST($event AS TEXT) || '_' || d.id, CAST($now AS BIGINT), \
            CAST($name AS TEXT), CAST($subject AS TEXT), d.holder, d.task_id, d.id, CAST($data AS TEXT)
            FROM ",
            $from
        )
    };
}
pub(crate) use delegation_events;

const HELD_ON_SQLITE: &str = concat!(
    delegation_events!(concat!("delegations d WHERE ", held!())),
    "; UPDATE delegations AS d SET stopped_at = $now WHERE ",
    held!(),
    "; SELECT changes() AS stopped"
);
const HELD_ON_POSTGRES: &str = concat!(
    "WITH stopped AS (UPDATE delegations AS d SET stopped_at = $now
        WHERE d.stopped_at IS NULL AND ",
    held!(),
    " RETURNING d.tenant, d.id, d.holder, d.task_id), recorded AS (",
    delegation_events!("stopped d"),
    ") SELECT COUNT(*) AS stopped FROM stopped"
);

/// Until the end of the transaction; in milliseconds, as `STOP_DEADLINE`.
const PATIENCE: &str = "SET LOCAL statement_timeout = 60000";

impl DatabaseTransaction {
    /// The statements of this transaction may take [`STOP_DEADLINE`] each from now on: a stop that was given up would leave
    /// everything alive.
    pub async fn begin_stop(&mut self) -> Result<()> {
        if let DatabaseConnection::Postgres(_) = self.connection {
            execute!(self, PATIENCE)?;
        }
        match &mut self.connection {
            DatabaseConnection::Sqlite(connection) => connection.limit_statements(STOP_DEADLINE),
            DatabaseConnection::Postgres(connection) => connection.limit_statements(STOP_DEADLINE),
        }
        Ok(())
    }

    /// Says how many.
    pub async fn stop_tasks(&mut self, of: TasksOf<'_>, events: StopEvents<'_>) -> Result<u64> {
        match of {
            TasksOf::Pair(subject, client) => {
                self.stop_tasks_of_pair(subject, client, events).await
            }
            TasksOf::Client(client) => self.stop_tasks_of_client(client, events).await,
            TasksOf::Person(subject) => self.stop_tasks_of_person(subject, events).await,
        }
    }

    async fn stop_tasks_of_pair(
        &mut self,
        subject: &UserId,
        client: &ClientId,
        events: StopEvents<'_>,
    ) -> Result<u64> {
        let rows = all_by_name!(self, StoppedRow, (TASKS_OF_PAIR.0, TASKS_OF_PAIR.1), {
            tenant: &self.tenant,
            subject: subject.as_str(),
            client: client.as_str(),
            event: events.id.as_str(),
            name: EventName::TaskRevoked.as_str(),
            now: events.now.micros(),
            data: events.data,
        })?;
        Ok(stopped(&rows))
    }

    async fn stop_tasks_of_client(
        &mut self,
        client: &ClientId,
        events: StopEvents<'_>,
    ) -> Result<u64> {
        let rows = all_by_name!(self, StoppedRow, (TASKS_OF_CLIENT.0, TASKS_OF_CLIENT.1), {
            tenant: &self.tenant,
            client: client.as_str(),
            event: events.id.as_str(),
            name: EventName::TaskRevoked.as_str(),
            now: events.now.micros(),
            data: events.data,
        })?;
        Ok(stopped(&rows))
    }

    async fn stop_tasks_of_person(
        &mut self,
        subject: &UserId,
        events: StopEvents<'_>,
    ) -> Result<u64> {
        let rows = all_by_name!(self, StoppedRow, (TASKS_OF_PERSON.0, TASKS_OF_PERSON.1), {
            tenant: &self.tenant,
            subject: subject.as_str(),
            event: events.id.as_str(),
            name: EventName::TaskRevoked.as_str(),
            now: events.now.micros(),
            data: events.data,
        })?;
        Ok(stopped(&rows))
    }

    /// What this client holds in live tasks of this person; says how many. After [`Self::stop_tasks`], so that what ended with its
    /// task is not stopped once more.
    pub async fn stop_delegations_held(
        &mut self,
        subject: &UserId,
        holder: &ClientId,
        events: StopEvents<'_>,
    ) -> Result<u64> {
        let rows = all_by_name!(self, StoppedRow, (HELD_ON_SQLITE, HELD_ON_POSTGRES), {
            tenant: &self.tenant,
            subject: subject.as_str(),
            client: holder.as_str(),
            event: events.id.as_str(),
            name: EventName::DelegationStopped.as_str(),
            now: events.now.micros(),
            data: events.data,
        })?;
        Ok(stopped(&rows))
    }
}

fn stopped(rows: &[StoppedRow]) -> u64 {
    rows.first().map_or(0, |row| row.stopped.unsigned_abs())
}
