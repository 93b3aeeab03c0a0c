//! A decision with its audit event, in one round trip: no decision without a record.

use writ_core::event::Event;
use writ_core::id::{ClientId, DelegationId, TaskId};
use writ_wire::time::Timestamp;

use super::WrittenRow;
use crate::access::{AccessDecision, DETAILS_COLUMN, SPENT_COLUMN};
use crate::error::Result;
use crate::event::data_column;
use crate::json;
use crate::store::DatabaseTransaction;

/// State is never cached: the row is written only while the client that asks is active.
macro_rules! decision {
    () => {
        concat!(
            "INSERT INTO decisions (tenant, id, caller, key_digest, asked_hash, answer, resource, action,
                client_id, task_id, delegation_id, object_hash, details, spent, decided_at, awaited_until)
            SELECT CAST($tenant AS TEXT), CAST($id AS TEXT), CAST($caller AS TEXT), \
                CAST($key_digest AS TEXT),
                CAST($asked_hash AS TEXT), CAST($answer AS TEXT), CAST($resource AS TEXT), \
                CAST($action AS TEXT),
                CAST($client AS TEXT), CAST($task AS TEXT), CAST($delegation AS TEXT), \
                CAST($object_hash AS TEXT),
                CAST($details AS TEXT), CAST($spent AS TEXT), CAST($decided_at AS BIGINT), \
                CAST($awaited_until AS BIGINT)
            FROM ",
            active_client!("$caller"),
            "
            ON CONFLICT DO NOTHING
            RETURNING id AS written"
        )
    };
}

const ON_SQLITE: &str = concat!(decision!(), ";", event!());
const ON_POSTGRES: &str = concat!(
    "WITH decided AS (",
    decision!(),
    "), recorded AS (",
    event!(),
    ") SELECT written FROM decided UNION ALL SELECT written FROM recorded"
);

impl DatabaseTransaction {
    /// `false`: another request came with the same key, or the caller is stopped. Then whoever asked rolls back what was taken, and this
    /// event.
    pub async fn insert_decision(&mut self, d: &AccessDecision, e: &Event) -> Result<bool> {
        let spent = (!d.spent.is_empty()).then_some(&d.spent);
        let rows = all_by_name!(self, WrittenRow, (ON_SQLITE, ON_POSTGRES), {
            tenant: &self.tenant,
            id: d.id.as_str(),
            caller: d.caller.as_str(),
            key_digest: &d.key_digest,
            asked_hash: &d.asked_hash,
            answer: &d.answer,
            resource: &d.resource,
            action: &d.action,
            client: d.client.as_ref().map(ClientId::as_str),
            task: d.task.as_ref().map(TaskId::as_str),
            delegation: d.delegation.as_ref().map(DelegationId::as_str),
            object_hash: &d.object_hash,
            details: json::optional(d.details.as_ref(), DETAILS_COLUMN)?,
            spent: json::optional(spent, SPENT_COLUMN)?,
            decided_at: d.decided_at.micros(),
            awaited_until: d.awaited_until.map(Timestamp::micros),
            event_id: e.id.as_str(),
            event_at: e.at.micros(),
            event_name: e.name.as_str(),
            event_subject: e.subject.as_deref(),
            event_actor_path: e.actor_path.as_deref(),
            event_client: e.client.as_deref(),
            event_owner: e.owner.as_deref(),
            event_sponsor: e.sponsor.as_deref(),
            event_task: e.task.as_deref(),
            event_delegation: e.delegation.as_deref(),
            event_purpose: e.purpose.as_deref(),
            event_resource: e.resource.as_deref(),
            event_details_hash: e.details_hash.as_deref(),
            event_decision: e.decision,
            event_reason: e.reason.as_deref(),
            event_transaction: e.transaction.as_deref(),
            event_data: data_column(e)?,
        })?;
        Ok(rows.iter().any(|row| row.written == d.id.as_str()))
    }
}
