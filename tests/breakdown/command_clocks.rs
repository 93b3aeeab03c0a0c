//! Commands whose clock is wrong, beside a server whose clock is right: nothing begins by it, and the server goes on.

use std::process::Output;

use serde_json::{Value, json};
use writ_testkit::{DatabaseKind, Web, World};

use super::clocks::{Offset, is_ready, issues, world_ahead};
use super::cluster;
use super::scene::{Scene, made};

const DAY: i64 = 24 * 3600;
const GRANTS: [&[&str]; 4] = [
    &["key", "rotate"],
    &["client", "rotate-secret", "web", "--overlap", "24h"],
    &["user", "passkeys", "alice", "--enroll"],
    &[
        "audit",
        "archive",
        "--before",
        "2026-01-01",
        "/nowhere/record.jsonl",
    ],
];

fn by(offset: &Offset, world: &World, command: &[&str]) -> Output {
    let mut run = offset.binary();
    run.args(command).env_clear().envs(world.environment());
    run.output().unwrap()
}

async fn beside_a_server(kind: DatabaseKind) {
    let (world, cast) = made(kind).await;
    Web::register(&world, json!({})).await;
    let (right, wrong) = (Offset::of(&world, 0), Offset::of(&world, 0));
    let scene = Scene::at(&right, world, cast).await;
    is_ready(&scene.process).await;
    // Those of ID tokens are made by the server, soon after its start.
    let kids = async || -> Vec<Value> {
        let reply = scene.process.door.try_get("/jwks").await.unwrap();
        let all: Value = serde_json::from_str(&reply.text()).unwrap();
        let keys = all["keys"].as_array().unwrap().iter();
        let of_tokens = keys.filter(|key| key["alg"] == "ES256");
        of_tokens.map(|key| key["kid"].clone()).collect()
    };
    let before = kids().await;
    for (seconds, way) in [
        (-3600, "behind"),
        (3 * DAY, "ahead of"),
        (-25 * 3600, "behind"),
    ] {
        wrong.set(seconds);
        for command in GRANTS {
            let done = by(&wrong, &scene.world, command);
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(!done.status.success(), "{command:?}");
            let sentence = format!("seconds {way} its database: set it first");
            assert!(said.contains(&sentence), "{command:?}: {said}");
        }
        let read = by(&wrong, &scene.world, &["key", "list"]);
        assert!(
            read.status.success(),
            "{}",
            String::from_utf8_lossy(&read.stderr)
        );
    }
    assert_eq!(kids().await, before);
    // The server knows nothing of it.
    is_ready(&scene.process).await;
    world_ahead(&scene.world, 0);
    issues(&scene, &scene.process).await;

    wrong.set(0);
    let done = by(&wrong, &scene.world, &["key", "rotate"]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    scene.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_commands_with_wrong_clocks_beside_a_server() {
    beside_a_server(DatabaseKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_commands_with_wrong_clocks_beside_a_server() {
    let _turn = cluster::turn().await;
    beside_a_server(DatabaseKind::Postgres).await;
}
