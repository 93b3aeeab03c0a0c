//! Queued requests share one commit, and each is still atomic, isolated and durable before its answer.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::group_commit::MAX_GROUP;
use crate::pool::ConnectionPool;
use crate::store::{Database, DatabaseConnection};
use crate::testing::{DatabaseKind, PATIENT, TestDatabase};
use crate::tests::world::{NOW, TENANT, user, world};
use crate::{CommitIsolation, DatabaseTransaction, Deadlines, Result, Store, StoreError};

on_both! {
    nothing_is_committed_after_a_failed_statement,
    many_at_once_are_all_committed,
}

/// A store whose first request has written `anna` and holds the only connection.
struct Scene {
    database: TestDatabase,
    first: DatabaseTransaction,
}

async fn scene() -> Scene {
    let database = world(DatabaseKind::Sqlite).await;
    let mut first = database.store.begin(TENANT).await.unwrap();
    add(&mut first, "anna").await;
    Scene { database, first }
}

async fn add(transaction: &mut DatabaseTransaction, name: &str) {
    let added = transaction
        .insert_user(&user(name), "argon2id...", NOW)
        .await;
    assert!(added.unwrap());
}

async fn exists(store: &Store, name: &str) -> bool {
    let mut transaction = store.read(TENANT).await.unwrap();
    transaction.user_by_name(name).await.unwrap().is_some()
}

fn writer(store: &Store) -> &ConnectionPool<sqlx::Sqlite> {
    match &store.database {
        Database::Sqlite { writer, .. } => writer,
        Database::Postgres(_) => panic!("SQLite only"),
    }
}

/// A request that waits in line; when this returns, it does.
async fn queued<F, R, T>(store: &Store, request: F) -> JoinHandle<T>
where
    F: FnOnce(DatabaseTransaction) -> R + Send + 'static,
    R: Future<Output = T> + Send,
    T: Send + 'static,
{
    let (own, before) = (store.clone(), writer(store).queued());
    let waiting = tokio::spawn(async move {
        let transaction = own.begin(TENANT).await.unwrap();
        request(transaction).await
    });
    until(|| writer(store).queued() > before).await;
    waiting
}

/// Yields until it is so.
async fn until(condition: impl Fn() -> bool) {
    let waits = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waits)
        .await
        .unwrap();
}

#[tokio::test]
async fn who_waits_in_line_writes_in_the_same_transaction() {
    let Scene { database, first } = scene().await;
    let store = database.store.clone();
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let second = queued(&store, async move |mut transaction: DatabaseTransaction| {
        add(&mut transaction, "bert").await;
        gone.await.unwrap();
        transaction.commit_reporting_isolation().await
    })
    .await;
    let answer = tokio::spawn(first.commit_reporting_isolation());
    until(|| writer(&store).queued() == 0).await;
    assert!(!exists(&store, "anna").await, "nothing is visible yet");
    assert!(!answer.is_finished(), "and nobody was answered");
    go.send(()).unwrap();
    assert_eq!(second.await.unwrap().unwrap(), CommitIsolation::Serial);
    assert_eq!(answer.await.unwrap().unwrap(), CommitIsolation::Interleaved);
    assert!(exists(&store, "anna").await && exists(&store, "bert").await);
}

#[tokio::test]
async fn a_refusal_rolls_back_alone() {
    let Scene { database, first } = scene().await;
    let store = &database.store;
    let refused = queued(store, async |mut transaction: DatabaseTransaction| {
        add(&mut transaction, "bert").await;
    })
    .await;
    let third = queued(store, async |mut transaction: DatabaseTransaction| {
        add(&mut transaction, "cleo").await;
        transaction.commit().await
    })
    .await;
    first.commit().await.unwrap();
    refused.await.unwrap();
    third.await.unwrap().unwrap();
    assert!(exists(store, "anna").await && exists(store, "cleo").await);
    assert!(!exists(store, "bert").await);
}

