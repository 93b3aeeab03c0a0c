//! The lineage of a token: one statement over 1, 4 and 32 rows finds every kind of stop, at the leaf, the root and between.

use std::time::Duration;

use writ_core::delegation::{Delegation, MAX_LINEAGE};
use writ_core::id::DelegationId;
use writ_core::lineage::Stopped;

use crate::Store;
use crate::testing::DatabaseKind;
use crate::tests::world::{
    HOUR, NOW, TENANT, booker, chain, child, key, planner, task, user, world,
};

on_both! {
    every_length_reads_back_whole,
    a_stopped_root_or_anything_between_stops_the_leaf,
    a_stopped_task_stops_the_leaf,
    a_stopped_agent_anywhere_stops_the_leaf,
    a_disabled_owner_stops_the_leaf,
    a_disabled_sponsor_anywhere_stops_the_leaf_until_enabled,
    a_disabled_subject_stops_the_leaf,
    the_earliest_end_counts,
    what_cannot_be_traced_is_stopped,
}

async fn lineage(store: &Store, id: &DelegationId) -> writ_core::lineage::Lineage {
    let mut transaction = store.read(TENANT).await.unwrap();
    let before = store.statements();
    let lineage = transaction.lineage(id).await.unwrap().unwrap();
    assert_eq!(store.statements() - before, 1, "whatever the depth");
    // The second look says the same as the first.
    assert_eq!(
        transaction.is_live(id, NOW).await.unwrap(),
        lineage.goes_on(NOW)
    );
    lineage
}

/// Runs one change in its own transaction.
macro_rules! change {
    ($database:ident, $transaction:ident, $change:expr) => {{
        let mut $transaction = $database.store.begin(TENANT).await.unwrap();
        $change;
        $transaction.commit().await.unwrap();
    }};
}

async fn every_length_reads_back_whole(kind: DatabaseKind) {
    let database = world(kind).await;
    for length in [1, 4, MAX_LINEAGE] {
        let name = format!("of{length}");
        let rows = chain(&database.store, &name, length).await;
        let leaf = rows.last().unwrap();
        let found = lineage(&database.store, &leaf.id).await;
        assert_eq!(found.task, task(&name));
        assert_eq!(found.leaf, *leaf);
        assert_eq!(found.stopped, None);
        assert_eq!(found.keys.len(), length);
        assert!(found.keys.iter().any(|k| k == key('a').as_str()));
        assert_eq!(
            found.keys.iter().any(|k| k == key('b').as_str()),
            length > 1
        );
        assert_eq!(found.ends_at, NOW.plus(HOUR));
    }
    let mut transaction = database.store.read(TENANT).await.unwrap();
    let nobody = DelegationId::from_text("dlg_nobody");
    assert!(transaction.lineage(&nobody).await.unwrap().is_none());
    assert!(!transaction.is_live(&nobody, NOW).await.unwrap());
}

async fn a_stopped_root_or_anything_between_stops_the_leaf(kind: DatabaseKind) {
    let database = world(kind).await;
    for (length, place) in [(1, 0), (4, 0), (4, 2), (4, 3), (MAX_LINEAGE, 0)] {
        let rows = chain(&database.store, &format!("{length}_{place}"), length).await;
        change!(
            database,
            transaction,
            assert!(
                transaction
                    .stop_delegation(&rows[place].id, NOW)
                    .await
                    .unwrap()
            )
        );
        let leaf = &rows.last().unwrap().id;
        assert_eq!(
            lineage(&database.store, leaf).await.stopped,
            Some(Stopped::Delegation)
        );
        if place > 0 {
            // What is above stays.
            assert_eq!(
                lineage(&database.store, &rows[place - 1].id).await.stopped,
                None
            );
        }
    }
}

async fn a_stopped_task_stops_the_leaf(kind: DatabaseKind) {
    let database = world(kind).await;
    for length in [1, 4, MAX_LINEAGE] {
        let rows = chain(&database.store, &format!("of{length}"), length).await;
        change!(
            database,
            transaction,
            assert!(transaction.stop_task(&rows[0].task, NOW).await.unwrap())
        );
        let leaf = &rows.last().unwrap().id;
        assert_eq!(
            lineage(&database.store, leaf).await.stopped,
            Some(Stopped::Task)
        );
    }
}

async fn a_stopped_agent_anywhere_stops_the_leaf(kind: DatabaseKind) {
    for stopped in [planner(), booker()] {
        let database = world(kind).await;
        let rows = chain(&database.store, "t", 4).await;
        change!(
            database,
            transaction,
            assert!(transaction.stop_client(&stopped, NOW).await.unwrap())
        );
        assert_eq!(
            lineage(&database.store, &rows[3].id).await.stopped,
            Some(Stopped::Agent)
        );
        // The planner stands above the booker, not below.
        let above = lineage(&database.store, &rows[0].id).await.stopped;
        assert_eq!(above, (stopped == planner()).then_some(Stopped::Agent));
    }
}

async fn a_disabled_owner_stops_the_leaf(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 4).await;
    change!(
        database,
        transaction,
        assert!(
            transaction
                .disable_user(&user("olga").id, NOW)
                .await
                .unwrap()
        )
    );
    assert_eq!(
        lineage(&database.store, &rows[3].id).await.stopped,
        Some(Stopped::Owner)
    );
}

