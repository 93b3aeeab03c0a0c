//! The same question asked again (JOURNEYS, "Guards": duplicates collapse): which copy stands for all of them, and what was not
//! told of the older one yet.

use writ_core::id::UserId;
use writ_core::pending::PendingRequest;
use writ_wire::time::Timestamp;

use super::{PendingRow, asked_again, pending_columns};
use crate::error::Result;
use crate::store::Session;

const NEWEST_COPY: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests
    WHERE tenant = $1 AND subject = $2 AND client_id = $3 AND kind = $4 AND asked_hash = $5
        AND created_at >= $6 AND NOT ",
    asked_again!(),
    " ORDER BY created_at DESC, id DESC LIMIT 1"
);

/// What is for the client itself is about the copy that it asked for.
const HAND_ON: &str = concat!(
    "UPDATE notices SET request_id = $2, expires_at = $7
    WHERE tenant = $1 AND delivered_at IS NULL AND failed_at IS NULL AND target <> $4
        AND request_id IN (SELECT id FROM pending_requests
            WHERE tenant = $1 AND id <> $2 AND subject = $3 AND client_id = $4 AND kind = $5
                AND asked_hash = $6 AND created_at >= $8 AND ",
    asked_again!(),
    ")"
);

impl Session {
    /// Of a request that was asked again: the copy that took its place, whatever became of it.
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

    /// What people were not told yet of copies that were asked since then is told of this one.
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
