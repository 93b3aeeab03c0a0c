//! What differs between SQLite and PostgreSQL in a database transaction: how it begins, and whether requests share a commit.

use sqlx::{Connection, Postgres, Sqlite};

/// SQLite or PostgreSQL.
pub(crate) trait Driver: sqlx::Database {
    /// The statement that begins a transaction that writes.
    const BEGIN: &'static str;
    const GROUP_COMMIT: GroupCommit;
    /// The statement after which plans are made anew, where they are kept and depend on what the tables hold.
    const FORGET_PLANS: Option<&'static str>;

    fn run(
        connection: &mut Self::Connection,
        sql: &'static str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
}

/// Whether requests that wait for a connection may continue in the transaction of the request before them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupCommit {
    Off,
    On,
}

/// What `Driver::Connection` connects with.
pub(crate) type Options<D> = <<D as sqlx::Database>::Connection as Connection>::Options;

impl Driver for Sqlite {
    /// Takes the write lock first: what is read inside the transaction still holds at its commit.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const GROUP_COMMIT: GroupCommit = GroupCommit::On;
    const FORGET_PLANS: Option<&'static str> = None;

    async fn run(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::query(sql).execute(connection).await.map(drop)
    }
}

impl Driver for Postgres {
    const BEGIN: &'static str = "BEGIN";
    const GROUP_COMMIT: GroupCommit = GroupCommit::Off;
    const FORGET_PLANS: Option<&'static str> = Some("DISCARD PLANS");

    async fn run(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::query(sql).execute(connection).await.map(drop)
    }
}
