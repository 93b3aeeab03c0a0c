//! Attempts are counted before they are checked: of fifty at once only as many pass as before a pause (RFC 8628 section 5.1).

use std::time::Duration;

use crate::Store;
use crate::attempts::{Attempt, AttemptKind as Tried, Attempted, CountedAttempt, MOST_ROWS};
use crate::testing::DatabaseKind;
use crate::tests::races::race;
use crate::tests::world::{HOUR, NOW, TENANT, wins, world};
use crate::{DatabaseTransaction, Result};

on_both! {
    each_from_the_fifth_on_pauses,
    one_that_is_taken_back_ends_its_own_pause,
    a_right_one_forgets_those_before_it,
    rfc_8628_5_1_fifty_at_once_are_five,
    rfc_8628_5_1_after_a_pause_fifty_at_once_are_one,
    kinds_holders_and_tenants_are_counted_apart,
    tries_are_forgotten_and_bounded,
    one_that_is_taken_back_alone_leaves_no_row,
    one_in_doubt_is_taken_back_where_it_was_counted,
    a_count_is_not_bought_back_by_names_that_are_tried_once,
}

const MOST: i64 = 5;
const PAUSE: Duration = Duration::from_secs(60);

/// One try of this kind at that many seconds after the beginning.
async fn tried(
    transaction: &mut DatabaseTransaction,
    kind: Tried,
    holder: &str,
    seconds: u64,
) -> bool {
    let now = NOW.plus(Duration::from_secs(seconds));
    let attempt = Attempt {
        kind,
        holder,
        most: MOST,
        paused_until: now.plus(PAUSE),
        kept_until: now.plus(HOUR),
    };
    let attempted = transaction.attempt(&attempt, now).await.unwrap();
    matches!(attempted, Attempted::Counted(_))
}

async fn taken_back(transaction: &mut DatabaseTransaction, most: i64, unless_below: i64) {
    let counted = CountedAttempt {
        kind: Tried::Login,
        holder: "h".to_owned(),
        most,
        unless_below,
    };
    transaction.forgive_attempt(&counted).await.unwrap();
}

async fn login(transaction: &mut DatabaseTransaction, seconds: u64) -> bool {
    tried(transaction, Tried::Login, "h", seconds).await
}

async fn each_from_the_fifth_on_pauses(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for _ in 0..MOST {
        assert!(login(&mut transaction, 0).await);
    }
    for (seconds, let_in) in [
        (0, false),
        (59, false),
        (60, true),
        (60, false),
        (119, false),
        (120, true),
    ] {
        assert_eq!(login(&mut transaction, seconds).await, let_in, "{seconds}");
    }
}

async fn one_that_is_taken_back_ends_its_own_pause(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for _ in 0..MOST {
        assert!(login(&mut transaction, 0).await);
    }
    taken_back(&mut transaction, MOST, 1).await;
    assert!(login(&mut transaction, 0).await, "the fifth once more");
    assert!(!login(&mut transaction, 0).await);
    // After a sixth wrong one, five are left: the pause stays.
    assert!(login(&mut transaction, 60).await);
    taken_back(&mut transaction, MOST, 1).await;
    assert!(!login(&mut transaction, 60).await);
}

async fn one_that_is_taken_back_alone_leaves_no_row(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for most in [1, MOST] {
        assert!(login(&mut transaction, 0).await);
        taken_back(&mut transaction, most, 1).await;
        taken_back(&mut transaction, most, 1).await;
    }
    transaction.commit().await.unwrap();
    assert_eq!(rows(&database.store).await, 0);
}

/// Where it is unknown whether the fourth was counted.
async fn one_in_doubt_is_taken_back_where_it_was_counted(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for (counted, left) in [(3, 3), (4, 3), (5, 4)] {
        for _ in 0..counted {
            assert!(login(&mut transaction, 0).await);
        }
        taken_back(&mut transaction, MOST, 4).await;
        for _ in left..MOST {
            assert!(login(&mut transaction, 0).await, "{counted}");
        }
        assert!(!login(&mut transaction, 0).await, "{counted}");
        let forgotten = transaction.forget_attempts(Tried::Login, "h").await;
        forgotten.unwrap();
    }
    assert!(login(&mut transaction, 0).await);
    taken_back(&mut transaction, MOST, 2).await;
    transaction.commit().await.unwrap();
    assert_eq!(rows(&database.store).await, 1, "the only one was another");
}

