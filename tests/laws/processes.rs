//! The races of `races.rs` over two server processes on one PostgreSQL database, with real HTTP: nodes share nothing but
//! the database. Both answer for one issuer, as behind a load balancer.

use writ_platform::Clock;
use writ_testkit::{Cast, DatabaseKind, NodeClient, World};

use crate::laws::races;
use crate::process::Process;

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
