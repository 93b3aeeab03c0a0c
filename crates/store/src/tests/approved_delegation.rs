//! A delegation that a person approved alone: not a child of the delegation that asked, but it ends with it.

use std::time::Duration;

use writ_core::delegation::{self, Delegation, MAX_LINEAGE};
use writ_core::id::{DelegationId, EventId};
use writ_core::lineage::{Lineage, Stopped};

use crate::Store;
use crate::event::EventFilter;
use crate::stop::StopEvents;
use crate::testing::{DatabaseKind, TestDatabase};
use crate::tests::world::{
    HOUR, NOW, TENANT, booker, chain, child, key, planner, task, user, world,
};

on_both! {
    an_approved_delegation_reads_back_and_is_listed,
    it_dies_with_the_chain_that_asked,
    it_dies_with_task_agents_owner_and_subject,
    it_ends_with_what_asked,
    its_rows_count_with_those_of_the_chain,
    an_approved_delegation_that_nobody_asked_for_is_stopped,
    an_agent_is_stopped_where_chains_reach_it,
}

/// One row of each live task, whatever the booker made below it; nothing above it, and nothing twice.
async fn an_agent_is_stopped_where_chains_reach_it(kind: DatabaseKind) {
    let (database, rows, approved) = asked(kind, 3).await;
    let other = chain(&database.store, "other", 2).await;
    let dead = chain(&database.store, "dead", 2).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(transaction.stop_task(&dead[0].task, NOW).await.unwrap());
    let (alice, held_by) = (user("alice").id, booker());
    for (event, expected) in [("evt_1", 2), ("evt_2", 0)] {
        let id = &EventId::from_text(event);
        let events = StopEvents {
            id,
            now: NOW,
            data: "{}",
        };
        let stopped = transaction.stop_delegations_held(&alice, &held_by, events);
        assert_eq!(stopped.await.unwrap(), expected);
    }
    let filter = EventFilter {
        name: Some("delegation.stopped"),
        limit: 9,
        ..EventFilter::default()
    };
    let told = transaction.events(filter).await.unwrap();
    transaction.commit().await.unwrap();
    let mut told: Vec<_> = told
        .into_iter()
        .map(|event| (event.delegation, event.task))
        .collect();
    told.sort();
    let mut expected =
        [&rows[1], &other[1]].map(|row| (Some(row.id.to_string()), Some(row.task.to_string())));
    expected.sort();
    assert_eq!(told, expected);
    for row in [&rows[1], &rows[2], &approved, &other[1]] {
        let found = lineage(&database.store, &row.id).await;
        assert_eq!(found.stopped, Some(Stopped::Delegation), "{}", row.id);
    }
    for row in [&rows[0], &other[0]] {
        assert_eq!(lineage(&database.store, &row.id).await.stopped, None);
    }
}

/// The booker asks, below `asking`, and gets a delegation of its own.
fn approved(asking: &Delegation) -> Delegation {
    let id = DelegationId::from_text(format!("dlg_approved_for_{}", asking.id));
    Delegation {
        path: delegation::path(None, &id),
        parent: None,
        asked_by: Some(asking.id.clone()),
        approval: Some(task("t").approval),
        holder: booker(),
        requested_by: booker(),
        act: Some(delegation::act("https://as.example", &booker(), &id, None)),
        jkt: Some(key('b')),
        id,
        ..asking.clone()
    }
}

async fn insert(store: &Store, row: &Delegation) {
    let mut transaction = store.begin(TENANT).await.unwrap();
    transaction.insert_delegation(row).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn lineage(store: &Store, id: &DelegationId) -> Lineage {
    let mut transaction = store.read(TENANT).await.unwrap();
    let found = transaction.lineage(id).await.unwrap().unwrap();
    let live = transaction.is_live(id, NOW).await.unwrap();
    assert_eq!(live, found.goes_on(NOW));
    found
}

/// A chain of so many and a delegation that its leaf asked for.
async fn asked(kind: DatabaseKind, length: usize) -> (TestDatabase, Vec<Delegation>, Delegation) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", length).await;
    let approved = approved(&rows[length - 1]);
    insert(&database.store, &approved).await;
    (database, rows, approved)
}

async fn an_approved_delegation_reads_back_and_is_listed(kind: DatabaseKind) {
    let (database, mut rows, approved) = asked(kind, 3).await;
    let found = lineage(&database.store, &approved.id).await;
    assert_eq!((&found.leaf, found.stopped), (&approved, None));
    assert_eq!(found.keys.len(), 4);
    assert_eq!(found.task, task("t"));
    assert!(found.leaf.is_single_use());
    let mut transaction = database.store.read(TENANT).await.unwrap();
    let mut listed = transaction.delegations_of(&approved.task).await.unwrap();
    rows.push(approved);
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(listed, rows);
}

