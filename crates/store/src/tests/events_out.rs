//! Events that are due to sinks: each that is written, however it is written and whenever it is committed; and one attempt alone is the first.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use writ_core::event::{Event, EventName};
use writ_core::id::EventId;

use crate::Store;
use crate::stop::{StopEvents, TasksOf};
use crate::testing::DatabaseKind;
use crate::tests::world::{NOW, TENANT, chain, planner, wins, world};

on_both! {
    every_event_that_is_written_is_due_to_each_sink,
    what_is_committed_late_is_not_passed_over,
    one_attempt_alone_is_the_first,
    what_is_given_up_is_of_that_time_or_gone,
    a_sink_that_was_seen_meanwhile_is_not_closed,
}

const SECOND: Duration = Duration::from_secs(1);

fn event(place: u64) -> Event {
    let id = EventId::from_text(format!("evt_{place}"));
    Event::new(
        id,
        NOW.plus(SECOND * u32::try_from(place).unwrap()),
        EventName::TypeChanged,
    )
}

async fn write(store: &Store, events: &[u64]) {
    let mut transaction = store.begin(TENANT).await.unwrap();
    for place in events {
        transaction.insert_event(&event(*place)).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

async fn with_sinks(store: &Store, names: &[&str]) {
    let mut transaction = store.begin(TENANT).await.unwrap();
    for name in names {
        transaction.note_sink(name, NOW).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

async fn due(store: &Store, sink: &str) -> Vec<String> {
    let mut reading = store.read(TENANT).await.unwrap();
    let due = reading.due_events(sink, None, 1000).await.unwrap();
    due.into_iter().map(|event| event.id).collect()
}

async fn end(store: &Store, sink: &str, ids: &[&str]) -> usize {
    let mut transaction = store.begin(TENANT).await.unwrap();
    let ended = transaction.end_sending(sink, ids).await.unwrap();
    transaction.commit().await.unwrap();
    ended
}

async fn every_event_that_is_written_is_due_to_each_sink(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    write(store, &[1]).await;
    with_sinks(store, &["file", "siem"]).await;
    for name in ["a", "b", "c"] {
        chain(store, name, 1).await;
    }
    write(store, &[2]).await;
    // By one statement for all of them.
    let mut transaction = store.begin(TENANT).await.unwrap();
    let id = EventId::from_text("evt_3".to_owned());
    let (client, now, data) = (planner(), NOW.plus(SECOND), "{}");
    let events = StopEvents { id: &id, now, data };
    let stopped = transaction
        .stop_tasks(TasksOf::Client(&client), events)
        .await;
    assert_eq!(stopped.unwrap(), 3);
    transaction.commit().await.unwrap();
    // What is rolled back is due to nobody.
    let mut transaction = store.begin(TENANT).await.unwrap();
    transaction.insert_event(&event(4)).await.unwrap();
    drop(transaction);
    let expected = ["evt_2", "evt_3_tsk_a", "evt_3_tsk_b", "evt_3_tsk_c"];
    for sink in ["file", "siem"] {
        assert_eq!(due(store, sink).await, expected, "{sink}");
    }
    assert_eq!(end(store, "file", &["evt_2", "evt_3_tsk_b"]).await, 2);
    assert_eq!(end(store, "file", &["evt_2"]).await, 0);
    assert_eq!(due(store, "file").await, ["evt_3_tsk_a", "evt_3_tsk_c"]);
    assert_eq!(
        due(store, "siem").await,
        expected,
        "the other is owed all of them"
    );
}

/// SQLite has one writer, so that there an older id is committed behind.
async fn what_is_committed_late_is_not_passed_over(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    with_sinks(store, &["siem"]).await;
    if kind == DatabaseKind::Postgres {
        let mut late = store.begin(TENANT).await.unwrap();
        late.insert_event(&event(1)).await.unwrap();
        write(store, &[2]).await;
        assert_eq!(due(store, "siem").await, ["evt_2"]);
        end(store, "siem", &["evt_2"]).await;
        late.commit().await.unwrap();
    } else {
        write(store, &[2]).await;
        end(store, "siem", &["evt_2"]).await;
        write(store, &[1]).await;
    }
    assert_eq!(due(store, "siem").await, ["evt_1"]);
}

async fn one_attempt_alone_is_the_first(kind: DatabaseKind) {
    let database = world(kind).await;
    with_sinks(&database.store, &["siem"]).await;
    write(&database.store, &[1, 2]).await;
    let store = Arc::new(database.store.clone());
    let first = wins(|_| {
        let store = store.clone();
        async move {
            let mut transaction = store.begin(TENANT).await.unwrap();
            let ids = ["evt_1", "evt_2", "evt_none"];
            let attempts = transaction.begin_sending("siem", &ids).await.unwrap();
            transaction.commit().await.unwrap();
            let known: BTreeSet<&str> = attempts.keys().map(String::as_str).collect();
            assert_eq!(known, BTreeSet::from(["evt_1", "evt_2"]));
            attempts["evt_1"] == 1 && attempts["evt_2"] == 1
        }
    });
    assert_eq!(first.await, 1);
}

const FORGET: &str = "DELETE FROM events WHERE tenant = 'default' AND id = 'evt_1'";

async fn what_is_given_up_is_of_that_time_or_gone(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    with_sinks(store, &["siem"]).await;
    write(store, &[1, 2, 3]).await;
    let mut transaction = store.begin(TENANT).await.unwrap();
    let first = transaction.first_due("siem").await.unwrap();
    assert_eq!(first, Some(NOW.plus(SECOND)));
    execute!(transaction, FORGET).unwrap();
    assert_eq!(transaction.give_up_gone("siem", 10).await.unwrap(), 1);
    assert_eq!(transaction.give_up_gone("siem", 10).await.unwrap(), 0);
    let until = NOW.plus(SECOND * 2);
    assert_eq!(transaction.give_up_due("siem", until, 10).await.unwrap(), 1);
    assert_eq!(transaction.give_up_due("siem", until, 10).await.unwrap(), 0);
    transaction.commit().await.unwrap();
    assert_eq!(due(store, "siem").await, ["evt_3"]);
}

async fn a_sink_that_was_seen_meanwhile_is_not_closed(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    with_sinks(store, &["siem"]).await;
    let read = store.read(TENANT).await.unwrap().sinks().await.unwrap();
    let mut transaction = store.begin(TENANT).await.unwrap();
    transaction
        .note_sink("siem", NOW.plus(SECOND))
        .await
        .unwrap();
    transaction.close_sink(&read[0], NOW).await.unwrap();
    let seen = transaction.sinks().await.unwrap();
    assert_eq!(seen[0].closed_at, None);
    transaction.close_sink(&seen[0], NOW).await.unwrap();
    transaction.insert_event(&event(1)).await.unwrap();
    transaction
        .remove_sink("siem", NOW.minus(SECOND))
        .await
        .unwrap();
    let closed = transaction.sinks().await.unwrap();
    assert_eq!(closed[0].closed_at, Some(NOW), "not so long ago");
    assert_eq!(closed[0].oldest, None, "nothing is written for it");
    transaction.remove_sink("siem", NOW).await.unwrap();
    assert_eq!(transaction.sinks().await.unwrap(), []);
    transaction.commit().await.unwrap();
}
