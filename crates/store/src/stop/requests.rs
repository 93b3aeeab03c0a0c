//! The end of everything that was asked of a person: by an agent whose work for them is stopped, within a task or a part of one that ends, or
//! by a resource server that they reported. Also what was approved and not used; one statement, whatever the number, with an event for each row.

use writ_core::event::EventName;
use writ_core::id::{ClientId, DelegationId, EventId, TaskId, UserId};
use writ_core::pending::{Decision, REPORTED, STOPPED};
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json;
use crate::pending::DECISION;
use crate::store::DatabaseTransaction;

/// Whose requests to a person.
#[derive(Clone, Copy, Debug)]
pub enum RequestsOf<'a> {
    /// What this client asks, on whatever way, and what others ask below what it holds.
    Client(&'a ClientId),
    /// What is asked within this task, by whomever.
    Task(&'a TaskId),
    /// What is asked with this piece of a task, and below it.
    Delegation(&'a DelegationId),
    /// What this resource server asks about actions, whoever its callers are.
    Resource(&'a ResourceUri),
}

/// Requests that a stop ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoppedRequests {
    pub ended: u64,
    /// Of them, those that nobody had decided.
    pub undecided: u64,
}

row! { EndedRow { ended: i64, undecided: i64 } }

/// `+` keeps SQLite from reading all that wait for anybody.
macro_rules! asked {
    ($whose:expr) => {
        concat!(
            "r.tenant = $tenant AND r.subject = $subject AND ",
            $whose,
            " AND r.state IN ('pending', 'viewed', 'approved') AND +r.expires_at > $now"
        )
    };
}

/// Those that were asked with a delegation, or below one: from each the way goes up, to its parent or to what asked for it.
macro_rules! below {
    ($which:literal) => {
        concat!(
            "r.id IN (WITH RECURSIVE up (leaf, task_id, id, holder, above) AS (
                SELECT q.id, q.task_id, d.id, d.holder, COALESCE(d.parent_id, d.asked_by)
                FROM pending_requests q CROSS JOIN delegations d
                WHERE q.tenant = $tenant AND q.subject = $subject
                    AND q.state IN ('pending', 'viewed', 'approved') AND +q.expires_at > $now
                    AND d.tenant = $tenant AND d.id = q.asked_by
                UNION
                SELECT up.leaf, up.task_id, d.id, d.holder, COALESCE(d.parent_id, d.asked_by)
                FROM up CROSS JOIN delegations d
                WHERE d.tenant = $tenant AND d.id = up.above AND d.task_id = up.task_id
            ) SELECT up.leaf FROM up WHERE ",
            $which,
            ")"
        )
    };
}

macro_rules! counts {
    ($from:expr) => {
        concat!(
            "SELECT COUNT(*) AS ended, COUNT(*) - COUNT(r.decided_at) AS undecided FROM ",
            $from
        )
    };
}

macro_rules! request_events {
    ($from:expr) => {
        concat!(
            "INSERT INTO events (tenant, id, at, name, subject, client_id, task_id, delegation_id,
                resource, decision, reason, data)
            SELECT r.tenant, CAST($event AS TEXT) || '_' || r.id, CAST($now AS BIGINT), \
            CAST($name AS TEXT), r.subject, r.client_id, r.task_id, r.asked_by, r.resource, 'deny', \
            CAST($reason AS TEXT),
                '{\"approval\":\"' || r.id || '\",\"kind\":\"' || r.kind || '\",\"undecided\":'
                    || CASE WHEN r.decided_at IS NULL THEN 'true}' ELSE 'false}' END
            FROM ",
            $from
        )
    };
}
pub(crate) use request_events;

macro_rules! denied {
    ($whose:expr) => {
        concat!(
            "UPDATE pending_requests AS r SET state = 'denied', decision = $decision,
                changed_at = $now, stage_ends_at = NULL WHERE ",
            asked!($whose)
        )
    };
}

