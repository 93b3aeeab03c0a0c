//! A node that is killed (SIGKILL) at random moments while codes are redeemed, tokens refreshed and exchanged, and approvals given: nothing
//! that was answered is lost, and nothing happens twice. The moments come from the world's seed, and are printed.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use writ_testkit::{DatabaseKind, TestReply, World};

use super::cluster;
use super::killed_work::{Players, Work};
use crate::process::Process;

/// How often the node is killed, unless `WRIT_FAULT_ROUNDS` says otherwise.
const ROUNDS: u32 = 3;
/// Codes, refresh tokens and exchanges that are under way when it happens, beside an approval and a poll for one.
const OF_EACH: usize = 3;
/// It happens within so many milliseconds after some of the answers. How many is drawn too: whatever the machine's speed, some are
/// answered and others not.
const WITHIN: u8 = 64;

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
    all.push(players.poll().await);
    all.push(players.approval().await);
    all
}

/// Requests that are under way.
struct UnderWay {
    answers: Vec<JoinHandle<Option<TestReply>>>,
    /// A word for each that is over.
    over: mpsc::UnboundedReceiver<()>,
}

impl UnderWay {
    /// Starts all of them at once.
    fn begin(process: &Process, work: &[Work]) -> Self {
        let (over_to, over) = mpsc::unbounded_channel();
        let begin = |one: &Work| {
            let (door, request) = (process.door.clone(), one.request.clone());
            let over_to = over_to.clone();
            tokio::spawn(async move {
                let answer = door.try_send(&request).await.ok();
                let _ = over_to.send(());
                answer
            })
        };
        let answers = work.iter().map(begin).collect();
        Self { answers, over }
    }

    async fn until_over(&mut self, count: usize) {
        for _ in 0..count {
            self.over.recv().await.unwrap();
        }
    }

    async fn answers(self) -> Vec<Option<TestReply>> {
        let mut answers = Vec::new();
        for one in self.answers {
            answers.push(one.await.unwrap());
        }
        answers
    }
}

async fn killed_at_random(kind: DatabaseKind) {
    let mut players = Players::of(World::configured(kind, SETTINGS).await).await;
    let (mut told, mut untold) = (0, 0);
    for round in 0..rounds() {
        let mut process = Process::start(&players.world, SETTINGS).await;
        let work = work(&mut players).await;
        let [count, moment] = players.world.random.bytes::<2>();
        let (count, moment) = (usize::from(count) % work.len(), moment % WITHIN);
        let mut under_way = UnderWay::begin(&process, &work);
        under_way.until_over(count).await;
        tokio::time::sleep(Duration::from_millis(moment.into())).await;
        process.signal("KILL");
        process.ended().await;
        println!("round {round}: killed {moment} ms after answer {count}");
        let answers = under_way.answers().await;
        let after = Process::start(&players.world, SETTINGS).await;
        for (one, answer) in work.iter().zip(&answers) {
            let answer = answer.as_ref();
            match answer.filter(|answer| Players::is_done(one, answer)) {
                Some(_) => told += 1,
                None => untold += 1,
            }
            players.settle(one, answer, &after.door).await;
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
