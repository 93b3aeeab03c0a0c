//! Delegations: one row each, with an authority never wider than its parent's.

use writ_core::delegation::Delegation;
use writ_core::id::{ClientId, DelegationId, TaskId};
use writ_jose::key::Thumbprint;
use writ_wire::claims::Act;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::{self, time};
use crate::store::DatabaseTransaction;
use crate::write::InsertBatch;

/// Who holds a piece of a task, and how many actors are above.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    pub task: TaskId,
    pub depth: usize,
    pub client: ClientId,
    pub delegation: DelegationId,
    /// The piece that this one was made from, or that asked for it.
    pub above: Option<DelegationId>,
    pub stopped: bool,
    pub expires_at: Timestamp,
}

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

/// The columns of `DelegationRow` from `delegations d`.
macro_rules! delegation_columns {
    () => {
        "d.id AS delegation_id, d.task_id AS delegation_task, d.parent_id, d.asked_by,
        d.approval AS delegation_approval, d.path, d.holder, d.requested_by, d.authority, d.onward, d.act,
        d.jkt, d.created_at, d.expires_at"
    };
}
pub(crate) use delegation_columns;

row! { HolderRow {
    task_id: String,
    id: String,
    above: Option<String>,
    holder: String,
    act: Option<String>,
    stopped_at: Option<i64>,
    expires_at: i64,
} }

const BIND: &str = "
    UPDATE delegations SET jkt = $3 WHERE tenant = $1 AND id = $2 AND jkt IS NULL";

const STOP: &str = "
    UPDATE delegations SET stopped_at = $3 WHERE tenant = $1 AND id = $2 AND stopped_at IS NULL";

/// Of each of several tasks, who holds its first pieces.
macro_rules! holders {
    ($kind:ident) => {
        concat!(
            "SELECT r.task_id, r.id, COALESCE(r.parent_id, r.asked_by) AS above, r.holder, r.act,
                r.stopped_at, r.expires_at ",
            first_of_each!($kind, "delegations", "x.task_id = n.id ORDER BY x.id"),
            "ORDER BY r.task_id, r.id"
        )
    };
}
const HOLDERS_ON_SQLITE: &str = holders!(sqlite);
const HOLDERS_ON_POSTGRES: &str = holders!(postgres);

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
        let stopped = execute!(self, STOP, &self.tenant, id.as_str(), now.micros())? == 1;
        if !stopped {
            self.forget_undoable_stops_of_delegation(id.as_str())
                .await?;
        }
        Ok(stopped)
    }

    /// Who holds the first pieces of each of these tasks, as many as `most` of each. One statement.
    pub async fn holders_of(&mut self, tasks: &[&str], most: u32) -> Result<Vec<Holder>> {
        let rows = all_by_name!(self, HolderRow, (HOLDERS_ON_SQLITE, HOLDERS_ON_POSTGRES), {
            tenant: &self.tenant,
            ids: json::write(&tasks, "a list of ids")?,
            most: i64::from(most),
        })?;
        rows.into_iter().map(HolderRow::read).collect()
    }
}

impl HolderRow {
    fn read(self) -> Result<Holder> {
        let act = self
            .act
            .map(|text| json::read::<Act>(&text, ACT))
            .transpose()?;
        Ok(Holder {
            task: TaskId::from_text(self.task_id),
            depth: act.map_or(0, |act| act.depth()),
            client: ClientId::from_text(self.holder),
            delegation: DelegationId::from_text(self.id),
            above: self.above.map(DelegationId::from_text),
            stopped: self.stopped_at.is_some(),
            expires_at: time(self.expires_at),
        })
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
