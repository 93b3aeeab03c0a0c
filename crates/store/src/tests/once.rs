//! Replay claims: one statement claims one, two or three, and tells which was used before.

use std::time::Duration;

use crate::Store;
use crate::StoreError;
use crate::replay::{MAX_CLAIMS, ReplayClaim};
use crate::testing::DatabaseKind;
use crate::tests::world::{NOW, RACERS, TENANT, wins, world};

on_both! {
    new_claims_are_taken_and_used_ones_named,
    a_refused_request_claims_nothing,
    of_fifty_claims_at_once_one_wins,
    the_same_claims_in_other_orders_do_not_deadlock,
    claims_outlive_the_process,
}

fn once(digest: &str) -> ReplayClaim {
    ReplayClaim {
        digest: digest.to_owned(),
        expires_at: NOW.plus(Duration::from_secs(60)),
    }
}

/// Claims and commits, or rolls back as callers do.
async fn claim(store: &Store, digests: &[&str]) -> Option<usize> {
    let claims: Vec<ReplayClaim> = digests.iter().map(|digest| once(digest)).collect();
    let mut transaction = store.begin(TENANT).await.unwrap();
    let seen = transaction.claim_once(&claims).await.unwrap();
    if seen.is_none() {
        transaction.commit().await.unwrap();
    }
    seen
}

async fn new_claims_are_taken_and_used_ones_named(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    assert_eq!(claim(store, &[]).await, None);
    assert_eq!(claim(store, &["a"]).await, None);
    assert_eq!(claim(store, &["a"]).await, Some(0));
    assert_eq!(claim(store, &["c", "b"]).await, None);
    assert_eq!(claim(store, &["z", "b"]).await, Some(1));
    assert_eq!(claim(store, &["f", "e", "d"]).await, None);
    assert_eq!(claim(store, &["y", "x", "f"]).await, Some(2));
    assert_eq!(claim(store, &["a", "b", "c"]).await, Some(0));
    assert_eq!(claim(store, &["w", "w"]).await, Some(1));
    let four: Vec<ReplayClaim> = ["1", "2", "3", "4"].map(once).into();
    let mut transaction = store.begin(TENANT).await.unwrap();
    let refused = transaction.claim_once(&four).await;
    assert!(matches!(
        refused,
        Err(StoreError::TooMany {
            most: MAX_CLAIMS,
            ..
        })
    ));
}

async fn a_refused_request_claims_nothing(kind: DatabaseKind) {
    let database = world(kind).await;
    assert_eq!(claim(&database.store, &["a"]).await, None);
    assert_eq!(claim(&database.store, &["b", "a"]).await, Some(1));
    assert_eq!(claim(&database.store, &["b"]).await, None);
}

async fn of_fifty_claims_at_once_one_wins(kind: DatabaseKind) {
    let database = world(kind).await;
    let won = wins(|_| {
        let store = database.store.clone();
        async move { claim(&store, &["a", "b", "c"]).await.is_none() }
    });
    assert_eq!(won.await, 1);
}

async fn the_same_claims_in_other_orders_do_not_deadlock(kind: DatabaseKind) {
    let database = world(kind).await;
    let won = wins(|place| {
        let store = database.store.clone();
        async move {
            let digests = if place % 2 == 0 {
                ["a", "b"]
            } else {
                ["b", "a"]
            };
            claim(&store, &digests).await.is_none()
        }
    });
    assert_eq!(won.await, 1);
    // And each its own: nobody loses.
    let won = wins(|place| {
        let store = database.store.clone();
        async move { claim(&store, &[&format!("own {place}")]).await.is_none() }
    });
    assert_eq!(won.await, RACERS);
}

async fn claims_outlive_the_process(kind: DatabaseKind) {
    let database = world(kind).await;
    assert_eq!(claim(&database.store, &["a"]).await, None);
    let another = Store::connect(&database.url).await.unwrap();
    assert_eq!(claim(&another, &["a"]).await, Some(0));
    another.close().await;
}
