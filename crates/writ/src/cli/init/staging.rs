//! A folder inside the target in which everything is made; its entries move to the target only when all of them are there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use writ_platform::Random;

use super::{files, samples};

/// What `init` makes, and what SQLite may leave beside a database.
const NAMES: [&str; 11] = [
    files::MASTER_KEY,
    files::TYPES,
    files::DATABASE,
    "writ.db-wal",
    "writ.db-shm",
    samples::RESOURCE_FILE,
    samples::CLIENT_FILE,
    samples::CLIENT_SECRET,
    samples::AGENT_FILE,
    samples::AGENT_KEY,
    files::CONFIG,
];

/// Names everything that stands in the way.
pub(super) fn refuse_overwriting(folder: &Path) -> Result<(), String> {
    let there = NAMES.into_iter().filter(|name| exists(&folder.join(name)));
    let there: Vec<&str> = there.collect();
    if there.is_empty() {
        return Ok(());
    }
    Err(format!(
        "`{}` holds already: {}; nothing was made",
        folder.display(),
        there.join(", ")
    ))
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Removed with all that is in it unless it is published.
pub(super) struct Staging {
    target: PathBuf,
    folder: PathBuf,
    /// Whether the target was made for it.
    made_target: bool,
}

impl Staging {
    pub(super) fn begin(target: &Path) -> Result<Self, String> {
        let at = |e: std::io::Error| format!("`{}`: {e}", target.display());
        let made_target = !exists(target);
        fs::create_dir_all(target).map_err(at)?;
        let target = target.canonicalize().map_err(at)?;
        let folder = target.join(format!(".writ-init-{}", Random::System.identifier()));
        let staging = Self {
            target,
            folder,
            made_target,
        };
        fs::create_dir(&staging.folder).map_err(at)?;
        Ok(staging)
    }

    /// Where everything will be, as an absolute path.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A new file of this mode.
    pub(super) fn file(&self, name: &str, mode: u32, text: &str) -> Result<(), String> {
        let at = |e: std::io::Error| format!("`{name}`: {e}");
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        let mut file = options.open(self.path(name)).map_err(at)?;
        file.write_all(text.as_bytes()).map_err(at)?;
        file.sync_all().map_err(at)
    }

    pub(super) fn folder(&self, name: &str) -> Result<(), String> {
        fs::create_dir(self.path(name)).map_err(|e| format!("`{name}`: {e}"))
    }

    /// Moves everything to the target, the configuration last; all of it or nothing.
    pub(super) fn publish(self) -> Result<(), String> {
        refuse_overwriting(&self.target)?;
        let mut moved: Vec<&str> = Vec::new();
        for name in NAMES {
            let from = self.path(name);
            if !exists(&from) {
                continue;
            }
            if let Err(error) = fs::rename(&from, self.target.join(name)) {
                for name in moved {
                    let _ = fs::rename(self.target.join(name), self.path(name));
                }
                return Err(format!("`{name}`: {error}; nothing was made"));
            }
            moved.push(name);
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        if self.made_target {
            // Succeeds only while it is empty.
            let _ = fs::remove_dir(&self.target);
        }
    }
}
