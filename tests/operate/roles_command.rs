//! `writ user change --add-role` and `--remove-role`: who has which role, on the record, and what is refused.

use std::process::{Command, Output};

use serde_json::{Value, json};
use writ_core::role::MAX_ROLES;
use writ_testkit::{BANK, World, both_with};

use super::operators::system_user;
use super::registered::{cast_now, complaint, printed};
use super::roles::ROLES;
use crate::process::binary;

/// The binary, configured as the world's node.
fn writ(world: &World, arguments: &[&str]) -> Output {
    let roles = ROLES.map(|(key, value)| (format!("WRIT__{key}"), value));
    Command::new(binary())
        .env_clear()
        .envs(world.environment())
        .envs(roles)
        .args(arguments)
        .output()
        .unwrap()
}

/// Names in the list, and in the person's own record.
fn roles_of(world: &World, name: &str) -> (Value, Value) {
    let listed = printed(&writ(world, &["user", "list", "--json"]));
    let mut rows = listed.as_array().unwrap().iter();
    let row = rows.find(|row| row["name"] == json!(name)).unwrap();
    let shown = printed(&writ(world, &["user", "show", name]));
    (row["roles"].clone(), shown["roles"].clone())
}

both_with!(
    an_operator_gives_and_takes_roles_on_the_record,
    &ROLES,
    |world| async {
        cast_now(&world).await;
        assert_eq!(roles_of(&world, "alice"), (json!([]), json!([])));
        let add = [
            "user",
            "change",
            "alice",
            "--add-role",
            "reader",
            "--add-role",
            "payer",
        ];
        let given = printed(&writ(&world, &add));
        assert_eq!(given["roles"], json!(["payer", "reader"]));
        let (listed, shown) = roles_of(&world, "alice");
        assert_eq!(listed, json!(["payer", "reader"]));
        assert_eq!(shown[0]["role"], json!("payer"));
        assert_eq!(shown[0]["by"], json!("operator"));
        assert_eq!(shown[0]["suspended_at"], Value::Null);
        let swap = [
            "user",
            "change",
            "alice",
            "--remove-role",
            "payer",
            "--add-role",
            "small_payer",
        ];
        let swapped = printed(&writ(&world, &swap));
        assert_eq!(swapped["roles"], json!(["reader", "small_payer"]));
        let events = world.events_named("user.changed").await;
        let said: Vec<Value> = events.iter().map(|event| event.data.clone()).collect();
        let change = |added: Value, removed: Value| {
            let mut data =
                json!({ "name": "alice", "setting": "roles", "added": added, "removed": removed });
            data["by"] = "operator".into();
            data["operator"] = json!({ "system_user": system_user() });
            data
        };
        let first = change(json!(["reader", "payer"]), json!([]));
        assert_eq!(
            said,
            [first, change(json!(["small_payer"]), json!(["payer"]))]
        );
        assert_eq!(roles_of(&world, "mallory"), (json!([]), json!([])));
    }
);

both_with!(
    what_is_no_role_of_people_is_refused_and_changes_nothing,
    &ROLES,
    |world| async {
        cast_now(&world).await;
        for (arguments, expected) in [
            (&["--add-role", "raeder"][..], "perhaps `reader` is meant"),
            (
                &["--add-role", "treasurer"],
                "no section `[roles.treasurer]`",
            ),
            (&["--add-role", "admin"], "`admin` is no role of people"),
            (&["--add-role", "Reader"], "`Reader` is no role of people"),
            (
                &["--remove-role", "reader"],
                "no operator gave `alice` that role",
            ),
            (
                &["--add-role", "reader", "--remove-role", "reader"],
                "both added and removed",
            ),
            (
                &["--add-role", "reader", "--add-role", "treasurer"],
                "no section",
            ),
        ] {
            let change = [&["user", "change", "alice"], arguments].concat();
            let said = complaint(&writ(&world, &change));
            assert!(said.contains(expected), "{arguments:?}: {said}");
        }
        for other in ["--no-email", "--password-stdin"] {
            let change = ["user", "change", "alice", "--add-role", "reader", other];
            assert_eq!(writ(&world, &change).status.code(), Some(2), "{other}");
        }
        let nobody = ["user", "change", "nobody", "--add-role", "reader"];
        assert!(complaint(&writ(&world, &nobody)).contains("nobody"));
        assert_eq!(roles_of(&world, "alice"), (json!([]), json!([])));
        assert_eq!(world.events_named("user.changed").await.len(), 0);
        printed(&writ(
            &world,
            &["user", "change", "alice", "--add-role", "reader"],
        ));
        let again = ["user", "change", "alice", "--add-role", "reader"];
        assert!(complaint(&writ(&world, &again)).contains("has these roles already"));
    }
);

