//! Locks for counting prompts: no two transactions take the same last place, and there is no deadlock.

use writ_core::id::ClientId;

use crate::Store;
use crate::sweep::KEPT_AFTER_EXPIRY;
use crate::testing::DatabaseKind;
use crate::tests::races::race;
use crate::tests::waiting::{INSTANT, of};
use crate::tests::world::{NOW, RACERS, TENANT, planner, wins, world};

on_both! {
    two_people_and_two_clients_crosswise,
    a_sweep_in_between_lets_nobody_slip_by,
    unused_locks_are_deleted,
}

row! { SumRow { asked: i64 } }

/// Each question is counted once for its person and once for its client.
async fn asked(store: &Store) -> i64 {
    let mut transaction = store.read(TENANT).await.unwrap();
    let sql = "SELECT COALESCE(CAST(SUM(asked) AS BIGINT), 0) AS asked FROM prompt_guards";
    optional!(transaction, SumRow, sql).unwrap().unwrap().asked
}

async fn two_people_and_two_clients_crosswise(kind: DatabaseKind) {
    let database = world(kind).await;
    let done = race!(database, transaction, place => {
        let person = of(["alice", "olga"][place % 2]);
        let client = ClientId::from_text(["agt_planner", "agt_booker"][place / 2 % 2]);
        transaction.guard_prompts(Some(&person), &client, NOW).await.unwrap();
        true
    });
    assert_eq!(done, RACERS);
    assert_eq!(asked(&database.store).await, 2 * RACERS as i64);
    let done = race!(database, transaction, _ => {
        transaction.guard_prompts(None, &planner(), NOW).await.unwrap();
        true
    });
    assert_eq!(done, RACERS);
    assert_eq!(asked(&database.store).await, 3 * RACERS as i64);
}

const COUNT: &str = "SELECT COUNT(*) AS asked FROM replays";
const ROOM: &str = "INSERT INTO replays (tenant, digest, expires_at) VALUES ($1, $2, $3)";

/// Ten have room. The sweeps believe that every guard is old.
async fn a_sweep_in_between_lets_nobody_slip_by(kind: DatabaseKind) {
    let database = world(kind).await;
    let sweeps = async {
        let late = NOW.plus(KEPT_AFTER_EXPIRY);
        for _ in 0..20 {
            database.store.sweep(late, 10).await.unwrap();
        }
    };
    let forever = i64::MAX;
    let asking = async {
        race!(database, transaction, place => {
            transaction.guard_prompts(Some(&of("alice")), &planner(), NOW).await.unwrap();
            let found = optional!(transaction, SumRow, COUNT).unwrap().unwrap().asked;
            if found < 10 {
                let digest = place.to_string();
                execute!(transaction, ROOM, TENANT, &digest, forever).unwrap();
            }
            found < 10
        })
    };
    let (let_in, ()) = tokio::join!(asking, sweeps);
    assert_eq!(let_in, 10);
}

async fn unused_locks_are_deleted(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let mut transaction = store.begin(TENANT).await.unwrap();
    for name in ["alice", "olga", "bob"] {
        let (person, client) = (of(name), planner());
        let guarded = transaction.guard_prompts(Some(&person), &client, NOW).await;
        guarded.unwrap();
    }
    transaction.commit().await.unwrap();
    let late = NOW.plus(KEPT_AFTER_EXPIRY);
    assert_eq!(store.sweep(late.minus(INSTANT), 100).await.unwrap(), 0);
    assert_eq!(store.sweep(late, 3).await.unwrap(), 3);
    assert_eq!(store.sweep(late, 3).await.unwrap(), 1);
    assert_eq!(store.sweep(late, 3).await.unwrap(), 0);
}