async fn a_right_one_forgets_those_before_it(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for _ in 0..3 {
        for _ in 0..MOST {
            assert!(login(&mut transaction, 0).await);
        }
        let forgotten: Result<()> = transaction.forget_attempts(Tried::Login, "h").await;
        forgotten.unwrap();
    }
}

async fn rfc_8628_5_1_fifty_at_once_are_five(kind: DatabaseKind) {
    let database = world(kind).await;
    let let_in = race!(database, transaction, _ => login(&mut transaction, 0).await);
    assert_eq!(let_in, 5);
}

async fn rfc_8628_5_1_after_a_pause_fifty_at_once_are_one(kind: DatabaseKind) {
    let database = world(kind).await;
    assert_eq!(
        race!(database, transaction, _ => login(&mut transaction, 0).await),
        5
    );
    assert_eq!(
        race!(database, transaction, _ => login(&mut transaction, 60).await),
        1
    );
}

async fn kinds_holders_and_tenants_are_counted_apart(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for _ in 0..=MOST {
        login(&mut transaction, 0).await;
    }
    assert!(!login(&mut transaction, 0).await);
    assert!(tried(&mut transaction, Tried::DeviceCode, "h", 0).await);
    assert!(tried(&mut transaction, Tried::Login, "i", 0).await);
    transaction.commit().await.unwrap();
    let mut other = database.store.begin("other").await.unwrap();
    assert!(login(&mut other, 0).await);
    other.forget_attempts(Tried::Login, "h").await.unwrap();
    other.commit().await.unwrap();
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(!login(&mut transaction, 0).await);
}

const CROWD: &str = "
    INSERT INTO attempts (tenant, kind, holder, failures, kept_until)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
    SELECT 'default', 'login', 'made up ' || CAST(i AS TEXT), 1, $2 + i FROM n";

/// Whoever was tried most is known longest, though she expires first.
async fn a_count_is_not_bought_back_by_names_that_are_tried_once(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let mut transaction = store.begin(TENANT).await.unwrap();
    for _ in 0..MOST {
        assert!(login(&mut transaction, 0).await);
    }
    let made = i64::from(MOST_ROWS) + 5;
    let late = NOW.plus(HOUR * 48);
    execute!(transaction, CROWD, made, late.micros()).unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(store.sweep(NOW, 1000).await.unwrap(), 6);
    let mut transaction = store.begin(TENANT).await.unwrap();
    assert!(!login(&mut transaction, 0).await, "she is still paused");
}

async fn rows(store: &Store) -> i64 {
    row! { CountRow { rows: i64 } }
    let mut transaction = store.read(TENANT).await.unwrap();
    let sql = "SELECT COUNT(*) AS rows FROM attempts";
    optional!(transaction, CountRow, sql).unwrap().unwrap().rows
}

/// Somebody sends more names than are kept: the oldest leave, in batches; later all do.
async fn tries_are_forgotten_and_bounded(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let (made, end) = (i64::from(MOST_ROWS) + 5, NOW.plus(HOUR));
    let mut transaction = store.begin(TENANT).await.unwrap();
    execute!(transaction, CROWD, made, end.micros()).unwrap();
    assert!(tried(&mut transaction, Tried::DeviceCode, "alice", 0).await);
    transaction.commit().await.unwrap();
    assert_eq!(store.sweep(NOW, 3).await.unwrap(), 3);
    assert_eq!(store.sweep(NOW, 3).await.unwrap(), 2);
    assert_eq!(store.sweep(NOW, 3).await.unwrap(), 0);
    assert_eq!(
        rows(store).await,
        i64::from(MOST_ROWS) + 1,
        "the other kind stays"
    );
    // What was made up last is still known.
    let mut transaction = store.begin(TENANT).await.unwrap();
    let last = format!("made up {made}");
    for count in 2..=6 {
        assert_eq!(
            tried(&mut transaction, Tried::Login, &last, 0).await,
            count < 6
        );
    }
    drop(transaction);
    let late = NOW.plus(HOUR * 2);
    assert_eq!(
        store.sweep(late, 1_000_000).await.unwrap(),
        u64::from(MOST_ROWS) + 1
    );
    assert_eq!(rows(store).await, 0);
}
