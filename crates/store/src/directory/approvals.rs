//! Requests that wait for a person, or waited.

use writ_core::id::{ApprovalId, ClientId, UserId};
use writ_core::pending::PendingRequest;
use writ_wire::time::Timestamp;

use super::NEWEST;
use crate::error::Result;
use crate::pending::{PendingRow, pending_columns};
use crate::store::DatabaseTransaction;

/// Requests that one index has in the order in which they were made.
#[derive(Clone, Copy, Debug)]
pub enum ApprovalsOf<'a> {
    All,
    /// On whose behalf it is asked.
    Subject(&'a UserId),
    Client(&'a ClientId),
}

macro_rules! newest {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            pending_columns!(),
            " FROM pending_requests WHERE tenant = $1 AND id < $2",
            $condition,
            " ORDER BY id DESC LIMIT $3"
        )
    };
}

const ALL: &str = newest!("");
const OF_SUBJECT: &str = newest!(" AND subject = $4");
const OF_CLIENT: &str = newest!(" AND client_id = $4");

/// The first condition is that of the partial index.
const OPEN: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND state IN ('pending', 'viewed', 'approved')
        AND state IN ('pending', 'viewed')
        AND expires_at >= $2 AND (expires_at > $2 OR id > $3)
    ORDER BY expires_at, id LIMIT $4"
);

impl DatabaseTransaction {
    /// The newest before this id, or of all, newest first.
    pub async fn approvals_before(
        &mut self,
        of: ApprovalsOf<'_>,
        before: Option<&str>,
        most: u32,
    ) -> Result<Vec<PendingRequest>> {
        let (tenant, before, most) = (&self.tenant, before.unwrap_or(NEWEST), i64::from(most));
        let rows = match of {
            ApprovalsOf::All => all!(self, PendingRow, ALL, tenant, before, most)?,
            ApprovalsOf::Subject(one) => {
                let one = one.as_str();
                all!(self, PendingRow, OF_SUBJECT, tenant, before, most, one)?
            }
            ApprovalsOf::Client(one) => {
                let one = one.as_str();
                all!(self, PendingRow, OF_CLIENT, tenant, before, most, one)?
            }
        };
        rows.into_iter().map(PendingRow::read).collect()
    }

    /// Undecided ones that end after this one, or from this time on; those that end first come first.
    pub async fn open_approvals_after(
        &mut self,
        from: Timestamp,
        after: Option<&ApprovalId>,
        most: u32,
    ) -> Result<Vec<PendingRequest>> {
        let (from, most) = (from.micros(), i64::from(most));
        let after = after.map_or("", ApprovalId::as_str);
        let rows = all!(self, PendingRow, OPEN, &self.tenant, from, after, most)?;
        rows.into_iter().map(PendingRow::read).collect()
    }
}
