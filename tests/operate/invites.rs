//! Initial access tokens as operators see them: listed by a name that is no secret, and ended before their time.

use std::process::Command;

use serde_json::{Value, json};
use writ_platform::Clock;
use writ_testkit::both_with;

use super::registered::{complaint, count, printed};
use super::usage::said;
use crate::client::dynamic_registration::{asked, notes};
use crate::client::dynamic_registration_limits::{TOKEN, by};
use crate::process::binary;

both_with!(
    initial_access_tokens_are_listed_and_ended,
    TOKEN,
    |world| async {
        world.clock.set(Clock::System.now());
        notes(&world).await;
        let writ = |arguments: &[&str]| {
            let mut command = Command::new(binary());
            command.env_clear().envs(world.environment());
            command.env("WRIT__FEATURES__GUESTS", "true");
            command.env("WRIT__REGISTRATION__MODE", "token");
            command.args(arguments).output().unwrap()
        };
        let made = printed(&writ(&["client", "invite", "--uses", "2"]));
        let secret = made["initial_access_token"].as_str().unwrap();
        let (token, id) = (format!("Bearer {secret}"), made["id"].as_str().unwrap());
        let registered = by(&world, &token, &asked(json!({}))).await;
        assert_eq!(registered.status, 201, "{}", registered.text());
        let only = || -> Value {
            let listed = printed(&writ(&["client", "invites", "--json"]));
            assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
            assert!(!listed.to_string().contains(secret));
            listed[0].clone()
        };
        let row = only();
        assert_eq!(
            json!([row["id"], row["uses"], row["used"], row["state"]]),
            json!([id, 2, 1, "active"])
        );
        let ended = printed(&writ(&["client", "invite", "--end", id]));
        assert_eq!(ended["state"], "ended");
        world.clock.set(Clock::System.now());
        assert_eq!(by(&world, &token, &asked(json!({}))).await.status, 401);
        assert_eq!(only()["state"], "ended");
        for other in [id, "nosuch"] {
            let refused = complaint(&writ(&["client", "invite", "--end", other]));
            assert!(refused.contains("`writ client invites`"), "{refused}");
        }
        assert_eq!(count(&world, "client.invited").await, 2);
        // Who came by it says when it came.
        let client = registered.member("client_id");
        let shown = writ(&["client", "show", &client]);
        assert_eq!(printed(&shown)["client_id"], json!(client));
        assert!(said(&shown).contains("registered itself at"));
    }
);
