//! What operators can do about clients that they did not register: see, suspend, resume and remove them. They cannot change them: a
//! guest says itself what it is.

use http::Method;
use serde_json::{Value, json};
use writ_core::id::ClientId;
use writ_platform::Clock;
use writ_testkit::{GUEST, TestGuest, World, both, both_with};

use super::registered::{cast_now, complaint, count, printed, writ_reading};
use super::suspend::writ;
use crate::client::dynamic_registration::{Itself, OPEN, notes};

const NOTHING: Value = Value::Null;
const NAMED: [&str; 3] = [
    "writ client suspend",
    "writ client resume",
    "writ client remove",
];

/// A world at the time of the processes, with a client that registered itself.
async fn registered_now(world: &World) -> Itself {
    world.clock.set(Clock::System.now());
    notes(world).await;
    let basic = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    Itself::of(world, basic).await
}

/// Its registration, as it reads it itself.
async fn reads(world: &World, client: &Itself) -> u16 {
    client.manage(world, Method::GET, &NOTHING).await.status
}

/// Every way to change a client is refused, with what an operator can do instead.
fn assert_unchangeable(world: &World, id: &str) {
    let file = writ(world, &["client", "show", id]);
    let file = printed(&file).to_string();
    for command in [
        &["client", "change", id, "--name", "Other"][..],
        &["client", "change", id, "--scope", "notes.write"],
        &[
            "client",
            "change",
            id,
            "--add-redirect",
            "https://x.example",
        ],
        &["client", "change", id, "-"],
        &["client", "rotate-secret", id],
        &["client", "rotate-secret", id, "--overlap", "0s"],
    ] {
        let said = complaint(&writ_reading(world, command, &file));
        for means in NAMED {
            assert!(said.contains(means), "{command:?}: {said}");
        }
    }
    for command in ["change", "add-key", "remove-key", "show", "remove"] {
        let arguments = match command {
            "change" => vec!["agent", command, id, "--name", "Other"],
            "add-key" | "remove-key" => vec!["agent", command, id, "-"],
            _ => vec!["agent", command, id],
        };
        let key = json!({ "kty": "EC" }).to_string();
        let said = complaint(&writ_reading(world, &arguments, &key));
        let verb = match command {
            "add-key" | "remove-key" => "change",
            other => other,
        };
        let means = format!("writ client {verb}");
        assert!(said.contains(&means), "{command}: {said}");
    }
}

both_with!(
    a_client_that_registered_itself_is_changed_by_nobody_else,
    OPEN,
    |world| async {
        let client = registered_now(&world).await;
        let before = client.manage(&world, Method::GET, &NOTHING).await.json();
        assert_unchangeable(&world, client.id());
        let after = client.manage(&world, Method::GET, &NOTHING).await.json();
        assert_eq!(after, before);
        assert_eq!(count(&world, "client.changed").await, 0);
        assert_eq!(count(&world, "client.secret_rotated").await, 0);
    }
);

both_with!(
    a_guest_of_a_document_is_changed_by_nobody_else,
    OPEN,
    |world| async {
        world.clock.set(Clock::System.now());
        let (_, guest) = TestGuest::visit(&world).await;
        guest.granted(&world).await;
        assert_unchangeable(&world, GUEST);
        let suspended = printed(&writ(&world, &["agent", "suspend", GUEST]));
        assert_eq!(suspended["state"], "suspended");
        let unseen = "https://other.example/client.json";
        let said = complaint(&writ(&world, &["agent", "suspend", unseen]));
        assert!(said.contains("guests.deny"), "{said}");
    }
);

