//! `writ check` knows what would keep the server from starting: another master key than that of the database, and a database that is no
//! file.

use std::process::{Command, Output};

use writ_testkit::{PASSWORD, World, both};

use super::registered::complaint;
use crate::process::binary;

/// Not that of the worlds.
const ANOTHER: &str = "AZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU";

fn writ(world: &World, variable: &str, value: &str, command: &[&str]) -> Output {
    Command::new(binary())
        .env_clear()
        .envs(world.environment())
        .env(variable, value)
        .args(command)
        .output()
        .unwrap()
}

both!(
    keys_that_do_not_open_are_said_and_nothing_is_made_for_them,
    |world| async {
        world.add_user("alice", PASSWORD).await;
        for command in [
            &["check"][..],
            &["user", "passkeys", "alice", "--enroll"],
            &["key", "rotate"],
        ] {
            let said = complaint(&writ(&world, "WRIT__KEYS__MASTER", ANOTHER, command));
            assert!(
                said.contains("is this the right master key?"),
                "{command:?}: {said}"
            );
        }
        let keys = world.begin().await.signing_keys().await.unwrap();
        assert_eq!(keys.len(), 2, "nothing was rotated");
    }
);

both!(
    a_database_that_is_a_pipe_or_a_folder_is_no_file,
    |world| async {
        let folder = std::env::temp_dir().join(format!(
            "writ-pipe-{}-{:?}",
            std::process::id(),
            world.database.kind
        ));
        std::fs::create_dir(&folder).unwrap();
        let pipe = folder.join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        for path in [&pipe, &folder] {
            let url = format!("sqlite:{}", path.display());
            let said = complaint(&writ(&world, "WRIT__DATABASE__URL", &url, &["check"]));
            assert!(said.contains("names what is no file"), "{said}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
);
