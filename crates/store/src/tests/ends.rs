//! Every table has an end: what nobody uses any more, what was only counted, and the record after its retention.

use std::time::Duration;

use serde_json::json;
use writ_core::client::User;
use writ_core::event::{Event, EventName};
use writ_core::history::KEPT;
use writ_core::id::{ClientId, EventId, ReceiptId};

use crate::Store;
use crate::receipt::NewReceipt;
use crate::sweep::{COUNTS_KEPT, KEPT_AFTER_EXPIRY, SweepTime, TENANTS_AT_ONCE, rules};
use crate::testing::DatabaseKind;
use crate::tests::waiting::{self, INSTANT};
use crate::tests::world::{
    HOUR, NOW, TENANT, booker, chain, consent, key, planner, task, user, world,
};
use writ_wire::time::Timestamp;

on_both! {
    a_task_stays_while_something_below_it_lives,
    a_key_leaves_thirteen_months_after_its_last_use,
    what_nobody_uses_leaves,
    a_guest_leaves_thirteen_months_after_its_last_task,
    refusals_that_were_counted_leave_after_ninety_days,
    the_record_leaves_after_its_retention_and_only_then,
    the_record_of_no_tenant_is_left_out,
    what_is_over_is_told_by_how_late_it_is,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

row! { RowsRow { rows: i64 } }

/// Of the table that the statement counts.
async fn rows(store: &Store, sql: &'static str) -> i64 {
    let mut reading = store.read(TENANT).await.unwrap();
    optional!(reading, RowsRow, sql).unwrap().unwrap().rows
}

const TASKS: &str = "SELECT COUNT(*) AS rows FROM tasks";
const DELEGATIONS: &str = "SELECT COUNT(*) AS rows FROM delegations";
const LONGER: &str =
    "UPDATE delegations SET expires_at = expires_at + $1 WHERE id = 'dlg_tsk_held_2'";

/// No request makes such a delegation; if there is one all the same, its task stays, and no other does.
async fn a_task_stays_while_something_below_it_lives(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    chain(store, "held", 3).await;
    for name in ["a", "b", "c"] {
        chain(store, name, 4).await;
    }
    let mut transaction = store.begin(TENANT).await.unwrap();
    execute!(transaction, LONGER, i64::try_from(DAY.as_micros()).unwrap()).unwrap();
    transaction.commit().await.unwrap();
    let end = NOW.plus(HOUR).plus(KEPT_AFTER_EXPIRY);
    while store.sweep(end, 2).await.unwrap() > 0 {}
    assert_eq!(
        (rows(store, TASKS).await, rows(store, DELEGATIONS).await),
        (1, 1)
    );
    while store.sweep(end.plus(DAY), 2).await.unwrap() > 0 {}
    assert_eq!(
        (rows(store, TASKS).await, rows(store, DELEGATIONS).await),
        (0, 0)
    );
}

async fn uses(store: &Store, agent: &ClientId, now: Timestamp) -> ClientId {
    let mut transaction = store.begin(TENANT).await.unwrap();
    let owner = transaction.claim_key(&key('k'), agent, now).await.unwrap();
    transaction.commit().await.unwrap();
    owner
}

async fn a_key_leaves_thirteen_months_after_its_last_use(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    assert_eq!(uses(store, &planner(), NOW).await, planner());
    // Its use is noted once a month.
    let used = NOW.plus(DAY * 30);
    assert_eq!(
        uses(store, &booker(), used).await,
        planner(),
        "it is the planner's"
    );
    assert_eq!(uses(store, &planner(), used.plus(DAY)).await, planner());
    let end = used.plus(KEPT);
    assert_eq!(store.sweep(end.minus(INSTANT), 9).await.unwrap(), 0);
    assert_eq!(store.sweep(end, 9).await.unwrap(), 1);
    assert_eq!(
        uses(store, &booker(), end).await,
        booker(),
        "whoever proves it next"
    );
}

async fn what_nobody_uses_leaves(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let alice: User = user("alice");
    let mut transaction = store.begin(TENANT).await.unwrap();
    transaction
        .insert_type("old", "payment", "{}", NOW)
        .await
        .unwrap();
    transaction
        .insert_type("new", "payment", "{ }", NOW)
        .await
        .unwrap();
    for name in ["kept", "lost"] {
        let passkey = waiting::passkey(name, "alice");
        assert!(transaction.insert_passkey(&passkey).await.unwrap());
        let browser = waiting::subscription(name, "alice");
        assert!(transaction.upsert_subscription(&browser).await.unwrap());
    }
    assert!(
        transaction
            .remove_passkey(&alice.id, "lost", NOW)
            .await
            .unwrap()
    );
    assert!(transaction.subscription_gone("lost", NOW).await.unwrap());
    transaction.commit().await.unwrap();
    let day = NOW.plus(KEPT_AFTER_EXPIRY);
    assert_eq!(store.sweep(day.minus(INSTANT), 9).await.unwrap(), 0);
    assert_eq!(
        store.sweep(day, 9).await.unwrap(),
        1,
        "the browser that is gone"
    );
    let mut transaction = store.begin(TENANT).await.unwrap();
    transaction.keep_type("new", day).await.unwrap();
    transaction.commit().await.unwrap();
    let end = NOW.plus(KEPT);
    assert_eq!(store.sweep(end.minus(INSTANT), 9).await.unwrap(), 0);
    assert_eq!(
        store.sweep(end, 9).await.unwrap(),
        2,
        "passkey and old version"
    );
    let mut reading = store.read(TENANT).await.unwrap();
    assert!(reading.type_document("new").await.unwrap().is_some());
    assert!(reading.type_document("old").await.unwrap().is_none());
    assert_eq!(reading.passkeys_of(&alice.id).await.unwrap().len(), 1);
    assert_eq!(reading.subscriptions_of(&alice.id).await.unwrap().len(), 1);
}

async fn a_guest_leaves_thirteen_months_after_its_last_task(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let guest = ClientId::from_text("https://guest.example/client");
    let stopped = ClientId::from_text("https://stopped.example/client");
    let mut transaction = store.begin(TENANT).await.unwrap();
    for guest in [&guest, &stopped] {
        assert!(!transaction.keep_guest_until(guest, NOW).await.unwrap());
        assert!(
            transaction
                .insert_client(guest, "{}", None, NOW)
                .await
                .unwrap()
        );
        let end = NOW.plus(HOUR);
        assert!(transaction.keep_guest_until(guest, end).await.unwrap());
        assert!(
            transaction.keep_guest_until(guest, NOW).await.unwrap(),
            "not shorter"
        );
    }
    assert!(transaction.stop_client(&stopped, NOW).await.unwrap());
    let (before, end) = (NOW.plus(HOUR).minus(INSTANT), NOW.plus(HOUR));
    assert!(
        transaction
            .forgotten_guests(before, 9)
            .await
            .unwrap()
            .is_empty()
    );
    let forgotten = transaction.forgotten_guests(end, 9).await.unwrap();
    assert_eq!(
        forgotten,
        std::slice::from_ref(&guest),
        "what is stopped stays stopped"
    );
    // It got something to do meanwhile.
    assert!(
        transaction
            .keep_guest_until(&guest, end.plus(HOUR))
            .await
            .unwrap()
    );
    assert!(
        !transaction
            .delete_forgotten_guest(&guest, end)
            .await
            .unwrap()
    );
    let end = end.plus(HOUR);
    assert!(
        transaction
            .delete_forgotten_guest(&guest, end)
            .await
            .unwrap()
    );
    assert!(transaction.client(&guest).await.unwrap().is_none());
    assert!(transaction.client(&stopped).await.unwrap().is_some());
}

async fn refusals_that_were_counted_leave_after_ninety_days(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let minute = Timestamp::from_seconds(NOW.seconds().div_euclid(60) * 60);
    let mut transaction = store.begin(TENANT).await.unwrap();
    for at in [minute, minute.plus(DAY)] {
        transaction
            .count_refusal("/token", "invalid_client", at)
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
    let end = minute.plus(COUNTS_KEPT);
    assert_eq!(store.sweep(end.minus(INSTANT), 9).await.unwrap(), 0);
    assert_eq!(store.sweep(end, 9).await.unwrap(), 1);
    let mut reading = store.read(TENANT).await.unwrap();
    assert_eq!(reading.refusal_counts(minute).await.unwrap().len(), 1);
}

/// An event, a consent and a receipt, all of `NOW`.
async fn record(store: &Store) {
    let mut transaction = store.begin(TENANT).await.unwrap();
    let id = EventId::from_text("evt_1");
    let event = Event::new(id, NOW, EventName::TaskApproved).with(json!({}));
    transaction.insert_event(&event).await.unwrap();
    transaction
        .insert_consent(&task("t"), &consent("1"))
        .await
        .unwrap();
    let receipt = NewReceipt {
        id: &ReceiptId::from_text("rcp_1"),
        request: &waiting::id("1"),
        user: &waiting::of("alice"),
        document: "signed",
        at: NOW,
    };
    transaction.insert_receipt(receipt).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn kept(store: &Store, now: Timestamp, record_kept: Option<Duration>) -> u64 {
    let mut left = 0;
    for rule in rules() {
        let time = SweepTime { now, record_kept };
        left += store.sweep_batch(rule, time, 9).await.unwrap().all();
    }
    left
}

const MORE_TENANTS: &str = "
    INSERT INTO tenants (tenant, issuer, created_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
    SELECT 'a' || CAST(i AS TEXT), 'https://a' || CAST(i AS TEXT) || '.example', 0 FROM n";

/// Each is swept by itself, and their names are read in pages.
async fn the_record_of_no_tenant_is_left_out(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    record(store).await;
    let mut transaction = store.begin(TENANT).await.unwrap();
    execute!(transaction, MORE_TENANTS, TENANTS_AT_ONCE).unwrap();
    transaction.commit().await.unwrap();
    let late = NOW.plus(DAY * 4000);
    let left = kept(store, late, Some(DAY * 365)).await;
    assert_eq!(left, 4, "and that she allowed the client something");
}

async fn the_record_leaves_after_its_retention_and_only_then(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    record(store).await;
    let age = DAY * 60;
    // That the person allowed the client something is no record: it leaves by itself.
    assert_eq!(kept(store, NOW.plus(KEPT * 9), None).await, 1, "for ever");
    let end = NOW.plus(age);
    assert_eq!(kept(store, end.minus(INSTANT), Some(age)).await, 0);
    assert_eq!(kept(store, end, Some(age)).await, 1, "the event");
    // A task that rests on them may live for a year.
    assert_eq!(
        kept(store, NOW.plus(KEPT).minus(INSTANT), Some(age)).await,
        0
    );
    assert_eq!(
        kept(store, NOW.plus(KEPT), Some(age)).await,
        2,
        "consent and receipt"
    );
}

async fn what_is_over_is_told_by_how_late_it_is(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    chain(store, "t", 2).await;
    record(store).await;
    let end = NOW.plus(HOUR).plus(KEPT_AFTER_EXPIRY);
    let record_kept = None;
    let mut late = Vec::new();
    for rule in rules() {
        let before = SweepTime {
            now: end.minus(INSTANT),
            record_kept,
        };
        assert_eq!(
            store.sweep_lag(rule, before).await.unwrap(),
            None,
            "{}",
            rule.table
        );
        let after = SweepTime {
            now: end.plus(HOUR),
            record_kept,
        };
        let lag = store.sweep_lag(rule, after).await.unwrap();
        late.extend(lag.map(|lag| (rule.table, lag)));
    }
    assert_eq!(late, [("delegations", HOUR), ("tasks", HOUR)]);
}
