//! Embedded schema migrations. Run twice, interrupted, or on two nodes at once, the result is the same.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, Postgres, SqlSafeStr, Sqlite};

use crate::driver::Driver;
use crate::error::Result;
use crate::store::{Database, Store};

/// The same numbers and names for both databases; a released migration is never edited.
macro_rules! migrations {
    ($kind:literal: $($version:literal $name:literal,)*) => {
        &[$((
            $version,
            $name,
            include_str!(concat!("../../../migrations/", $kind, "/", $name, ".sql")),
        )),*]
    };
}

type Text = (i64, &'static str, &'static str);

const SQLITE: &[Text] = migrations! { "sqlite":
    1 "0001_foundation",
    2 "0002_delegation",
    3 "0003_grants",
    4 "0004_events",
    5 "0005_pending",
    6 "0006_passkey",
    7 "0007_notice",
    8 "0008_usual",
    9 "0009_limits",
    10 "0010_consent_screen",
    11 "0011_fetched_documents",
    12 "0012_refresh_twin",
    13 "0013_guests",
    14 "0014_interaction",
    15 "0015_openid_connect",
    16 "0016_credentials",
    17 "0017_registration",
    18 "0018_remembered_by_client",
    19 "0019_ends",
};
const POSTGRES: &[Text] = migrations! { "postgres":
    1 "0001_foundation",
    2 "0002_delegation",
    3 "0003_grants",
    4 "0004_events",
    5 "0005_pending",
    6 "0006_passkey",
    7 "0007_notice",
    8 "0008_usual",
    9 "0009_limits",
    10 "0010_consent_screen",
    11 "0011_fetched_documents",
    12 "0012_refresh_twin",
    13 "0013_guests",
    14 "0014_interaction",
    15 "0015_openid_connect",
    16 "0016_credentials",
    17 "0017_registration",
    18 "0018_remembered_by_client",
    19 "0019_ends",
};

impl Store {
    /// Brings the tables up to date.
    pub async fn migrate(&self) -> Result<()> {
        self.migrate_to(None).await
    }

    /// SQLite: all in one transaction, so that a second process waits, then finds nothing to do. PostgreSQL: each in its own, under an advisory lock.
    pub(crate) async fn migrate_to(&self, version: Option<i64>) -> Result<()> {
        match &self.database {
            Database::Sqlite { writer, .. } => {
                let mut pooled = writer.acquire().await?;
                let (connection, _) = pooled.for_statement()?;
                let mut transaction = connection.begin_with(Sqlite::BEGIN).await?;
                migrator(SQLITE)
                    .run_direct(version, &mut *transaction, false)
                    .await?;
                let committed = transaction.commit().await;
                pooled.statement_ended(committed)?;
            }
            Database::Postgres(pool) => {
                let mut pooled = pool.acquire().await?;
                let (connection, _) = pooled.for_statement()?;
                // A migration may take long, and wait for that of another node.
                Postgres::run(connection, "SET statement_timeout = 0").await?;
                Postgres::run(connection, "SET lock_timeout = 0").await?;
                let ran = migrator(POSTGRES)
                    .run_direct(version, connection, false)
                    .await;
                // The advisory lock lives as long as its connection.
                pooled.close().await?;
                ran?;
            }
        }
        Ok(())
    }
}

fn migrator(texts: &[Text]) -> Migrator {
    let migrations = texts.iter().map(|(version, name, sql)| {
        let sql = SqlSafeStr::into_sql_str(*sql);
        Migration::new(
            *version,
            Cow::Borrowed(*name),
            MigrationType::Simple,
            sql,
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // During a rolling update nodes of the old version run with the new schema.
    migrator.set_ignore_missing(true);
    migrator
}
