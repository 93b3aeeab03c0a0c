//! A log that nobody reads: the pipe is full, and the server goes on and ends as ever.

use writ_platform::Clock;
use writ_testkit::{DatabaseKind, World};

use crate::process::UnreadProcess;

const DRAIN: &str = "SERVER__DRAIN_SECONDS";
/// Each has a line of more than 200 bytes; a pipe holds 65,536.
const REQUESTS: u32 = 500;

async fn with_a_full_pipe(world: &World, drain: &str) -> UnreadProcess {
    let process = UnreadProcess::start(world, &[(DRAIN, drain)]).await;
    for number in 0..REQUESTS {
        let answer = process.door.try_get("/jwks").await;
        assert_eq!(answer.unwrap().status, 200, "request {number}");
    }
    process
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_log_nobody_reads_answers_and_ends() {
    let world = World::new(DatabaseKind::Sqlite).await;
    world.clock.set(Clock::System.now());
    let mut process = with_a_full_pipe(&world, "0").await;
    process.signal("TERM");
    assert_eq!(process.ended().await.code(), Some(0), "in order");

    let mut process = with_a_full_pipe(&world, "60").await;
    // Two of one kind may be one.
    process.signal("TERM");
    process.signal("INT");
    let status = process.ended().await;
    assert_eq!(status.code(), Some(1), "at once, by the second signal");
}
