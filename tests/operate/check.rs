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
            let named = format!("names `{}`, which is no file", path.display());
            assert!(said.contains(&named), "{said}");
        }
        let nowhere = folder.join("none/writ.db");
        let url = format!("sqlite:{}", nowhere.display());
        let said = complaint(&writ(&world, "WRIT__DATABASE__URL", &url, &["check"]));
        let named = format!("cannot be written, `{}`: ", nowhere.display());
        assert!(said.contains(&named), "{said}");
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

/// What commands read; each `-` stands for its path.
const READING: [&[&str]; 14] = [
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
];
/// It is read twice.
const ARCHIVE: &[&str] = &["audit", "archive", "--before", "2026-01-01", "-"];

fn with_path<'a>(command: &[&'a str], path: &'a str) -> Vec<&'a str> {
    let words = command.iter();
    words
        .map(|word| if *word == "-" { path } else { word })
        .collect()
}

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
    for (path, kind) in [("/dev/zero", "a device"), (folder_of, "a folder")] {
        for command in READING {
            let said = complaint(&run(&[], &with_path(command, path)));
            let why = format!("is no file but {kind}");
            assert!(said.contains(&why), "{command:?}: {said}");
        }
    }
    for path in [pipe, "/dev/zero", folder_of] {
        let said = complaint(&run(&[], &with_path(ARCHIVE, path)));
        assert!(said.contains("is no file"), "{path}: {said}");
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
    assert!(said.contains("pipe.json` is no file but a pipe"), "{said}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// As `<(...)` gives it: the path of an open pipe.
const PIPE: &str = "/dev/fd/0";

/// Runs a command whose standard input is a pipe with the output of a script of `sh`.
fn piped(world: &World, script: &str, command: &[&str]) -> Output {
    let mut run = Command::new("sh");
    run.arg("-c")
        .arg(format!("{script} | \"$0\" \"$@\""))
        .arg(binary())
        .args(command)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(world.environment());
    run.output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_is_read_within_the_same_bounds() {
    let world = World::new(DatabaseKind::Sqlite).await;
    Cast::of(&world).await;
    // A million spaces and more, and none of them an end of a line.
    let long = "head -c 1048577 /dev/zero | tr '\\0' ' '";
    for path in [PIPE, "-"] {
        for command in READING {
            let command = with_path(command, path);
            let said = complaint(&piped(&world, long, &command));
            let why = match command.as_slice() {
                ["audit", "verify", _] => "it ends within a line",
                _ => "is larger than 1048576 bytes",
            };
            assert!(said.contains(why), "{command:?}: {said}");
        }
    }
    let client = r#"{ "client_name": "By a pipe", "profile": "oauth21",
        "redirect_uris": ["https://app.example/cb"] }"#;
    for (id, path) in [("one", PIPE), ("two", "-")] {
        let client = client.replacen('{', &format!(r#"{{ "client_id": "{id}","#), 1);
        let script = format!("printf %s '{client}'");
        let added = piped(&world, &script, &["client", "add", "--file", path]);
        let said = String::from_utf8_lossy(&added.stderr);
        assert!(added.status.success(), "{path}: {said}");
    }
}
