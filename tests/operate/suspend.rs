//! Suspending an agent from the command line: everything below it stops at once, and lives again when it is resumed.

use std::process::{Command, Output};

use serde_json::json;
use writ_testkit::{Cast, World, both, refused};

use crate::process::binary;

/// The binary, on the database of this world.
pub fn writ(world: &World, arguments: &[&str]) -> Output {
    Command::new(binary())
        .env_clear()
        .envs(world.environment())
        .args(arguments)
        .output()
        .unwrap()
}

both!(
    a_suspended_agent_does_nothing_until_it_is_resumed,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let active = async || cast.introspect(&world, &token).await["active"].clone();
        assert_eq!(active().await, json!(true));
        let done = writ(&world, &["agent", "suspend", "agt_planner"]);
        let complained = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(0), "{complained}");
        assert_eq!(active().await, json!(false));
        let asked = cast
            .planner
            .ask(&world, &cast.question_within(&token))
            .await;
        assert_eq!(asked.status, 400, "{}", asked.text());
        let own = cast.planner.own(&world, &[]).await;
        refused(&own, "unauthorized_client", "its own work");
        // Twice is once.
        let again = writ(&world, &["agent", "suspend", "agt_planner"]);
        assert_eq!(again.status.code(), Some(1));
        let said = String::from_utf8(again.stderr).unwrap();
        assert!(said.contains("is suspended already"), "{said}");
        let unknown = writ(&world, &["agent", "resume", "agt_nobody"]);
        assert_eq!(unknown.status.code(), Some(1));
        let done = writ(&world, &["agent", "resume", "agt_planner"]);
        assert_eq!(done.status.code(), Some(0));
        assert_eq!(active().await, json!(true));
        let names = world.event_names().await;
        let count = |name: &str| names.iter().filter(|other| *other == name).count();
        assert_eq!(count("agent.suspended"), 1);
        assert_eq!(count("agent.resumed"), 1);
    }
);
