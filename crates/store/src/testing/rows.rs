//! What only tests ask of the tables.

use writ_core::delegation::Delegation;
use writ_core::id::{ApprovalId, TaskId};
use writ_wire::time::Timestamp;

use crate::delegation::{DelegationRow, delegation_columns};
use crate::error::Result;
use crate::event::minute;
use crate::json::time;
use crate::notice::{self, Notice, NoticeRow};
use crate::store::DatabaseTransaction;

/// How often one endpoint refused with one code within one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalCount {
    /// The beginning of the minute.
    pub minute: Timestamp,
    pub endpoint: String,
    pub code: String,
    pub refusals: i64,
}

row! { CountRow { minute: i64, endpoint: String, code: String, refusals: i64 } }

const DELEGATIONS_OF_TASK: &str = concat!(
    "SELECT ",
    delegation_columns!(),
    " FROM delegations d WHERE d.tenant = $1 AND d.task_id = $2 ORDER BY d.id LIMIT 1000"
);

const NOTICES_OF_REQUEST: &str = "
    SELECT id, kind, request_id, user_id, target, sealed, attempts, created_at, expires_at
    FROM notices WHERE tenant = $1 AND request_id = $2 ORDER BY created_at, id LIMIT 1000";

const COUNTS: &str = "
    SELECT minute, endpoint, code, refusals FROM refusal_counts
    WHERE tenant = $1 AND minute >= $2 ORDER BY minute, endpoint, code LIMIT 10000";

impl DatabaseTransaction {
    /// In the order in which they were made.
    pub async fn delegations_of(&mut self, task: &TaskId) -> Result<Vec<Delegation>> {
        let task = task.as_str();
        let rows = all!(self, DelegationRow, DELEGATIONS_OF_TASK, &self.tenant, task)?;
        rows.into_iter().map(DelegationRow::read).collect()
    }

    /// In order; `sealed` is empty in those that are over.
    pub async fn notices_of_request(&mut self, id: &ApprovalId) -> Result<Vec<Notice>> {
        let id = id.as_str();
        notice::read(all!(self, NoticeRow, NOTICES_OF_REQUEST, &self.tenant, id)?)
    }

    /// From the minute of `since` on.
    pub async fn refusal_counts(&mut self, since: Timestamp) -> Result<Vec<RefusalCount>> {
        let since = minute(since).micros();
        let rows = all!(self, CountRow, COUNTS, &self.tenant, since)?;
        Ok(rows.into_iter().map(CountRow::read).collect())
    }
}

impl CountRow {
    fn read(self) -> RefusalCount {
        RefusalCount {
            minute: time(self.minute),
            endpoint: self.endpoint,
            code: self.code,
            refusals: self.refusals,
        }
    }
}
