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
    let told = async |now| store.database_time(TENANT, now).await.unwrap();
    if kind == DatabaseKind::Postgres {
        let before = of_this_machine();
        let DatabaseTime::Now(found) = told(NOW).await else {
            panic!("it has a clock");
        };
        // The server of the tests runs on the same machine.
        let allowed = TOLERATED_SKEW;
        assert!(before.minus(allowed) < found && found < of_this_machine().plus(allowed));
        return;
    }
    told(NOW).await;
    assert_eq!(told(NOW.plus(HOUR)).await, DatabaseTime::AtLeast(NOW));
    // A clock that went back changes nothing.
    for _ in 0..2 {
        assert_eq!(told(NOW).await, DatabaseTime::AtLeast(NOW.plus(HOUR)));
    }
    let soon = NOW.plus(HOUR + Duration::from_millis(900));
    for _ in 0..2 {
        assert_eq!(
            told(soon).await,
            DatabaseTime::AtLeast(NOW.plus(HOUR)),
            "no write each time"
        );
    }
}
