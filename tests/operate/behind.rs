//! Agents whose owner or sponsor is gone: whoever removes or disables a person reads which agents stop, and the agents say so.

use std::process::Output;

use serde_json::{Value, json};
use writ_testkit::{PASSWORD, World, both};

use super::registered::{cast_now, complaint, printed, writ_reading};
use super::suspend::writ;
use super::usage::said;

const AGENT: &str = "agt_planner";

/// The agents of these scenes; another person owns nothing.
async fn owned(world: &World) -> String {
    cast_now(world).await;
    world.add_user("carol", PASSWORD).await;
    let file = world.client_file(AGENT).await;
    file["agent"]["owner"].as_str().unwrap().to_owned()
}

fn row(world: &World) -> Value {
    let listed = printed(&writ(world, &["agent", "list", "--json"]));
    let mut rows = listed.as_array().unwrap().clone().into_iter();
    rows.find(|row| row["client_id"] == AGENT).unwrap()
}

fn assert_named(done: &Output) {
    for agent in [AGENT, "agt_booker"] {
        assert!(said(done).contains(&format!("`{agent}`")), "{}", said(done));
    }
}

both!(
    whoever_removes_an_owner_reads_which_agents_stop,
    |world| async {
        let owner = owned(&world).await;
        let asked = writ(&world, &["user", "remove", &owner]);
        complaint(&asked);
        assert_named(&asked);
        let nobody = complaint(&writ(&world, &["user", "remove", "carol"]));
        assert!(!nobody.contains("agent"), "{nobody}");
        assert_eq!(row(&world)["state"], "active");
        let removed = writ(&world, &["user", "remove", &owner, "--yes"]);
        printed(&removed);
        assert_named(&removed);
        let row = row(&world);
        assert_eq!(row["state"], "halted");
        let because = row["halted_because"].as_str().unwrap();
        assert!(because.contains(&format!("its owner `{owner}` was removed")));
        let shown = writ(&world, &["agent", "show", AGENT]);
        assert!(said(&shown).contains("cannot act"), "{}", said(&shown));
        // The way on: the file with somebody else in it, which every other change of it needs first.
        for change in [
            &["agent", "change", AGENT, "--name", "Y"][..],
            &["agent", "change", AGENT, "--scope", "accounts:read"],
        ] {
            let refused = complaint(&writ(&world, change));
            assert!(refused.contains("was removed"), "{refused}");
            assert!(refused.contains("`writ agent change ID FILE`"), "{refused}");
            assert!(!refused.contains("user add"), "{refused}");
        }
        let mut file = printed(&shown);
        file["agent"]["owner"] = json!("carol");
        file["agent"]["sponsor"] = json!("carol");
        let change = ["agent", "change", AGENT, "-"];
        printed(&writ_reading(&world, &change, &file.to_string()));
        let shown = writ(&world, &["agent", "show", AGENT]);
        assert!(!said(&shown).contains("cannot act"), "{}", said(&shown));
    }
);

both!(
    an_agent_of_a_disabled_owner_is_halted_until_they_are_enabled,
    |world| async {
        let owner = owned(&world).await;
        let disabled = writ(&world, &["user", "disable", &owner]);
        printed(&disabled);
        assert_named(&disabled);
        let row_then = row(&world);
        assert_eq!(row_then["state"], "halted");
        let because = row_then["halted_because"].as_str().unwrap();
        assert!(because.contains("is disabled"), "{because}");
        // What an operator stopped beside that stays what it is called.
        printed(&writ(&world, &["agent", "suspend", AGENT]));
        assert_eq!(row(&world)["state"], "suspended");
        let shown = writ(&world, &["agent", "show", AGENT]);
        for means in ["is suspended", "`writ agent resume", "`writ user enable`"] {
            assert!(said(&shown).contains(means), "{}", said(&shown));
        }
        printed(&writ(&world, &["agent", "resume", AGENT]));
        printed(&writ(&world, &["user", "enable", &owner]));
        let row = row(&world);
        assert_eq!(
            (&row["state"], &row["halted_because"]),
            (&json!("active"), &Value::Null)
        );
    }
);
