//! The database stopped, frozen, read-only, full or locked, under a real process: whoever needs it hears 503 with `Retry-After` in the
//! endpoint's own form, what is known goes on, `/readyz` turns both ways, and afterwards everything works without anybody's help.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use writ_platform::Clock;
use writ_testkit::{Cast, DatabaseKind, NodeClient, Ready, TestReply, World, at_once, minted};

use super::cluster::Cluster;
use crate::process::{Process, until};

/// What a caller is promised is five seconds; a loaded machine has more.
const IN_TIME: Duration = Duration::from_secs(20);

/// A client's request at each kind of endpoint that writes, with a client that is looked up.
const PROGRAMS: [&str; 3] = ["/token", "/par", "/introspect"];
const PAGES: [&str; 3] = ["/authorize?client_id=nobody", "/app", "/device"];
const KNOWN: [&str; 3] = [
    "/jwks",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];
/// Of a login that must be looked up.
const COOKIE: &str = "writ-loopback-default=c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I";

/// A process with what it takes to use it.
struct Scene {
    world: World,
    cast: Cast,
    process: Process,
}

async fn in_time(answer: impl Future<Output = TestReply>, what: &'static str) -> TestReply {
    let answer = tokio::time::timeout(IN_TIME, answer).await;
    answer.unwrap_or_else(|_| panic!("{what}: no answer"))
}

fn is_unavailable(reply: &TestReply, kind: &str, what: &str) {
    assert_eq!(reply.status, 503, "{what}: {}", reply.text());
    assert!(reply.header("retry-after").is_some(), "{what}");
    assert_eq!(reply.header("content-type"), Some(kind), "{what}");
}

/// Asks for all of them at once; their answers in order.
async fn get(door: &NodeClient, paths: [&'static str; 3]) -> Vec<TestReply> {
    let one = |path| {
        let door = door.clone();
        let answer = async move {
            let page = door.try_get_with(path, &[("cookie", COOKIE)]).await;
            page.unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        in_time(answer, path)
    };
    at_once(paths.map(one).into_iter().collect()).await
}

impl Scene {
    async fn on(world: World, process: Process, cast: Cast) -> Self {
        let scene = Self {
            world,
            cast,
            process,
        };
        scene.is_well().await;
        scene
    }

    fn unknown_client(path: &str) -> Ready {
        let nobody = |name: &'static str, value: &str| (name, value.to_owned());
        let form = [
            nobody("client_id", "nobody"),
            nobody("client_secret", "hush"),
            nobody("grant_type", "client_credentials"),
        ];
        Ready::new(path, &form)
    }

    /// Whatever needs to write is told to come again.
    async fn programs_are_told(&self) {
        let one = |path| {
            let (door, request) = (self.process.door.clone(), Self::unknown_client(path));
            async move { in_time(door.send(&request), path).await }
        };
        let replies = at_once(PROGRAMS.map(one).into_iter().collect()).await;
        for (path, reply) in PROGRAMS.into_iter().zip(replies) {
            is_unavailable(&reply, "application/json", path);
            assert_eq!(reply.error(), "temporarily_unavailable", "{path}");
        }
    }

    async fn pages_are_told(&self) {
        let replies = get(&self.process.door, PAGES).await;
        for (path, reply) in PAGES.into_iter().zip(replies) {
            is_unavailable(&reply, "text/html; charset=utf-8", path);
        }
    }

    async fn what_is_known_goes_on(&self) {
        let replies = get(&self.process.door, KNOWN).await;
        for (path, reply) in KNOWN.into_iter().zip(replies) {
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        }
    }

    async fn until_readiness_is(&self, status: u16) {
        until(async || {
            let ready = self.process.operators.try_get("/readyz").await;
            ready.is_ok_and(|reply| reply.status == status)
        })
        .await;
    }

    /// A task from its request to its token.
    async fn is_well(&self) {
        self.until_readiness_is(200).await;
        self.world.clock.set(Clock::System.now());
        let code = self.cast.code(&self.world).await;
        let form = self.cast.redeem_form(&code);
        let redemption = self.cast.planner.ready(&self.world, "/token", &form);
        let reply = self.process.door.send(&redemption).await;
        minted(&reply, "a code");
    }

    /// No line of the log says that a request failed by our fault.
    fn nothing_broke(&self) {
        let text = self.process.text();
        assert!(!text.contains("request failed"), "{text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

async fn made(kind: DatabaseKind) -> (World, Cast) {
    let world = World::new(kind).await;
    world.clock.set(Clock::System.now());
    let cast = Cast::of(&world).await;
    (world, cast)
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stopped_frozen_and_read_only() {
    let cluster = Cluster::of_this_run();
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

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_on_a_full_disk() {
    let (world, cast) = made(DatabaseKind::Sqlite).await;
    let process = Process::start_ignoring(&world, "XFSZ").await;
    let scene = Scene::on(world, process, cast).await;
    let file = PathBuf::from(scene.world.database.url.trim_start_matches("sqlite:"));
    let file = file.to_str().unwrap();
    let largest = size(file).max(size(&format!("{file}-wal")));
    limit_files(&scene.process, &(largest + 64 * 1024).to_string());
    // Each counts a refusal, or writes a row, until there is no room.
    let full = async || {
        let reply = scene
            .process
            .door
            .send(&Scene::unknown_client("/par"))
            .await;
        reply.status == 503
    };
    until(full).await;
    scene.until_readiness_is(503).await;
    scene.what_is_known_goes_on().await;
    limit_files(&scene.process, "unlimited");
    scene.is_well().await;
    scene.nothing_broke();
}
