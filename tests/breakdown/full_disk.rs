//! A disk without room, under a real process: what finds none hears 503, what was answered is kept, and with room everything goes on.
//! The cluster, SQLite's file and the server's log stand on it (`TMPDIR`).

use writ_platform::Clock;
use writ_testkit::{DatabaseKind, Ready, TestAgent};

use super::cluster::Cluster;
use super::scene::{Scene, in_time, is_program_told, made};
use crate::process::Process;

/// So many tokens need more than what is left of a page, or of a file.
const TOKENS: usize = 5_000;
/// Of the last tokens that were given: it is tried whether there is a second one for the same request.
const TRIED_AGAIN: usize = 10;

/// A token that was given.
struct Given {
    request: Ready,
    jti: String,
}

impl Scene {
    /// Asks for tokens until there is no room for another one.
    async fn until_full(&self) -> Vec<Given> {
        let mut given = Vec::new();
        while given.len() < TOKENS {
            self.world.clock.set(Clock::System.now());
            let planner = &self.cast.planner;
            let request = planner.ready(&self.world, "/token", &TestAgent::own_work());
            let reply = in_time(self.process.door.send(&request), "/token").await;
            if reply.status != 200 {
                is_program_told(&reply, "a full disk");
                return given;
            }
            let jti = reply.claims()["jti"].as_str().unwrap().to_owned();
            given.push(Given { request, jti });
        }
        panic!("there is room for {TOKENS} tokens");
    }

    async fn has_kept(&self, given: &[Given]) {
        let events = self.world.events().await;
        for Given { jti, .. } in given {
            let on_record = events.iter().filter(|event| event.data["jti"] == **jti);
            assert_eq!(on_record.count(), 1, "{jti}");
        }
        for Given { request, .. } in given.iter().rev().take(TRIED_AGAIN) {
            let again = self.process.door.send(request).await;
            assert!([400, 401].contains(&again.status), "{}", again.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_on_a_full_disk() {
    let cluster = Cluster::of_this_run().await;
    let (world, cast) = made(DatabaseKind::Postgres).await;
    let process = Process::start(&world, &[]).await;
    let scene = Scene::on(world, process, cast).await;

    cluster.fill_disk();
    let mut given = scene.until_full().await;
    scene.programs_are_answered_or_told().await;
    scene.what_is_known_goes_on().await;
    cluster.make_room();
    scene.is_well().await;
    scene.has_kept(&given).await;

    cluster.fill_disk();
    given.extend(scene.until_full().await);
    cluster.use_up_log().await;
    scene.until_readiness_is(503).await;
    scene.programs_are_told().await;
    scene.what_is_known_goes_on().await;
    cluster.make_room();
    cluster.until_it_runs().await;
    scene.is_well().await;
    scene.has_kept(&given).await;
    scene.nothing_broke();
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_on_a_full_disk() {
    let cluster = Cluster::of_this_run().await;
    let (world, cast) = made(DatabaseKind::Sqlite).await;
    let process = Process::start(&world, &[]).await;
    let scene = Scene::on(world, process, cast).await;

    cluster.fill_disk();
    let given = scene.until_full().await;
    scene.until_readiness_is(503).await;
    scene.programs_are_told().await;
    scene.what_is_known_goes_on().await;
    cluster.make_room();
    scene.is_well().await;
    scene.has_kept(&given).await;
    scene.nothing_broke();
}
