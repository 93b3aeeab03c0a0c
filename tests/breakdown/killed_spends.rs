//! Twenty agents spend one budget at two resource servers and two nodes, one of which is killed (SIGKILL) in between: whoever got no
//! answer asks the other node again with the same key. Never overspent, and what was answered is what is recorded. On PostgreSQL: a SQLite
//! file takes one server (docs/storage.md).

use http::Method;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use writ_platform::Clock;
use writ_testkit::{Cast, DatabaseKind, EVALUATION, NodeClient, World};

use super::cluster;
use crate::client::access_spenders::{AGENTS, Spenders};
use crate::process::Process;

/// Decisions, unless `WRIT_FAULT_SPENDS` says otherwise.
const SPENDS: usize = 400;
/// After so many the tokens are renewed. A node is killed within each batch.
const BATCH: usize = 4000;
/// How often one run of a handler asks: the nodes may be busy, or one of them gone.
const TRIES: usize = 40;

fn spends() -> usize {
    let said = std::env::var("WRIT_FAULT_SPENDS").ok();
    said.map_or(SPENDS, |spends| spends.parse().unwrap())
}

/// What one agent sends, again and again.
struct Spender {
    doors: [NodeClient; 2],
    authorization: String,
    body: String,
    calls: u32,
    keys: Vec<String>,
}

impl Spender {
    /// What it was permitted; a word for each answer.
    async fn spend(self, over: mpsc::UnboundedSender<()>) -> u32 {
        let mut taken = 0;
        for (run, key) in self.keys.iter().enumerate() {
            let answer = self.decided(run, key).await;
            match answer["decision"].as_bool().unwrap() {
                true => taken += self.calls,
                false => assert_eq!(answer["context"]["reason"], "budget_exceeded", "{answer}"),
            }
            let _ = over.send(());
        }
        taken
    }

    async fn decided(&self, run: usize, key: &str) -> Value {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("idempotency-key", key),
        ];
        let doors = self.doors.iter().cycle().skip(run);
        for door in doors.take(TRIES) {
            let body = self.body.clone();
            let sent = door.try_send_json(Method::POST, EVALUATION, &headers, body);
            match sent.await {
                Ok(reply) if reply.status == 200 => return reply.json(),
                Ok(reply) => assert_eq!(reply.status, 503, "{}", reply.text()),
                Err(_) => tokio::task::yield_now().await,
            }
        }
        panic!("no answer from either node");
    }
}

async fn one_batch(
    world: &World,
    spenders: &Spenders,
    nodes: &mut [Process; 2],
    count: usize,
) -> u32 {
    let (over, mut answered) = mpsc::unbounded_channel();
    let mut running = JoinSet::new();
    for place in 0..AGENTS {
        let calls = spenders.wants(place);
        let spender = Spender {
            doors: [nodes[0].door.clone(), nodes[1].door.clone()],
            authorization: spenders.server(place, world.door()).authorization,
            body: spenders.call(world, place, calls).to_string(),
            calls,
            keys: (0..count / AGENTS)
                .map(|_| world.random.identifier())
                .collect(),
        };
        running.spawn(spender.spend(over.clone()));
    }
    drop(over);
    let [killed, moment] = world.random.bytes::<2>();
    let killed = usize::from(killed) % 2;
    for _ in 0..count * usize::from(moment) / 256 {
        answered.recv().await;
    }
    nodes[killed].signal("KILL");
    nodes[killed].ended().await;
    let taken = running.join_all().await.into_iter().sum();
    nodes[killed] = Process::start(world, &[]).await;
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_spent_while_nodes_are_killed() {
    let _turn = cluster::turn().await;
    let world = World::new(DatabaseKind::Postgres).await;
    world.clock.set(Clock::System.now());
    let cast = Cast::of(&world).await;
    let count = spends();
    // The wishes are two calls each on average.
    let budget = u32::try_from(count * 3 / 2).unwrap();
    let mut spenders = Spenders::of(&world, &cast, budget).await;
    let mut nodes = [
        Process::start(&world, &[]).await,
        Process::start(&world, &[]).await,
    ];
    let (mut taken, mut left) = (0, count);
    while left > 0 {
        let now = left.min(BATCH);
        taken += one_batch(&world, &spenders, &mut nodes, now).await;
        left -= now;
        world.clock.set(Clock::System.now());
        spenders.renew(&world, &cast).await;
    }
    println!("{taken} of {budget} were spent by {count} decisions");
    assert!(
        (budget - 2..=budget).contains(&taken),
        "{taken} of {budget}"
    );
    assert_eq!(spenders.recorded(&world).await, taken, "the record");
    assert_eq!(spenders.spent(&world).await, taken.to_string(), "the row");
}
