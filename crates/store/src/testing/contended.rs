//! When a request waits for the transaction of another one.

use sqlx::{Connection, PgConnection, query_scalar};

use super::{TestDatabase, end};
use crate::error::StoreError;
use crate::store::{Database, Store};

const WAITING: &str = "
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

impl TestDatabase {
    /// Returns once a request of this node waits for SQLite's one writer, or for a lock of PostgreSQL's. Ends the test if that cannot be read.
    pub async fn until_one_waits(&self, node: &Store) {
        match &node.database {
            Database::Sqlite { writer, .. } => {
                while writer.queued() == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Database::Postgres(_) => {
                let waited = self.until_a_lock_is_waited_for().await;
                waited.unwrap_or_else(|error| end(&StoreError::from(error).into()));
            }
        }
    }

    async fn until_a_lock_is_waited_for(&self) -> Result<(), sqlx::Error> {
        let mut outside = PgConnection::connect(&self.url).await?;
        loop {
            let waiting: i64 = query_scalar(WAITING).fetch_one(&mut outside).await?;
            if waiting > 0 {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }
}