const SPONSOR: &str = "
    UPDATE agents SET sponsor_id = $2 WHERE tenant = $1 AND client_id = $3";

/// Every agent has an owner and a sponsor. bob sponsors one of the two agents of the chain.
async fn a_disabled_sponsor_anywhere_stops_the_leaf_until_enabled(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 4).await;
    let (bob, agent) = (user("bob"), rows[0].holder.as_str());
    change!(database, transaction, {
        assert!(
            transaction
                .insert_user(&bob, "argon2id...", NOW)
                .await
                .unwrap()
        );
        execute!(transaction, SPONSOR, TENANT, bob.id.as_str(), agent).unwrap();
    });
    assert_eq!(lineage(&database.store, &rows[3].id).await.stopped, None);
    change!(
        database,
        transaction,
        assert!(transaction.disable_user(&bob.id, NOW).await.unwrap())
    );
    assert_eq!(
        lineage(&database.store, &rows[3].id).await.stopped,
        Some(Stopped::Sponsor)
    );
    change!(database, transaction, {
        assert!(transaction.enable_user(&bob.id, NOW).await.unwrap());
        assert!(!transaction.enable_user(&bob.id, NOW).await.unwrap());
    });
    assert_eq!(lineage(&database.store, &rows[3].id).await.stopped, None);
    change!(database, transaction, {
        execute!(transaction, SPONSOR, TENANT, "usr_gone", agent).unwrap();
    });
    assert_eq!(
        lineage(&database.store, &rows[3].id).await.stopped,
        Some(Stopped::Unknown)
    );
}

async fn a_disabled_subject_stops_the_leaf(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 4).await;
    change!(
        database,
        transaction,
        assert!(
            transaction
                .disable_user(&user("alice").id, NOW)
                .await
                .unwrap()
        )
    );
    assert_eq!(
        lineage(&database.store, &rows[3].id).await.stopped,
        Some(Stopped::Subject)
    );
}

async fn the_earliest_end_counts(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 2).await;
    let soon = NOW.plus(Duration::from_secs(5));
    let short = Delegation {
        expires_at: soon,
        ..child(&rows[1])
    };
    // Longer than its parent, which must not help it.
    let longer = Delegation {
        expires_at: NOW.plus(HOUR * 2),
        ..child(&short)
    };
    change!(database, transaction, {
        transaction.insert_delegation(&short).await.unwrap();
        transaction.insert_delegation(&longer).await.unwrap();
    });
    assert_eq!(lineage(&database.store, &longer.id).await.ends_at, soon);
    let beyond = Delegation {
        id: DelegationId::from_text("dlg_beyond"),
        expires_at: NOW.plus(HOUR * 2),
        ..rows[0].clone()
    };
    change!(
        database,
        transaction,
        transaction.insert_delegation(&beyond).await.unwrap()
    );
    assert_eq!(
        lineage(&database.store, &beyond.id).await.ends_at,
        NOW.plus(HOUR),
        "the task's end"
    );
    let mut transaction = database.store.read(TENANT).await.unwrap();
    assert!(
        transaction
            .is_live(&longer.id, soon.minus(Duration::from_micros(1)))
            .await
            .unwrap()
    );
    assert!(!transaction.is_live(&longer.id, soon).await.unwrap());
    assert!(
        !transaction
            .is_live(&beyond.id, NOW.plus(HOUR))
            .await
            .unwrap()
    );
}

async fn what_cannot_be_traced_is_stopped(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 2).await;
    let other = chain(&database.store, "other", 1).await;
    let full = chain(&database.store, "full", MAX_LINEAGE).await;
    let named = |name: &str, like: &Delegation| Delegation {
        id: DelegationId::from_text(name),
        ..like.clone()
    };
    let broken = [
        Delegation {
            parent: Some(DelegationId::from_text("dlg_gone")),
            ..named("dlg_orphan", &rows[1])
        },
        Delegation {
            parent: Some(other[0].id.clone()),
            ..named("dlg_spliced", &rows[1])
        },
        Delegation {
            parent: Some(DelegationId::from_text("dlg_loop")),
            ..named("dlg_loop", &rows[1])
        },
        Delegation {
            holder: writ_core::id::ClientId::from_text("agt_gone"),
            ..named("dlg_nobodys", &rows[1])
        },
        child(full.last().unwrap()),
    ];
    for row in broken {
        change!(
            database,
            transaction,
            transaction.insert_delegation(&row).await.unwrap()
        );
        assert_eq!(
            lineage(&database.store, &row.id).await.stopped,
            Some(Stopped::Unknown),
            "{}",
            row.id
        );
    }
    let taskless = Delegation {
        task: writ_core::id::TaskId::from_text("tsk_gone"),
        ..named("dlg_taskless", &rows[0])
    };
    change!(
        database,
        transaction,
        transaction.insert_delegation(&taskless).await.unwrap()
    );
    let mut transaction = database.store.read(TENANT).await.unwrap();
    assert!(transaction.lineage(&taskless.id).await.unwrap().is_none());
    assert!(!transaction.is_live(&taskless.id, NOW).await.unwrap());
}
