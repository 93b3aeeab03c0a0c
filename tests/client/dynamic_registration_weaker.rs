//! An update that makes a client weaker suspends what people agreed to in the very transaction (RFC 7592 section 2.2, docs/guests.md).

use http::Method;
use serde_json::{Value, json};
use writ_testkit::{Forge, World, both_with, merge};

use crate::client::dynamic_registration::{Itself, OPEN, notes};
use crate::client::dynamic_registration_managed::put;

const KEYS: &str = "https://client.example/keys";
const SAME_KEYS: &str = "https://client.example/same-keys";
const OTHER_KEYS: &str = "https://client.example/other-keys";
/// Nothing is there.
const NO_KEYS: &str = "https://client.example/no-keys";

fn signing(keys: &[&Forge]) -> Value {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": keys } })
}

fn published(url: &str) -> Value {
    json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": url })
}

/// What is at each of these places now; a moment later nobody answers there.
async fn publish(world: &World, keys: &Forge, others: &Forge) {
    for (url, key) in [(KEYS, keys), (SAME_KEYS, keys), (OTHER_KEYS, others)] {
        let set = json!({ "keys": [key.jwk()] });
        world.publish_keys(url, &set).await;
    }
}

fn method(name: &str) -> Value {
    json!({ "token_endpoint_auth_method": name })
}

fn renamed(mut metadata: Value) -> Value {
    merge(&mut metadata, json!({ "client_name": "Another name" }));
    metadata
}

async fn update(world: &World, client: &Itself, changes: &Value) {
    let reply = put(world, client, changes.clone()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

both_with!(
    an_update_that_weakens_a_client_suspends_its_tasks_at_once,
    OPEN,
    |world| async {
        notes(&world).await;
        let (one, two) = (Forge::new(&world.random), Forge::new(&world.random));
        let mut suspended = 0;
        for (before, after, is_weaker) in [
            (published(KEYS), published(OTHER_KEYS), true),
            (published(KEYS), published(SAME_KEYS), false),
            (published(KEYS), signing(&[&two]), true),
            (published(KEYS), signing(&[&one]), false),
            (signing(&[&two]), published(KEYS), true),
            (signing(&[&one]), published(KEYS), false),
            (signing(&[&one, &two]), signing(&[&one]), true),
            (signing(&[&one]), signing(&[&two]), true),
            (signing(&[&one]), method("client_secret_basic"), true),
            (published(KEYS), method("none"), true),
            (method("client_secret_post"), method("none"), true),
            (published(KEYS), renamed(published(KEYS)), false),
            (signing(&[&one]), signing(&[&two, &one]), false),
            (
                method("client_secret_basic"),
                method("client_secret_post"),
                false,
            ),
            (method("none"), method("client_secret_basic"), false),
            (method("client_secret_basic"), signing(&[&one]), false),
        ] {
            publish(&world, &one, &two).await;
            let client = Itself::of(&world, before.clone()).await;
            client.code(&world).await;
            update(&world, &client, &after).await;
            suspended += usize::from(is_weaker);
            let events = world.events_named("task.suspended").await;
            assert_eq!(events.len(), suspended, "{before} became {after}");
            // Once is once, also where the keys of an unchanged place cannot be had.
            world.advance(1);
            update(&world, &client, &renamed(after.clone())).await;
            let again = world.events_named("task.suspended").await.len();
            assert_eq!(again, suspended, "{after} a second time");
            // A place where nobody answered is left alone for so long.
            world.advance(31);
        }
    }
);

both_with!(
    keys_move_only_to_where_they_can_be_read,
    OPEN,
    |world| async {
        notes(&world).await;
        let (one, two) = (Forge::new(&world.random), Forge::new(&world.random));
        publish(&world, &one, &two).await;
        let client = Itself::of(&world, published(KEYS)).await;
        client.code(&world).await;
        let refused = put(&world, &client, published(NO_KEYS)).await;
        let refusal = (400, "invalid_client_metadata".to_owned());
        assert_eq!(refused.refusal(), refusal, "{}", refused.text());
        assert!(refused.text().contains("jwks_uri"), "{}", refused.text());
        let read = client.manage(&world, Method::GET, &json!({})).await;
        assert_eq!(read.json()["jwks_uri"], json!(KEYS), "nothing changed");
        assert!(world.events_named("task.suspended").await.is_empty());
    }
);

both_with!(
    every_grant_is_measured_by_what_its_person_agreed_to,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = Itself::of(&world, method("client_secret_basic")).await;
        client.code(&world).await;
        update(&world, &client, &renamed(method("client_secret_basic"))).await;
        client.code(&world).await;
        update(&world, &client, &method("none")).await;
        assert_eq!(
            world.events_named("task.suspended").await.len(),
            2,
            "under both names"
        );
        client.code(&world).await;
        update(&world, &client, &renamed(method("none"))).await;
        assert_eq!(
            world.events_named("task.suspended").await.len(),
            2,
            "who agreed to the weaker one goes on"
        );
    }
);
