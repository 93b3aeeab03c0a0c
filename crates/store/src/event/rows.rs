//! What the rows of the audit log say.

use super::{DATA, EventRow, StoredEvent, without_request};
use crate::error::Result;
use crate::json::{self, time};

impl EventRow {
    pub(super) fn read(self) -> Result<StoredEvent> {
        let (data, request) = without_request(json::read(&self.data, DATA)?);
        Ok(StoredEvent {
            id: self.id,
            at: time(self.at),
            name: self.name,
            subject: self.subject,
            actor_path: self.actor_path,
            client: self.client_id,
            owner: self.owner,
            sponsor: self.sponsor,
            task: self.task_id,
            delegation: self.delegation_id,
            purpose: self.purpose,
            resource: self.resource,
            details_hash: self.details_hash,
            decision: self.decision,
            reason: self.reason,
            transaction: self.transaction_id,
            request,
            data,
        })
    }
}
