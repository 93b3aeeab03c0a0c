//! A node that is killed (SIGKILL) at random moments while codes are redeemed, tokens refreshed and exchanged, and approvals given: nothing
//! that was answered is lost, and nothing happens twice. The moments come from a seed that is printed.

use std::time::Duration;

use tokio::task::JoinHandle;
use writ_testkit::{DatabaseKind, TestReply, World};

use super::cluster;
use super::killed_work::{Players, Work};
use crate::process::Process;

/// How often the node is killed, unless `WRIT_FAULT_ROUNDS` says otherwise.
const ROUNDS: u32 = 4;
/// Codes, refresh tokens and exchanges that are under way when it happens, beside one approval.
const OF_EACH: usize = 3;
/// It happens within so many milliseconds of their beginning.
const WITHIN: u16 = 250;

/// However many rounds there are.
const SETTINGS: &[(&str, &str)] = &[
    ("PROMPTS__PER_PERSON", "1000000"),
    ("PROMPTS__PER_AGENT", "1000000"),
    ("PROMPTS__PER_PAIR", "1000000"),
];

fn rounds() -> u32 {
    let said = std::env::var("WRIT_FAULT_ROUNDS").ok();
    said.map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

async fn work(players: &mut Players) -> Vec<Work> {
    let mut all = Vec::new();
    for _ in 0..OF_EACH {
        all.push(players.code().await);
        all.push(players.refresh().await);
        all.push(players.exchange().await);
    }
    // The same question twice would take the place of the first.
    all.push(players.approval().await);
    all
}

/// Starts all of them at once.
fn begin(process: &Process, work: &[Work]) -> Vec<JoinHandle<Option<TestReply>>> {
    let begin = |one: &Work| {
        let (door, request) = (process.door.clone(), one.request.clone());
        tokio::spawn(async move { door.try_send(&request).await.ok() })
    };
    work.iter().map(begin).collect()
}

async fn killed_at_random(kind: DatabaseKind) {
    let mut players = Players::of(World::configured(kind, SETTINGS).await).await;
    let (mut told, mut untold) = (0, 0);
    for round in 0..rounds() {
        let work = work(&mut players).await;
        let mut process = Process::start(&players.world, SETTINGS).await;
        let under_way = begin(&process, &work);
        let moment = u16::from_be_bytes(players.world.random.bytes::<2>()) % WITHIN;
        tokio::time::sleep(Duration::from_millis(moment.into())).await;
        process.signal("KILL");
        process.ended().await;
        println!("round {round}: killed after {moment} ms");
        let mut answers = Vec::new();
        for one in under_way {
            answers.push(one.await.unwrap());
        }
        let after = Process::start(&players.world, SETTINGS).await;
        for (one, answer) in work.iter().zip(&answers) {
            match answer
                .as_ref()
                .filter(|answer| Players::is_done(one, answer))
            {
                Some(_) => told += 1,
                None => untold += 1,
            }
            players.settle(one, answer.as_ref(), &after.door).await;
        }
    }
    println!("{told} requests were answered before the node was killed, {untold} were not");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_on_sqlite() {
    killed_at_random(DatabaseKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_on_postgres() {
    let _turn = cluster::turn().await;
    killed_at_random(DatabaseKind::Postgres).await;
}
