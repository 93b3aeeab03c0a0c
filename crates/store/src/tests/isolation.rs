//! What a transaction sees of others.

use crate::CommitIsolation;
use crate::testing::DatabaseKind;
use crate::tests::world::{NOW, TENANT, planner, world};

on_both! { a_read_sees_only_what_is_committed, }

async fn a_read_sees_only_what_is_committed(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut reading = database.store.read(TENANT).await.unwrap();
    let mut writing = database.store.begin(TENANT).await.unwrap();
    assert!(writing.stop_client(&planner(), NOW).await.unwrap());
    assert!(!reading.client(&planner()).await.unwrap().unwrap().stopped);
    let committed = writing.commit_reporting_isolation().await.unwrap();
    assert!(reading.client(&planner()).await.unwrap().unwrap().stopped);
    reading.commit().await.unwrap();
    let expected = match kind {
        DatabaseKind::Sqlite => CommitIsolation::Serial,
        DatabaseKind::Postgres => CommitIsolation::Interleaved,
    };
    assert_eq!(committed, expected);
}
