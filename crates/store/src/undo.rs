//! A stop of an agent that its person takes back. What was stopped is what the events of that stop name: whatever else ended before, or
//! at the same moment, stays as it is. Only what a consent opened lives again: codes, questions and approvals stay ended.

use writ_core::event::EventName;
use writ_core::id::{ClientId, DelegationId, EventId, UserId};
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::stop::{StopEvents, delegation_events};
use crate::store::DatabaseTransaction;

/// One row of `undoable_stops`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoableStop {
    /// What the ids of its events begin with.
    pub id: EventId,
    pub subject: UserId,
    pub client: ClientId,
    pub stopped_at: Timestamp,
    pub until: Timestamp,
}

/// How many of a stop's tasks a consent opened, and by what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoppedConsents {
    pub tasks: u64,
    /// Of them, those that need more than a password again.
    pub stronger: u64,
}

row! { UndoableRow { id: String, subject: String, client_id: String, stopped_at: i64, undo_until: i64 } }

row! { ConsentsRow { tasks: i64, stronger: i64 } }

row! { UndoneRow { undone: i64 } }

row! { ResumedRow { id: String } }

/// Of what lives again, so much is looked at for one that nothing else stops.
pub(crate) const MOST_LOOKED_AT: i64 = 64;

const INSERT: &str = "
    INSERT INTO undoable_stops (tenant, id, subject, client_id, stopped_at, undo_until)
    VALUES ($1, $2, $3, $4, $5, $6)";

const FIND: &str = "
    SELECT id, subject, client_id, stopped_at, undo_until FROM undoable_stops
    WHERE tenant = $1 AND id = $2 AND subject = $3 AND undo_until > $4";

const ASK: &str = "
    UPDATE undoable_stops SET asked_at = $4, undo_until = $5
    WHERE tenant = $1 AND id = $2 AND subject = $3 AND undo_until > $4 AND asked_at IS NULL";

const TAKE: &str = "
    DELETE FROM undoable_stops WHERE tenant = $1 AND id = $2 AND subject = $3 AND undo_until > $4";

/// Of this client, and those whose tasks it has a part in.
const FORGET: &str = "
    DELETE FROM undoable_stops WHERE tenant = $1 AND subject = $2
        AND (client_id = $3 OR EXISTS (SELECT 1 FROM events e CROSS JOIN delegations d
            WHERE e.tenant = $1 AND e.id >= undoable_stops.id || '_'
                AND e.id < undoable_stops.id || '_z'
                AND substr(e.id, 1, length(undoable_stops.id) + 1) = undoable_stops.id || '_'
                AND d.tenant = $1 AND d.task_id = e.task_id AND d.holder = $3))";

const FORGET_OF_PERSON: &str = "
    DELETE FROM undoable_stops WHERE tenant = $1 AND subject = $2";

/// Of whoever has a part in the task.
macro_rules! forget_of_task {
    ($whose:literal) => {
        concat!(
            "DELETE FROM undoable_stops WHERE tenant = $1 AND subject =
                (SELECT t.subject FROM tasks t WHERE t.tenant = $1 AND t.id = $2",
            $whose,
            ") AND EXISTS (SELECT 1 FROM delegations d WHERE d.tenant = $1 AND d.task_id = $2
                AND d.holder = undoable_stops.client_id)"
        )
    };
}

const FORGET_OF_TASK: &str = forget_of_task!("");
const FORGET_OF_TASK_OF: &str = forget_of_task!(" AND t.subject = $3");

/// `CROSS JOIN` tells SQLite to go from the delegation to its task; it would read the parts of all tasks.
const FORGET_OF_DELEGATION: &str = "
    DELETE FROM undoable_stops WHERE tenant = $1 AND (subject, client_id) IN
        (SELECT t.subject, h.holder FROM delegations d CROSS JOIN tasks t CROSS JOIN delegations h
        WHERE d.tenant = $1 AND d.id = $2 AND t.tenant = $1 AND t.id = d.task_id
            AND h.tenant = $1 AND h.task_id = d.task_id)";

/// The events of the stop: their ids are the stop's, `_`, and the id of what was stopped.
macro_rules! of_stop {
    ($name:literal) => {
        concat!(
            "e.tenant = $tenant AND e.id >= $first AND e.id < $beyond
            AND substr(e.id, 1, length(CAST($first AS TEXT))) = $first AND e.subject = $subject AND ",
            $name
        )
    };
}

mod ended;

