//! Consents, with the exact text that the person read.

use serde::Serialize;
use writ_core::id::UserId;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;

/// One row of `consents`, as it stands in the person's data export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredConsent {
    pub id: String,
    pub task: String,
    pub client: String,
    /// The text of the page.
    pub shown: String,
    pub shown_hash: String,
    pub locale: String,
    pub method: String,
    #[serde(skip)]
    pub at: Timestamp,
}

row! { ConsentRow {
    id: String,
    task_id: String,
    client_id: String,
    shown: String,
    shown_hash: String,
    locale: String,
    method: String,
    given_at: i64,
} }

const OF_PERSON: &str = "
    SELECT id, task_id, client_id, shown, shown_hash, locale, method, given_at FROM consents
    WHERE tenant = $1 AND subject = $2 AND given_at <= $3 AND (given_at < $3 OR id < $4)
    ORDER BY given_at DESC, id DESC LIMIT $5";

impl DatabaseTransaction {
    /// The newest before that one, or of all, newest first.
    pub async fn consents_before(
        &mut self,
        person: &UserId,
        before: Option<&StoredConsent>,
        limit: u32,
    ) -> Result<Vec<StoredConsent>> {
        let (at, id) = before.map_or((i64::MAX, ""), |one| (one.at.micros(), &one.id));
        let (person, limit) = (person.as_str(), i64::from(limit));
        let rows = all!(
            self,
            ConsentRow,
            OF_PERSON,
            &self.tenant,
            person,
            at,
            id,
            limit
        )?;
        Ok(rows.into_iter().map(ConsentRow::read).collect())
    }
}

impl ConsentRow {
    fn read(self) -> StoredConsent {
        StoredConsent {
            id: self.id,
            task: self.task_id,
            client: self.client_id,
            shown: self.shown,
            shown_hash: self.shown_hash,
            locale: self.locale,
            method: self.method,
            at: time(self.given_at),
        }
    }
}
