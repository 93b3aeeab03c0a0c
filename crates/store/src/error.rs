//! Errors of the database. Each becomes `server_error`: in doubt no token is issued.

use sqlx::migrate::MigrateError;

pub type Result<T> = std::result::Result<T, StoreError>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is not repeated: it may hold a password.
    #[error("the database url {0}")]
    Url(String),
    /// Not reachable, timed out, or the statement was refused.
    #[error("the database cannot be used: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// A row or a value in it is not what this version wrote; the text names the place, not the value.
    #[error("the database holds what cannot be read: {0}")]
    Corrupt(String),
    #[error("the tables cannot be brought up to date: {0}")]
    Migration(#[source] MigrateError),
    /// The tenant was opened under another issuer: its tokens and keys belong to that one.
    #[error(
        "tenant `{tenant}` belongs to issuer `{issuer}`, which only `writ issuer change` changes"
    )]
    OtherIssuer { tenant: String, issuer: String },
    #[error("issuer `{0}` belongs to another tenant of this database")]
    IssuerTaken(String),
    /// The cause was returned to the caller that sent the statement or the commit.
    #[error(
        "nothing was committed: a statement of this transaction or the commit it shared failed"
    )]
    NotCommitted,
    /// A limit is exceeded.
    #[error("more than {most} {what}")]
    TooMany { most: usize, what: &'static str },
}

impl StoreError {
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
            other => Self::Unavailable(other),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        Self::Migration(error)
    }
}
