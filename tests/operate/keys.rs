//! Signing keys: next, active, retiring, removed; several nodes agree; the private part is sealed.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use writ_core::signing::{KEY_CACHE, KeyState, RETIREMENT};
use writ_platform::Clock;
use writ_server::background;
use writ_server::config::Config;
use writ_server::node::app::{App, ServerEnvironment, StartError};
use writ_server::node::clock::DatabaseClock;
use writ_store::Store;
use writ_testkit::{Cast, ISSUER, World, both, minted};

fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD
        .decode(token.split('.').next().unwrap())
        .unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("ES256"), &json!("at+jwt"))
    );
    header["kid"].as_str().unwrap().to_owned()
}

/// The keys of access tokens; those of RS256 ID tokens are in `client/id_token.rs`.
async fn published(world: &World) -> Vec<String> {
    let reply = world.get("/jwks", &[]).await;
    let mut keys = reply.json()["keys"].as_array().unwrap().clone();
    keys.retain(|key| key["alg"] != "RS256");
    let mut kids: Vec<String> = keys
        .iter()
        .map(|k| k["kid"].as_str().unwrap().to_owned())
        .collect();
    for key in &keys {
        let members = ["kty", "crv", "x", "y", "kid", "use", "alg"];
        assert!(
            key.as_object()
                .unwrap()
                .keys()
                .all(|name| members.contains(&name.as_str())),
            "{key}"
        );
        assert_eq!(
            (&key["kty"], &key["crv"], &key["use"]),
            (&json!("EC"), &json!("P-256"), &json!("sig"))
        );
    }
    kids.sort();
    kids
}

async fn in_state(world: &World, state: KeyState) -> Vec<String> {
    let rows = world.begin().await.signing_keys().await.unwrap();
    rows.into_iter()
        .filter(|row| row.state == state)
        .map(|row| row.kid)
        .collect()
}

/// Activated and retired.
async fn rotated(world: &World) -> (String, String) {
    let done = world.rotate_keys().await;
    (done.activated, done.retired)
}

both!(
    /// What was `next` signs after a rotation, it was published before; the old one stays published until
    /// nothing that it signed can be valid, and then it is gone.
    a_rotation_breaks_no_token,
    |world| async {
        let cast = Cast::of(&world).await;
        let (active, next) = (
            in_state(&world, KeyState::Active).await,
            in_state(&world, KeyState::Next).await,
        );
        let before = published(&world).await;
        assert_eq!(before.len(), 2, "next and active");
        assert!(before.contains(&active[0]) && before.contains(&next[0]));
        world.advance(100);
        let old = cast.token(&world).await;
        assert_eq!(kid(&old), active[0]);
        let (activated, retired) = rotated(&world).await;
        assert_eq!((&activated, &retired), (&next[0], &active[0]));
        world.advance(KEY_CACHE.as_secs());
        let all = published(&world).await;
        assert_eq!(all.len(), 3, "next, active and retiring");
        assert!(all.contains(&retired) && all.contains(&activated));
        let new = cast.token(&world).await;
        assert_eq!(kid(&new), activated);
        for token in [&old, &new] {
            assert_eq!(cast.introspect(&world, token).await["active"], true);
            let form = cast.exchange_form(token, None);
            let reply = cast.planner.send(&world, "/token", &form).await;
            minted(&reply, "still a subject token");
            assert_eq!(kid(&reply.access_token()), activated);
        }
        let names = world.event_names().await;
        let count = |name: &str| names.iter().filter(|n| *n == name).count();
        assert_eq!(
            (
                count("key.created"),
                count("key.activated"),
                count("key.retired")
            ),
            // One of them of RS256, because the published keys were read.
            (4, 1, 1)
        );

        // One second before the end it stays, at the end it goes, private part and all.
        world.advance(RETIREMENT.as_secs() - KEY_CACHE.as_secs() - 1);
        background::sweep_once(&world.app).await.unwrap();
        assert!(published(&world).await.contains(&retired));
        world.advance(1);
        background::sweep_once(&world.app).await.unwrap();
        world.advance(KEY_CACHE.as_secs());
        let left = published(&world).await;
        assert_eq!(left.len(), 2, "next and active again");
        assert!(!left.contains(&retired));
        let removed = in_state(&world, KeyState::Removed).await;
        assert_eq!(removed, std::slice::from_ref(&retired));
        let rows = world.begin().await.signing_keys().await.unwrap();
        assert!(
            rows.iter()
                .find(|row| row.kid == retired)
                .unwrap()
                .sealed
                .is_none()
        );
        // A token that names the removed key is refused, whatever it says of its own end.
        assert_eq!(
            cast.introspect(&world, &old).await,
            json!({ "active": false })
        );
        background::sweep_once(&world.app).await.unwrap();
        assert_eq!(
            published(&world).await,
            left,
            "nothing else is ever removed"
        );
    }
);

