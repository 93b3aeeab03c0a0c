//! A client that repeats a request supersedes the older one, so that the person sees it once: finding the newest, and moving the
//! notifications that were not sent yet to it.

use writ_core::id::{ClientId, UserId};
use writ_core::pending::PendingRequest;
use writ_wire::time::Timestamp;

use super::{PendingRow, asked_again, pending_columns};
use crate::error::Result;
use crate::store::DatabaseTransaction;

const NEWEST_COPY: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND subject = $2 AND client_id = $3 AND kind = $4 AND asked_hash = $5
        AND created_at >= $6 AND NOT ",
    asked_again!(),
    " ORDER BY created_at DESC, id DESC LIMIT 1"
);

/// Notifications to the client itself stay with the request that it made.
const HAND_ON: &str = concat!(
    "UPDATE notices SET request_id = $2, expires_at = $7
    WHERE tenant = $1 AND delivered_at IS NULL AND failed_at IS NULL AND target <> $4
        AND request_id IN (SELECT id FROM pending_requests
            WHERE tenant = $1 AND id <> $2 AND subject = $3 AND client_id = $4 AND kind = $5
                AND asked_hash = $6 AND created_at >= $8 AND ",
    asked_again!(),
    ")"
);

/// The most approvals of one person that wait to be used.
pub(crate) const MOST_UNUSED: i64 = 1000;

const UNUSED: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND subject = $2 AND client_id = $3 AND state = 'approved' AND expires_at > $4
    ORDER BY created_at, id LIMIT $5"
);

const UNUSED_OF_PERSON: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND subject = $2 AND state = 'approved' AND expires_at > $3
    ORDER BY created_at, id LIMIT $4"
);

impl DatabaseTransaction {
    /// What was approved for this person, whoever asked, and nobody used yet, the oldest first.
    pub async fn unused_approvals_of(
        &mut self,
        subject: &UserId,
        now: Timestamp,
    ) -> Result<Vec<PendingRequest>> {
        let (subject, now) = (subject.as_str(), now.micros());
        let rows = all!(
            self,
            PendingRow,
            UNUSED_OF_PERSON,
            &self.tenant,
            subject,
            now,
            MOST_UNUSED
        )?;
        rows.into_iter().map(PendingRow::read).collect()
    }

    /// What was approved for this client and this person, and nobody used yet, the oldest first.
    pub async fn unused_approvals(
        &mut self,
        subject: &UserId,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Vec<PendingRequest>> {
        let rows = all!(
            self,
            PendingRow,
            UNUSED,
            &self.tenant,
            subject.as_str(),
            client.as_str(),
            now.micros(),
            MOST_UNUSED
        )?;
        rows.into_iter().map(PendingRow::read).collect()
    }

    /// The newest request that superseded this one, in any state.
    pub async fn newest_copy(&mut self, older: &PendingRequest) -> Result<Option<PendingRequest>> {
        let row = optional!(
            self,
            PendingRow,
            NEWEST_COPY,
            &self.tenant,
            older.subject.as_ref().map(UserId::as_str),
            older.client.as_str(),
            older.kind.as_str(),
            &older.asked_hash,
            older.created_at.micros(),
        )?;
        row.map(PendingRow::read).transpose()
    }

    /// Moves unsent notifications to people from the superseded requests since then to this one.
    pub async fn hand_on_notices(
        &mut self,
        newer: &PendingRequest,
        since: Timestamp,
    ) -> Result<()> {
        execute!(
            self,
            HAND_ON,
            &self.tenant,
            newer.id.as_str(),
            newer.subject.as_ref().map(UserId::as_str),
            newer.client.as_str(),
            newer.kind.as_str(),
            &newer.asked_hash,
            newer.expires_at.micros(),
            since.micros(),
        )?;
        Ok(())
    }
}
