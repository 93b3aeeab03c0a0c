//! Deletes rows that are over, in batches. How each table ends is one list (`sweep/ends.rs`); how large a batch is, its caller
//! decides by how long the last one took.

#[macro_use]
mod rules;
mod ends;

use std::time::Duration;

use tokio::time::Instant;
use writ_wire::time::Timestamp;

use crate::attempts::{AttemptKind, MOST_ROWS};
use crate::error::Result;
use crate::fetched_document::MOST_DOCUMENTS;
use crate::store::{Database, Store};

pub use ends::{TABLES, rules};
pub use rules::{COUNTS_KEPT, KEPT_AFTER_EXPIRY, SweepRule, TableEnd};

use rules::Tenants;

/// What is over at one moment.
#[derive(Clone, Copy, Debug)]
pub struct SweepTime {
    pub now: Timestamp,
    /// How long the record is kept; `None`: for ever.
    pub record_kept: Option<Duration>,
}

/// What one batch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweptBatch {
    /// Rows of the rule's table.
    pub rows: u64,
    /// Of each table, with what hung from those rows.
    pub tables: Vec<(&'static str, u64)>,
    /// How long its statements had the database: on SQLite nobody else writes meanwhile.
    pub busy: Duration,
}

row! { TenantRow { tenant: String } }

row! { EndRow { ended_at: Option<i64> } }

/// $1 the last one of the page before.
const TENANTS: &str = "SELECT tenant FROM tenants WHERE tenant > $1 ORDER BY tenant LIMIT $2";

/// $1 the kind, $2 the most rows to delete, $3 how many to keep: those with the most attempts, and of these those that expire last.
const CROWD: &str = "
    DELETE FROM attempts WHERE (tenant, kind, holder) IN
        (SELECT tenant, kind, holder FROM attempts WHERE kind = $1
        ORDER BY failures DESC, kept_until DESC LIMIT $2 OFFSET $3)";

/// The first row that is one too many.
const CROWDED: &str = "
    SELECT kept_until AS ended_at FROM attempts WHERE kind = $1
    ORDER BY kept_until DESC LIMIT 1 OFFSET $2";

/// $1 the most rows to delete, $2 how many to keep: those that were fetched last.
const TOO_MANY_DOCUMENTS: &str = "
    DELETE FROM fetched_documents WHERE (tenant, purpose, url) IN
        (SELECT tenant, purpose, url FROM
            (SELECT tenant, purpose, url,
                ROW_NUMBER() OVER (PARTITION BY purpose ORDER BY fetched_at DESC) AS place
            FROM fetched_documents) AS ranked
        WHERE place > $2 LIMIT $1)";

impl Store {
    /// At most `limit` rows of each table, and what there is too much of. Returns how many left: while it is not zero there may be
    /// more.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64> {
        let time = SweepTime {
            now,
            record_kept: None,
        };
        let mut swept = 0;
        for rule in rules() {
            swept += self.sweep_batch(rule, time, limit).await?.all();
        }
        Ok(swept + self.sweep_crowds(limit).await?)
    }

    /// One batch of at most `limit` rows of one table, those that ended first, of all tenants: a short transaction.
    pub async fn sweep_batch(
        &self,
        rule: &SweepRule,
        time: SweepTime,
        limit: u32,
    ) -> Result<SweptBatch> {
        let Some(ended) = rule.kept.cutoff(time.now, time.record_kept) else {
            return Ok(SweptBatch::default());
        };
        let tenants = self.swept_tenants(rule).await?;
        let mut batch = SweptBatch::default();
        let mut transaction = self.begin(EVERY_TENANT).await?;
        let began = Instant::now();
        for deletion in rule.delete {
            let sql = match self.has_one_writer() {
                true => deletion.sqlite,
                false => deletion.postgres,
            };
            let (ended, limit) = (ended.micros(), i64::from(limit));
            batch.rows = 0;
            for tenant in &tenants {
                batch.rows += match tenant {
                    Some(tenant) => execute!(transaction, sql, ended, limit, tenant),
                    None => execute!(transaction, sql, ended, limit),
                }?;
            }
            batch.tables.push((deletion.table, batch.rows));
        }
        batch.busy = began.elapsed();
        transaction.commit().await?;
        Ok(batch)
    }

    /// `None` stands for all of them together.
    async fn swept_tenants(&self, rule: &SweepRule) -> Result<Vec<Option<String>>> {
        if rule.tenants == Tenants::All {
            return Ok(vec![None]);
        }
        let mut reading = self.read(EVERY_TENANT).await?;
        let (mut found, mut last) = (Vec::new(), String::new());
        loop {
            let page = all!(reading, TenantRow, TENANTS, last, TENANTS_AT_ONCE)?;
            let Some(row) = page.last() else {
                return Ok(found);
            };
            last.clone_from(&row.tenant);
            found.extend(page.into_iter().map(|row| Some(row.tenant)));
        }
    }

    /// For how long the oldest row of this table should have left already; `None`: nothing is over.
    pub async fn sweep_lag(&self, rule: &SweepRule, time: SweepTime) -> Result<Option<Duration>> {
        let Some(ended) = rule.kept.cutoff(time.now, time.record_kept) else {
            return Ok(None);
        };
        let mut reading = self.read(EVERY_TENANT).await?;
        let row = optional!(reading, EndRow, rule.oldest)?;
        let oldest = row.and_then(|row| row.ended_at);
        let over = oldest
            .map(Timestamp::from_micros)
            .filter(|oldest| *oldest <= ended);
        Ok(over.map(|oldest| oldest.until(ended)))
    }

    /// Whether one transaction that writes keeps all others waiting.
    pub const fn has_one_writer(&self) -> bool {
        matches!(self.database, Database::Sqlite { .. })
    }

    /// Any typed name makes a row of `attempts`: of each kind only `MOST_ROWS` are kept, expired or not. Of the documents of others
    /// only `MOST_DOCUMENTS` of each purpose, fresh or not.
    pub async fn sweep_crowds(&self, limit: u32) -> Result<u64> {
        let (rows, documents) = (i64::from(MOST_ROWS), i64::from(MOST_DOCUMENTS));
        let limit = i64::from(limit);
        let mut swept = 0;
        for kind in AttemptKind::ALL {
            let mut reading = self.read(EVERY_TENANT).await?;
            let crowded = optional!(reading, EndRow, CROWDED, kind.as_str(), rows)?;
            drop(reading);
            if crowded.is_some() {
                let mut transaction = self.begin(EVERY_TENANT).await?;
                swept += execute!(transaction, CROWD, kind.as_str(), limit, rows)?;
                transaction.commit().await?;
            }
        }
        let mut transaction = self.begin(EVERY_TENANT).await?;
        swept += execute!(transaction, TOO_MANY_DOCUMENTS, limit, documents)?;
        transaction.commit().await?;
        Ok(swept)
    }
}

impl SweptBatch {
    pub fn all(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

/// Of one query; none is left out.
pub(crate) const TENANTS_AT_ONCE: i64 = 1000;
/// No tenant: these statements do not name one.
const EVERY_TENANT: &str = "";
