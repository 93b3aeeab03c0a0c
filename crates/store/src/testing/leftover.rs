//! What is removed when a test ends.

use super::{Leftover, TestDatabase, drop_database};

impl Drop for TestDatabase {
    /// Also when the test fails. A thread of its own, because a runtime cannot wait inside another.
    fn drop(&mut self) {
        match &self.leftover {
            Leftover::Folder(folder) => drop(std::fs::remove_dir_all(folder)),
            Leftover::Database { admin, name } => {
                let (admin, name) = (admin.clone(), name.clone());
                let dropping = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build();
                    runtime.map(|runtime| runtime.block_on(drop_database(&admin, &name)))
                });
                drop(dropping.join());
            }
        }
    }
}
