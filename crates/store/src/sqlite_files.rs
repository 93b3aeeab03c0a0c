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

use crate::deadline::within;
use crate::error::{Result, StoreError};

/// So old may be what is known of the paths.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(crate) struct SqliteFiles(Arc<Inner>);

struct Inner {
    database: OpenFile,
    /// The file's own path, also where it was named by a link.
    path: PathBuf,
    /// SQLite removes these two when the last connection closes, and only then: `anchor` is never closed before.
    log: OpenFile,
    index: OpenFile,
    anchor: Mutex<Option<SqliteConnection>>,
    /// Whoever holds it looks; others wait, and take what was seen.
    looking: Arc<tokio::sync::Mutex<()>>,
    seen: Mutex<Seen>,
}

/// What a path led to.
#[derive(Clone, PartialEq, Eq)]
struct OpenFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

#[derive(Clone, Copy)]
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
    #[error(
        "the index of its write-ahead log (`-shm`) was moved, replaced or removed under this server. End every server of it and start \
         anew"
    )]
    Index,
}

impl SqliteFiles {
    /// Of a database that is in WAL mode already.
    pub(crate) async fn open(options: &SqliteConnectOptions) -> Result<Self> {
        let mut anchor = SqliteConnection::connect_with(options).await?;
        // The log and its index are there from the first statement on.
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
            index: now(&beside(&real, "-shm"))?,
            path: real,
            anchor: Mutex::new(Some(anchor)),
            looking: Arc::default(),
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
    pub(crate) async fn check(&self, deadline: Duration) -> Result<()> {
        match self.changed(LOOKED_AT_EVERY, deadline).await? {
            Some(changed) => Err(StoreError::FileChanged(changed)),
            None => Ok(()),
        }
    }

    /// As it was seen so long ago at most. A file system may not answer: then one thread waits for it, whoever asks.
    async fn changed(&self, age: Duration, deadline: Duration) -> Result<Option<ChangedFile>> {
        if let Some(seen) = self.0.seen_within(age) {
            return Ok(seen.changed);
        }
        let looked = async {
            let turn = self.0.looking.clone().lock_owned().await;
            if let Some(seen) = self.0.seen_within(age) {
                return Ok(seen.changed);
            }
            let files = self.0.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let changed = files.look();
                drop(turn);
                changed
            });
            looked.await.map_err(|_| sqlx::Error::WorkerCrashed)
        };
        Ok(within(deadline, looked).await?)
    }

    /// After all others: this connection writes the log back and removes it. By an index that others do not see it would write back only
    /// what it knows of, and remove what they wrote since: then it stays open until the process ends, and whoever opens the file next
    /// reads the whole log.
    pub(crate) async fn close(&self, deadline: Duration) {
        let changed = self.changed(Duration::ZERO, deadline).await;
        let Some(anchor) = lock(&self.0.anchor).take() else {
            return;
        };
        match changed {
            Ok(Some(ChangedFile::Index)) | Err(_) => std::mem::forget(anchor),
            Ok(Some(ChangedFile::Database | ChangedFile::Log) | None) => {
                let _ = anchor.close().await;
            }
        }
    }
}

impl Inner {
    fn seen_within(&self, age: Duration) -> Option<Seen> {
        let seen = *lock(&self.seen);
        (seen.at.elapsed() < age).then_some(seen)
    }

    fn look(&self) -> Option<ChangedFile> {
        let changed = [
            (&self.database, ChangedFile::Database),
            (&self.log, ChangedFile::Log),
            (&self.index, ChangedFile::Index),
        ]
        .into_iter()
        .find_map(|(file, changed)| (!file.is_there()).then_some(changed));
        let at = Instant::now();
        *lock(&self.seen) = Seen { at, changed };
        changed
    }
}

impl Drop for Inner {
    /// Where it was not closed in time.
    fn drop(&mut self) {
        let anchor = lock(&self.anchor).take();
        if lock(&self.seen).changed == Some(ChangedFile::Index) {
            std::mem::forget(anchor);
        }
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

pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Database;
    use crate::testing::{DatabaseKind, fresh};

    #[tokio::test]
    async fn a_look_that_does_not_end_is_one_and_is_waited_for_in_time() {
        let database = fresh(DatabaseKind::Sqlite).await;
        let Database::Sqlite { files, .. } = &database.store.database else {
            panic!("SQLite");
        };
        let look = files.0.looking.clone().lock_owned().await;
        for _ in 0..3 {
            let asked = files.changed(Duration::ZERO, Duration::from_millis(20));
            assert!(asked.await.unwrap_err().is_unavailable());
        }
        drop(look);
        let asked = files.changed(Duration::ZERO, Duration::from_secs(30));
        assert_eq!(asked.await.unwrap(), None);
    }
}
