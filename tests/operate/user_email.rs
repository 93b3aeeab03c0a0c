//! The address of a person that applications are told: an operator gives it, one address is one person's, and the record has none.

use serde_json::{Value, json};
use writ_testkit::{World, both};

use super::registered::{cast_now, complaint, printed, writ_reading};
use super::suspend::writ;

async fn shown(world: &World, name: &str) -> Value {
    printed(&writ(world, &["user", "show", name]))["email"].clone()
}

both!(an_operator_gives_a_person_their_address, |world| async {
    cast_now(&world).await;
    let add = [
        "user",
        "add",
        "bob",
        "--password-stdin",
        "--email",
        "Bob@Example.org",
    ];
    let added = printed(&writ_reading(&world, &add, "another password"));
    assert_eq!(added["email"], json!("bob@example.org"));
    assert_eq!(shown(&world, "bob").await, json!("bob@example.org"));
    let change = ["user", "change", "alice", "--email", "alice@example.org"];
    let changed = printed(&writ(&world, &change));
    assert_eq!(changed["email"], json!("alice@example.org"));
    assert_eq!(changed.get("sessions_ended"), None, "her password stays");
    printed(&writ(&world, &["user", "change", "bob", "--no-email"]));
    assert_eq!(shown(&world, "bob").await, Value::Null);
    let events = world.events_named("user.changed").await;
    let set = |event: &Value| (event["setting"].clone(), event["state"].clone());
    let said: Vec<_> = events.iter().map(|event| set(&event.data)).collect();
    let email = json!("email");
    assert_eq!(
        said,
        [(email.clone(), json!("set")), (email, json!("removed"))]
    );
    for event in world.events_named("user.added").await.iter().chain(&events) {
        assert!(
            !event.data.to_string().contains("example.org"),
            "{:?}",
            event.data
        );
    }
});

both!(an_address_is_one_persons, |world| async {
    cast_now(&world).await;
    let give = |name, address| ["user", "change", name, "--email", address];
    printed(&writ(&world, &give("alice", "shared@example.org")));
    printed(&writ(&world, &give("alice", "shared@example.org")));
    for same in ["shared@example.org", "SHARED@Example.Org"] {
        let done = writ(&world, &give("mallory", same));
        assert!(complaint(&done).contains("somebody else"), "{same}");
    }
    let add = [
        "user",
        "add",
        "bob",
        "--password-stdin",
        "--email",
        "shared@example.org",
    ];
    let done = writ_reading(&world, &add, "another password");
    assert!(complaint(&done).contains("somebody else"));
    let unknown = writ(&world, &["user", "show", "bob"]);
    assert!(
        complaint(&unknown).contains("there is no person"),
        "nothing was added"
    );
    for bad in [
        "alice",
        "a@b@c.org",
        "a@b.org, c@d.org",
        "ü@example.org",
        "a..b@c.org",
        "",
    ] {
        let done = writ(&world, &give("mallory", bad));
        assert!(complaint(&done).contains("ASCII"), "{bad}");
    }
    // Whoever is gone keeps it from nobody.
    printed(&writ(&world, &["user", "remove", "alice", "--yes"]));
    let gone = writ(&world, &give("alice", "other@example.org"));
    assert!(complaint(&gone).contains("was removed"));
    printed(&writ(&world, &give("mallory", "shared@example.org")));
    let both = [
        "user",
        "change",
        "mallory",
        "--email",
        "m@example.org",
        "--password-stdin",
    ];
    assert_eq!(writ(&world, &both).status.code(), Some(2));
});
