//! What somebody meets who uses the command line for the first time: a failure says what to do next.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};
use writ_core::event::EventName;
use writ_platform::Random;
use writ_testkit::{BANK, Cast, PASSWORD, World, both};

use super::registered::{cast_now, complaint, printed, writ_reading};
use super::suspend::writ;
use crate::process::binary;

/// A folder of one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("writ-usage-{}", Random::System.identifier());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.env_clear().current_dir(&self.0).args(arguments);
        command.output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// What is said of a command that is used wrongly, or has more to say than its answer.
pub(super) fn said(done: &Output) -> String {
    String::from_utf8(done.stderr.clone()).unwrap()
}

#[test]
fn without_a_configuration_a_command_says_how_to_make_one() {
    let folder = Folder::new();
    for command in [
        &["check"][..],
        &["serve"],
        &["migrate"],
        &["user", "list"],
        &["client", "show", "web"],
        &["type", "list"],
        &["issuer", "show"],
        &["issuer", "change", "https://as.example"],
        &["audit", "list"],
    ] {
        let done = complaint(&folder.run(command));
        for means in ["--config FILE", "writ.toml", "`writ init`", "WRIT__"] {
            assert!(done.contains(means), "{command:?}: {done}");
        }
        let named = [command, &["--config", "other.toml"]].concat();
        let done = complaint(&folder.run(&named));
        assert!(done.contains("`other.toml` cannot be read"), "{done}");
        assert!(done.contains("`writ init` makes one"), "{done}");
    }
    // It is never read unasked, but it is seen.
    std::fs::write(folder.0.join("writ.toml"), "").unwrap();
    let done = complaint(&folder.run(&["check"]));
    assert!(done.contains("give `--config writ.toml`"), "{done}");
}

both!(
    whoever_takes_the_command_of_the_other_kind_is_told_the_right_one,
    |world| async {
        cast_now(&world).await;
        for command in ["show", "change", "remove", "rotate-secret"] {
            let mut arguments = vec!["client", command, "agt_planner"];
            if command == "change" {
                arguments.extend(["--name", "x"]);
            }
            let done = complaint(&writ(&world, &arguments));
            let verb = match command {
                "rotate-secret" => "add-key",
                other => other,
            };
            let means = format!("`writ agent {verb} agt_planner`");
            assert!(done.contains(&means), "{done}");
        }
        for command in ["show", "change", "remove"] {
            let mut arguments = vec!["agent", command, "bank-api"];
            if command == "change" {
                arguments.extend(["--name", "x"]);
            }
            let done = complaint(&writ(&world, &arguments));
            let means = format!("`writ client {command} bank-api`");
            assert!(done.contains(&means), "{done}");
        }
        let nobody = complaint(&writ(&world, &["client", "show", "agt_nobody"]));
        assert!(nobody.contains("no client `agt_nobody`"), "{nobody}");
    }
);

both!(
    a_change_of_nothing_says_what_can_be_changed,
    |world| async {
        cast_now(&world).await;
        for (kind, id, flags) in [
            (
                "client",
                "bank-api",
                &[
                    "--name",
                    "--scope",
                    "--add-redirect",
                    "--remove-redirect",
                    "--add-may-ask",
                    "--remove-may-ask",
                ][..],
            ),
            (
                "agent",
                "agt_planner",
                &[
                    "--name",
                    "--scope",
                    "--add-redirect",
                    "--remove-redirect",
                    "--add-may-ask",
                    "--remove-may-ask",
                ],
            ),
            (
                "resource",
                BANK,
                &["--name", "--add-scope", "--remove-scope", "--guests"],
            ),
        ] {
            let done = writ(&world, &[kind, "change", id]);
            assert_eq!(done.status.code(), Some(2));
            for flag in flags.iter().chain(&["FILE"]) {
                assert!(said(&done).contains(flag), "{kind} {flag}: {}", said(&done));
            }
        }
    }
);

both!(
    files_and_secrets_come_from_standard_input_too,
    |world| async {
        let cast = cast_now(&world).await;
        let client = json!({
            "client_id": "web", "client_name": "Web", "profile": "oauth21",
            "grant_types": ["client_credentials"], "scope": "accounts:read"
        });
        let add = ["client", "add", "--file", "-"];
        printed(&writ_reading(&world, &add, &client.to_string()));
        let wrong = writ_reading(&world, &add, "{");
        assert!(complaint(&wrong).contains("standard input: "));
        for option in [&["--password-stdin"][..], &["--password-file", "-"]] {
            let name = option[0].trim_start_matches('-');
            let add = [&["user", "add", name], option].concat();
            printed(&writ_reading(&world, &add, "fifteen letters\n"));
            let change = [&["user", "change", name], option].concat();
            let short = complaint(&writ_reading(&world, &change, "fourteen chars\n"));
            assert!(short.contains("fewer than 15 characters"), "{short}");
        }
        let unsaid = complaint(&writ(&world, &["user", "add", "bob"]));
        assert!(unsaid.contains("--password-stdin"), "{unsaid}");
        let both = [
            "user",
            "add",
            "bob",
            "--password-stdin",
            "--password-file",
            "x",
        ];
        assert_eq!(writ(&world, &both).status.code(), Some(2));
        let token = cast.token(&world).await;
        let explain = ["token", "explain", "-"];
        let explained = printed(&writ_reading(&world, &explain, &format!("{token}\n")));
        assert_eq!(explained["verified"], json!(true));
    }
);

