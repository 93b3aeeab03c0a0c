//! What may be shown once (LESSONS 20, 22, 26): one statement claims one, two or three, and tells which was seen.

use std::time::Duration;

use crate::Store;
use crate::StoreError;
use crate::replay::{MAX_CLAIMS, Once};
use crate::testing::Kind;
use crate::tests::world::{NOW, RACERS, TENANT, wins, world};

on_both! {
    lessons_22_fresh_claims_are_taken_and_seen_ones_named,
    lessons_22_a_refused_request_takes_nothing,
    lessons_22_fifty_at_once_one_wins,
    lessons_22_the_same_claims_in_other_orders_do_not_wait_for_each_other,
    lessons_26_claims_outlive_the_process,
}

fn once(digest: &str) -> Once {
    Once {
        digest: digest.to_owned(),
        expires_at: NOW.plus(Duration::from_secs(60)),
    }
}

/// Claims and commits, or rolls back as callers do.
async fn claim(store: &Store, digests: &[&str]) -> Option<usize> {
    let claims: Vec<Once> = digests.iter().map(|digest| once(digest)).collect();
    let mut session = store.begin(TENANT).await.unwrap();
    let seen = session.claim_once(&claims).await.unwrap();
    if seen.is_none() {
        session.commit().await.unwrap();
    }
    seen
}

async fn lessons_22_fresh_claims_are_taken_and_seen_ones_named(kind: Kind) {
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
    let four: Vec<Once> = ["1", "2", "3", "4"].map(once).into();
    let mut session = store.begin(TENANT).await.unwrap();
    let refused = session.claim_once(&four).await;
    assert!(matches!(
        refused,
        Err(StoreError::TooMany {
            most: MAX_CLAIMS,
            ..
        })
    ));
}

async fn lessons_22_a_refused_request_takes_nothing(kind: Kind) {
    let database = world(kind).await;
    assert_eq!(claim(&database.store, &["a"]).await, None);
    assert_eq!(claim(&database.store, &["b", "a"]).await, Some(1));
    assert_eq!(claim(&database.store, &["b"]).await, None);
}

async fn lessons_22_fifty_at_once_one_wins(kind: Kind) {
    let database = world(kind).await;
    let won = wins(|_| {
        let store = database.store.clone();
        async move { claim(&store, &["a", "b", "c"]).await.is_none() }
    });
    assert_eq!(won.await, 1);
}

async fn lessons_22_the_same_claims_in_other_orders_do_not_wait_for_each_other(kind: Kind) {
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

async fn lessons_26_claims_outlive_the_process(kind: Kind) {
    let database = world(kind).await;
    assert_eq!(claim(&database.store, &["a"]).await, None);
    let another = Store::connect(&database.url).await.unwrap();
    assert_eq!(claim(&another, &["a"]).await, Some(0));
    another.close().await;
}
