//! Operators: who made each change of the command line, the offices of people, and the last admin.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use writ_testkit::{BANK, Cast, Forge, PASSWORD, Web, World, agent_file, both};

use super::registered::{cast_now, complaint, printed};
use super::suspend::writ;
use crate::process::binary;

/// By the system itself.
pub(super) fn system_user() -> String {
    let said = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

/// With variables that claim to be somebody else, and registration by tokens.
fn as_claimed(world: &World, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary())
        .env_clear()
        .envs(world.environment())
        .env("WRIT__FEATURES__GUESTS", "true")
        .env("WRIT__REGISTRATION__MODE", "token")
        .envs([
            ("USER", "mallory"),
            ("LOGNAME", "mallory"),
            ("SUDO_USER", "mallory"),
        ])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// Runs it, and looks at each event that it wrote. Answers what it printed.
async fn changes(world: &World, arguments: &[&str], input: &str) -> Value {
    let before: Vec<_> = world
        .events()
        .await
        .into_iter()
        .map(|event| event.id)
        .collect();
    let done = as_claimed(world, arguments, input);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{arguments:?}: {complained}");
    let mut written = world.events().await;
    written.retain(|event| !before.contains(&event.id));
    assert!(!written.is_empty(), "{arguments:?} wrote no event");
    let who = json!({ "system_user": system_user() });
    for event in written {
        let what = format!("{arguments:?}: {} {}", event.name, event.data);
        assert_eq!(event.data["by"], "operator", "{what}");
        assert_eq!(event.data["operator"], who, "{what}");
    }
    serde_json::from_slice(&done.stdout).unwrap_or_default()
}

fn resource() -> String {
    let file = json!({ "resource": "https://shop.example", "name": "Shop", "scopes": ["x"] });
    file.to_string()
}

both!(every_change_of_a_person_names_the_operator, |world| async {
    cast_now(&world).await;
    let commands: [(&[&str], &str); 16] = [
        (&["user", "add", "bob", "--password-stdin"], PASSWORD),
        (
            &[
                "user",
                "add",
                "eve",
                "--role",
                "auditor",
                "--password-stdin",
            ],
            PASSWORD,
        ),
        (&["user", "invite", "carol"], ""),
        (&["user", "invite", "carol"], ""),
        (&["user", "reset", "bob"], ""),
        (&["user", "password", "bob", "--password-stdin"], PASSWORD),
        (&["user", "change", "bob", "--password-stdin"], PASSWORD),
        (&["user", "change", "bob", "--email", "bob@example.org"], ""),
        (&["user", "change", "bob", "--no-email"], ""),
        (&["user", "change", "bob", "--role", "helpdesk"], ""),
        (&["user", "change", "bob", "--role", "none"], ""),
        (&["user", "passkeys", "bob", "--enroll"], ""),
        (&["user", "disable", "bob"], ""),
        (&["user", "enable", "bob"], ""),
        (&["user", "remove", "bob", "--yes"], ""),
        (&["user", "remove", "alice", "--yes"], ""),
    ];
    for (arguments, input) in commands {
        changes(&world, arguments, input).await;
    }
});

both!(a_removed_passkey_names_the_operator, |world| async {
    cast_now(&world).await;
    world.enrolled_phone("alice", 1).await;
    let remove = ["user", "passkeys", "alice", "--remove-all"];
    changes(&world, &remove, "").await;
});

both!(every_change_of_a_client_names_the_operator, |world| async {
    cast_now(&world).await;
    Web::register(&world, json!({})).await;
    let mut file = agent_file("agt_new", "alice");
    let keys = [Forge::new(&world.random), Forge::new(&world.random)];
    file["jwks"] = json!({ "keys": [keys[0].jwk()] });
    let client = json!({
        "client_id": "reports", "client_name": "Reports", "profile": "oauth21",
        "grant_types": ["client_credentials"], "response_types": [], "scope": "accounts:read",
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let (file, client, key) = (
        file.to_string(),
        client.to_string(),
        keys[1].jwk().to_string(),
    );
    let (thumbprint, shop) = (keys[0].thumbprint(), resource());
    let commands: [(&[&str], &str); 17] = [
        (&["client", "add", "--file", "-"], &client),
        (&["client", "change", "reports", "--name", "Other"], ""),
        (&["client", "rotate-secret", "web"], ""),
        (&["client", "suspend", "web"], ""),
        (&["client", "resume", "web"], ""),
        (&["client", "remove", "web", "--yes"], ""),
        (&["agent", "add", "--file", "-"], &file),
        (&["agent", "change", "agt_new", "--name", "Other"], ""),
        (&["agent", "add-key", "agt_new", "-"], &key),
        (&["agent", "remove-key", "agt_new", &thumbprint], ""),
        (&["agent", "suspend", "agt_new"], ""),
        (&["agent", "resume", "agt_new"], ""),
        (&["agent", "remove", "agt_new", "--yes"], ""),
        (&["resource", "add", "--file", "-"], &shop),
        (&["resource", "change", BANK, "--name", "Other"], ""),
        (&["resource", "remove", BANK, "--yes"], ""),
        (&["key", "rotate"], ""),
    ];
    for (arguments, input) in commands {
        changes(&world, arguments, input).await;
    }
    let invited = changes(&world, &["client", "invite"], "").await;
    let id = invited["id"].as_str().unwrap();
    changes(&world, &["client", "invite", "--end", id], "").await;
});

both!(every_stop_names_the_operator, |world| async {
    let cast = cast_now(&world).await;
    for remove in [false, true] {
        cast.token(&world).await;
        let events = world.events().await;
        let task = events.iter().rev().find_map(|event| event.task.clone());
        let task = task.unwrap();
        match remove {
            false => changes(&world, &["task", "stop", &task], "").await,
            // Each task that it ends has an event of its own.
            true => changes(&world, &["agent", "remove", "agt_planner", "--yes"], "").await,
        };
    }
    assert_eq!(world.events_named("task.revoked").await.len(), 2);
});

// The record of a client may have members of the same names.
both!(what_a_file_says_hides_nobody, |world| async {
    cast_now(&world).await;
    let events = world.events_named("agent.registered").await;
    let planner = events
        .iter()
        .find(|event| event.client.as_deref() == Some("agt_planner"));
    let data = &planner.unwrap().data;
    assert_eq!(data["file"]["client_id"], "agt_planner");
    assert_eq!(data["operator"], json!({ "system_user": "root" }));
    assert_eq!(data.get("client_id"), None);
});

fn role(world: &World, name: &str) -> Value {
    let shown = printed(&writ(world, &["user", "show", name]));
    let listed = printed(&writ(world, &["user", "list", "--json"]));
    let rows = listed.as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(row["operator_role"], shown["operator_role"]);
    shown["operator_role"].clone()
}

fn change_role(world: &World, name: &str, role: &str) -> Output {
    writ(world, &["user", "change", name, "--role", role])
}

both!(a_role_is_given_shown_and_taken, |world| async {
    Cast::of(&world).await;
    assert_eq!(role(&world, "alice"), Value::Null);
    world.add_user("bob", PASSWORD).await;
    for given in ["admin", "auditor", "helpdesk"] {
        // So that somebody stays.
        drop(change_role(&world, "bob", "admin"));
        let changed = printed(&change_role(&world, "alice", given));
        assert_eq!(changed["operator_role"], given);
        assert_eq!(role(&world, "alice"), given);
        let again = complaint(&change_role(&world, "alice", given));
        assert!(again.contains(&format!("is `{given}` already")), "{again}");
    }
    printed(&change_role(&world, "alice", "none"));
    assert_eq!(role(&world, "alice"), Value::Null);
    let events = world.events_named("user.changed").await;
    let alice: Vec<_> = events
        .iter()
        .filter(|event| event.data["name"] == "alice")
        .map(|event| (event.data["before"].clone(), event.data["state"].clone()))
        .collect();
    let step = |before: &str, state: &str| (json!(before), json!(state));
    let steps = [
        step("none", "admin"),
        step("admin", "auditor"),
        step("auditor", "helpdesk"),
        step("helpdesk", "none"),
    ];
    assert_eq!(alice, steps);
    for wrong in ["Admin", "root", ""] {
        assert_eq!(
            change_role(&world, "alice", wrong).status.code(),
            Some(2),
            "{wrong}"
        );
    }
    let nobody = complaint(&change_role(&world, "nobody", "admin"));
    assert!(nobody.contains("there is no person `nobody`"), "{nobody}");
    let table = writ(&world, &["user", "list"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("OPERATOR_ROLE"), "{table}");
});

both!(the_last_admin_goes_by_force_alone, |world| async {
    Cast::of(&world).await;
    world.add_user("bob", PASSWORD).await;
    world.give_role("alice", "admin").await;
    let ways: [&[&str]; 4] = [
        &["user", "change", "alice", "--role", "none"],
        &["user", "change", "alice", "--role", "auditor"],
        &["user", "disable", "alice"],
        &["user", "remove", "alice", "--yes"],
    ];
    let refuse = |when: &str| {
        for way in ways {
            let said = complaint(&writ(&world, way));
            assert!(
                said.contains("`alice` is the last admin"),
                "{when} {way:?}: {said}"
            );
            assert!(said.contains("--force"), "{said}");
        }
        assert_eq!(role(&world, "alice"), "admin", "{when}");
    };
    refuse("nobody else");
    world.give_role("bob", "auditor").await;
    refuse("an auditor beside");
    printed(&change_role(&world, "bob", "admin"));
    printed(&writ(&world, &["user", "disable", "bob"]));
    refuse("a disabled admin beside");
    printed(&writ(&world, &["user", "enable", "bob"]));
    printed(&change_role(&world, "alice", "none"));
    assert_eq!(role(&world, "alice"), Value::Null);
    let last = complaint(&writ(&world, &["user", "disable", "bob"]));
    assert!(last.contains("`bob` is the last admin"), "{last}");
    printed(&writ(&world, &["user", "disable", "bob", "--force"]));
    printed(&writ(&world, &["user", "enable", "bob"]));
    assert_eq!(role(&world, "bob"), Value::Null, "it does not come back");
    printed(&change_role(&world, "bob", "admin"));
    let alone = writ(
        &world,
        &["user", "change", "bob", "--role", "none", "--force"],
    );
    assert_eq!(printed(&alone)["operator_role"], "none");
    printed(&change_role(&world, "bob", "admin"));
    printed(&writ(
        &world,
        &["user", "remove", "bob", "--yes", "--force"],
    ));
});

both!(
    /// Two admins who take each other away at the same moment: one of them stays.
    of_two_admins_who_remove_each_other_one_stays,
    |world| async {
        Cast::of(&world).await;
        world.add_user("bob", PASSWORD).await;
        for _ in 0..10 {
            for name in ["alice", "bob"] {
                drop(world.try_role(name, "admin").await);
            }
            let (one, two) = tokio::join!(
                world.try_role("alice", "none"),
                world.try_role("bob", "none")
            );
            assert!(one.is_err() || two.is_err(), "{one:?} {two:?}");
            let mut reading = world.begin().await;
            let mut admins = 0;
            for name in ["alice", "bob"] {
                let stored = reading.user_by_name(name).await.unwrap().unwrap();
                admins += u32::from(stored.operator_role.is_some());
            }
            assert!(admins >= 1);
        }
    }
);
