//! The races of `races.rs` over two server processes on one PostgreSQL database, with real HTTP: nodes share nothing but
//! the database. Both answer for one issuer, as behind a load balancer. And many processes that start at once on one SQLite file.

use std::process::{Child, Command, Stdio};

use writ_platform::Clock;
use writ_store::Store;
use writ_testkit::{Cast, DatabaseKind, NodeClient, World};

use crate::laws::races;
use crate::process::{Process, StuckProcess, binary};

/// A world whose time is the processes' time, and two processes on its database.
async fn two_processes() -> (World, Cast, [Process; 2]) {
    let world = World::new(DatabaseKind::Postgres).await;
    world.clock.set(Clock::System.now());
    let cast = Cast::of(&world).await;
    let servers = [
        Process::start(&world, &[]).await,
        Process::start(&world, &[]).await,
    ];
    (world, cast, servers)
}

fn doors(servers: &[Process]) -> Vec<NodeClient> {
    servers.iter().map(|server| server.door.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_redemption_of_a_code_over_two_processes() {
    let (world, cast, servers) = two_processes().await;
    races::race_a_code(&world, &cast, &doors(&servers)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_use_of_an_assertion_and_of_a_proof_over_two_processes() {
    let (world, cast, servers) = two_processes().await;
    races::race_an_assertion(&world, &cast, &doors(&servers)).await;
    races::race_a_proof(&world, &cast, &doors(&servers)).await;
    races::race_an_actor_assertion(&world, &cast, &doors(&servers)).await;
}

/// SQLite has one server; one that was killed keeps nobody from starting (docs/storage.md).
#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_of_a_sqlite_file_does_not_start() {
    let world = World::new(DatabaseKind::Sqlite).await;
    world.clock.set(Clock::System.now());
    let mut first = Process::start(&world, &[]).await;
    let mut second = StuckProcess::start(&world, &[]);
    let (status, said) = second.ended().await;
    assert!(!status.success());
    assert!(
        said.contains("another `writ serve` runs on this SQLite file"),
        "{said}"
    );
    assert_eq!(first.door.try_get("/jwks").await.unwrap().status, 200);
    let run = |command: &str| {
        let mut run = Command::new(binary());
        run.args([command, "list"]).env_clear();
        run.envs(world.environment()).stdout(Stdio::null()).status()
    };
    assert!(run("key").unwrap().success(), "a command runs beside it");

    for signal in ["KILL", "TERM"] {
        first.signal(signal);
        first.ended().await;
        first = Process::start(&world, &[]).await;
    }
}

/// Whoever comes first makes the file and its tables; the others wait for it, however long that takes (docs/deployment.md).
#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_bring_one_new_sqlite_file_up_to_date() {
    let database = writ_store::testing::empty(DatabaseKind::Sqlite).await;
    let url = database.url.replace("writ.db", "new.db");
    let world = World::new(DatabaseKind::Sqlite).await;
    let start = |_| {
        Command::new(binary())
            .arg("migrate")
            .env_clear()
            .envs(world.environment())
            .env("WRIT__DATABASE__URL", &url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let all: Vec<Child> = (0..8).map(start).collect();
    for mut one in all {
        assert!(one.wait().unwrap().success());
    }
    let store = Store::connect(&url).await.unwrap();
    let mut reading = store.read("default").await.unwrap();
    assert_eq!(
        reading.issuer().await.unwrap().as_deref(),
        Some(writ_testkit::ISSUER)
    );
}
