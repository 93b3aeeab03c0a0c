//! The lineage of a token: all delegations above it, in one statement whatever the depth. From each delegation to its parent, and
//! from one that was approved alone to the delegation that asked; with task, holders, their owners and sponsors, and the subject with
//! their roles.
//! Read uncached before every token, so that a stop takes effect at once. Large columns are read for the leaf alone.

use writ_core::delegation::MAX_LINEAGE;
use writ_core::id::DelegationId;
use writ_core::lineage::{Lineage, Stopped};
use writ_wire::time::Timestamp;

use crate::delegation::{DelegationRow, delegation_columns};
use crate::error::Result;
use crate::json::time;
use crate::role::{self, roles_of};
use crate::store::DatabaseTransaction;
use crate::task::{TaskRow, task_columns};

row! { StateRow {
    stopped: Option<String>,
    ends_at: i64,
    keys: Option<String>,
    roles: Option<String>,
} }

row! { LiveRow { live: i64 } }

joined! { LineageRow { state: StateRow, task: TaskRow, leaf: DelegationRow } }

/// The first reason found; null while all is well. A parent, client, owner or person that is gone, a parent in another
/// task, a lineage longer than `MAX_LINEAGE` and a stopped tenant are `unknown`.
macro_rules! stopped {
    () => {
        "CASE WHEN t.stopped_at IS NOT NULL THEN 'task'
            WHEN t.suspended_at IS NOT NULL THEN 'suspended'
            WHEN k.client_id IS NOT NULL THEN 'paused'
            WHEN s.delegations > 0 THEN 'delegation'
            WHEN s.agents > 0 THEN 'agent'
            WHEN s.owners > 0 THEN 'owner'
            WHEN s.sponsors > 0 THEN 'sponsor'
            WHEN p.disabled_at IS NOT NULL THEN 'subject'
            WHEN s.roots <> 1 OR s.lost > 0 OR n.stopped_at IS NOT NULL
                OR (t.subject_kind = 'person' AND p.id IS NULL) THEN 'unknown' END"
    };
}

/// $1 tenant, $2 delegation, $3 `MAX_LINEAGE`. `CROSS JOIN` tells SQLite to go from what is known to its parent; it would read all
/// delegations of the tenant for each step.
macro_rules! up_from {
    ($columns:expr, $condition:expr) => {
        concat!(
            "WITH RECURSIVE up (above, task_id, holder, jkt, expires_at, stopped_at, place) AS (
                SELECT COALESCE(d.parent_id, d.asked_by), d.task_id, d.holder, d.jkt, d.expires_at,
                    d.stopped_at, CAST(1 AS BIGINT)
                FROM delegations d WHERE d.tenant = $1 AND d.id = $2
                UNION ALL
                SELECT COALESCE(d.parent_id, d.asked_by), d.task_id, d.holder, d.jkt, d.expires_at,
                    d.stopped_at, up.place + 1
                FROM up CROSS JOIN delegations d
                WHERE d.tenant = $1 AND d.id = up.above AND d.task_id = up.task_id
                    AND up.place < $3
            ), state AS (
                SELECT MIN(up.expires_at) AS ends_at, string_agg(up.jkt, ' ') AS keys,
                    COUNT(up.stopped_at) AS delegations, COUNT(c.stopped_at) AS agents,
                    COUNT(o.disabled_at) AS owners, COUNT(r.disabled_at) AS sponsors,
                    COUNT(*) - COUNT(up.above) AS roots,
                    COUNT(*) - COUNT(c.id) + COUNT(a.client_id) - COUNT(o.id)
                        + COUNT(a.client_id) - COUNT(r.id) AS lost
                FROM up
                LEFT JOIN clients c ON c.tenant = $1 AND c.id = up.holder
                LEFT JOIN agents a ON a.tenant = $1 AND a.client_id = up.holder
                LEFT JOIN users o ON o.tenant = $1 AND o.id = a.owner_id
                LEFT JOIN users r ON r.tenant = $1 AND r.id = a.sponsor_id
            )
            SELECT ",
            $columns,
            " FROM delegations d
            JOIN tasks t ON t.tenant = $1 AND t.id = d.task_id
            CROSS JOIN state s
            LEFT JOIN users p ON p.tenant = $1 AND p.id = t.subject AND t.subject_kind = 'person'
            LEFT JOIN tenants n ON n.tenant = $1
            LEFT JOIN paused_clients k ON k.tenant = $1 AND k.subject = t.subject AND k.client_id = d.holder
            WHERE d.tenant = $1 AND d.id = $2",
            $condition
        )
    };
}

const LINEAGE: &str = up_from!(
    concat!(
        stopped!(),
        " AS stopped, s.ends_at, s.keys, ",
        roles_of!("t.subject"),
        ", ",
        task_columns!(),
        ", ",
        delegation_columns!()
    ),
    ""
);

const IS_LIVE: &str = up_from!(
    "CAST(1 AS BIGINT) AS live",
    concat!(
        " AND t.expires_at > $4 AND s.ends_at > $4 AND ",
        stopped!(),
        " IS NULL"
    )
);

impl DatabaseTransaction {
    /// `None` for a delegation that does not exist or whose task is gone.
    pub async fn lineage(&mut self, delegation: &DelegationId) -> Result<Option<Lineage>> {
        let row = optional!(
            self,
            LineageRow,
            LINEAGE,
            &self.tenant,
            delegation.as_str(),
            longest()
        )?;
        row.map(LineageRow::read).transpose()
    }

    /// Whether nothing in the lineage is stopped or expired; asked again after the commit of a new token where no roles are configured.
    pub async fn is_live(&mut self, delegation: &DelegationId, now: Timestamp) -> Result<bool> {
        let id = delegation.as_str();
        let row = optional!(
            self,
            LiveRow,
            IS_LIVE,
            &self.tenant,
            id,
            longest(),
            now.micros()
        )?;
        Ok(row.is_some_and(|row| row.live == 1))
    }
}

impl LineageRow {
    fn read(self) -> Result<Lineage> {
        let task = self.task.read()?.task;
        let keys = self.state.keys.unwrap_or_default();
        Ok(Lineage {
            leaf: self.leaf.read()?,
            keys: keys.split_ascii_whitespace().map(str::to_owned).collect(),
            stopped: self.state.stopped.as_deref().map(Stopped::from_row),
            ends_at: time(self.state.ends_at).min(task.expires_at),
            roles: role::read(self.state.roles.as_deref()),
            task,
        })
    }
}

fn longest() -> i64 {
    i64::try_from(MAX_LINEAGE).unwrap_or(i64::MAX)
}
