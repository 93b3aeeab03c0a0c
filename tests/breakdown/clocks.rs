//! Processes whose clocks are wrong, or are set while they run, by libfaketime: whoever is too far from its database issues nothing and
//! says so, two nodes that both issue do not take the same proof twice, and a right clock makes everything right.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use writ_platform::Clock;
use writ_testkit::{DatabaseKind, Ready, TestAgent, World, minted};
use writ_wire::time::Timestamp;

use super::cluster;
use super::scene::{Scene, in_time, is_program_told, is_unavailable, made};
use crate::process::{Process, binary};

const HOUR: i64 = 3600;
const PAGES: [&str; 4] = ["/authorize?client_id=x", "/login", "/app", "/device"];
const PROGRAMS: [&str; 3] = ["/token", "/par", "/introspect"];

/// By how many seconds the clock of a process is ahead of this machine's, in a file that its every look at the clock reads.
pub(super) struct Offset(PathBuf);

impl Offset {
    pub(super) fn of(world: &World, seconds: i64) -> Self {
        let name = u64::from_be_bytes(world.random.bytes::<8>());
        let file = format!("writ-clock-{}-{name}", std::process::id());
        let offset = Self(std::env::temp_dir().join(file));
        offset.set(seconds);
        offset
    }

    pub(super) fn set(&self, seconds: i64) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}\n")).unwrap();
        std::fs::rename(&new, &self.0).unwrap();
    }

    /// What runs a server by this clock. Only the time of day is wrong; waiting takes as long as ever.
    fn command(&self) -> Command {
        let mut command = self.binary();
        command.arg("serve");
        command
    }

    /// The same for any command; its words follow.
    pub(super) fn binary(&self) -> Command {
        let mut command = Command::new("env");
        command
            .arg(format!("LD_PRELOAD={}", library().display()))
            .arg(format!("FAKETIME_TIMESTAMP_FILE={}", self.0.display()))
            .args(["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"])
            .arg("NO_FAKE_STAT=1")
            .arg(binary());
        command
    }
}

impl Drop for Offset {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// Debian has it in a folder of the processor's.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap();
    let mut found = folders
        .map(|folder| folder.unwrap().path().join("faketime/libfaketimeMT.so.1"))
        .filter(|file| file.is_file());
    found
        .next()
        .expect("`tests/run faults` installs libfaketime")
}

/// Sets the world's clock, by which proofs are made, so far ahead of this machine's.
pub(super) fn world_ahead(world: &World, seconds: i64) {
    world.clock.set(ahead(seconds));
}

fn ahead(seconds: i64) -> Timestamp {
    let now = Clock::System.now();
    let size = Duration::from_secs(seconds.unsigned_abs());
    match seconds < 0 {
        true => now.minus(size),
        false => now.plus(size),
    }
}

impl Scene {
    pub(super) async fn at(offset: &Offset, world: World, cast: writ_testkit::Cast) -> Self {
        let process = Process::run(offset.command(), &world, &[]).await;
        Self {
            world,
            cast,
            process,
        }
    }
}

/// Whoever asks this node for anything that is judged by the time hears that its clock is wrong.
async fn issues_nothing(scene: &Scene, node: &Process, way: &str) {
    for path in PROGRAMS {
        let request = scene
            .cast
            .planner
            .ready(&scene.world, path, &TestAgent::own_work());
        let reply = in_time(node.door.send(&request), path).await;
        is_program_told(&reply, path);
        let said = reply.member("error_description");
        assert!(said.contains(way), "{path}: {said}");
    }
    for page in PAGES {
        let reply = node.door.try_get(page).await.unwrap();
        is_unavailable(&reply, "text/html; charset=utf-8", page);
        assert!(reply.text().contains(way), "{page}: {}", reply.text());
    }
    for known in ["/jwks", "/.well-known/oauth-authorization-server"] {
        let reply = node.door.try_get(known).await.unwrap();
        assert_eq!(reply.status, 200, "{known}");
    }
    let ready = node.operators.try_get("/readyz").await.unwrap();
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains(way), "{}", ready.text());
    let log = node.text();
    assert!(log.contains("nothing is issued until it is right"), "{log}");
}

