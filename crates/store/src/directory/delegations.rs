//! The delegations of one task.

use writ_core::delegation::Delegation;
use writ_core::id::{DelegationId, TaskId};
use writ_wire::time::Timestamp;

use crate::delegation::{DelegationRow, delegation_columns};
use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;

/// A delegation and whether somebody stopped it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedDelegation {
    pub delegation: Delegation,
    pub stopped_at: Option<Timestamp>,
}

row! { StoppedRow { stopped_at: Option<i64> } }

joined! { FoundRow { delegation: DelegationRow, stopped: StoppedRow } }

const OF_TASK: &str = concat!(
    "SELECT ",
    delegation_columns!(),
    ", d.stopped_at FROM delegations d
    WHERE d.tenant = $1 AND d.task_id = $2 AND d.id > $3 ORDER BY d.id LIMIT $4"
);

const ONE: &str = concat!(
    "SELECT ",
    delegation_columns!(),
    ", d.stopped_at FROM delegations d WHERE d.tenant = $1 AND d.id = $2"
);

impl DatabaseTransaction {
    /// The oldest after this id.
    pub async fn delegations_of_task(
        &mut self,
        task: &TaskId,
        after: &str,
        most: u32,
    ) -> Result<Vec<ListedDelegation>> {
        let (tenant, task, most) = (&self.tenant, task.as_str(), i64::from(most));
        let rows = all!(self, FoundRow, OF_TASK, tenant, task, after, most)?;
        rows.into_iter().map(FoundRow::read).collect()
    }

    pub async fn listed_delegation(
        &mut self,
        id: &DelegationId,
    ) -> Result<Option<ListedDelegation>> {
        let row = optional!(self, FoundRow, ONE, &self.tenant, id.as_str())?;
        row.map(FoundRow::read).transpose()
    }
}

impl FoundRow {
    fn read(self) -> Result<ListedDelegation> {
        Ok(ListedDelegation {
            delegation: self.delegation.read()?,
            stopped_at: self.stopped.stopped_at.map(time),
        })
    }
}
