//! At most one server for one SQLite file, by a lock on a file beside it. The system gives it back when a process ends, however that
//! comes about; the file stays. PostgreSQL takes any number of servers.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Result, StoreError};
use crate::sqlite_files::beside;
use crate::store::{Database, Store};

/// So long a server waits for the lock: whoever asks whether one runs holds it for a moment.
const PATIENCE: Duration = Duration::from_secs(2);
/// How the lock of `writ.db` ends.
const LOCK: &str = "-serve";
const TICK: Duration = Duration::from_millis(50);

/// Held by the one server of a SQLite file, as long as it runs.
#[derive(Debug)]
pub struct ServeLock {
    _file: Option<File>,
}

impl Store {
    /// Fails where another server runs on the same file.
    pub async fn serve_alone(&self) -> Result<ServeLock> {
        let Database::Sqlite { files, .. } = &self.database else {
            return Ok(ServeLock { _file: None });
        };
        let path = files.beside(LOCK);
        let file = private(&path).map_err(|e| unusable(&path, &e))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(ServeLock { _file: Some(file) }),
                Err(TryLockError::Error(e)) => return Err(unusable(&path, &e)),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    return Err(StoreError::Served);
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(TICK).await,
            }
        }
    }

    /// Whether a server runs on this SQLite file; PostgreSQL is not asked.
    pub async fn is_served(&self) -> Result<bool> {
        let Database::Sqlite { files, .. } = &self.database else {
            return Ok(false);
        };
        is_locked(&files.beside(LOCK))
    }
}

/// Before a connection is opened, which would make a log where none is. A server keeps its own in place from its start to its end: where
/// that is gone, only the server can read what it wrote last, and of a second log beside it one of both would be lost.
pub(crate) async fn require_log_of_server(database: &Path) -> Result<()> {
    let leads_nowhere = |e| StoreError::Url(format!("leads to no file: {e}"));
    let real = std::fs::canonicalize(database).map_err(leads_nowhere)?;
    let (log, lock) = (beside(&real, "-wal"), beside(&real, LOCK));
    // A server that ends removes its log, and gives the lock back a moment later.
    let until = Instant::now() + PATIENCE;
    while !log.exists() && is_locked(&lock)? {
        if Instant::now() >= until {
            return Err(StoreError::LogOfServer);
        }
        tokio::time::sleep(TICK).await;
    }
    Ok(())
}

fn is_locked(path: &Path) -> Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(unusable(path, &e)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(e)) => Err(unusable(path, &e)),
    }
}

fn private(path: &Path) -> std::io::Result<File> {
    // To open a pipe may take for ever.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(std::io::Error::other("is no file"));
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.open(path)
}

fn unusable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::ServeLock(path.to_owned(), error.to_string())
}
