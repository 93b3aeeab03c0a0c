//! Protected resources as they were registered (RFC 8707, 9728).

use writ_core::id::ClientId;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::store::DatabaseTransaction;

/// The most resources of one tenant.
pub const MAX_RESOURCES: usize = 10_000;

row! { DocumentRow { document: String } }

row! { ChangesRow { catalogue_changes: Option<i64> } }

const PUT: &str = "
    INSERT INTO resources (tenant, uri, document, client_id, created_at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant, uri) DO UPDATE SET document = excluded.document, client_id = excluded.client_id
    WHERE resources.removed_at IS NULL";

const ALL: &str =
    "SELECT document FROM resources WHERE tenant = $1 AND removed_at IS NULL ORDER BY uri LIMIT $2";

const COUNT_CHANGE: &str = "
    UPDATE tenants SET catalogue_changes = COALESCE(catalogue_changes, 0) + 1 WHERE tenant = $1";

const CHANGES: &str = "SELECT catalogue_changes FROM tenants WHERE tenant = $1";

impl DatabaseTransaction {
    /// How often resources or types of this tenant were changed: while it is the same, so are they.
    pub async fn catalogue_changes(&mut self) -> Result<Option<i64>> {
        let row = optional!(self, ChangesRow, CHANGES, &self.tenant)?;
        Ok(row.and_then(|row| row.catalogue_changes))
    }

    /// In the transaction of the change.
    pub(crate) async fn count_catalogue_change(&mut self) -> Result<()> {
        execute!(self, COUNT_CHANGE, &self.tenant)?;
        Ok(())
    }

    /// Writes it, or replaces what was registered before; `false` if that was removed.
    pub async fn put_resource(
        &mut self,
        uri: &ResourceUri,
        document: &str,
        client: Option<&ClientId>,
        now: Timestamp,
    ) -> Result<bool> {
        let client = client.map(ClientId::as_str);
        let written = execute!(
            self,
            PUT,
            &self.tenant,
            uri.as_str(),
            document,
            client,
            now.micros()
        )?;
        self.count_catalogue_change().await?;
        Ok(written == 1)
    }

    /// The registrations' JSON texts. More than `MAX_RESOURCES` is an error: none is left out in silence.
    pub async fn resources(&mut self) -> Result<Vec<String>> {
        let rows = all!(
            self,
            DocumentRow,
            ALL,
            &self.tenant,
            one_more(MAX_RESOURCES)
        )?;
        documents(rows, MAX_RESOURCES, "resources")
    }
}

/// One more than may be, so that an excess is seen.
pub(crate) fn one_more(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1)
}

pub(crate) fn documents(
    rows: Vec<DocumentRow>,
    most: usize,
    what: &'static str,
) -> Result<Vec<String>> {
    if rows.len() > most {
        return Err(StoreError::TooMany { most, what });
    }
    Ok(rows.into_iter().map(|row| row.document).collect())
}