both_with!(
    an_operator_suspends_resumes_and_removes_a_client_that_registered_itself,
    OPEN,
    |world| async {
        let client = registered_now(&world).await;
        client.code(&world).await;
        let id = client.id();
        printed(&writ(&world, &["agent", "suspend", id]));
        assert_eq!(reads(&world, &client).await, 403);
        printed(&writ(&world, &["agent", "resume", id]));
        assert_eq!(reads(&world, &client).await, 200);
        let removed = printed(&writ(&world, &["client", "remove", id, "--yes"]));
        assert_eq!(removed["tasks"], json!(1));
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let reply = client.manage(&world, method, &NOTHING).await;
            assert_eq!(reply.refusal(), (401, "invalid_token".to_owned()));
        }
        assert_gone(&world, id).await;
    }
);

both_with!(
    a_client_that_removed_itself_is_gone_for_operators_too,
    OPEN,
    |world| async {
        let client = registered_now(&world).await;
        client.code(&world).await;
        let reply = client.manage(&world, Method::DELETE, &NOTHING).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        assert_gone(&world, client.id()).await;
    }
);

both_with!(
    a_client_that_was_suspended_first_can_be_removed_too,
    OPEN,
    |world| async {
        let client = registered_now(&world).await;
        printed(&writ(&world, &["agent", "suspend", client.id()]));
        printed(&writ(&world, &["client", "remove", client.id(), "--yes"]));
        assert_gone(&world, client.id()).await;
    }
);

/// No command shows it as live or makes half of it live again.
async fn assert_gone(world: &World, id: &str) {
    let listed = printed(&writ(world, &["client", "list", "--json"]));
    let mut rows = listed.as_array().unwrap().iter();
    assert!(!rows.any(|row| row["client_id"] == *id), "{listed}");
    for command in [
        &["client", "show", id][..],
        &["client", "change", id, "--name", "x"],
        &["client", "rotate-secret", id],
        &["client", "remove", id, "--yes"],
        &["agent", "suspend", id],
        &["agent", "resume", id],
    ] {
        let said = complaint(&writ(world, command));
        assert!(said.contains("was removed"), "{command:?}: {said}");
    }
    let stored = world.begin().await.client(&ClientId::from_text(id)).await;
    let stored = stored.unwrap().unwrap();
    assert!(stored.removed && stored.stopped);
    assert_eq!(count(world, "client.removed").await, 1);
    let approved = count(world, "task.approved").await;
    assert_eq!(count(world, "task.revoked").await, approved);
}

both!(nobody_registers_a_guest_for_it, |world| async {
    let cast = cast_now(&world).await;
    let file = |changes: Value| {
        let mut file = json!({
            "client_name": "Inspector", "profile": "guest", "token_endpoint_auth_method": "none",
            "redirect_uris": ["https://client.example/cb"]
        });
        writ_testkit::merge(&mut file, changes);
        file.to_string()
    };
    let stored = world.client_file("bank-api").await;
    let mut as_guest = stored.clone();
    as_guest["profile"] = json!("guest");
    let mut agent = world.client_file(&cast.planner.id).await;
    agent["profile"] = json!("guest");
    let add = ["client", "add", "--file", "-"];
    for (command, input) in [
        (&add[..], file(json!({}))),
        (&add, file(json!({ "client_id": "inspector" }))),
        (&add, file(json!({ "client_id": GUEST }))),
        (&add, file(json!({ "client_id": "dyn_1" }))),
        (&["client", "change", "bank-api", "-"], as_guest.to_string()),
        (&["agent", "change", "agt_planner", "-"], agent.to_string()),
        (&["agent", "add", "--file", "-"], {
            agent["client_id"] = json!("agt_other");
            agent.to_string()
        }),
    ] {
        let said = complaint(&writ_reading(&world, command, &input));
        assert!(
            said.contains("`profile`") || said.contains("profile `agent`"),
            "{said}"
        );
    }
    assert_eq!(world.client_file("bank-api").await, stored);
    // Of whatever profile, these ids are of others.
    for id in ["dyn_1", GUEST] {
        let ordinary = file(json!({ "client_id": id, "profile": "oauth21" }));
        let said = complaint(&writ_reading(&world, &add, &ordinary));
        assert!(said.contains("`client_id`"), "{said}");
    }
});
