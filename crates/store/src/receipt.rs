//! The screen that a person saw last of a request, and receipts: signed records of decisions, kept as long as the record is.

use writ_core::id::{ApprovalId, ReceiptId, UserId};
use writ_core::pending::{MAX_APPROVERS, MAX_STAGES};
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::pending::number;
use crate::store::DatabaseTransaction;

/// One row of `receipts`.
#[derive(Clone, Copy)]
pub struct NewReceipt<'a> {
    pub id: &'a ReceiptId,
    pub request: &'a ApprovalId,
    pub user: &'a UserId,
    pub document: &'a str,
    pub at: Timestamp,
}

/// A receipt as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReceipt {
    pub id: ReceiptId,
    pub request: ApprovalId,
    pub user: UserId,
    pub document: String,
    pub at: Timestamp,
}

row! { ScreenRow { screen: String } }

row! { ReceiptRow {
    id: String,
    request_id: String,
    user_id: String,
    document: String,
    made_at: i64,
} }

const SAVE_SCREEN: &str = "
    INSERT INTO pending_screens (tenant, request_id, user_id, screen, shown_at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant, request_id, user_id)
        DO UPDATE SET screen = excluded.screen, shown_at = excluded.shown_at";

const SCREEN: &str = "
    SELECT screen FROM pending_screens WHERE tenant = $1 AND request_id = $2 AND user_id = $3";

const INSERT: &str = "
    INSERT INTO receipts (tenant, id, request_id, user_id, document, made_at)
    VALUES ($1, $2, $3, $4, $5, $6)";

const FIND: &str = "
    SELECT id, request_id, user_id, document, made_at FROM receipts WHERE tenant = $1 AND id = $2";

const OF_USER: &str = "
    SELECT id, request_id, user_id, document, made_at FROM receipts
    WHERE tenant = $1 AND user_id = $2 AND made_at <= $3 AND (made_at < $3 OR id < $4)
    ORDER BY made_at DESC, id DESC LIMIT $5";

const OF_REQUEST: &str = "
    SELECT id, request_id, user_id, document, made_at FROM receipts
    WHERE tenant = $1 AND request_id = $2 ORDER BY made_at, id LIMIT $3";

impl DatabaseTransaction {
    /// Replaces what this person saw of it before.
    pub async fn save_screen(
        &mut self,
        id: &ApprovalId,
        user: &UserId,
        screen: &str,
        now: Timestamp,
    ) -> Result<()> {
        let (id, user, now) = (id.as_str(), user.as_str(), now.micros());
        execute!(self, SAVE_SCREEN, &self.tenant, id, user, screen, now)?;
        Ok(())
    }

    pub async fn screen(&mut self, id: &ApprovalId, user: &UserId) -> Result<Option<String>> {
        let (id, user) = (id.as_str(), user.as_str());
        let row = optional!(self, ScreenRow, SCREEN, &self.tenant, id, user)?;
        Ok(row.map(|row| row.screen))
    }

    pub async fn insert_receipt(&mut self, new: NewReceipt<'_>) -> Result<()> {
        execute!(
            self,
            INSERT,
            &self.tenant,
            new.id.as_str(),
            new.request.as_str(),
            new.user.as_str(),
            new.document,
            new.at.micros(),
        )?;
        Ok(())
    }

    pub async fn receipt(&mut self, id: &ReceiptId) -> Result<Option<StoredReceipt>> {
        let row = optional!(self, ReceiptRow, FIND, &self.tenant, id.as_str())?;
        Ok(row.map(ReceiptRow::read))
    }

    /// The newest before that one, or of all, newest first.
    pub async fn receipts_before(
        &mut self,
        user: &UserId,
        before: Option<&StoredReceipt>,
        limit: u32,
    ) -> Result<Vec<StoredReceipt>> {
        let (at, id) = before.map_or((i64::MAX, ""), |one| (one.at.micros(), one.id.as_str()));
        let limit = i64::from(limit);
        let rows = all!(
            self,
            ReceiptRow,
            OF_USER,
            &self.tenant,
            user.as_str(),
            at,
            id,
            limit
        )?;
        Ok(rows.into_iter().map(ReceiptRow::read).collect())
    }

    /// Of everybody who decided, in order.
    pub async fn receipts_of_request(&mut self, id: &ApprovalId) -> Result<Vec<StoredReceipt>> {
        let most = number((MAX_STAGES + 1) * MAX_APPROVERS);
        let rows = all!(
            self,
            ReceiptRow,
            OF_REQUEST,
            &self.tenant,
            id.as_str(),
            most
        )?;
        Ok(rows.into_iter().map(ReceiptRow::read).collect())
    }
}

impl ReceiptRow {
    fn read(self) -> StoredReceipt {
        StoredReceipt {
            id: ReceiptId::from_text(self.id),
            request: ApprovalId::from_text(self.request_id),
            user: UserId::from_text(self.user_id),
            document: self.document,
            at: time(self.made_at),
        }
    }
}
