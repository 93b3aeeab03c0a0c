//! What the database knows of the time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use writ_wire::time::Timestamp;

use crate::clock::{DatabaseTime, TOLERATED_SKEW};
use crate::testing::DatabaseKind;
use crate::tests::world::{HOUR, NOW, TENANT, world};

on_both! {
    postgres_has_a_clock_and_sqlite_the_greatest_time_it_was_told,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock of the machine is what PostgreSQL tells"
)]
fn of_this_machine() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

async fn postgres_has_a_clock_and_sqlite_the_greatest_time_it_was_told(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let known = async || store.database_time(TENANT).await.unwrap();
    if kind == DatabaseKind::Postgres {
        let before = of_this_machine();
        let DatabaseTime::Now(found) = known().await else {
            panic!("it has a clock");
        };
        // The server of the tests runs on the same machine.
        let allowed = TOLERATED_SKEW;
        assert!(before.minus(allowed) < found && found < of_this_machine().plus(allowed));
        return;
    }
    let DatabaseTime::AtLeast(before) = known().await else {
        panic!("it has no clock");
    };
    assert!(before <= NOW);
    let told = async |now| {
        let DatabaseTime::AtLeast(greatest) = known().await else {
            panic!("it has no clock");
        };
        store.saw_time(TENANT, now, greatest).await.unwrap();
        known().await
    };
    assert_eq!(told(NOW).await, DatabaseTime::AtLeast(NOW));
    let later = NOW.plus(HOUR);
    assert_eq!(told(later).await, DatabaseTime::AtLeast(later));
    // A clock that went back changes nothing, nor does whoever only asks.
    assert_eq!(told(NOW).await, DatabaseTime::AtLeast(later));
    assert_eq!(known().await, DatabaseTime::AtLeast(later));
    let soon = later.plus(Duration::from_millis(900));
    assert_eq!(
        told(soon).await,
        DatabaseTime::AtLeast(later),
        "no write each time"
    );
}
