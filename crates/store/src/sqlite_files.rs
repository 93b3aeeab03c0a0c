//! The files of SQLite as they were when they were opened. A file that is moved, replaced or removed under a server stays open, and takes
//! every commit of it, which nobody finds again: so the paths are looked at, and nothing is done while they lead to others.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::time::Instant;

use crate::error::{Result, StoreError};

/// So old may be what is known of the paths.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(crate) struct SqliteFiles(Arc<Inner>);

struct Inner {
    database: OpenFile,
    /// The file's own path, also where it was named by a link.
    path: PathBuf,
    /// SQLite removes it when the last connection closes, and only then: `anchor` is never closed before.
    log: OpenFile,
    anchor: Mutex<Option<SqliteConnection>>,
    seen: Mutex<Seen>,
}

/// What a path led to.
#[derive(Clone, PartialEq, Eq)]
struct OpenFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

struct Seen {
    at: Instant,
    changed: Option<ChangedFile>,
}

/// Which of the files is not what was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangedFile {
    #[error(
        "its file is not the one that this server opened: it was moved, replaced or removed. Move it back, or end every server of it \
         and start anew"
    )]
    Database,
    #[error(
        "its write-ahead log (`-wal`) was moved, replaced or removed under this server. End every server of it and start anew"
    )]
    Log,
}

impl SqliteFiles {
    /// Of a database that is in WAL mode already.
    pub(crate) async fn open(options: &SqliteConnectOptions) -> Result<Self> {
        let mut anchor = SqliteConnection::connect_with(options).await?;
        // The log is there from the first statement on.
        sqlx::query("SELECT name FROM sqlite_master LIMIT 1")
            .execute(&mut anchor)
            .await?;
        let path = options.get_filename();
        let now = |path: &Path| {
            let lost = || StoreError::Url(format!("leads to no file `{}`", path.display()));
            OpenFile::at(path).ok_or_else(lost)
        };
        // Beside the file itself, also where the path is a link to it.
        let real = std::fs::canonicalize(path)
            .map_err(|e| StoreError::Url(format!("leads to no file: {e}")))?;
        let inner = Inner {
            database: now(path)?,
            log: now(&beside(&real, "-wal"))?,
            path: real,
            anchor: Mutex::new(Some(anchor)),
            seen: Mutex::new(Seen {
                at: Instant::now(),
                changed: None,
            }),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The path of the database and this ending, as SQLite names its own files.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        beside(&self.0.path, ending)
    }

    /// Before anything is read or written.
    pub(crate) async fn check(&self) -> Result<()> {
        if lock(&self.0.seen).at.elapsed() >= LOOKED_AT_EVERY {
            let files = self.0.clone();
            // A file system may not answer.
            let looked = tokio::task::spawn_blocking(move || files.look()).await;
            looked.map_err(|_| sqlx::Error::WorkerCrashed)?;
        }
        match lock(&self.0.seen).changed {
            Some(changed) => Err(StoreError::FileChanged(changed)),
            None => Ok(()),
        }
    }

    /// After all others: this connection writes the log back.
    pub(crate) async fn close(&self) {
        let anchor = lock(&self.0.anchor).take();
        if let Some(anchor) = anchor {
            let _ = anchor.close().await;
        }
    }
}

impl Inner {
    fn look(&self) {
        let changed = if !self.database.is_there() {
            Some(ChangedFile::Database)
        } else if !self.log.is_there() {
            Some(ChangedFile::Log)
        } else {
            None
        };
        let at = Instant::now();
        *lock(&self.seen) = Seen { at, changed };
    }
}

impl OpenFile {
    fn at(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        Some(Self {
            path: path.to_owned(),
            device: file.dev(),
            inode: file.ino(),
        })
    }

    fn is_there(&self) -> bool {
        Self::at(&self.path).as_ref() == Some(self)
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
