//! Types of `authorization_details` (RFC 9396), by the hash of their document: a grant keeps the version that it was made with.

use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::resource::{DocumentRow, documents, one_more};
use crate::store::DatabaseTransaction;

/// The most type versions of one tenant.
pub const MAX_TYPES: usize = 10_000;

const INSERT: &str = "
    INSERT INTO types (tenant, hash, name, document, created_at, loaded_at)
    VALUES ($1, $2, $3, $4, $5, $5)
    ON CONFLICT DO NOTHING";

const ALL: &str = "SELECT document FROM types WHERE tenant = $1 ORDER BY created_at, hash LIMIT $2";

const FIND: &str = "SELECT document FROM types WHERE tenant = $1 AND hash = $2";

/// A row that says nothing was written before there was this column: its time begins now.
const LOADED: &str = "
    UPDATE types SET loaded_at = $3
    WHERE tenant = $1 AND (hash = $2 OR loaded_at IS NULL) AND (loaded_at IS NULL OR loaded_at < $3)";

impl DatabaseTransaction {
    /// A server works with this version: it is kept for thirteen months from now at least, longer than any task.
    pub async fn keep_type(&mut self, hash: &str, now: Timestamp) -> Result<()> {
        execute!(self, LOADED, &self.tenant, hash, now.micros())?;
        Ok(())
    }

    /// Whether it is new.
    pub async fn insert_type(
        &mut self,
        hash: &str,
        name: &str,
        document: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let is_new = execute!(
            self,
            INSERT,
            &self.tenant,
            hash,
            name,
            document,
            now.micros()
        )? == 1;
        if is_new {
            self.count_catalogue_change().await?;
        }
        Ok(is_new)
    }

    /// Every version, in the order in which they came.
    pub async fn types(&mut self) -> Result<Vec<String>> {
        let rows = all!(self, DocumentRow, ALL, &self.tenant, one_more(MAX_TYPES))?;
        documents(rows, MAX_TYPES, "types")
    }

    pub async fn type_document(&mut self, hash: &str) -> Result<Option<String>> {
        let row = optional!(self, DocumentRow, FIND, &self.tenant, hash)?;
        Ok(row.map(|row| row.document))
    }
}