both_with!(
    /// A type that is not known covers nothing: the server does not start. A scope may come later, and is named.
    a_misspelt_ceiling_is_named,
    &[],
    |world| async {
        cast_now(&world).await;
        let check = |settings: &[(&str, &str)]| {
            let settings = settings.iter().map(|(key, value)| (format!("WRIT__ROLES__{key}"), *value));
            let settings: Vec<_> = settings.collect();
            let mut command = Command::new(binary());
            command.env_clear().envs(world.environment()).envs(settings);
            command.arg("check").output().unwrap()
        };
        let scope = |resource: &str, scope: &str| {
            let listed = format!(r#"[{{ resource = "{resource}", scope = "{scope}" }}]"#);
            check(&[("READER__SCOPES", listed.as_str())])
        };
        for (resource, name, expected) in [
            (BANK, "accounts:reed", "has no scope `accounts:reed` yet; perhaps `accounts:read` is meant"),
            (BANK, "weather", "has no scope `weather` yet"),
            ("https://bnak.example", "accounts:read", "perhaps `https://bank.example` is meant"),
        ] {
            let done = scope(resource, name);
            let said = String::from_utf8(done.stdout.clone()).unwrap();
            assert_eq!(done.status.code(), Some(0), "{said}");
            let note = said.lines().find(|line| line.starts_with("`roles.reader.scopes`: "));
            assert!(note.is_some_and(|note| note.ends_with(expected)), "{said}");
        }
        let sound = String::from_utf8(scope(BANK, "accounts:read").stdout).unwrap();
        assert!(!sound.contains("roles"), "{sound}");
        for (key, value, expected) in [
            ("PAYER__AUTHORIZATION_DETAILS", r#"[{ type = "paymnet" }]"#, "perhaps `payment` is meant"),
            ("ADMIN__EVERYONE", "true", "are roles of operators"),
            ("PAYER__SCOPE", "x", "perhaps `scopes` is meant"),
        ] {
            let said = complaint(&check(&[(key, value)]));
            assert!(said.contains(expected), "{key}: {said}");
        }
    }
);

both_with!(
    /// Each is read with every request of the person.
    nobody_has_endlessly_many_roles,
    &ROLES,
    |world| async {
        let cast = cast_now(&world).await;
        let alice = writ_core::id::UserId::from_text(cast.alice.as_str());
        let mut transaction = world.begin().await;
        for number in 0..MAX_ROLES {
            let role = writ_core::role::RoleName::parse(&format!("r{number}")).unwrap();
            assert!(transaction.give_role(&alice, &role, world.now()).await.unwrap());
        }
        transaction.commit().await.unwrap();
        let add = ["user", "change", "alice", "--add-role", "reader"];
        let said = complaint(&writ(&world, &add));
        assert!(said.contains("at most 64 roles"), "{said}");
        let swap = ["user", "change", "alice", "--add-role", "reader", "--remove-role", "r7"];
        let swapped = printed(&writ(&world, &swap));
        assert_eq!(swapped["roles"].as_array().unwrap().len(), MAX_ROLES);
    }
);
