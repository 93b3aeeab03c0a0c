//! The database, and one request's database transaction on it: read, decide, commit. A request has one transaction and at most
//! one commit that others can see.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{Postgres, Sqlite};

use crate::connect;
use crate::deadline::Deadlines;
use crate::error::Result;
use crate::pool::ConnectionPool;
use crate::pooled_connection::{CommitIsolation, PooledConnection};
use crate::sqlite_files::SqliteFiles;

/// One node's connections to the database; cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) database: Database,
    statements: StatementCounter,
}

/// Counts what is sent to the database, and the rows that come back; clones count together.
#[derive(Clone, Default)]
pub(crate) struct StatementCounter(Arc<Counts>);

#[derive(Default)]
struct Counts {
    statements: AtomicU64,
    rows: AtomicU64,
}

impl StatementCounter {
    pub(crate) fn count(&self) {
        self.0.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_rows(&self, rows: usize) {
        self.0.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }
}

#[derive(Clone)]
pub(crate) enum Database {
    Sqlite {
        /// One connection: writers wait in its queue, not for SQLite's lock.
        writer: ConnectionPool<Sqlite>,
        readers: ConnectionPool<Sqlite>,
        files: SqliteFiles,
    },
    Postgres(ConnectionPool<Postgres>),
}

/// One tenant's connection to the database; each feature's file adds its queries. From [`Store::begin`] it is a transaction, which
/// is rolled back when it is dropped without a commit; from [`Store::read`] it has none and only reads.
pub struct DatabaseTransaction {
    pub(crate) tenant: String,
    pub(crate) connection: DatabaseConnection,
    pub(crate) statements: StatementCounter,
}

pub(crate) enum DatabaseConnection {
    Sqlite(PooledConnection<Sqlite>),
    Postgres(PooledConnection<Postgres>),
}

impl Store {
    /// `sqlite:FILE` (made if missing, in an existing folder) or `postgres:...` (`?host=/folder` for a socket).
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_within(url, Deadlines::default()).await
    }

    /// The same, with other deadlines.
    pub async fn connect_within(url: &str, deadlines: Deadlines) -> Result<Self> {
        Ok(Self {
            database: connect::open(url, deadlines).await?,
            statements: StatementCounter::default(),
        })
    }

    /// A write transaction.
    pub async fn begin(&self, tenant: &str) -> Result<DatabaseTransaction> {
        self.statements.count();
        let begun = match self.begun().await {
            // It died while nobody used it: nothing was done on it, and another one may do.
            Err(error) if error.is_lost_connection() => self.begun().await,
            begun => begun,
        };
        Ok(self.transaction(begun?, tenant))
    }

    async fn begun(&self) -> Result<DatabaseConnection> {
        let mut connection = match &self.database {
            Database::Sqlite { writer, files, .. } => {
                files.check(writer.deadlines().for_connection()?).await?;
                DatabaseConnection::Sqlite(writer.acquire().await?)
            }
            Database::Postgres(pool) => DatabaseConnection::Postgres(pool.acquire().await?),
        };
        match &mut connection {
            DatabaseConnection::Sqlite(connection) => connection.begin().await?,
            DatabaseConnection::Postgres(connection) => connection.begin().await?,
        }
        Ok(connection)
    }

    /// Reads without a transaction (autocommit), uncached, from the primary: each statement sees every commit before it.
    /// Nothing may be written by it.
    pub async fn read(&self, tenant: &str) -> Result<DatabaseTransaction> {
        let connection = match &self.database {
            Database::Sqlite {
                writer,
                readers,
                files,
            } => {
                files.check(writer.deadlines().for_connection()?).await?;
                writer.wait_for_group_commit().await?;
                DatabaseConnection::Sqlite(readers.acquire().await?)
            }
            Database::Postgres(pool) => DatabaseConnection::Postgres(pool.acquire().await?),
        };
        Ok(self.transaction(connection, tenant))
    }

    fn transaction(&self, connection: DatabaseConnection, tenant: &str) -> DatabaseTransaction {
        DatabaseTransaction {
            tenant: tenant.to_owned(),
            connection,
            statements: self.statements.clone(),
        }
    }

    pub(crate) fn deadlines(&self) -> Deadlines {
        match &self.database {
            Database::Sqlite { writer, .. } => writer.deadlines(),
            Database::Postgres(pool) => pool.deadlines(),
        }
    }

    #[cfg(test)]
    pub(crate) fn idle_connections(&self) -> usize {
        match &self.database {
            Database::Sqlite {
                writer, readers, ..
            } => writer.idle() + readers.idle(),
            Database::Postgres(pool) => pool.idle(),
        }
    }

    /// Statements of this node so far, with the beginning and the commit of each transaction.
    pub fn statements(&self) -> u64 {
        self.statements.0.statements.load(Ordering::Relaxed)
    }

    /// Rows that these brought back so far.
    pub fn rows(&self) -> u64 {
        self.statements.0.rows.load(Ordering::Relaxed)
    }

    /// Waits until every connection is returned and closed.
    pub async fn close(&self) {
        match &self.database {
            Database::Sqlite {
                writer,
                readers,
                files,
            } => {
                readers.close().await;
                writer.close().await;
                files.close(writer.deadlines().connection).await;
            }
            Database::Postgres(pool) => pool.close().await,
        }
    }
}

impl DatabaseTransaction {
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Makes everything visible at once; does nothing where no transaction was begun.
    pub async fn commit(self) -> Result<()> {
        self.commit_reporting_isolation().await.map(drop)
    }

    /// [`Self::commit`], and whether what was read in this transaction still held at the commit.
    pub async fn commit_reporting_isolation(self) -> Result<CommitIsolation> {
        match self.connection {
            DatabaseConnection::Sqlite(connection) => connection.commit(&self.statements).await,
            DatabaseConnection::Postgres(connection) => connection.commit(&self.statements).await,
        }
    }
}