fn own_work(scene: &Scene) -> Ready {
    let planner = &scene.cast.planner;
    planner.ready(&scene.world, "/token", &TestAgent::own_work())
}

pub(super) async fn issues(scene: &Scene, node: &Process) -> Ready {
    let request = own_work(scene);
    minted(&node.door.send(&request).await, "a clock that will do");
    request
}

/// It was used at another node, or before: here it is refused, and not because of the clock.
async fn is_used(node: &Process, request: &Ready) {
    let again = node.door.send(request).await;
    assert!([400, 401].contains(&again.status), "{}", again.text());
}

pub(super) async fn is_ready(node: &Process) {
    let ready = node.operators.try_get("/readyz").await.unwrap();
    assert_eq!(ready.status, 200, "{}", ready.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_and_two_nodes_90_seconds_apart() {
    let _turn = cluster::turn().await;
    let (world, cast) = made(DatabaseKind::Postgres).await;
    let (first, second) = (Offset::of(&world, 0), Offset::of(&world, 90));
    let scene = Scene::at(&first, world, cast).await;
    let other = Process::run(second.command(), &scene.world, &[]).await;
    let (one, way) = (&scene.process, "ahead of its database");

    world_ahead(&scene.world, 0);
    let used = issues(&scene, one).await;
    issues_nothing(&scene, &other, way).await;
    is_ready(one).await;
    let there = other.door.send(&used).await;
    is_program_told(&there, "a proof that was used");

    // Each 45 seconds from the database.
    first.set(-45);
    second.set(45);
    issues_nothing(&scene, one, "behind its database").await;
    issues_nothing(&scene, &other, way).await;

    // Each near enough: what one of them took, the other does not take again.
    first.set(-25);
    second.set(25);
    for node in [one, &other] {
        is_ready(node).await;
        let log = node.text();
        assert!(log.contains("\"WARN\""), "{log}");
    }
    world_ahead(&scene.world, -25);
    let used = issues(&scene, one).await;
    is_used(&other, &used).await;

    first.set(0);
    second.set(0);
    world_ahead(&scene.world, 0);
    let used = issues(&scene, &other).await;
    is_used(one, &used).await;
    is_used(&other, &used).await;
    scene.is_well().await;
}

/// SQLite has no clock: the greatest time that was seen stands for it.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_after_a_node_that_was_90_seconds_ahead() {
    let (world, cast) = made(DatabaseKind::Sqlite).await;
    let (first, second) = (Offset::of(&world, 90), Offset::of(&world, 0));
    let mut scene = Scene::at(&first, world, cast).await;
    is_ready(&scene.process).await;
    world_ahead(&scene.world, 90);
    let used = issues(&scene, &scene.process).await;
    scene.process.signal("TERM");
    assert!(scene.process.ended().await.success());

    scene.process = Process::run(second.command(), &scene.world, &[]).await;
    world_ahead(&scene.world, 0);
    issues_nothing(&scene, &scene.process, "behind its database").await;
    // As if a part of the time had passed.
    second.set(70);
    is_ready(&scene.process).await;
    is_used(&scene.process, &used).await;
    world_ahead(&scene.world, 70);
    issues(&scene, &scene.process).await;
}

async fn started_again_an_hour_back(kind: DatabaseKind) {
    let (world, cast) = made(kind).await;
    let offset = Offset::of(&world, 0);
    let mut scene = Scene::at(&offset, world, cast).await;
    world_ahead(&scene.world, 0);
    let used = issues(&scene, &scene.process).await;
    is_ready(&scene.process).await;
    scene.process.signal("TERM");
    assert!(scene.process.ended().await.success());

    offset.set(-HOUR);
    scene.process = Process::run(offset.command(), &scene.world, &[]).await;
    world_ahead(&scene.world, -HOUR);
    issues_nothing(&scene, &scene.process, "behind its database").await;
    let there = scene.process.door.send(&used).await;
    is_program_told(&there, "a proof that was used");

    offset.set(0);
    is_ready(&scene.process).await;
    is_used(&scene.process, &used).await;
    scene.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_started_again_an_hour_back() {
    started_again_an_hour_back(DatabaseKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_started_again_an_hour_back() {
    let _turn = cluster::turn().await;
    started_again_an_hour_back(DatabaseKind::Postgres).await;
}