both!(a_misspelt_event_is_refused_with_all_names, |world| async {
    Cast::of(&world).await;
    let done = complaint(&writ(&world, &["audit", "list", "--event", "nope"]));
    for name in EventName::ALL {
        assert!(done.contains(name.as_str()), "{done}");
    }
    let none = writ(&world, &["audit", "list", "--event", "task.revoked"]);
    assert_eq!((none.status.code(), none.stdout.len()), (Some(0), 0));
    assert!(said(&none).contains("no event"), "{}", said(&none));
    let some = writ(&world, &["audit", "list", "--event", "user.added"]);
    assert_eq!(some.stdout.iter().filter(|b| **b == b'\n').count(), 2);
    assert!(!said(&some).contains("no event"));
});

both!(a_person_is_no_thing, |world| async {
    world.add_user("alice", PASSWORD).await;
    let asked = complaint(&writ(&world, &["user", "remove", "alice"]));
    assert!(asked.contains("person `alice` ends 0 tasks and 0 refresh tokens"));
    assert!(asked.contains("nobody is ever registered under that name"));
    printed(&writ(&world, &["user", "remove", "alice", "--yes"]));
    let again = complaint(&writ(&world, &["user", "remove", "alice", "--yes"]));
    for sentence in [asked, again] {
        assert!(!sentence.contains(" it "), "{sentence}");
    }
});

/// The resource of these scenes, with this as `guests`.
fn notes(guests: &Value) -> Value {
    let mut file = json!({
        "resource": "https://notes.example", "name": "Notes", "scopes": ["notes.read", "notes.write"]
    });
    if !guests.is_null() {
        file["guests"] = guests.clone();
    }
    file
}

async fn added(world: &World, guests: &Value, flags: &[&str]) -> Output {
    let add = [&["resource", "add", "--file", "-"], flags].concat();
    writ_reading(world, &add, &notes(guests).to_string())
}

both!(what_guests_may_have_is_always_a_list, |world| async {
    world.add_user("alice", PASSWORD).await;
    let all = json!(["notes.read", "notes.write"]);
    let read = json!(["notes.read"]);
    let listed = json!({ "mode": "bound", "scopes": ["notes.read"] });
    for guests in [
        json!({ "mode": "bearer" }),
        json!({ "mode": "bound", "types": [] }),
    ] {
        let refused = complaint(&added(&world, &guests, &[]).await);
        for means in ["`guests.scopes` is missing", "--guests"] {
            assert!(refused.contains(means), "{guests}: {refused}");
        }
    }
    for (guests, flags, expected) in [
        (
            Value::Null,
            &["--guests", "bearer"][..],
            json!(["bearer", all]),
        ),
        (
            json!({ "mode": "bearer" }),
            &["--guests", "bound"],
            json!(["bound", all]),
        ),
        (
            listed.clone(),
            &["--guests", "bearer"],
            json!(["bearer", read]),
        ),
        (listed, &[], json!(["bound", read])),
        (json!({ "mode": "none" }), &[], json!(["none", null])),
        (
            json!({ "mode": "bearer", "scopes": [] }),
            &[],
            json!(["bearer", []]),
        ),
    ] {
        let done = added(&world, &guests, flags).await;
        let found = &printed(&done)["guests"];
        assert_eq!(
            json!([found["mode"], found["scopes"]]),
            expected,
            "{guests}"
        );
        let off = said(&done).contains("features.guests");
        assert_eq!(off, found["mode"] != "none", "{}", said(&done));
    }
    // The same by a change of what is registered.
    printed(&added(&world, &Value::Null, &[]).await);
    let change = ["resource", "change", "https://notes.example"];
    let taken = printed(&writ(
        &world,
        &[&change[..], &["--guests", "bound"]].concat(),
    ));
    assert_eq!(
        taken["guests"],
        json!({ "mode": "bound", "scopes": all, "types": [] })
    );
    let more = ["--add-scope", "notes.share", "--guests", "bearer"];
    let more = printed(&writ(&world, &[&change[..], &more].concat()));
    assert_eq!(
        more["guests"]["scopes"], all,
        "a later scope is not theirs unasked"
    );
    assert_eq!(more["guests"]["mode"], "bearer");
    let gone = ["--remove-scope", "notes.read"];
    let gone = complaint(&writ(&world, &[&change[..], &gone].concat()));
    assert!(gone.contains("guests.scopes"), "{gone}");
    let none = printed(&writ(
        &world,
        &[&change[..], &["--guests", "none"]].concat(),
    ));
    assert_eq!(none["guests"]["mode"], "none");
});

both!(
    what_was_made_at_random_may_begin_with_a_hyphen,
    |world| async {
        cast_now(&world).await;
        for (command, answer) in [
            (
                &["agent", "remove-key", "agt_planner", "-x"][..],
                "holds no key",
            ),
            (
                &["user", "passkeys", "alice", "--remove", "-x"],
                "no such passkey",
            ),
            (
                &["client", "invite", "--end", "-x"],
                "no live initial access token",
            ),
        ] {
            let said = complaint(&writ(&world, command));
            assert!(said.contains(answer), "{command:?}: {said}");
        }
    }
);
