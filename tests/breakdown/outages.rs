//! The database stopped, frozen, read-only, locked, out of connections or unable to write, under a real process: whoever needs it hears
//! 503 with `Retry-After` in the endpoint's own form, what is known goes on, `/readyz` turns both ways, and afterwards everything works
//! without anybody's help.

use std::path::PathBuf;
use std::process::Command;

use writ_platform::Clock;
use writ_testkit::{DatabaseKind, TestAgent, at_once};

use super::cluster::{self, Cluster};
use super::scene::{Scene, in_time, is_program_told, made};
use crate::process::{Process, until};

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stopped_frozen_and_read_only() {
    let cluster = Cluster::of_this_run().await;
    let (world, cast) = made(DatabaseKind::Postgres).await;
    let process = Process::start(&world, &[]).await;
    let scene = Scene::on(world, process, cast).await;

    cluster.stop();
    scene.until_readiness_is(503).await;
    scene.programs_are_told().await;
    scene.pages_are_told().await;
    scene.what_is_known_goes_on().await;
    cluster.start();
    scene.is_well().await;

    cluster.freeze();
    scene.until_readiness_is(503).await;
    scene.programs_are_told().await;
    scene.pages_are_told().await;
    scene.what_is_known_goes_on().await;
    cluster.thaw();
    scene.is_well().await;

    cluster.set_read_only("on");
    scene.until_readiness_is(503).await;
    scene.programs_are_told().await;
    scene.what_is_known_goes_on().await;
    cluster.set_read_only("off");
    scene.is_well().await;

    // So quickly that no connection need show it before it is used.
    cluster.stop();
    cluster.start();
    scene.is_well().await;
    scene.nothing_broke();
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_locked_by_another_process() {
    let (world, cast) = made(DatabaseKind::Sqlite).await;
    let process = Process::start(&world, &[]).await;
    let scene = Scene::on(world, process, cast).await;
    let other = scene.world.database.locked_by_another().await;
    scene.until_readiness_is(503).await;
    scene.programs_are_told().await;
    scene.what_is_known_goes_on().await;
    other.release().await;
    scene.is_well().await;
    scene.nothing_broke();
}

/// Others have all that the node does not have, and then all.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_out_of_connections() {
    let cluster = Cluster::of_this_run().await;
    let (world, cast) = made(DatabaseKind::Postgres).await;
    let process = Process::start(&world, &[]).await;
    let scene = Scene::on(world, process, cast).await;

    let some = cluster.take_connections();
    scene.programs_are_answered_or_told().await;
    scene.what_is_known_goes_on().await;

    // So that it takes none while there are some.
    scene.process.signal("STOP");
    cluster.end_connections_to(scene.database()).await;
    let rest = cluster.take_connections();
    scene.process.signal("CONT");
    scene.until_readiness_is(503).await;
    scene.programs_are_told().await;
    scene.pages_are_told().await;
    scene.what_is_known_goes_on().await;

    drop((some, rest));
    scene.is_well().await;
    scene.nothing_broke();
}

/// What all of them want to read again is waited for once, and not by one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_with_a_table_of_the_configuration_locked() {
    let _turn = cluster::turn().await;
    let (world, cast) = made(DatabaseKind::Postgres).await;
    let process = Process::start(&world, &[]).await;
    let scene = Scene::on(world, process, cast).await;
    let token = || {
        scene.world.clock.set(Clock::System.now());
        let (planner, door) = (&scene.cast.planner, scene.process.door.clone());
        let request = planner.ready(&scene.world, "/token", &TestAgent::own_work());
        async move { in_time(door.send(&request), "/token").await }
    };
    let database = &scene.world.database;
    let locked = database.table_locked_by_another("resources").await;
    let change = "UPDATE tenants SET catalogue_changes = COALESCE(catalogue_changes, 0) + 1";
    database.administer(change).await;
    until(async || token().await.status == 503).await;

    let (tokens, ()) = tokio::join!(
        at_once((0..24).map(|_| token()).collect()),
        scene.what_is_known_goes_on(),
    );
    for reply in tokens {
        is_program_told(&reply, "a token");
    }
    scene.until_readiness_is(503).await;
    locked.release().await;
    scene.is_well().await;
    scene.nothing_broke();
}

fn size(path: &str) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

/// Sets how large a file of this process may grow: it can write no more than on a full disk.
fn limit_files(process: &Process, bytes: &str) {
    let id = process.id().to_string();
    let limited = Command::new("prlimit")
        .args(["--pid", &id, &format!("--fsize={bytes}:unlimited")])
        .status();
    assert!(limited.unwrap().success(), "prlimit of util-linux");
}

/// Every write fails, whatever it is for: nobody knows what became of the last one.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_whose_file_may_not_grow() {
    let (world, cast) = made(DatabaseKind::Sqlite).await;
    let process = Process::start_ignoring(&world, "XFSZ").await;
    let scene = Scene::on(world, process, cast).await;
    let file = PathBuf::from(scene.world.database.url.trim_start_matches("sqlite:"));
    let file = file.to_str().unwrap();
    let largest = size(file).max(size(&format!("{file}-wal")));
    limit_files(&scene.process, &(largest + 64 * 1024).to_string());
    // Each counts a refusal, until there is no room.
    let full = async || {
        let request = Scene::unknown_client("/par");
        scene.process.door.send(&request).await.status == 503
    };
    until(full).await;
    scene.until_readiness_is(503).await;
    scene.what_is_known_goes_on().await;
    limit_files(&scene.process, "unlimited");
    scene.is_well().await;
    scene.nothing_broke();
}
