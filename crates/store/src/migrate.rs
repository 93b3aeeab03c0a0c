//! Embedded schema migrations. Run twice, interrupted, or on two nodes at once, the result is the same: each file and the row that
//! says so are one transaction, and nodes do it one after the other.

mod applied;
mod texts;

use sqlx::migrate::{Migrate, MigrateError};
use sqlx::{Connection, PgConnection, Postgres, Sqlite, SqliteConnection};

use crate::deadline::Patience;
use crate::driver::Driver;
use crate::error::{Result, StoreError};
use crate::pool::ConnectionPool;
use crate::pooled_connection::PooledConnection;
use crate::store::{Database, Store};

use applied::{AppliedMigrations, TABLE};
pub(crate) use texts::{MigrationText, POSTGRES, SQLITE};

/// A migration that waits for a table's lock holds up every statement on that table behind it: it gives up before those do
/// ([`crate::Deadlines`]), and tries again.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '1s'";
/// PostgreSQL notices by itself (from version 14 on) that a node is gone in the middle of a statement or between two, and releases
/// the lock for the next one.
const NOTICE_THAT_WE_ARE_GONE: &str = "
    SELECT set_config('client_connection_check_interval', '1s', false),
        set_config('idle_session_timeout', '30s', false)
    WHERE CAST(current_setting('server_version_num') AS INT) >= 140000";

impl Store {
    /// Brings the tables up to date. Waits while another node does that, and a minute for what others have locked.
    pub async fn migrate(&self) -> Result<()> {
        self.migrate_to(i64::MAX).await
    }

    pub(crate) async fn migrate_to(&self, version: i64) -> Result<()> {
        let texts = match &self.database {
            Database::Sqlite { .. } => SQLITE,
            Database::Postgres(_) => POSTGRES,
        };
        let wanted = texts.iter().take_while(|text| text.version <= version);
        let wanted: Vec<_> = wanted.copied().collect();
        self.migrate_by(&wanted, Patience::OF_A_START).await
    }

    /// SQLite: all in one transaction, so that another process waits, then finds nothing to do. PostgreSQL: each in its own.
    pub(crate) async fn migrate_by(
        &self,
        texts: &[MigrationText],
        patience: Patience,
    ) -> Result<()> {
        match &self.database {
            Database::Sqlite { writer, .. } => {
                let waiting = patience.begin();
                while let Err(error) = sqlite(writer, texts).await {
                    waiting.again_after(error).await?;
                }
                Ok(())
            }
            Database::Postgres(pool) => {
                let mut pooled = pool.acquire().await?;
                if is_up_to_date(&mut pooled, texts).await? {
                    return Ok(());
                }
                // What this connection is told holds for migrations only: it does not return to the pool.
                let mut connection = pooled.into_connection()?;
                let done = postgres(&mut connection, texts, patience).await;
                // The lock lives as long as its connection.
                drop(connection.close().await);
                done
            }
        }
    }
}

async fn sqlite(writer: &ConnectionPool<Sqlite>, texts: &[MigrationText]) -> Result<()> {
    let mut pooled = writer.acquire().await?;
    let (connection, _) = pooled.for_statement()?;
    sqlite_transaction(connection, texts).await?;
    pooled.statement_ended(Ok(()))
}

async fn sqlite_transaction(
    connection: &mut SqliteConnection,
    texts: &[MigrationText],
) -> Result<()> {
    let applied = AppliedMigrations::of_sqlite(connection).await?;
    if applied.missing(texts)?.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin_with(Sqlite::BEGIN).await?;
    let made = transaction.ensure_migrations_table(TABLE).await;
    made.map_err(cause)?;
    // Others may have done it before we had the lock.
    let applied = AppliedMigrations::of_sqlite(&mut transaction).await?;
    for missing in applied.missing(texts)? {
        apply(&mut *transaction, missing).await?;
    }
    Ok(transaction.commit().await?)
}

async fn is_up_to_date(
    pooled: &mut PooledConnection<Postgres>,
    texts: &[MigrationText],
) -> Result<bool> {
    let (connection, _) = pooled.for_statement()?;
    let applied = AppliedMigrations::of_postgres(connection).await?;
    pooled.statement_ended(Ok(()))?;
    Ok(applied.missing(texts)?.is_empty())
}

async fn postgres(
    connection: &mut PgConnection,
    texts: &[MigrationText],
    patience: Patience,
) -> Result<()> {
    // A migration may take long, and wait for those of another node.
    Postgres::run(connection, "SET statement_timeout = 0").await?;
    Postgres::run(connection, "SET lock_timeout = 0").await?;
    Postgres::run(connection, NOTICE_THAT_WE_ARE_GONE).await?;
    connection.lock().await.map_err(cause)?;
    Postgres::run(connection, LOCK_TIMEOUT).await?;
    let made = connection.ensure_migrations_table(TABLE).await;
    made.map_err(cause)?;
    let applied = AppliedMigrations::of_postgres(connection).await?;
    for missing in applied.missing(texts)? {
        let waiting = patience.begin();
        while let Err(error) = apply(connection, missing).await {
            waiting.again_after(error).await?;
        }
    }
    Ok(())
}

/// The file and its row in [`TABLE`], in one transaction (on SQLite a savepoint).
async fn apply(connection: &mut impl Migrate, missing: &MigrationText) -> Result<()> {
    let applied = connection.apply(TABLE, &missing.migration()).await;
    applied.map(drop).map_err(|error| StoreError::Migration {
        name: missing.name,
        cause: cause(error),
    })
}

fn cause(error: MigrateError) -> sqlx::Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error,
        other => other.into(),
    }
}
