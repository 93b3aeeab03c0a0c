//! A database on another machine, to which somebody on the way could listen: said at the start and by `writ check`, never refused.

use std::process::{Command, Output};

use writ_testkit::{World, both};

use crate::process::binary;

/// With a database that is neither loopback nor a socket, and where nobody listens.
fn writ(world: &World, command: &str, mode: &str) -> Output {
    let url = format!("postgres://writ:hunter2@0.0.0.0:1/writ{mode}");
    Command::new(binary())
        .env_clear()
        .envs(world.environment())
        .env("WRIT__DATABASE__URL", url)
        .env("WRIT__SERVER__LISTEN", "127.0.0.1:0")
        .arg(command)
        .output()
        .unwrap()
}

both!(
    a_database_elsewhere_without_verify_full_is_noted_once,
    |world| async {
        for command in ["check", "serve"] {
            for (mode, notes) in [
                ("", 1),
                ("?sslmode=require", 1),
                ("?sslmode=verify-full", 0),
                ("?sslmode=verify-ca", 1),
            ] {
                let done = writ(&world, command, mode);
                let said = String::from_utf8(done.stderr).unwrap();
                let found = said.matches("sslmode=verify-full` to the URL").count();
                assert_eq!(found, notes, "{command} {mode}: {said}");
                assert!(!said.contains("hunter2"), "{said}");
            }
        }
        // That of this world is on this machine.
        let done = Command::new(binary())
            .env_clear()
            .envs(world.environment())
            .arg("check")
            .output()
            .unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.success(), "{said}");
        assert!(!said.contains("sslmode"), "{said}");
    }
);