both!(
    /// Several nodes agree: a token by the new key is taken at once everywhere, and every node signs with
    /// it within `KEY_CACHE`.
    another_node_follows,
    |world| async {
        let cast = Cast::of(&world).await;
        world.advance(5);
        let late = world.node().await;
        let old = late.app.keys().await.unwrap().active.kid().to_owned();
        world.advance(5);
        let (activated, retired) = rotated(&world).await;
        assert_eq!(old, retired);
        let token = cast.token(&world).await;
        assert_eq!(
            kid(&token),
            activated,
            "this node read its keys ten seconds ago"
        );
        assert_eq!(
            late.app.keys().await.unwrap().active.kid(),
            retired,
            "that one five"
        );
        let bank = cast.bank_basic();
        let headers = [("authorization", bank.as_str())];
        let reply = late
            .post("/introspect", &[("token", &token)], &headers)
            .await;
        assert_eq!(
            reply.json()["active"],
            true,
            "`next` was published there before"
        );
        world.advance(5);
        assert_eq!(late.app.keys().await.unwrap().active.kid(), activated);
        let third = world.node().await;
        assert_eq!(third.app.keys().await.unwrap().active.kid(), activated);
        assert_eq!(
            in_state(&world, KeyState::Active).await.len(),
            1,
            "a start makes no more keys"
        );
    }
);

both!(
    /// Private keys are sealed under the master key; a node with another master key does not start.
    sealed_keys_open_for_the_master_key_alone,
    |world| async {
        for row in world.begin().await.signing_keys().await.unwrap() {
            let public: Value = serde_json::from_str(&row.public_jwk).unwrap();
            assert_eq!(public.get("d"), None);
            let sealed = URL_SAFE_NO_PAD.decode(row.sealed.unwrap()).unwrap();
            let keys = world.app.keys().await.unwrap();
            if row.kid == keys.active.kid() {
                let plain = keys.active.to_pkcs8();
                assert!(
                    !sealed
                        .windows(16)
                        .any(|part| plain.windows(16).any(|own| own == part))
                );
            }
        }
        let start = async |master: &str| {
            let types = format!("{}/../config/types", env!("CARGO_MANIFEST_DIR"));
            let environment: BTreeMap<String, String> = [
                ("WRIT__SERVER__ISSUER", ISSUER),
                ("WRIT__DATABASE__URL", world.database.url.as_str()),
                ("WRIT__TYPES__PATH", types.as_str()),
                ("WRIT__KEYS__MASTER", master),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
            let config = Config::load(None, &environment).unwrap();
            let environment = ServerEnvironment {
                clock: Clock::Manual(world.clock.clone()),
                database_clock: DatabaseClock::Given(Clock::Manual(world.clock.clone())),
                random: world.random.clone(),
            };
            App::start(
                config,
                Store::connect(&world.database.url).await.unwrap(),
                environment,
            )
            .await
        };
        let wrong = start("AZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU")
            .await
            .err()
            .unwrap();
        assert!(matches!(wrong, StartError::Keys(_)), "{wrong}");
        assert!(
            wrong.to_string().contains("is this the right master key?"),
            "{wrong}"
        );
        assert!(
            start("mZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU")
                .await
                .is_ok()
        );
        assert_eq!(in_state(&world, KeyState::Active).await.len(), 1);
    }
);
