//! Work that one node does at a time.

use crate::Store;
use crate::clock::APART;
use crate::lease::Lease;
use crate::testing::DatabaseKind;
use crate::tests::waiting::INSTANT;
use crate::tests::world::{HOUR, NOW, RACERS, TENANT, wins, world};
use writ_wire::time::Timestamp;

on_both! {
    a_lease_is_one_nodes_until_it_ends_or_is_given_back,
    of_many_nodes_one_gets_the_lease,
    a_lease_of_a_clock_that_is_too_far_ahead_is_nobodys,
}

const fn of(holder: &str) -> Lease<'_> {
    Lease {
        name: "work",
        holder,
        length: HOUR,
    }
}

/// For an hour.
async fn takes(store: &Store, holder: &str, now: Timestamp) -> bool {
    let mut transaction = store.begin(TENANT).await.unwrap();
    let taken = transaction.take_lease(of(holder), now).await.unwrap();
    transaction.commit().await.unwrap();
    taken
}

async fn a_lease_is_one_nodes_until_it_ends_or_is_given_back(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    assert!(takes(store, "a", NOW).await);
    assert!(!takes(store, "b", NOW).await);
    let end = NOW.plus(HOUR);
    assert!(
        takes(store, "a", end.minus(INSTANT)).await,
        "its own is renewed"
    );
    assert!(!takes(store, "b", end).await, "it was renewed");
    let end = end.minus(INSTANT).plus(HOUR);
    assert!(takes(store, "b", end).await, "it ended");
    let mut transaction = store.begin(TENANT).await.unwrap();
    transaction.give_lease_back(of("a"), end).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(!takes(store, "a", end).await, "it was not a's to give back");
    let mut transaction = store.begin(TENANT).await.unwrap();
    transaction.give_lease_back(of("b"), end).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(takes(store, "a", end).await);
}

async fn a_lease_of_a_clock_that_is_too_far_ahead_is_nobodys(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let ahead = NOW.plus(APART);
    assert!(takes(store, "a", ahead).await);
    assert!(!takes(store, "b", NOW).await, "both clocks may be right");
    assert!(takes(store, "a", ahead.plus(INSTANT)).await);
    assert!(takes(store, "b", NOW).await);
    assert!(!takes(store, "c", NOW).await, "it is b's now");
}

async fn of_many_nodes_one_gets_the_lease(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = database.store.clone();
    let won = wins(move |place| {
        let store = store.clone();
        async move { takes(&store, &format!("node {place}"), NOW).await }
    });
    assert_eq!(won.await, 1, "of {RACERS}");
}
