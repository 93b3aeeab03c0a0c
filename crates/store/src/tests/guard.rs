//! Who counts prompts has them alone: no two transactions find room for the same last one, and none waits in a circle.

use writ_core::id::ClientId;

use crate::Store;
use crate::sweep::KEPT_AFTER_EXPIRY;
use crate::testing::Kind;
use crate::tests::races::race;
use crate::tests::waiting::{INSTANT, of};
use crate::tests::world::{NOW, RACERS, TENANT, planner, wins, world};

on_both! {
    promise_10_two_people_and_two_clients_crosswise,
    promise_10_a_sweep_in_between_lets_nobody_slip_by,
    promise_10_guards_that_nobody_uses_leave,
}

row! { SumRow { asked: i64 } }

/// Each question is counted once for its person and once for its client.
async fn asked(store: &Store) -> i64 {
    let mut session = store.read(TENANT).await.unwrap();
    let sql = "SELECT COALESCE(CAST(SUM(asked) AS BIGINT), 0) AS asked FROM prompt_guards";
    optional!(session, SumRow, sql).unwrap().unwrap().asked
}

async fn promise_10_two_people_and_two_clients_crosswise(kind: Kind) {
    let database = world(kind).await;
    let done = race!(database, session, place => {
        let person = of(["alice", "olga"][place % 2]);
        let client = ClientId::from_text(["agt_planner", "agt_booker"][place / 2 % 2]);
        session.guard_prompts(Some(&person), &client, NOW).await.unwrap();
        true
    });
    assert_eq!(done, RACERS);
    assert_eq!(asked(&database.store).await, 2 * RACERS as i64);
    let done = race!(database, session, _ => {
        session.guard_prompts(None, &planner(), NOW).await.unwrap();
        true
    });
    assert_eq!(done, RACERS);
    assert_eq!(asked(&database.store).await, 3 * RACERS as i64);
}

const COUNT: &str = "SELECT COUNT(*) AS asked FROM replays";
const ROOM: &str = "INSERT INTO replays (tenant, digest, expires_at) VALUES ($1, $2, $3)";

/// Ten have room. The sweeps believe that every guard is old.
async fn promise_10_a_sweep_in_between_lets_nobody_slip_by(kind: Kind) {
    let database = world(kind).await;
    let sweeps = async {
        let late = NOW.plus(KEPT_AFTER_EXPIRY);
        for _ in 0..20 {
            database.store.sweep(late, 10).await.unwrap();
        }
    };
    let forever = i64::MAX;
    let asking = async {
        race!(database, session, place => {
            session.guard_prompts(Some(&of("alice")), &planner(), NOW).await.unwrap();
            let found = optional!(session, SumRow, COUNT).unwrap().unwrap().asked;
            if found < 10 {
                let digest = place.to_string();
                execute!(session, ROOM, TENANT, &digest, forever).unwrap();
            }
            found < 10
        })
    };
    let (let_in, ()) = tokio::join!(asking, sweeps);
    assert_eq!(let_in, 10);
}

async fn promise_10_guards_that_nobody_uses_leave(kind: Kind) {
    let database = world(kind).await;
    let store = &database.store;
    let mut session = store.begin(TENANT).await.unwrap();
    for name in ["alice", "olga", "bob"] {
        let (person, client) = (of(name), planner());
        let guarded = session.guard_prompts(Some(&person), &client, NOW).await;
        guarded.unwrap();
    }
    session.commit().await.unwrap();
    let late = NOW.plus(KEPT_AFTER_EXPIRY);
    assert_eq!(store.sweep(late.minus(INSTANT), 100).await.unwrap(), 0);
    assert_eq!(store.sweep(late, 3).await.unwrap(), 3);
    assert_eq!(store.sweep(late, 3).await.unwrap(), 1);
    assert_eq!(store.sweep(late, 3).await.unwrap(), 0);
}
