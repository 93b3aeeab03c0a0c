//! Delegations: one row each, with an authority never wider than its parent's.

use writ_core::delegation::Delegation;
use writ_core::id::{ClientId, DelegationId, TaskId, UserId};
use writ_jose::key::Thumbprint;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::{self, time};
use crate::store::DatabaseTransaction;
use crate::write::InsertBatch;

/// The most delegations of one task that are listed.
pub const MAX_LISTED: i64 = 1000;

pub(crate) const AUTHORITY: &str = "`delegations.authority`";
pub(crate) const ONWARD: &str = "`delegations.onward`";
pub(crate) const ACT: &str = "`delegations.act`";
pub(crate) const APPROVAL: &str = "`delegations.approval`";
const JKT: &str = "`delegations.jkt`";

row! { DelegationRow {
    delegation_id: String,
    delegation_task: String,
    parent_id: Option<String>,
    asked_by: Option<String>,
    delegation_approval: Option<String>,
    path: String,
    holder: String,
    requested_by: String,
    authority: String,
    onward: String,
    act: Option<String>,
    jkt: Option<String>,
    created_at: i64,
    expires_at: i64,
} }

row! { HeldRow { id: String, task_id: String } }

/// The columns of `DelegationRow` from `delegations d`.
macro_rules! delegation_columns {
    () => {
        "d.id AS delegation_id, d.task_id AS delegation_task, d.parent_id, d.asked_by,
        d.approval AS delegation_approval, d.path, d.holder, d.requested_by, d.authority, d.onward, d.act,
        d.jkt, d.created_at, d.expires_at"
    };
}
pub(crate) use delegation_columns;

const BIND: &str = "
    UPDATE delegations SET jkt = $3 WHERE tenant = $1 AND id = $2 AND jkt IS NULL";

const STOP: &str = "
    UPDATE delegations SET stopped_at = $3 WHERE tenant = $1 AND id = $2 AND stopped_at IS NULL";

/// $2 person, $3 holder, $4 now, $5 most. What the holder delegated to itself ends with its parent.
const STOP_HELD: &str = "
    UPDATE delegations SET stopped_at = $4
    WHERE tenant = $1 AND stopped_at IS NULL AND id IN (
        SELECT d.id FROM tasks t
            JOIN delegations d ON d.tenant = t.tenant AND d.task_id = t.id
            LEFT JOIN delegations a
                ON a.tenant = d.tenant AND a.id = COALESCE(d.parent_id, d.asked_by)
        WHERE t.tenant = $1 AND t.subject_kind = 'person' AND t.subject = $2
            AND t.stopped_at IS NULL AND t.expires_at > $4
            AND d.holder = $3 AND d.stopped_at IS NULL AND d.expires_at > $4
            AND (a.id IS NULL OR a.holder <> $3)
        ORDER BY d.created_at, d.id LIMIT $5)
    RETURNING id, task_id";

const OF_TASK: &str = concat!(
    "SELECT ",
    delegation_columns!(),
    " FROM delegations d WHERE d.tenant = $1 AND d.task_id = $2 ORDER BY d.created_at, d.id LIMIT $3"
);

impl DatabaseTransaction {
    pub async fn insert_delegation(&mut self, new: &Delegation) -> Result<()> {
        let delegation = Some(new);
        self.insert_batch(InsertBatch {
            delegation,
            ..InsertBatch::default()
        })
        .await?;
        Ok(())
    }

    /// Whether it was bound by this call: it had no key before.
    pub async fn bind_delegation(&mut self, id: &DelegationId, key: &Thumbprint) -> Result<bool> {
        Ok(execute!(self, BIND, &self.tenant, id.as_str(), key.as_str())? == 1)
    }

    /// It and all descendants are invalid from this commit on. Whether this call stopped it.
    pub async fn stop_delegation(&mut self, id: &DelegationId, now: Timestamp) -> Result<bool> {
        Ok(execute!(self, STOP, &self.tenant, id.as_str(), now.micros())? == 1)
    }

    /// Stops what this agent holds in valid tasks of this person, at most `limit`; returns those, with the task of each.
    pub async fn stop_delegations_held(
        &mut self,
        subject: &UserId,
        holder: &ClientId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(DelegationId, TaskId)>> {
        let (subject, holder) = (subject.as_str(), holder.as_str());
        let (now, limit) = (now.micros(), i64::from(limit));
        let rows = all!(
            self,
            HeldRow,
            STOP_HELD,
            &self.tenant,
            subject,
            holder,
            now,
            limit
        )?;
        let read = |row: HeldRow| {
            (
                DelegationId::from_text(row.id),
                TaskId::from_text(row.task_id),
            )
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// The first `MAX_LISTED`, in the order in which they were made.
    pub async fn delegations_of(&mut self, task: &TaskId) -> Result<Vec<Delegation>> {
        let rows = all!(
            self,
            DelegationRow,
            OF_TASK,
            &self.tenant,
            task.as_str(),
            MAX_LISTED
        )?;
        rows.into_iter().map(DelegationRow::read).collect()
    }
}

impl DelegationRow {
    pub(crate) fn read(self) -> Result<Delegation> {
        Ok(Delegation {
            id: DelegationId::from_text(self.delegation_id),
            task: TaskId::from_text(self.delegation_task),
            parent: self.parent_id.map(DelegationId::from_text),
            asked_by: self.asked_by.map(DelegationId::from_text),
            approval: self
                .delegation_approval
                .map(|text| json::read(&text, APPROVAL))
                .transpose()?,
            path: self.path,
            holder: ClientId::from_text(self.holder),
            requested_by: ClientId::from_text(self.requested_by),
            authority: json::read(&self.authority, AUTHORITY)?,
            onward: json::read(&self.onward, ONWARD)?,
            act: self.act.map(|text| json::read(&text, ACT)).transpose()?,
            jkt: self
                .jkt
                .map(|text| json::thumbprint(&text, JKT))
                .transpose()?,
            created_at: time(self.created_at),
            expires_at: time(self.expires_at),
        })
    }
}