/// SQLite has one writer: what the first statement of a text found is what the last one changes. PostgreSQL records what it changed.
macro_rules! stop_requests {
    ($whose:expr) => {
        (
            concat!(
                counts!(concat!("pending_requests r WHERE ", asked!($whose))),
                ";",
                request_events!(concat!("pending_requests r WHERE ", asked!($whose))),
                ";",
                denied!($whose)
            ),
            concat!(
                "WITH stopped AS (",
                denied!($whose),
                " RETURNING r.tenant, r.id, r.kind, r.subject, r.client_id, r.task_id, r.asked_by,
                    r.resource, r.decided_at),
                recorded AS (",
                request_events!("stopped r"),
                ")",
                counts!("stopped r")
            ),
        )
    };
}

const OF_CLIENT: (&str, &str) = stop_requests!(concat!(
    "(r.client_id = $whose OR ",
    below!("up.holder = $whose"),
    ")"
));
const OF_TASK: (&str, &str) = stop_requests!("r.task_id = $whose");
const OF_DELEGATION: (&str, &str) = stop_requests!(below!("up.id = $whose"));
const OF_RESOURCE: (&str, &str) = stop_requests!("r.resource = $whose");

/// The values of one statement.
struct RequestsEnd<'a> {
    subject: &'a str,
    whose: &'a str,
    event: &'a str,
    now: i64,
    reason: &'static str,
    /// JSON text.
    decision: String,
}

macro_rules! end_requests {
    ($transaction:ident, $sql:ident, $end:ident) => {{
        let rows = all_by_name!($transaction, EndedRow, ($sql.0, $sql.1), {
            tenant: &$transaction.tenant,
            subject: $end.subject,
            whose: $end.whose,
            event: $end.event,
            name: EventName::ApprovalDenied.as_str(),
            now: $end.now,
            reason: $end.reason,
            decision: $end.decision.as_str(),
        })?;
        Ok(StoppedRequests::of(&rows))
    }};
}

impl DatabaseTransaction {
    /// Everything that was asked of this person by them is denied. The id of each event is `event` with the id of the request.
    ///
    /// Before what it was asked for is stopped, in every transaction that does both, so that two of them never wait for each other.
    pub async fn stop_requests(
        &mut self,
        subject: &UserId,
        of: RequestsOf<'_>,
        event: &EventId,
        now: Timestamp,
    ) -> Result<StoppedRequests> {
        let (whose, reason) = match of {
            RequestsOf::Client(client) => (client.as_str(), STOPPED),
            RequestsOf::Task(task) => (task.as_str(), STOPPED),
            RequestsOf::Delegation(delegation) => (delegation.as_str(), STOPPED),
            RequestsOf::Resource(resource) => (resource.as_str(), REPORTED),
        };
        let end = RequestsEnd {
            subject: subject.as_str(),
            whose,
            event: event.as_str(),
            now: now.micros(),
            reason,
            decision: json::write(&Decision::of_nobody(reason), DECISION)?,
        };
        match of {
            RequestsOf::Client(_) => Box::pin(self.stop_requests_of_client(end)).await,
            RequestsOf::Task(_) => Box::pin(self.stop_requests_of_task(end)).await,
            RequestsOf::Delegation(_) => Box::pin(self.stop_requests_below(end)).await,
            RequestsOf::Resource(_) => Box::pin(self.stop_requests_of_resource(end)).await,
        }
    }

    async fn stop_requests_of_client(&mut self, end: RequestsEnd<'_>) -> Result<StoppedRequests> {
        end_requests!(self, OF_CLIENT, end)
    }

    async fn stop_requests_of_task(&mut self, end: RequestsEnd<'_>) -> Result<StoppedRequests> {
        end_requests!(self, OF_TASK, end)
    }

    async fn stop_requests_below(&mut self, end: RequestsEnd<'_>) -> Result<StoppedRequests> {
        end_requests!(self, OF_DELEGATION, end)
    }

    async fn stop_requests_of_resource(&mut self, end: RequestsEnd<'_>) -> Result<StoppedRequests> {
        end_requests!(self, OF_RESOURCE, end)
    }
}

impl StoppedRequests {
    fn of(rows: &[EndedRow]) -> Self {
        let row = rows.first();
        Self {
            ended: row.map_or(0, |row| row.ended.unsigned_abs()),
            undecided: row.map_or(0, |row| row.undecided.unsigned_abs()),
        }
    }
}
