//! How a server ends, also one that is stuck: not ready at once, then those who wait are answered, then nothing is taken any more, and the database is closed.

use writ_core::realm::DEFAULT_TENANT;
use writ_platform::Clock;
use writ_store::Store;
use writ_testkit::{Cast, DatabaseKind, World, poll_form};

use crate::process::{IN_TIME, Process, StuckProcess, until};

/// Longer than a test waits: whatever ends sooner did not wait for it.
const LONG: &str = "60";
const DRAIN: &str = "SERVER__DRAIN_SECONDS";

async fn real_world(kind: DatabaseKind) -> World {
    let world = World::new(kind).await;
    world.clock.set(Clock::System.now());
    world
}

/// SIGHUP asks for what is read again, which without TLS is nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_ends_no_server() {
    let world = real_world(DatabaseKind::Sqlite).await;
    let mut process = Process::start(&world, &[]).await;
    for _ in 0..2 {
        process.signal("HUP");
        until(async || process.text().contains("SIGHUP: nothing is read again")).await;
        assert_eq!(process.door.try_get("/jwks").await.unwrap().status, 200);
    }
    process.signal("TERM");
    assert!(process.ended().await.success());
}

/// SIGTERM, while an agent waits for its person.
async fn who_waits_is_answered(kind: DatabaseKind) {
    let world = real_world(kind).await;
    let cast = Cast::of(&world).await;
    let question = cast.question_within(&cast.token(&world).await);
    let auth_req_id = cast.planner.asked(&world, &question).await;
    let mut process = Process::start(&world, &[(DRAIN, LONG)]).await;
    let poll = cast
        .planner
        .ready(&world, "/token", &poll_form(&auth_req_id));
    let (door, poll) = (process.door.clone(), poll.header("prefer", "wait=60"));
    let waiting = tokio::spawn(async move { door.send(&poll).await });

    process.signal("TERM");
    until(async || {
        let ready = process.operators.try_get("/readyz").await.unwrap();
        ready.status == 503
    })
    .await;
    let answered = tokio::time::timeout(IN_TIME, waiting)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        answered.error(),
        "authorization_pending",
        "{}",
        answered.text()
    );
    let other = process.door.try_get("/jwks").await.unwrap();
    assert_eq!(
        other.status, 200,
        "who comes while the balancer has not looked yet is served"
    );

    process.signal("TERM");
    let status = process.ended().await;
    assert_eq!(
        status.code(),
        Some(1),
        "at once, by the second signal: {}",
        process.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_answered_on_sqlite() {
    who_waits_is_answered(DatabaseKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_answered_on_postgres() {
    who_waits_is_answered(DatabaseKind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_ends_well() {
    let world = real_world(DatabaseKind::Sqlite).await;
    // A person at a terminal has no balancer that must look first.
    for (signal, drain) in [("TERM", "0"), ("INT", LONG)] {
        let mut process = Process::start(&world, &[(DRAIN, drain)]).await;
        process.signal(signal);
        let status = process.ended().await;
        assert_eq!(status.code(), Some(0), "{signal}: {}", process.text());
        let last = process.lines().pop().unwrap();
        assert_eq!(last["message"], "the server has stopped", "{signal}");
        assert!(process.door.try_get("/jwks").await.is_err());
    }
}

/// While another process writes to a database that has no tables yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_start_is_stuck_ends_at_the_second_signal() {
    let world = real_world(DatabaseKind::Sqlite).await;
    let database = writ_store::testing::empty(DatabaseKind::Sqlite).await;
    let store = Store::connect(&database.url).await.unwrap();
    let _writing = store.begin(DEFAULT_TENANT).await.unwrap();
    let more = [("DATABASE__URL", database.url.as_str()), (DRAIN, LONG)];
    let mut process = StuckProcess::start(&world, &more);
    until(async || store.is_served().await.unwrap()).await;
    // Two of one kind may be one.
    process.signal("TERM");
    process.signal("INT");
    let (status, said) = process.ended().await;
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("a second signal came"), "{said}");
}
