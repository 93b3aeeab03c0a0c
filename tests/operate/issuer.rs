//! `writ issuer change`: another URL for the same database.

use std::process::Command;

use serde_json::json;
use writ_testkit::both;

use super::registered::{cast_now, complaint, printed};
use super::suspend::writ;
use crate::process::binary;

both!(
    the_issuer_is_changed_knowingly_and_tokens_of_the_old_one_end,
    |world| async {
        let cast = cast_now(&world).await;
        let token = cast.token(&world).await;
        let (old, new) = (writ_testkit::ISSUER, "https://moved.example");
        let change = ["issuer", "change", new];
        let said = complaint(&writ(&world, &change));
        for part in [old, new, "passkeys", "--yes"] {
            assert!(said.contains(part), "{said}");
        }
        let bad = ["issuer", "change", "http://moved.example", "--yes"];
        assert!(complaint(&writ(&world, &bad)).contains("loopback"));
        let shown = printed(&writ(&world, &["issuer", "show"]));
        assert_eq!(shown["issuer"], old);
        let changed = printed(&writ(&world, &[&change[..], &["--yes"]].concat()));
        assert_eq!(
            (&changed["from"], &changed["to"]),
            (&json!(old), &json!(new))
        );
        let told = world.events_named("issuer.changed").await;
        assert_eq!(told.len(), 1);
        assert!(told[0].data["operator"]["system_user"].is_string());
        // The old configuration does not start, and says why.
        let before = complaint(&writ(&world, &["user", "list"]));
        assert!(before.contains("writ issuer change"), "{before}");
        let checked = complaint(&writ(&world, &["check"]));
        for means in ["`server.issuer`", old, new, "writ issuer change"] {
            assert!(checked.contains(means), "{checked}");
        }
        let moved = |arguments: &[&str]| {
            let mut command = Command::new(binary());
            command.env_clear().envs(world.environment());
            let command = command.env("WRIT__SERVER__ISSUER", new).args(arguments);
            command.output().unwrap()
        };
        assert_eq!(moved(&["check"]).status.code(), Some(0));
        let explained = printed(&moved(&["token", "explain", &token]));
        assert_ne!(explained["verified"], json!(true), "{explained}");
    }
);
