//! Types of `authorization_details` (RFC 9396), by the hash of their document: a grant keeps the version that it was made with.

use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::resource::{DocumentRow, documents, one_more};
use crate::store::DatabaseTransaction;

/// The most type versions of one tenant.
pub const MAX_TYPES: usize = 10_000;

const INSERT: &str = "
    INSERT INTO types (tenant, hash, name, document, created_at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING";

const ALL: &str = "SELECT document FROM types WHERE tenant = $1 ORDER BY created_at, hash LIMIT $2";

const FIND: &str = "SELECT document FROM types WHERE tenant = $1 AND hash = $2";

impl DatabaseTransaction {
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
