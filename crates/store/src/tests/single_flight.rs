//! What one request does for all that wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::testing::{DatabaseKind, fresh};
use crate::{Deadlines, SingleFlight, Store, StoreError};

#[tokio::test]
async fn what_fails_for_one_fails_for_those_that_waited_and_for_no_later_one() {
    let database = fresh(DatabaseKind::Sqlite).await;
    let (flight, store) = (SingleFlight::default(), &database.store);
    let (tries, end) = (AtomicUsize::new(0), Notify::new());
    let first = flight.share(store, || None, async {
        tries.fetch_add(1, Ordering::SeqCst);
        end.notified().await;
        Err(StoreError::Unavailable(sqlx::Error::PoolTimedOut))
    });
    let another = || {
        flight.share(store, || None, async {
            Ok(tries.fetch_add(1, Ordering::SeqCst))
        })
    };
    let end_it = async { end.notify_one() };
    // Asked in this order.
    let (first, second, third, ()) = tokio::join!(biased; first, another(), another(), end_it);
    for told in [first, second, third] {
        assert!(told.unwrap_err().is_unavailable());
    }
    assert_eq!(another().await.unwrap(), 1);
}

#[tokio::test]
async fn what_another_request_did_is_taken() {
    let database = fresh(DatabaseKind::Sqlite).await;
    let flight = SingleFlight::default();
    let broken = async { Err(StoreError::corrupt("it is known")) };
    let known = flight.share(&database.store, || Some("known"), broken);
    assert_eq!(known.await.unwrap(), "known");
}

#[tokio::test]
async fn nobody_waits_longer_than_for_the_database() {
    let database = fresh(DatabaseKind::Sqlite).await;
    let deadlines = Deadlines {
        request: Duration::from_millis(50),
        ..Deadlines::default()
    };
    let store = Store::connect_within(&database.url, deadlines)
        .await
        .unwrap();
    let flight = SingleFlight::default();
    let for_ever = flight.share(&store, || None::<()>, std::future::pending());
    let waits = flight.share(&store, || None, async { Ok(()) });
    tokio::select! {
        biased;
        _ = for_ever => panic!("it does not end"),
        told = waits => assert!(told.unwrap_err().is_unavailable()),
    }
}