async fn it_dies_with_the_chain_that_asked(kind: DatabaseKind) {
    for place in 0..4 {
        let (database, rows, approved) = asked(kind, 3).await;
        let stopped = rows.get(place).unwrap_or(&approved);
        let mut transaction = database.store.begin(TENANT).await.unwrap();
        assert!(transaction.stop_delegation(&stopped.id, NOW).await.unwrap());
        transaction.commit().await.unwrap();
        let found = lineage(&database.store, &approved.id).await;
        assert_eq!(found.stopped, Some(Stopped::Delegation), "{place}");
        // What asked outlives what it asked for.
        let above = lineage(&database.store, &rows[2].id).await.stopped;
        assert_eq!(above.is_none(), place == 3);
    }
}

async fn it_dies_with_task_agents_owner_and_subject(kind: DatabaseKind) {
    let expected = [
        Stopped::Task,
        Stopped::Agent,
        Stopped::Agent,
        Stopped::Owner,
        Stopped::Subject,
    ];
    for (place, reason) in expected.into_iter().enumerate() {
        let (database, rows, approved) = asked(kind, 2).await;
        let mut transaction = database.store.begin(TENANT).await.unwrap();
        let done = match place {
            0 => transaction.stop_task(&rows[0].task, NOW).await,
            // The planner holds the root of the chain that asked, nothing of the delegation itself.
            1 => transaction.stop_client(&planner(), NOW).await,
            2 => transaction.stop_client(&booker(), NOW).await,
            3 => transaction.disable_user(&user("olga").id, NOW).await,
            _ => transaction.disable_user(&user("alice").id, NOW).await,
        };
        assert!(done.unwrap());
        transaction.commit().await.unwrap();
        let found = lineage(&database.store, &approved.id).await;
        assert_eq!(found.stopped, Some(reason), "{place}");
    }
}

async fn it_ends_with_what_asked(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 1).await;
    let soon = NOW.plus(Duration::from_secs(5));
    let short = Delegation {
        expires_at: soon,
        ..child(&rows[0])
    };
    let longer = Delegation {
        expires_at: NOW.plus(HOUR),
        ..approved(&short)
    };
    insert(&database.store, &short).await;
    insert(&database.store, &longer).await;
    assert_eq!(lineage(&database.store, &longer.id).await.ends_at, soon);
    let mut transaction = database.store.read(TENANT).await.unwrap();
    assert!(!transaction.is_live(&longer.id, soon).await.unwrap());
}

async fn its_rows_count_with_those_of_the_chain(kind: DatabaseKind) {
    let (database, _, approved) = asked(kind, MAX_LINEAGE - 1).await;
    let found = lineage(&database.store, &approved.id).await;
    assert_eq!((found.stopped, found.keys.len()), (None, MAX_LINEAGE));
    let (database, _, approved) = asked(kind, MAX_LINEAGE).await;
    let found = lineage(&database.store, &approved.id).await;
    assert_eq!(found.stopped, Some(Stopped::Unknown));
}

async fn an_approved_delegation_that_nobody_asked_for_is_stopped(kind: DatabaseKind) {
    let (database, rows, sound) = asked(kind, 1).await;
    let other = chain(&database.store, "other", 1).await;
    let of = |name: &str, asking: &str| Delegation {
        id: DelegationId::from_text(name),
        asked_by: Some(DelegationId::from_text(asking)),
        ..sound.clone()
    };
    let broken = [
        of("dlg_orphan", "dlg_gone"),
        of("dlg_spliced", other[0].id.as_str()),
        of("dlg_loop", "dlg_loop"),
    ];
    for row in broken {
        insert(&database.store, &row).await;
        let found = lineage(&database.store, &row.id).await;
        assert_eq!(found.stopped, Some(Stopped::Unknown), "{}", row.id);
    }
    // Below an approved delegation the way up leads through it.
    let below = child(&sound);
    insert(&database.store, &below).await;
    let found = lineage(&database.store, &below.id).await;
    assert_eq!((found.stopped, found.keys.len()), (None, 3));
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(transaction.stop_delegation(&rows[0].id, NOW).await.unwrap());
    transaction.commit().await.unwrap();
    let found = lineage(&database.store, &below.id).await;
    assert_eq!(found.stopped, Some(Stopped::Delegation));
}
