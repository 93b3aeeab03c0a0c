//! Decisions per action, the newest first.

use super::NEWEST;
use crate::access::{AccessDecision, DecisionRow, decision_columns};
use crate::error::Result;
use crate::store::DatabaseTransaction;

const BEFORE: &str = concat!(
    "SELECT ",
    decision_columns!(),
    " FROM decisions WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
);

impl DatabaseTransaction {
    /// The newest before this id, or of all, newest first.
    pub async fn decisions_before(
        &mut self,
        before: Option<&str>,
        most: u32,
    ) -> Result<Vec<AccessDecision>> {
        let (before, most) = (before.unwrap_or(NEWEST), i64::from(most));
        let rows = all!(self, DecisionRow, BEFORE, &self.tenant, before, most)?;
        rows.into_iter().map(DecisionRow::read).collect()
    }
}
