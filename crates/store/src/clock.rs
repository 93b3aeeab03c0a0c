//! The time that the clocks of all nodes are held against: that of PostgreSQL, or on SQLite, which has none of its own, the greatest
//! that a node saw.

use std::time::Duration;

use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::store::{Database, Store};

/// How far a node's clock may be from the database's before it issues nothing.
pub const TOLERATED_SKEW: Duration = Duration::from_secs(30);

/// How far apart two nodes are at most that both issue.
pub const APART: Duration = Duration::from_secs(60);

/// How much longer a claim is kept than what it stands for is accepted by the node that wrote it. More than [`APART`]: clocks
/// change after they were compared.
pub const KEPT_AFTER_ACCEPTANCE: Duration = Duration::from_secs(120);

/// How often the greatest time is written at most.
const WRITTEN_EVERY: Duration = Duration::from_secs(1);

const NOW: &str =
    "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS micros";

const GREATEST: &str = "SELECT clock_at AS micros FROM tenants WHERE tenant = $1";

const SAW: &str = "UPDATE tenants SET clock_at = $2 WHERE tenant = $1 AND clock_at < $2";

row! { TimeRow { micros: i64 } }

/// What the database knows of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseTime {
    /// It has a clock.
    Now(Timestamp),
    /// It is not earlier than this.
    AtLeast(Timestamp),
}

impl Store {
    /// Whoever asks changes nothing: a command with a wrong clock must not make those of all nodes wrong.
    pub async fn database_time(&self, tenant: &str) -> Result<DatabaseTime> {
        let mut reading = self.read(tenant).await?;
        if let Database::Postgres(_) = self.database {
            let row = optional!(reading, TimeRow, NOW)?;
            let row = row.ok_or_else(|| StoreError::corrupt("the time"))?;
            return Ok(DatabaseTime::Now(at(row)));
        }
        let row = optional!(reading, TimeRow, GREATEST, tenant)?;
        Ok(DatabaseTime::AtLeast(
            row.map_or(Timestamp::from_micros(0), at),
        ))
    }

    /// A node whose clock is right: on SQLite `now` becomes the greatest time, if it is a while after `greatest`.
    pub async fn saw_time(&self, tenant: &str, now: Timestamp, greatest: Timestamp) -> Result<()> {
        if now < greatest.plus(WRITTEN_EVERY) {
            return Ok(());
        }
        let mut transaction = self.begin(tenant).await?;
        execute!(transaction, SAW, tenant, now.micros())?;
        transaction.commit().await
    }
}

fn at(row: TimeRow) -> Timestamp {
    Timestamp::from_micros(row.micros)
}
