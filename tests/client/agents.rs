//! Registration of agents: none without owner, sponsor and ceiling, and every fault is named.

use serde_json::{Value, json};
use writ_testkit::{Cast, Forge, World, both, merge};

fn agent_file(world: &World) -> Value {
    json!({
        "client_id": "agt_new", "client_name": "New", "profile": "agent",
        "redirect_uris": ["https://agents.example/cb"],
        "jwks": { "keys": [Forge::new(&world.random).jwk()] },
        "agent": {
            "owner": "alice", "sponsor": "mallory", "publisher": "Acme",
            "ceiling": {
                "scopes": [{ "resource": "https://bank.example", "scope": "accounts:read" }],
                "lifetime": 3600
            },
            "onward": { "agents": ["agt_booker"], "depth": 2 }
        }
    })
}

async fn refusal(world: &World, file: Value) -> String {
    let text = file.to_string();
    match world.try_add_client(file).await {
        Err(sentence) => sentence,
        Ok(_) => panic!("registered: {text}"),
    }
}

/// The agent's file with some members of `agent` set.
fn agent_with(world: &World, changes: Value) -> Value {
    let mut file = agent_file(world);
    merge(&mut file["agent"], changes);
    file
}

both!(no_agent_without_owner_sponsor_and_ceiling, |world| async {
    Cast::of(&world).await;
    let changed = |changes: Value| {
        let mut file = agent_file(&world);
        merge(&mut file, changes);
        file
    };
    let table = [
        (agent_with(&world, json!({ "owner": null })), "owner"),
        (agent_with(&world, json!({ "sponsor": null })), "sponsor"),
        (
            agent_with(&world, json!({ "publisher": null })),
            "publisher",
        ),
        (agent_with(&world, json!({ "publisher": "" })), "publisher"),
        (agent_with(&world, json!({ "ceiling": null })), "ceiling"),
        (agent_with(&world, json!({ "owner": "nobody" })), "nobody"),
        (
            agent_with(&world, json!({ "sponsor": "agt_planner" })),
            "agt_planner",
        ),
        (
            agent_with(&world, json!({ "ceiling": { "lifetime": 0 } })),
            "lifetime",
        ),
        (
            agent_with(
                &world,
                json!({ "ceiling": { "lifetime": 3600, "more": 1 } }),
            ),
            "unknown field",
        ),
        (
            agent_with(
                &world,
                json!({ "ceiling": { "lifetime": 3600, "authorization_details": [{ "type": "teleport" }] } }),
            ),
            "/0/type",
        ),
        (
            agent_with(&world, json!({ "onward": { "agents": ["web"] } })),
            "onward",
        ),
        (
            agent_with(&world, json!({ "onward": { "agent": ["agt_booker"] } })),
            "unknown field",
        ),
        (changed(json!({ "client_id": "booker" })), "agt_"),
        (changed(json!({ "client_id": "usr_booker" })), "usr_"),
        (changed(json!({ "profile": "oauth21" })), "profile"),
        (changed(json!({ "bearer": true })), "bearer"),
        (
            changed(json!({ "token_endpoint_auth_method": "client_secret_basic", "jwks": null })),
            "private_key_jwt",
        ),
        (changed(json!({ "jwks": null })), "jwks"),
        (changed(json!({ "task_lifetime": 3601 })), "task_lifetime"),
        (
            changed(json!({ "require_pushed_authorization_requests": false })),
            "pushe",
        ),
    ];
    let before = world.events_named("agent.registered").await.len();
    for (file, word) in table {
        let sentence = refusal(&world, file.clone()).await;
        assert!(sentence.contains(word), "{file}: {sentence}");
    }
    assert_eq!(world.events_named("agent.registered").await.len(), before);
    let added = world
        .add_client(changed(json!({ "client_id": null })))
        .await;
    assert!(
        added["client_id"].as_str().unwrap().starts_with("agt_"),
        "made by us: {added}"
    );
    assert_eq!(added.get("client_secret"), None);
});