/// A remembered consent, and one to an app of the house, was nobody's proof at that moment.
const CONSENTS: &str = concat!(
    "SELECT COUNT(*) AS tasks, COUNT(CASE WHEN c.method
            IN ('none', 'password', 'remembered', 'first_party') THEN NULL ELSE 1 END) AS stronger
    FROM events e JOIN consents c ON c.tenant = e.tenant AND c.task_id = e.task_id WHERE ",
    of_stop!("e.name IN ('task.revoked', 'delegation.stopped')")
);

/// `CROSS JOIN` tells SQLite to go from the events of the stop to what they name.
macro_rules! tasks {
    () => {
        concat!(
            "t.tenant = $tenant AND t.id IN (
            SELECT s.id FROM events e CROSS JOIN consents c CROSS JOIN tasks s WHERE ",
            of_stop!("e.name = 'task.revoked'"),
            " AND c.tenant = $tenant AND c.task_id = e.task_id
            AND s.tenant = $tenant AND s.id = e.task_id
            AND s.stopped_at = $at AND s.expires_at > $now)"
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

const TASKS_ON_SQLITE: &str = concat!(
    task_events!(concat!("tasks t WHERE ", tasks!())),
    "; UPDATE tasks AS t SET stopped_at = NULL WHERE ",
    tasks!(),
    "; SELECT changes() AS undone"
);
const TASKS_ON_POSTGRES: &str = concat!(
    "WITH undone AS (UPDATE tasks AS t SET stopped_at = NULL WHERE ",
    tasks!(),
    " RETURNING t.tenant, t.id, t.subject, t.client_id, t.purpose, t.transaction_id), recorded AS (",
    task_events!("undone t"),
    ") SELECT COUNT(*) AS undone FROM undone"
);

/// Its part of others' tasks; what was approved for it alone is no part that was handed on.
macro_rules! parts {
    () => {
        concat!(
            "d.tenant = $tenant AND d.id IN (
            SELECT s.id FROM events e CROSS JOIN delegations s WHERE ",
            of_stop!("e.name = 'delegation.stopped'"),
            " AND s.tenant = $tenant AND s.id = e.delegation_id AND s.asked_by IS NULL
            AND s.stopped_at = $at AND s.expires_at > $now)"
        )
    };
}

const PARTS_ON_SQLITE: &str = concat!(
    delegation_events!(concat!("delegations d WHERE ", parts!())),
    "; UPDATE delegations AS d SET stopped_at = NULL WHERE ",
    parts!(),
    "; SELECT changes() AS undone"
);
const PARTS_ON_POSTGRES: &str = concat!(
    "WITH undone AS (UPDATE delegations AS d SET stopped_at = NULL WHERE ",
    parts!(),
    " RETURNING d.tenant, d.id, d.holder, d.task_id), recorded AS (",
    delegation_events!("undone d"),
    ") SELECT COUNT(*) AS undone FROM undone"
);

/// The root of a task that lives again, or the part of one.
const RESUMED: &str = concat!(
    "SELECT d.id FROM events e CROSS JOIN delegations d WHERE ",
    of_stop!("e.name = 'task.resumed'"),
    " AND d.tenant = $tenant AND d.task_id = e.task_id
    AND (d.id = e.delegation_id
        OR (e.delegation_id IS NULL AND d.parent_id IS NULL AND d.asked_by IS NULL))
    ORDER BY e.id LIMIT $most"
);

impl DatabaseTransaction {
    /// In the transaction of the stop.
    pub async fn insert_undoable_stop(&mut self, stop: &UndoableStop) -> Result<()> {
        execute!(
            self,
            INSERT,
            &self.tenant,
            stop.id.as_str(),
            stop.subject.as_str(),
            stop.client.as_str(),
            stop.stopped_at.micros(),
            stop.until.micros(),
        )?;
        Ok(())
    }

    /// A stop of this person that may still be taken back.
    pub async fn undoable_stop(
        &mut self,
        id: &EventId,
        person: &UserId,
        now: Timestamp,
    ) -> Result<Option<UndoableStop>> {
        let (id, person, now) = (id.as_str(), person.as_str(), now.micros());
        let row = optional!(self, UndoableRow, FIND, &self.tenant, id, person, now)?;
        Ok(row.map(|row| UndoableStop {
            id: EventId::from_text(row.id),
            subject: UserId::from_text(row.subject),
            client: ClientId::from_text(row.client_id),
            stopped_at: time(row.stopped_at),
            until: time(row.undo_until),
        }))
    }

    /// The person asks for it in time: from then on there is time for a proof, once.
    pub async fn ask_undo(
        &mut self,
        stop: &UndoableStop,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        let (id, person) = (stop.id.as_str(), stop.subject.as_str());
        let (now, until) = (now.micros(), until.micros());
        Ok(execute!(self, ASK, &self.tenant, id, person, now, until)? == 1)
    }

    /// Whether this call is the one that may undo it.
    pub async fn take_undoable_stop(
        &mut self,
        stop: &UndoableStop,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, person, now) = (stop.id.as_str(), stop.subject.as_str(), now.micros());
        Ok(execute!(self, TAKE, &self.tenant, id, person, now)? == 1)
    }

    /// The person stops this client: what they stopped before and it has a part in cannot be taken back any more, because then it would
    /// go on there.
    pub async fn forget_undoable_stops(
        &mut self,
        person: &UserId,
        client: &ClientId,
    ) -> Result<()> {
        let (person, client) = (person.as_str(), client.as_str());
        execute!(self, FORGET, &self.tenant, person, client)?;
        Ok(())
    }

    /// Nothing that this person stopped can be taken back any more.
    pub async fn forget_undoable_stops_of(&mut self, person: &UserId) -> Result<()> {
        execute!(self, FORGET_OF_PERSON, &self.tenant, person.as_str())?;
        Ok(())
    }

    /// The same of whoever has a part in a task that is stopped.
    pub(crate) async fn forget_undoable_stops_of_task(&mut self, task: &str) -> Result<()> {
        execute!(self, FORGET_OF_TASK, &self.tenant, task)?;
        Ok(())
    }

    /// If it is a task of this person.
    pub(crate) async fn forget_undoable_stops_of_task_of(
        &mut self,
        task: &str,
        person: &str,
    ) -> Result<()> {
        execute!(self, FORGET_OF_TASK_OF, &self.tenant, task, person)?;
        Ok(())
    }

    pub(crate) async fn forget_undoable_stops_of_delegation(&mut self, id: &str) -> Result<()> {
        execute!(self, FORGET_OF_DELEGATION, &self.tenant, id)?;
        Ok(())
    }

    pub async fn stopped_consents(&mut self, stop: &UndoableStop) -> Result<StoppedConsents> {
        let rows = all_by_name!(self, ConsentsRow, (CONSENTS, CONSENTS), {
            tenant: &self.tenant,
            first: first(stop),
            beyond: beyond(stop),
            subject: stop.subject.as_str(),
        })?;
        let row = rows.first();
        Ok(StoppedConsents {
            tasks: row.map_or(0, |row| row.tasks.unsigned_abs()),
            stronger: row.map_or(0, |row| row.stronger.unsigned_abs()),
        })
    }

    /// Tasks and parts of others' tasks that this stop ended live again; says how many. What else it ended stays so.
    pub async fn undo_stop(&mut self, stop: &UndoableStop, events: StopEvents<'_>) -> Result<u64> {
        self.end_what_was_asked(stop, events).await?;
        self.end_codes_and_approvals(stop, events.now).await?;
        let tasks = all_by_name!(self, UndoneRow, (TASKS_ON_SQLITE, TASKS_ON_POSTGRES), {
            tenant: &self.tenant,
            first: first(stop),
            beyond: beyond(stop),
            subject: stop.subject.as_str(),
            at: stop.stopped_at.micros(),
            event: events.id.as_str(),
            name: EventName::TaskResumed.as_str(),
            now: events.now.micros(),
            data: events.data,
        })?;
        let parts = all_by_name!(self, UndoneRow, (PARTS_ON_SQLITE, PARTS_ON_POSTGRES), {
            tenant: &self.tenant,
            first: first(stop),
            beyond: beyond(stop),
            subject: stop.subject.as_str(),
            at: stop.stopped_at.micros(),
            event: events.id.as_str(),
            name: EventName::TaskResumed.as_str(),
            now: events.now.micros(),
            data: events.data,
        })?;
        Ok(undone(&tasks) + undone(&parts))
    }

    /// Whether the client can go on with something that this undoing resumed. Not where something else stops it too: an operator, or the
    /// owner's end.
    pub async fn goes_on(&mut self, stop: &UndoableStop, undone: StopEvents<'_>) -> Result<bool> {
        let resumed = all_by_name!(self, ResumedRow, (RESUMED, RESUMED), {
            tenant: &self.tenant,
            first: format!("{}_", undone.id),
            beyond: format!("{}_z", undone.id),
            subject: stop.subject.as_str(),
            most: MOST_LOOKED_AT,
        })?;
        for row in resumed {
            let delegation = DelegationId::from_text(row.id);
            if self.is_live(&delegation, undone.now).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn first(stop: &UndoableStop) -> String {
    format!("{}_", stop.id)
}

/// After each of its events: what was stopped has an id that begins with another letter.
fn beyond(stop: &UndoableStop) -> String {
    format!("{}_z", stop.id)
}

fn undone(rows: &[UndoneRow]) -> u64 {
    rows.first().map_or(0, |row| row.undone.unsigned_abs())
}
