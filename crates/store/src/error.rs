//! Errors of the database: `temporarily_unavailable` where the same may succeed later, else `server_error`. In doubt no token is issued.

use std::path::PathBuf;

use crate::sqlite_files::ChangedFile;
use crate::trouble::{self, Trouble};

pub type Result<T> = std::result::Result<T, StoreError>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is not repeated: it may hold a password.
    #[error("the database url {0}")]
    Url(String),
    /// Not reachable, silent for too long, read-only, locked, full or without what was granted: the same may succeed later.
    #[error("the database cannot be used: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The same at the first connection of a process, and where it was looked for.
    #[error("the database cannot be used at {place}: {cause}")]
    UnavailableAt { place: String, cause: sqlx::Error },
    /// Another file stands where the database's was: nothing is read or written.
    #[error("the database cannot be used: {0}")]
    FileChanged(ChangedFile),
    /// Of SQLite, while another process has the log open that was there before.
    #[error(
        "the database cannot be used: its write-ahead log (`-wal`) is shorter than the index of that log (`-shm`) says, because it was \
         moved, replaced or cut. End every server of it, which writes back what it has, and start anew"
    )]
    ShortLog,
    #[error(
        "the database cannot be used: a server runs whose write-ahead log (`-wal`) was moved or removed. End that server first: it \
         writes back what it has"
    )]
    LogOfServer,
    /// It refused a statement.
    #[error("the database refused a statement: {0}")]
    Statement(#[source] sqlx::Error),
    #[error(
        "the database url leads to a pooler that does not keep sessions: what a connection is told is forgotten. \
         Give it a pool in session mode, or name PostgreSQL itself"
    )]
    Pooler,
    #[error(
        "the encoding of the database is {0}, which does not hold every text. Writ needs one that was made with `ENCODING 'UTF8'`"
    )]
    Encoding(String),
    /// A row or a value in it is not what this version wrote; the text names the place, not the value.
    #[error("the database holds what cannot be read: {0}")]
    Corrupt(String),
    #[error("migration `{name}` failed, and nothing of it was kept: {cause}")]
    Migration {
        name: &'static str,
        #[source]
        cause: sqlx::Error,
    },
    #[error("the tables were made by another migration `{0}` than that of this binary")]
    MigrationChanged(String),
    #[error(
        "the tables are too new for this binary: migration `{0}` took away what it uses. Start the version that made it, \
         or a later one"
    )]
    TablesTooNew(String),
    /// The tenant was opened under another issuer: its tokens and keys belong to that one.
    #[error(
        "this database belongs to the issuer `{issuer}`, and the configuration says `{configured}`. To move it, stop every node, \
         then `writ issuer change {configured}`"
    )]
    OtherIssuer { issuer: String, configured: String },
    #[error("issuer `{0}` belongs to another tenant of this database")]
    IssuerTaken(String),
    #[error(
        "another `writ serve` runs on this SQLite file, and it takes one. Stop that one first; for several servers use PostgreSQL"
    )]
    Served,
    #[error("the lock of the SQLite file's one server, `{0}`, cannot be used: {1}")]
    ServeLock(PathBuf, String),
    /// The cause was returned to the caller that sent the statement or the commit.
    #[error(
        "nothing was committed: a statement of this transaction or the commit it shared failed"
    )]
    NotCommitted,
    #[error("the commit that several requests shared failed: {0}")]
    SharedCommit(String),
    /// It is full or locked, and says so.
    #[error("the database refused the commit, and nothing of it was kept: {0}")]
    CommitRefused(String),
    /// A limit is exceeded.
    #[error("more than {most} {what}")]
    TooMany { most: usize, what: &'static str },
}

impl StoreError {
    /// Whether the same may succeed later, without anybody changing anything here.
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::UnavailableAt { .. }
                | Self::FileChanged(_)
                | Self::ShortLog
                | Self::NotCommitted
                | Self::SharedCommit(_)
                | Self::CommitRefused(_)
        )
    }

    /// A connection cannot be opened, whatever for: another may be, later.
    pub(crate) fn of_connection(error: sqlx::Error) -> Self {
        match trouble::is_short_log(&error) {
            true => Self::ShortLog,
            false => Self::Unavailable(error),
        }
    }

    /// Where it was looked for.
    pub(crate) fn at(self, place: &str) -> Self {
        match self {
            Self::Unavailable(cause) => Self::UnavailableAt {
                place: place.to_owned(),
                cause,
            },
            other => other,
        }
    }

    /// Whether a commit that ended so may have happened.
    pub fn leaves_commit_in_doubt(&self) -> bool {
        let is_undone = matches!(
            self,
            Self::NotCommitted | Self::CommitRefused(_) | Self::FileChanged(_)
        );
        self.is_unavailable() && !is_undone
    }

    /// What a commit ended with. Where the database itself answers that it cannot do it now, there is no doubt.
    pub(crate) fn of_commit(self) -> Self {
        match self {
            Self::Unavailable(error @ sqlx::Error::Database(_))
                if Trouble::of(&error) == Trouble::Busy =>
            {
                Self::CommitRefused(error.to_string())
            }
            other => other,
        }
    }

    /// Whether the connection that showed it is thrown away.
    pub(crate) fn ends_connection(&self) -> bool {
        let ends = [Trouble::Connection, Trouble::Silence];
        match self {
            Self::Unavailable(error) => ends.contains(&Trouble::of(error)),
            Self::ShortLog => true,
            _ => false,
        }
    }

    /// Whether it failed only because another process or transaction has locked something.
    pub(crate) fn is_locked(&self) -> bool {
        match self {
            Self::Unavailable(cause) | Self::Migration { cause, .. } => trouble::is_locked(cause),
            _ => false,
        }
    }

    /// Whether a table was not there, as in a database before the first start.
    pub fn is_missing_table(&self) -> bool {
        matches!(self, Self::Unavailable(error) | Self::Statement(error) if trouble::is_missing_table(error))
    }

    /// Whether another connection may do at once.
    pub(crate) fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Unavailable(error) if Trouble::of(error) == Trouble::Connection)
    }

    pub(crate) fn corrupt(place: impl Into<String>) -> Self {
        Self::Corrupt(place.into())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::TypeNotFound { .. } => Self::Corrupt(error.to_string()),
            other if trouble::is_short_log(&other) => Self::ShortLog,
            other if Trouble::of(&other) == Trouble::Statement => Self::Statement(other),
            other => Self::Unavailable(other),
        }
    }
}
