//! What differs between SQLite and PostgreSQL in a database transaction: how it begins, and whether requests share a commit.

use sqlx::{Connection, Postgres, Sqlite};

/// SQLite or PostgreSQL.
pub(crate) trait Driver: sqlx::Database {
    /// The statement that begins a transaction that writes.
    const BEGIN: &'static str;
    const GROUP_COMMIT: GroupCommit;
    /// The statement after which plans are made anew, where they are kept and depend on what the tables hold.
    const FORGET_PLANS: Option<&'static str>;

    /// What goes on where an answer is not waited for.
    const GIVEN_UP: GivenUp;

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

/// What becomes of a connection whose answer was not waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// It ends with its last owner.
    Ends,
    /// A process of the database goes on without us, perhaps for ever, and takes one of the connections that it has.
    GoesOn,
}

/// What `Driver::Connection` connects with.
pub(crate) type Options<D> = <<D as sqlx::Database>::Connection as Connection>::Options;

impl Driver for Sqlite {
    /// Takes the write lock first: what is read inside the transaction still holds at its commit.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const GROUP_COMMIT: GroupCommit = GroupCommit::On;
    const FORGET_PLANS: Option<&'static str> = None;
    const GIVEN_UP: GivenUp = GivenUp::Ends;

    async fn run(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::query(sql).execute(connection).await.map(drop)
    }
}

impl Driver for Postgres {
    const BEGIN: &'static str = "BEGIN";
    const GROUP_COMMIT: GroupCommit = GroupCommit::Off;
    const FORGET_PLANS: Option<&'static str> = Some("DISCARD PLANS");
    const GIVEN_UP: GivenUp = GivenUp::GoesOn;

    async fn run(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::query(sql).execute(connection).await.map(drop)
    }
}
