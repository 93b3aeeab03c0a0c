//! From a database URL to connection pools: SQLite with one writer and several readers, PostgreSQL with one pool.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::Postgres;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::deadline::{Deadlines, Patience, within};
use crate::error::{Result, StoreError};
use crate::pool::ConnectionPool;
use crate::pooled_connection::PooledConnection;
use crate::serve_lock::require_log_of_server;
use crate::sqlite_files::SqliteFiles;
use crate::store::Database;

/// SQLite gives up so long before we do, and says why.
const MARGIN: Duration = Duration::from_millis(500);
/// Reading connections to one SQLite file.
const SQLITE_READERS: u32 = 4;
/// Connections of one node to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 16;
/// For the first connection of a process: nobody waits for an answer yet, and a machine that was just started is slow.
const FIRST_CONNECTION: Duration = Duration::from_secs(10);
/// PostgreSQL ends a transaction whose node sends nothing for so long, and releases its locks.
const SILENT_TRANSACTION: &str = "30s";
/// Each statement finds its rows by an index: a plan that was made while a table was small does for a while longer
/// (`pool.rs` says how long).
const BY_INDEX: [(&str, &str); 4] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // What is switched off counts as very dear, and for dear plans PostgreSQL compiles code: a fifth of a second each time.
    ("jit", "off"),
];

/// No statement makes an index of a whole table for itself, as SQLite may where it was told of few rows (`ANALYZE`).
pub(crate) const AUTOMATIC_INDEX: &str = "automatic_index";
pub(crate) const OFF: &str = "OFF";

pub(crate) async fn open(url: &str, deadlines: Deadlines) -> Result<Database> {
    if url.starts_with("sqlite:") {
        return sqlite(url, deadlines).await;
    }
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return postgres(url, deadlines).await;
    }
    Err(StoreError::Url(
        "starts with neither `sqlite:` nor `postgres:`".to_owned(),
    ))
}

async fn sqlite(url: &str, deadlines: Deadlines) -> Result<Database> {
    let options = SqliteConnectOptions::from_str(url).map_err(unreadable)?;
    let file = options.get_filename().to_owned();
    if url.contains(":memory:") || url.contains("mode=memory") || file.as_os_str().is_empty() {
        let sentence = "names no file: a database in memory would forget what may happen only once";
        return Err(StoreError::Url(sentence.to_owned()));
    }
    create(&file)?;
    require_log_of_server(&file).await?;
    let options = options
        // It is made already: one that is gone later was moved, and no empty one takes its place.
        .create_if_missing(false)
        .foreign_keys(true)
        // How long it waits for another process's write to the same file.
        .busy_timeout(deadlines.statement.saturating_sub(MARGIN))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma(AUTOMATIC_INDEX, OFF);
    let readers = ConnectionPool::new(options.clone().read_only(true), SQLITE_READERS, deadlines);
    let writer = ConnectionPool::new(options.clone(), 1, deadlines);
    // Two processes that turn the same file to WAL are in each other's way, whatever the timeout.
    let waiting = Patience::OF_A_START.begin();
    while let Err(error) = writer.acquire().await {
        waiting.again_after(error).await?;
    }
    let files = SqliteFiles::open(&options).await?;
    Ok(Database::Sqlite {
        writer,
        readers,
        files,
    })
}

/// The file holds digests, sealed keys and what people approved: only its owner may read it. SQLite gives the
/// files beside it the same mode.
fn create(file: &Path) -> Result<()> {
    let named = file.display();
    // To open a pipe may take for ever.
    if std::fs::metadata(file).is_ok_and(|there| !there.is_file()) {
        return Err(StoreError::Url(format!(
            "names `{named}`, which is no file"
        )));
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(file).map(drop);
    let refused =
        |e: std::io::Error| format!("names a file that cannot be written, `{named}`: {e}");
    opened.map_err(|e| StoreError::Url(refused(e)))
}

async fn postgres(url: &str, deadlines: Deadlines) -> Result<Database> {
    let limit = deadlines.statement.as_millis().to_string();
    let options = PgConnectOptions::from_str(url)
        .map_err(unreadable)?
        .application_name("writ")
        .options([
            ("idle_in_transaction_session_timeout", SILENT_TRANSACTION),
            ("statement_timeout", &limit),
            ("lock_timeout", &limit),
        ])
        .options(BY_INDEX);
    let place = place(&options);
    let pool = ConnectionPool::new(options, POSTGRES_CONNECTIONS, deadlines);
    let first = pool.acquire_within(FIRST_CONNECTION).await;
    let mut first = first.map_err(|error| or_pooler(error).at(&place))?;
    require_session(&mut first).await?;
    require_utf8(&mut first).await?;
    Ok(Database::Postgres(pool))
}

/// For the operator; never the rest of the URL.
fn place(options: &PgConnectOptions) -> String {
    let port = options.get_port();
    match options.get_socket() {
        Some(folder) => format!("the socket of port {port} in `{}`", folder.display()),
        None => format!("`{}`, port {port}", options.get_host()),
    }
}

/// What a connection was told at its start still holds for its statements.
pub(crate) async fn require_session(connection: &mut PooledConnection<Postgres>) -> Result<()> {
    let shown = setting(connection, "SHOW idle_in_transaction_session_timeout").await?;
    match shown == SILENT_TRANSACTION {
        true => Ok(()),
        false => Err(StoreError::Pooler),
    }
}

/// Every text that people write can be kept.
async fn require_utf8(connection: &mut PooledConnection<Postgres>) -> Result<()> {
    const ENCODING: &str = "UTF8";
    let shown = setting(connection, "SHOW server_encoding").await?;
    match shown == ENCODING {
        true => Ok(()),
        false => Err(StoreError::Encoding(shown)),
    }
}

/// What PostgreSQL says of one setting.
async fn setting(
    connection: &mut PooledConnection<Postgres>,
    show: &'static str,
) -> Result<String> {
    let (postgres, deadline) = connection.for_statement()?;
    let shown = sqlx::query_scalar(show).fetch_one(postgres);
    let shown = within(deadline, shown).await;
    connection.statement_ended(shown)
}

/// PostgreSQL itself takes every setting of ours at the start of a connection.
fn or_pooler(error: StoreError) -> StoreError {
    let refused = matches!(&error, StoreError::Unavailable(sqlx::Error::Database(error))
        if error.code().as_deref() == Some("08P01"));
    match refused {
        true => StoreError::Pooler,
        false => error,
    }
}

/// The parser's words could repeat a part of the URL, and with it a password.
fn unreadable(_: sqlx::Error) -> StoreError {
    StoreError::Url("cannot be read".to_owned())
}
