//! Expired rows are deleted in bounded batches, and nothing else is.

use std::time::Duration;

use crate::Store;
use crate::clock::KEPT_AFTER_ACCEPTANCE;
use crate::replay::ReplayClaim;
use crate::sweep::KEPT_AFTER_EXPIRY;
use crate::testing::DatabaseKind;
use crate::tests::waiting::{self, END, INSTANT};
use crate::tests::world::{HOUR, NOW, TENANT, chain, code, world};

on_both! {
    sweeping_is_bounded_and_takes_only_what_has_ended,
    tasks_and_delegations_leave_a_day_after_their_end,
    what_waited_leaves_a_day_later_and_receipts_stay,
}

async fn claim(store: &Store, digest: String, lifetime: Duration) -> Option<usize> {
    let mut transaction = store.begin(TENANT).await.unwrap();
    let once = ReplayClaim {
        digest,
        expires_at: NOW.plus(lifetime),
    };
    let seen = transaction.claim_once(&[once]).await.unwrap();
    transaction.commit().await.unwrap();
    seen
}

async fn sweeping_is_bounded_and_takes_only_what_has_ended(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    for place in 0..25 {
        assert_eq!(claim(store, format!("old {place}"), HOUR).await, None);
    }
    assert_eq!(claim(store, "young".to_owned(), HOUR * 2).await, None);
    let end = NOW.plus(HOUR).plus(KEPT_AFTER_ACCEPTANCE);
    assert_eq!(store.sweep(end.minus(INSTANT), 10).await.unwrap(), 0);
    let mut batches = Vec::new();
    while batches.last() != Some(&0) {
        batches.push(store.sweep(end, 10).await.unwrap());
    }
    assert_eq!(batches, [10, 10, 5, 0]);
    assert_eq!(claim(store, "young".to_owned(), HOUR * 2).await, Some(0));
    assert_eq!(claim(store, "old 1".to_owned(), HOUR * 2).await, None);
}

async fn tasks_and_delegations_leave_a_day_after_their_end(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let rows = chain(store, "t", 4).await;
    let mut transaction = store.begin(TENANT).await.unwrap();
    transaction
        .insert_code(&code("c", &rows[0].id))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let end = NOW.plus(HOUR).plus(KEPT_AFTER_EXPIRY);
    // The code ended earlier.
    assert_eq!(store.sweep(end.minus(INSTANT), 100).await.unwrap(), 1);
    let mut transaction = store.read(TENANT).await.unwrap();
    assert!(transaction.lineage(&rows[3].id).await.unwrap().is_some());
    drop(transaction);
    // A task stays while a row hangs from it.
    assert_eq!(store.sweep(end, 3).await.unwrap(), 3);
    let mut transaction = store.read(TENANT).await.unwrap();
    assert!(transaction.task(&rows[0].task).await.unwrap().is_some());
    drop(transaction);
    assert_eq!(store.sweep(end, 3).await.unwrap(), 2);
    assert_eq!(store.sweep(end, 3).await.unwrap(), 0);
    let mut transaction = store.read(TENANT).await.unwrap();
    assert!(transaction.task(&rows[0].task).await.unwrap().is_none());
    assert!(
        transaction
            .delegations_of(&rows[0].task)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn what_waited_leaves_a_day_later_and_receipts_stay(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let mut transaction = store.begin(TENANT).await.unwrap();
    waiting::fill(&mut transaction).await;
    transaction.commit().await.unwrap();
    assert_eq!(store.sweep(END.minus(INSTANT), 100).await.unwrap(), 0);
    // The ceremony and the notice.
    assert_eq!(store.sweep(END, 100).await.unwrap(), 2);
    let late = END.plus(KEPT_AFTER_EXPIRY);
    assert_eq!(store.sweep(late.minus(INSTANT), 100).await.unwrap(), 0);
    // Two requests, and of one of them an approver, a screen and a vote.
    assert_eq!(store.sweep(late, 1).await.unwrap(), 4);
    assert_eq!(store.sweep(late, 1).await.unwrap(), 1);
    assert_eq!(store.sweep(late, 1).await.unwrap(), 0);
    let mut transaction = store.read(TENANT).await.unwrap();
    let (first, alice) = (waiting::id("1"), waiting::of("alice"));
    assert!(transaction.pending_by_id(&first).await.unwrap().is_none());
    assert!(transaction.votes(&first).await.unwrap().is_empty());
    assert!(transaction.screen(&first, &alice).await.unwrap().is_none());
    assert_eq!(
        transaction.receipts_of_request(&first).await.unwrap().len(),
        1
    );
    assert_eq!(transaction.passkeys_of(&alice).await.unwrap().len(), 1);
    assert!(transaction.settings(&alice).await.unwrap().is_some());
    assert_eq!(transaction.subscriptions_of(&alice).await.unwrap().len(), 1);
    drop(transaction);
    assert!(!database.dump().await.contains("pending_"));
}
