//! Consents of everybody, the newest first, with the exact text that each person read.

use writ_core::id::{ConsentId, UserId};
use writ_wire::time::Timestamp;

use super::NEWEST;
use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;

/// Consents that one index has in the order in which they were given.
#[derive(Clone, Copy, Debug)]
pub enum ConsentsOf<'a> {
    All,
    Subject(&'a UserId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedConsent {
    pub id: String,
    pub task: String,
    pub subject: String,
    pub client: String,
    /// The text of the page.
    pub shown: String,
    pub shown_hash: String,
    pub locale: String,
    pub method: String,
    pub given_at: Timestamp,
}

row! { ConsentRow {
    id: String,
    task_id: String,
    subject: String,
    client_id: String,
    shown: String,
    shown_hash: String,
    locale: String,
    method: String,
    given_at: i64,
} }

macro_rules! consents {
    ($which:literal) => {
        concat!(
            "SELECT id, task_id, subject, client_id, shown, shown_hash, locale, method, given_at
            FROM consents WHERE tenant = $1 AND ",
            $which
        )
    };
}

const ALL: &str = consents!("id < $2 ORDER BY id DESC LIMIT $3");
const OF_SUBJECT: &str = consents!("id < $2 AND subject = $4 ORDER BY id DESC LIMIT $3");
const ONE: &str = consents!("id = $2");

impl DatabaseTransaction {
    /// The newest before this id, or of all, newest first.
    pub async fn listed_consents_before(
        &mut self,
        of: ConsentsOf<'_>,
        before: Option<&str>,
        most: u32,
    ) -> Result<Vec<ListedConsent>> {
        let (tenant, before, most) = (&self.tenant, before.unwrap_or(NEWEST), i64::from(most));
        let rows = match of {
            ConsentsOf::All => all!(self, ConsentRow, ALL, tenant, before, most)?,
            ConsentsOf::Subject(one) => {
                let one = one.as_str();
                all!(self, ConsentRow, OF_SUBJECT, tenant, before, most, one)?
            }
        };
        Ok(rows.into_iter().map(ConsentRow::read).collect())
    }

    pub async fn listed_consent(&mut self, id: &ConsentId) -> Result<Option<ListedConsent>> {
        let row = optional!(self, ConsentRow, ONE, &self.tenant, id.as_str())?;
        Ok(row.map(ConsentRow::read))
    }
}

impl ConsentRow {
    fn read(self) -> ListedConsent {
        ListedConsent {
            id: self.id,
            task: self.task_id,
            subject: self.subject,
            client: self.client_id,
            shown: self.shown,
            shown_hash: self.shown_hash,
            locale: self.locale,
            method: self.method,
            given_at: time(self.given_at),
        }
    }
}
