//! Resources and versions of types.

use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;

/// A resource that was not removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedResource {
    pub uri: String,
    /// The registration's JSON text.
    pub document: String,
    pub created_at: Timestamp,
}

/// One version of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedType {
    pub hash: String,
    pub name: String,
    /// Its file, as canonical JSON.
    pub document: String,
    pub created_at: Timestamp,
}

row! { ResourceRow { uri: String, document: String, created_at: i64 } }

row! { TypeRow { hash: String, name: String, document: String, created_at: i64 } }

const RESOURCES: &str = "
    SELECT uri, document, created_at FROM resources
    WHERE tenant = $1 AND uri > $2 AND removed_at IS NULL ORDER BY uri LIMIT $3";

const RESOURCE: &str = "
    SELECT uri, document, created_at FROM resources
    WHERE tenant = $1 AND uri = $2 AND removed_at IS NULL";

const TYPES: &str = "
    SELECT hash, name, document, created_at FROM types
    WHERE tenant = $1 AND hash > $2 ORDER BY hash LIMIT $3";

const TYPE: &str = "
    SELECT hash, name, document, created_at FROM types WHERE tenant = $1 AND hash = $2";

impl DatabaseTransaction {
    /// Resources after this URI, in the order of their URIs.
    pub async fn resources_after(&mut self, uri: &str, most: u32) -> Result<Vec<ListedResource>> {
        let (tenant, most) = (&self.tenant, i64::from(most));
        let rows = all!(self, ResourceRow, RESOURCES, tenant, uri, most)?;
        Ok(rows.into_iter().map(ResourceRow::read).collect())
    }

    pub async fn listed_resource(&mut self, uri: &ResourceUri) -> Result<Option<ListedResource>> {
        let row = optional!(self, ResourceRow, RESOURCE, &self.tenant, uri.as_str())?;
        Ok(row.map(ResourceRow::read))
    }

    /// Versions of types after this hash, in the order of their hashes.
    pub async fn types_after(&mut self, hash: &str, most: u32) -> Result<Vec<ListedType>> {
        let rows = all!(self, TypeRow, TYPES, &self.tenant, hash, i64::from(most))?;
        Ok(rows.into_iter().map(TypeRow::read).collect())
    }

    pub async fn listed_type(&mut self, hash: &str) -> Result<Option<ListedType>> {
        let row = optional!(self, TypeRow, TYPE, &self.tenant, hash)?;
        Ok(row.map(TypeRow::read))
    }
}

impl ResourceRow {
    fn read(self) -> ListedResource {
        ListedResource {
            uri: self.uri,
            document: self.document,
            created_at: time(self.created_at),
        }
    }
}

impl TypeRow {
    fn read(self) -> ListedType {
        ListedType {
            hash: self.hash,
            name: self.name,
            document: self.document,
            created_at: time(self.created_at),
        }
    }
}
