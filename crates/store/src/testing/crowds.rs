//! Many rows at once, made by the database itself.

use sqlx::{Connection, PgConnection, SqliteConnection};
use writ_wire::time::Timestamp;

use super::{DatabaseKind, TestDatabase, end};
use crate::error::StoreError;

/// Their ids come before those that the server makes.
const COPY_EVENTS: &str = "
    INSERT INTO events (tenant, id, at, name, subject, actor_path, client_id, owner, sponsor, task_id,
        delegation_id, purpose, risk, resource, details_hash, policy_version, decision, reason,
        transaction_id, data)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
    SELECT e.tenant, 'evt_00' || CAST(n.i + $2 AS TEXT) || e.id, e.at, e.name, e.subject, e.actor_path,
        e.client_id, e.owner, e.sponsor, e.task_id, e.delegation_id, e.purpose, e.risk, e.resource,
        e.details_hash, e.policy_version, e.decision, e.reason, e.transaction_id, e.data
    FROM n CROSS JOIN events e WHERE e.subject = $3 AND e.id > 'evt_01'";

const NAMES: &str = "
    INSERT INTO attempts (tenant, kind, holder, failures, kept_until)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
    SELECT 'default', $2, 'made up ' || CAST(i AS TEXT), 1, $3 FROM n";

/// Each with the file of that one.
const RESOURCES: &str = "
    INSERT INTO resources (tenant, uri, document, client_id, created_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
    SELECT r.tenant, r.uri || '/' || CAST(n.i AS TEXT), r.document, r.client_id, r.created_at
    FROM n CROSS JOIN resources r WHERE r.uri = $2";

const TYPES: &str = "
    INSERT INTO types (tenant, hash, name, document, created_at, loaded_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
    SELECT t.tenant, 'version ' || CAST(n.i AS TEXT), t.name, t.document, t.created_at, t.loaded_at
    FROM n CROSS JOIN types t WHERE t.hash = $2";

impl TestDatabase {
    /// So many more rows with the file of this resource. Ends the test if they cannot be written.
    pub async fn crowd_resources(&self, uri: &str, rows: i64) {
        self.crowd(RESOURCES, rows, uri).await;
    }

    /// So many more rows with the document of this version of a type. Ends the test if they cannot be written.
    pub async fn crowd_types(&self, hash: &str, rows: i64) {
        self.crowd(TYPES, rows, hash).await;
    }

    async fn crowd(&self, sql: &'static str, rows: i64, like: &str) {
        let done = match self.kind {
            DatabaseKind::Sqlite => rewrite!(SqliteConnection, &self.url, sql, rows, like),
            DatabaseKind::Postgres => rewrite!(PgConnection, &self.url, sql, rows, like),
        };
        done.unwrap_or_else(|error| end(&StoreError::from(error).into()));
    }

    /// So many names that were tried once, as strangers leave them. Ends the test if they cannot be written.
    pub async fn crowd_attempts(&self, kind: &str, rows: i64, kept_until: Timestamp) {
        let (url, until) = (&self.url, kept_until.micros());
        let done = match self.kind {
            DatabaseKind::Sqlite => rewrite!(SqliteConnection, url, NAMES, rows, kind, until),
            DatabaseKind::Postgres => rewrite!(PgConnection, url, NAMES, rows, kind, until),
        };
        done.unwrap_or_else(|error| end(&StoreError::from(error).into()));
    }

    /// So many copies of each event that the server wrote about this person, older than all of them. `after` is how many were copied before.
    /// Ends the test if they cannot be written.
    pub async fn copy_events(&self, subject: &str, copies: i64, after: i64) {
        let (url, first) = (&self.url, 100_000 + after);
        let done = match self.kind {
            DatabaseKind::Sqlite => {
                rewrite!(SqliteConnection, url, COPY_EVENTS, copies, first, subject)
            }
            DatabaseKind::Postgres => {
                rewrite!(PgConnection, url, COPY_EVENTS, copies, first, subject)
            }
        };
        done.unwrap_or_else(|error| end(&StoreError::from(error).into()));
    }
}
