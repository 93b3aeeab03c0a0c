//! The end of everything that was asked of a person: by an agent whose work for them is stopped, or by a resource server that they reported. Also
//! what was approved and not used; one statement, whatever the number, with an event for each row.

use writ_core::event::EventName;
use writ_core::id::{ClientId, EventId, UserId};
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
    /// What this client asks, on whatever way.
    Client(&'a ClientId),
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

macro_rules! asked {
    ($whose:literal) => {
        concat!(
            "r.tenant = $tenant AND r.subject = $subject AND ",
            $whose,
            " AND r.state IN ('pending', 'viewed', 'approved') AND r.expires_at > $now"
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
    ($whose:literal) => {
        concat!(
            "UPDATE pending_requests AS r SET state = 'denied', decision = $decision,
                changed_at = $now, stage_ends_at = NULL WHERE ",
            asked!($whose)
        )
    };
}

/// SQLite has one writer: what the first statement of a text found is what the last one changes. PostgreSQL records what it changed.
macro_rules! stop_requests {
    ($whose:literal) => {
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

const OF_CLIENT: (&str, &str) = stop_requests!("r.client_id = $whose");
const OF_RESOURCE: (&str, &str) = stop_requests!("r.resource = $whose");

impl DatabaseTransaction {
    /// Everything that was asked of this person by them is denied. The id of each event is `event` with the id of the request.
    pub async fn stop_requests(
        &mut self,
        subject: &UserId,
        of: RequestsOf<'_>,
        event: &EventId,
        now: Timestamp,
    ) -> Result<StoppedRequests> {
        match of {
            RequestsOf::Client(client) => {
                let stopped = self.stop_requests_of_client(subject, client, event, now);
                Box::pin(stopped).await
            }
            RequestsOf::Resource(resource) => {
                let stopped = self.stop_requests_of_resource(subject, resource, event, now);
                Box::pin(stopped).await
            }
        }
    }

    async fn stop_requests_of_client(
        &mut self,
        subject: &UserId,
        client: &ClientId,
        event: &EventId,
        now: Timestamp,
    ) -> Result<StoppedRequests> {
        let rows = all_by_name!(self, EndedRow, (OF_CLIENT.0, OF_CLIENT.1), {
            tenant: &self.tenant,
            subject: subject.as_str(),
            whose: client.as_str(),
            event: event.as_str(),
            name: EventName::ApprovalDenied.as_str(),
            now: now.micros(),
            reason: STOPPED,
            decision: json::write(&Decision::of_nobody(STOPPED), DECISION)?,
        })?;
        Ok(StoppedRequests::of(&rows))
    }

    async fn stop_requests_of_resource(
        &mut self,
        subject: &UserId,
        resource: &ResourceUri,
        event: &EventId,
        now: Timestamp,
    ) -> Result<StoppedRequests> {
        let rows = all_by_name!(self, EndedRow, (OF_RESOURCE.0, OF_RESOURCE.1), {
            tenant: &self.tenant,
            subject: subject.as_str(),
            whose: resource.as_str(),
            event: event.as_str(),
            name: EventName::ApprovalDenied.as_str(),
            now: now.micros(),
            reason: REPORTED,
            decision: json::write(&Decision::of_nobody(REPORTED), DECISION)?,
        })?;
        Ok(StoppedRequests::of(&rows))
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
