//! `writ check` knows what would keep the server from starting: another master key than that of the database, and a database that is no
//! file.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use writ_testkit::{Cast, DatabaseKind, PASSWORD, World, both};

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
        let pipe = pipe_in(&folder);
        for path in [&pipe, &folder] {
            let url = format!("sqlite:{}", path.display());
            let said = complaint(&writ(&world, "WRIT__DATABASE__URL", &url, &["check"]));
            assert!(said.contains("names what is no file"), "{said}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
);

/// A pipe into which nobody writes.
fn pipe_in(folder: &Path) -> PathBuf {
    let pipe = folder.join("pipe.json");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    pipe
}

/// What is read as a file; each `-` stands for its path.
const READING: [&[&str]; 15] = [
    &["--config", "-", "check"],
    &["client", "add", "--file", "-"],
    &["client", "change", "bank-api", "-"],
    &["agent", "add", "--file", "-"],
    &["agent", "change", "agt_planner", "-"],
    &["agent", "add-key", "agt_planner", "-"],
    &["resource", "add", "--file", "-"],
    &["resource", "change", "https://bank.example", "-"],
    &["user", "add", "bob", "--password-file", "-"],
    &["user", "password", "alice", "--password-file", "-"],
    &["type", "check", "-"],
    &["audit", "receipt", "-"],
    &["audit", "verify", "-"],
    &["audit", "verify", "record.jsonl", "--jwks", "-"],
    &["audit", "archive", "--before", "2026-01-01", "-"],
];

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_never_ends_is_not_read() {
    let world = World::new(DatabaseKind::Sqlite).await;
    Cast::of(&world).await;
    let folder = std::env::temp_dir().join(format!("writ-endless-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let pipe = pipe_in(&folder);
    let (pipe, folder_of) = (pipe.to_str().unwrap(), folder.to_str().unwrap());
    let run = |variables: &[(&str, &str)], command: &[&str]| {
        let mut run = Command::new("timeout");
        run.arg("60")
            .arg(binary())
            .env_clear()
            .envs(world.environment());
        run.envs(variables.iter().copied())
            .args(command)
            .output()
            .unwrap()
    };
    for path in [pipe, "/dev/zero", folder_of] {
        for command in READING {
            let command: Vec<&str> = command
                .iter()
                .map(|word| if *word == "-" { path } else { word })
                .collect();
            let said = complaint(&run(&[], &command));
            assert!(said.contains("is no file"), "{command:?}: {said}");
        }
        let liveness = [
            ("WRIT__LIVENESS__URL", "https://liveness.example/start"),
            ("WRIT__LIVENESS__ISSUER", "https://liveness.example"),
            ("WRIT__LIVENESS__KEYS_FILE", path),
        ];
        for variables in [&[("WRIT__OUTBOUND__CA_FILE", path)][..], &liveness] {
            let said = complaint(&run(variables, &["check"]));
            assert!(said.contains("is no file"), "{variables:?}: {said}");
        }
    }
    let types = [("WRIT__TYPES__PATH", folder_of)];
    let said = complaint(&run(&types, &["check"]));
    assert!(said.contains("pipe.json` is no file"), "{said}");
    std::fs::remove_dir_all(&folder).unwrap();
}
