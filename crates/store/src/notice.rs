//! Outgoing notifications, sent from a transactional outbox: pings and pushes to clients (CIBA sections 10.2 and 10.3), messages
//! to people. The content is encrypted until it is delivered or given up, then erased.

use writ_core::id::{ApprovalId, NoticeId, UserId};
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::json::time;
use crate::store::DatabaseTransaction;

/// One row of the outbox `notices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub id: NoticeId,
    /// Which channel.
    pub kind: String,
    pub request: Option<ApprovalId>,
    pub user: Option<UserId>,
    /// The recipient, without secrets.
    pub target: String,
    pub sealed: String,
    /// Including the current one.
    pub attempts: u32,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

row! { NoticeRow {
    id: String,
    kind: String,
    request_id: Option<String>,
    user_id: Option<String>,
    target: String,
    sealed: String,
    attempts: i64,
    created_at: i64,
    expires_at: i64,
} }

row! { NextRow { next_at: Option<i64> } }

const INSERT: &str = "
    INSERT INTO notices (tenant, id, kind, request_id, user_id, target, sealed, attempts, next_at,
        created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// The outer condition repeats the inner one: after waiting for another node's transaction the row is no longer due.
const TAKE: &str = "
    UPDATE notices SET next_at = $3, attempts = attempts + 1
    WHERE tenant = $1 AND next_at <= $2 AND id IN
        (SELECT id FROM notices WHERE tenant = $1 AND next_at <= $2 AND expires_at > $2
        ORDER BY next_at, id LIMIT $4)
    RETURNING id, kind, request_id, user_id, target, sealed, attempts, created_at, expires_at";

const RESEAL: &str = "
    UPDATE notices SET sealed = $3
    WHERE tenant = $1 AND id = $2 AND delivered_at IS NULL AND failed_at IS NULL";

const DELIVERED: &str = "
    UPDATE notices SET delivered_at = $4, outcome = $3, next_at = NULL, sealed = ''
    WHERE tenant = $1 AND id = $2 AND delivered_at IS NULL AND failed_at IS NULL";

const RETRY: &str = "
    UPDATE notices SET next_at = $4, outcome = $3
    WHERE tenant = $1 AND id = $2 AND delivered_at IS NULL AND failed_at IS NULL";

const FAILED: &str = "
    UPDATE notices SET failed_at = $4, outcome = $3, next_at = NULL, sealed = ''
    WHERE tenant = $1 AND id = $2 AND delivered_at IS NULL AND failed_at IS NULL";

const NEXT: &str = "
    SELECT next_at FROM notices WHERE tenant = $1 AND next_at IS NOT NULL AND expires_at > $2
    ORDER BY next_at LIMIT 1";

impl DatabaseTransaction {
    /// To be sent at `first_at`.
    pub async fn insert_notice(&mut self, new: &Notice, first_at: Timestamp) -> Result<()> {
        execute!(
            self,
            INSERT,
            &self.tenant,
            new.id.as_str(),
            &new.kind,
            new.request.as_ref().map(ApprovalId::as_str),
            new.user.as_ref().map(UserId::as_str),
            &new.target,
            &new.sealed,
            i64::from(new.attempts),
            first_at.micros(),
            new.created_at.micros(),
            new.expires_at.micros(),
        )?;
        Ok(())
    }

    /// Leases what is due and not expired to this caller until `lease_until`; then it is due again, unless the caller recorded an
    /// outcome. Only inside a transaction that commits before anything is sent.
    pub async fn take_due_notices(
        &mut self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Notice>> {
        let (now, until, limit) = (now.micros(), lease_until.micros(), i64::from(limit));
        let rows = all!(self, NoticeRow, TAKE, &self.tenant, now, until, limit)?;
        let mut taken = read(rows)?;
        taken.sort_by(|a, b| (a.created_at, a.id.as_str()).cmp(&(b.created_at, b.id.as_str())));
        Ok(taken)
    }

    /// Other content from the next attempt on.
    pub async fn reseal_notice(&mut self, id: &NoticeId, sealed: &str) -> Result<()> {
        execute!(self, RESEAL, &self.tenant, id.as_str(), sealed)?;
        Ok(())
    }

    /// Records a delivery. Whether this call ended it.
    pub async fn delivered_notice(
        &mut self,
        id: &NoticeId,
        outcome: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, now) = (id.as_str(), now.micros());
        Ok(execute!(self, DELIVERED, &self.tenant, id, outcome, now)? == 1)
    }

    /// Whether it is still to be delivered.
    pub async fn retry_notice(
        &mut self,
        id: &NoticeId,
        at: Timestamp,
        outcome: &str,
    ) -> Result<bool> {
        let (id, at) = (id.as_str(), at.micros());
        Ok(execute!(self, RETRY, &self.tenant, id, outcome, at)? == 1)
    }

    /// Given up. Whether this call ended it.
    pub async fn failed_notice(
        &mut self,
        id: &NoticeId,
        outcome: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, now) = (id.as_str(), now.micros());
        Ok(execute!(self, FAILED, &self.tenant, id, outcome, now)? == 1)
    }

    /// When the next one is due; expired ones never are.
    pub async fn next_notice_at(&mut self, now: Timestamp) -> Result<Option<Timestamp>> {
        let row = optional!(self, NextRow, NEXT, &self.tenant, now.micros())?;
        Ok(row.and_then(|row| row.next_at).map(time))
    }
}

pub(crate) fn read(rows: Vec<NoticeRow>) -> Result<Vec<Notice>> {
    rows.into_iter().map(NoticeRow::read).collect()
}

impl NoticeRow {
    fn read(self) -> Result<Notice> {
        Ok(Notice {
            id: NoticeId::from_text(self.id),
            kind: self.kind,
            request: self.request_id.map(ApprovalId::from_text),
            user: self.user_id.map(UserId::from_text),
            target: self.target,
            sealed: self.sealed,
            attempts: u32::try_from(self.attempts)
                .map_err(|_| StoreError::corrupt("`notices.attempts`"))?,
            created_at: time(self.created_at),
            expires_at: time(self.expires_at),
        })
    }
}