#[tokio::test]
async fn what_was_seen_by_who_rolled_back_is_seen_again() {
    let Scene { database, first } = scene().await;
    let store = database.store.clone();
    let own = store.clone();
    let second = queued(&store, async move |mut transaction: DatabaseTransaction| {
        assert!(transaction.user_by_name("anna").await.unwrap().is_some());
        drop(transaction);
        exists(&own, "anna").await
    })
    .await;
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let third = queued(&store, async move |transaction: DatabaseTransaction| {
        gone.await.unwrap();
        transaction.commit().await
    })
    .await;
    let answer = tokio::spawn(first.commit());
    until(|| writer(&store).queued() == 0).await;
    assert!(!second.is_finished(), "it waits for what it saw");
    go.send(()).unwrap();
    assert!(second.await.unwrap());
    answer.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_leaves_the_line_keeps_nobody_waiting() {
    let Scene { database, first } = scene().await;
    let store = &database.store;
    let waiting = queued(store, async |transaction: DatabaseTransaction| {
        drop(transaction)
    })
    .await;
    let mut answer = Box::pin(first.commit());
    let left_open = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context).is_pending()));
    assert!(left_open.await, "for the one in line");
    waiting.abort();
    let answer = tokio::time::timeout(Duration::from_secs(20), answer);
    answer.await.unwrap().unwrap();
    assert!(exists(store, "anna").await);
}

#[tokio::test]
async fn who_is_not_there_any_more_to_be_answered_is_committed_all_the_same() {
    let Scene { database, first } = scene().await;
    let store = &database.store;
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let second = queued(store, async move |transaction: DatabaseTransaction| {
        gone.await.unwrap();
        drop(transaction);
    })
    .await;
    let answer = tokio::spawn(first.commit());
    until(|| writer(store).queued() == 0).await;
    answer.abort();
    go.send(()).unwrap();
    second.await.unwrap();
    let mut next = store.begin(TENANT).await.unwrap();
    add(&mut next, "cleo").await;
    next.commit().await.unwrap();
    assert!(exists(store, "anna").await && exists(store, "cleo").await);
}

/// As after a full disk: SQLite may roll back the whole transaction by itself.
#[tokio::test]
async fn who_waits_for_the_commit_of_others_waits_no_longer_than_for_its_own() {
    let database = world(DatabaseKind::Sqlite).await;
    let deadlines = Deadlines {
        statement: Duration::from_millis(600),
        ..PATIENT
    };
    let store = Store::connect_within(&database.url, deadlines).await;
    let store = store.unwrap();
    let mut first = store.begin(TENANT).await.unwrap();
    add(&mut first, "anna").await;
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let second = queued(&store, |second| async move {
        let _ = ended.await;
        drop(second);
    })
    .await;
    let error = first.commit().await.unwrap_err();
    assert!(error.leaves_commit_in_doubt(), "{error:?}");
    drop(end);
    second.await.unwrap();
    assert!(exists(&store, "anna").await);
}

#[tokio::test]
async fn a_transaction_that_is_lost_is_lost_for_all_of_it() {
    let Scene { database, first } = scene().await;
    let store = &database.store;
    let second = queued(store, async |mut transaction: DatabaseTransaction| {
        add(&mut transaction, "bert").await;
        let DatabaseConnection::Sqlite(pooled) = &mut transaction.connection else {
            panic!("SQLite only");
        };
        let (connection, _) = pooled.for_statement().unwrap();
        let rolled_back = sqlx::query("ROLLBACK").execute(connection).await;
        pooled.statement_ended(rolled_back).unwrap();
        transaction.commit().await
    })
    .await;
    let answer = first.commit().await;
    assert!(
        matches!(&answer, Err(StoreError::SharedCommit(cause)) if cause.contains("no transaction")),
        "{answer:?}"
    );
    second.await.unwrap().unwrap_err();
    assert!(!exists(store, "anna").await && !exists(store, "bert").await);
    let mut next = store.begin(TENANT).await.unwrap();
    add(&mut next, "cleo").await;
    next.commit().await.unwrap();
    assert!(exists(store, "cleo").await, "and the store goes on");
}

async fn nothing_is_committed_after_a_failed_statement(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    add(&mut transaction, "anna").await;
    let failed: Result<u64> = execute!(transaction, "INSERT INTO nowhere (name) VALUES ($1)", "x");
    failed.unwrap_err();
    let committed = transaction.commit().await;
    assert!(matches!(committed, Err(StoreError::NotCommitted)));
    assert!(!exists(&database.store, "anna").await);
}

async fn many_at_once_are_all_committed(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = Arc::new(database.store.clone());
    let names: Vec<String> = (0..3 * MAX_GROUP).map(|n| format!("p{n}")).collect();
    let writing: Vec<_> = names
        .iter()
        .cloned()
        .map(|name| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut transaction = store.begin(TENANT).await.unwrap();
                add(&mut transaction, &name).await;
                transaction.commit().await.unwrap();
                assert!(exists(&store, &name).await, "what was answered is visible");
            })
        })
        .collect();
    for one in writing {
        one.await.unwrap();
    }
}
