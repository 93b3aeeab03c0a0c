//! The newest events of each of several clients or tasks, by one statement.

use std::collections::BTreeMap;

use writ_core::id::{TaskId, UserId};
use writ_wire::time::Timestamp;

use super::{EventRow, StoredEvent};
use crate::error::Result;
use crate::json::{self, time};
use crate::store::DatabaseTransaction;

const IDS: &str = "a list of ids";

row! { LastTokenRow { task: String, at: i64 } }

/// The newest events of each of several clients for a person.
macro_rules! latest_of_clients {
    ($kind:ident) => {
        concat!(
            "SELECT r.id, r.at, r.name, r.subject, r.actor_path, r.client_id, r.owner, r.sponsor,
                r.task_id, r.delegation_id, r.purpose, r.resource, r.details_hash, r.decision,
                r.reason, r.transaction_id, r.data ",
            first_of_each!(
                $kind,
                "events",
                "x.subject = $subject AND x.client_id = n.id
                AND substr(x.subject, 1, 4) = 'usr_' ORDER BY x.id DESC"
            ),
            "ORDER BY r.id DESC"
        )
    };
}
const LATEST_ON_SQLITE: &str = latest_of_clients!(sqlite);
const LATEST_ON_POSTGRES: &str = latest_of_clients!(postgres);

/// When a token of each of several tasks was last made.
macro_rules! last_tokens {
    ($tasks:literal) => {
        concat!(
            "SELECT f.task, f.at FROM (SELECT n.id AS task, (SELECT MAX(x.at) FROM events x
                WHERE x.tenant = $tenant AND x.task_id = n.id
                AND x.name IN ('token.issued', 'token.exchanged', 'token.refreshed')) AS at
             FROM (SELECT ",
            $tasks,
            ") n) f WHERE f.at IS NOT NULL"
        )
    };
}
const LAST_TOKENS_ON_SQLITE: &str = last_tokens!("value AS id FROM json_each($ids)");
const LAST_TOKENS_ON_POSTGRES: &str =
    last_tokens!("json_array_elements_text(CAST($ids AS json)) AS id");

impl DatabaseTransaction {
    /// The newest events of each of these clients for this person, as many as `most` of each, newest first. One statement.
    pub async fn latest_of_clients(
        &mut self,
        subject: &UserId,
        clients: &[&str],
        most: u32,
    ) -> Result<Vec<StoredEvent>> {
        let rows = all_by_name!(self, EventRow, (LATEST_ON_SQLITE, LATEST_ON_POSTGRES), {
            tenant: &self.tenant,
            subject: subject.as_str(),
            ids: json::write(&clients, IDS)?,
            most: i64::from(most),
        })?;
        rows.into_iter().map(EventRow::read).collect()
    }

    /// When a token of each of these tasks was last made. One statement.
    pub async fn last_tokens(&mut self, tasks: &[&str]) -> Result<BTreeMap<TaskId, Timestamp>> {
        let rows = all_by_name!(self, LastTokenRow, (LAST_TOKENS_ON_SQLITE, LAST_TOKENS_ON_POSTGRES), {
            tenant: &self.tenant,
            ids: json::write(&tasks, IDS)?,
        })?;
        let read = |row: LastTokenRow| (TaskId::from_text(row.task), time(row.at));
        Ok(rows.into_iter().map(read).collect())
    }
}
