//! An id that a list printed is taken wherever a name is, and an id of another kind leads to the command that knows it.

use serde_json::{Value, json};
use writ_testkit::{BANK, PASSWORD, World, both};

use super::registered::{cast_now, complaint, count, printed, writ_reading};
use super::suspend::writ;
use super::usage::said;

/// The id of a person, as the list prints it.
fn id_of(world: &World, name: &str) -> String {
    let listed = printed(&writ(world, &["user", "list", "--json"]));
    let mut rows = listed.as_array().unwrap().iter();
    let row = rows.find(|row| row["name"] == name).unwrap();
    row["id"].as_str().unwrap().to_owned()
}

both!(the_id_of_a_person_is_as_good_as_the_name, |world| async {
    world.add_user("carol", PASSWORD).await;
    let id = id_of(&world, "carol");
    let expected = json!([id, "carol"]);
    let told = |done: &Value| json!([done["id"], done["name"]]);
    for command in ["show", "disable", "enable"] {
        let done = printed(&writ(&world, &["user", command, &id]));
        assert_eq!(told(&done), expected, "{command}");
    }
    let change = ["user", "change", &id, "--password-stdin"];
    let changed = printed(&writ_reading(&world, &change, "another-password\n"));
    assert_eq!(told(&changed), expected);
    assert_eq!(
        writ(&world, &["user", "passkeys", &id]).status.code(),
        Some(0)
    );
    let removed = printed(&writ(&world, &["user", "remove", &id, "--yes"]));
    assert_eq!(told(&removed), expected);
    let again = complaint(&writ(&world, &["user", "show", &id]));
    assert!(again.contains("was removed"), "{again}");
});

both!(an_id_of_another_kind_leads_to_its_command, |world| async {
    let cast = cast_now(&world).await;
    world.add_user("carol", PASSWORD).await;
    let id = id_of(&world, "carol");
    cast.token(&world).await;
    let tasks = writ(&world, &["task", "list"]);
    let task: Value = serde_json::Deserializer::from_slice(&tasks.stdout)
        .into_iter()
        .next()
        .unwrap()
        .unwrap();
    let task = task["id"].as_str().unwrap();
    for (command, means) in [
        (
            ["agent", "suspend", &id],
            format!("`writ user disable {id}`"),
        ),
        (
            ["client", "suspend", "carol"],
            "`writ user disable carol`".to_owned(),
        ),
        (["agent", "resume", &id], format!("`writ user enable {id}`")),
        (
            ["client", "show", "carol"],
            "`writ user show carol`".to_owned(),
        ),
        (["agent", "show", &id], format!("`writ user show {id}`")),
        (
            ["task", "stop", "agt_planner"],
            "`writ agent suspend agt_planner`".to_owned(),
        ),
        (
            ["task", "stop", "bank-api"],
            "`writ client suspend bank-api`".to_owned(),
        ),
        (["task", "stop", &id], format!("`writ user disable {id}`")),
        (
            ["user", "show", "agt_planner"],
            "`writ agent show agt_planner`".to_owned(),
        ),
        (
            ["user", "disable", "agt_planner"],
            "`writ agent suspend agt_planner`".to_owned(),
        ),
        (
            ["user", "show", "bank-api"],
            "`writ client show bank-api`".to_owned(),
        ),
        (
            ["client", "show", BANK],
            format!("`writ resource show {BANK}`"),
        ),
        (
            ["agent", "suspend", task],
            format!("`writ task stop {task}`"),
        ),
    ] {
        let refused = complaint(&writ(&world, &command));
        assert!(refused.contains(&means), "{command:?}: {refused}");
    }
    for command in [["client", "show", "nobody"], ["user", "show", "nobody"]] {
        let refused = complaint(&writ(&world, &command));
        assert!(!refused.contains("so say"), "{refused}");
    }
});

both!(
    clients_are_suspended_by_their_own_command_too,
    |world| async {
        cast_now(&world).await;
        let done = printed(&writ(&world, &["client", "suspend", "bank-api"]));
        assert_eq!(done["state"], "suspended");
        let shown = writ(&world, &["client", "show", "bank-api"]);
        assert!(said(&shown).contains("`writ client resume bank-api`"));
        let twice = complaint(&writ(&world, &["client", "suspend", "bank-api"]));
        assert!(twice.contains("is suspended already"), "{twice}");
        let done = printed(&writ(&world, &["client", "resume", "bank-api"]));
        assert_eq!(done["state"], "active");
        assert_eq!(count(&world, "agent.suspended").await, 1);
    }
);

both!(a_resource_is_found_under_an_equal_spelling, |world| async {
    cast_now(&world).await;
    let resource = json!({ "resource": "https://x.example", "name": "X", "scopes": ["x.read"] });
    let add = ["resource", "add", "--file", "-"];
    printed(&writ_reading(&world, &add, &resource.to_string()));
    for spelling in [
        "https://x.example/",
        "https://X.example",
        "https://x.example:443/",
    ] {
        let shown = printed(&writ(&world, &["resource", "show", spelling]));
        assert_eq!(shown["resource"], "https://x.example", "{spelling}");
        let change = ["resource", "change", spelling, "--name", "Y"];
        let changed = printed(&writ(&world, &change));
        assert_eq!(changed["resource"], "https://x.example", "{spelling}");
    }
    let other = complaint(&writ(&world, &["resource", "show", "https://x.example/y"]));
    assert!(other.contains("there is no resource"), "{other}");
    let remove = ["resource", "remove", "https://x.example/", "--yes"];
    let removed = printed(&writ(&world, &remove));
    assert_eq!(removed["resource"], "https://x.example");
    let no_uri = complaint(&writ(&world, &["resource", "show", "bank"]));
    assert!(no_uri.contains("`writ resource list`"), "{no_uri}");
});
