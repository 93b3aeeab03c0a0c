//! Documents that others host (key sets of clients, their metadata), as this server fetched them last. Every node may drop or fetch
//! them again at any time.

use writ_wire::time::Timestamp;

use crate::clock::APART;
use crate::error::Result;
use crate::store::DatabaseTransaction;

/// Rows of each purpose that a sweep keeps, because clients may name any URL: documents of guests push out no keys of registered clients.
/// Those that were fetched longest ago are deleted first.
pub const MOST_DOCUMENTS: u32 = 4096;

/// Which document: one URL may serve several purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentName<'a> {
    pub purpose: &'a str,
    pub url: &'a str,
}

/// A document and until when it need not be fetched again (RFC 9111 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    pub body: String,
    pub etag: Option<String>,
    pub fetched_at: Timestamp,
    pub fresh_until: Timestamp,
}

row! { DocumentRow { body: String, etag: Option<String>, fetched_at: i64, fresh_until: i64 } }

const FIND: &str = "
    SELECT body, etag, fetched_at, fresh_until FROM fetched_documents
    WHERE tenant = $1 AND purpose = $2 AND url = $3";

/// $8: later ones are of a clock that was wrong.
const KEEP: &str = "
    INSERT INTO fetched_documents (tenant, purpose, url, body, etag, fetched_at, fresh_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant, purpose, url) DO UPDATE SET body = excluded.body, etag = excluded.etag,
        fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until
    WHERE fetched_documents.fetched_at <= excluded.fetched_at
        OR fetched_documents.fetched_at > CAST($8 AS BIGINT)";

impl DatabaseTransaction {
    pub async fn fetched_document(
        &mut self,
        name: DocumentName<'_>,
    ) -> Result<Option<StoredDocument>> {
        let row = optional!(
            self,
            DocumentRow,
            FIND,
            &self.tenant,
            name.purpose,
            name.url
        )?;
        Ok(row.map(|row| StoredDocument {
            body: row.body,
            etag: row.etag,
            fetched_at: Timestamp::from_micros(row.fetched_at),
            fresh_until: Timestamp::from_micros(row.fresh_until),
        }))
    }

    /// Takes the place of an older one; does nothing if another node kept a newer one.
    pub async fn keep_document(
        &mut self,
        name: DocumentName<'_>,
        document: &StoredDocument,
    ) -> Result<()> {
        execute!(
            self,
            KEEP,
            &self.tenant,
            name.purpose,
            name.url,
            document.body.as_str(),
            document.etag.as_deref(),
            document.fetched_at.micros(),
            document.fresh_until.micros(),
            document.fetched_at.plus(APART).micros(),
        )?;
        Ok(())
    }
}
