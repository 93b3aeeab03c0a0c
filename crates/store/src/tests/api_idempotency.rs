//! A key of the operators' API belongs to one request of one client, for a while; and of each client so many are remembered.

use std::time::Duration;

use writ_core::id::ClientId;

use crate::api_idempotency::{KeyOutcome, KeyedRequest, MAX_KEYS_OF_CLIENT};
use crate::testing::{self, DatabaseKind};
use crate::tests::world::{NOW, TENANT};

on_both! {
    a_key_is_begun_once_and_answered_again,
    of_one_client_so_many_keys_are_remembered,
    a_change_that_is_rolled_back_uses_up_no_key,
}

fn keyed<'a>(client: &'a ClientId, key: &'a str, asked: &'a str) -> KeyedRequest<'a> {
    KeyedRequest {
        client,
        key_digest: key,
        request_digest: asked,
    }
}

async fn a_key_is_begun_once_and_answered_again(kind: DatabaseKind) {
    let database = testing::fresh(kind).await;
    let (ops, other) = (ClientId::from_text("ops"), ClientId::from_text("other"));
    let until = NOW.plus(Duration::from_secs(60));
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let first = keyed(&ops, "k", "a");
    let begun = transaction.begin_keyed(first, NOW, until).await.unwrap();
    assert_eq!(begun, KeyOutcome::Begun);
    transaction.answer_keyed(first, 202, "{}").await.unwrap();
    let again = transaction.begin_keyed(first, NOW, until).await.unwrap();
    let answer = "{}".to_owned();
    assert_eq!(
        again,
        KeyOutcome::Answered {
            status: 202,
            answer
        }
    );
    let reused = transaction.begin_keyed(keyed(&ops, "k", "b"), NOW, until);
    assert_eq!(reused.await.unwrap(), KeyOutcome::Reused);
    let others = transaction.begin_keyed(keyed(&other, "k", "b"), NOW, until);
    assert_eq!(others.await.unwrap(), KeyOutcome::Begun);
    let later = until.plus(Duration::from_secs(60));
    let anew = transaction.begin_keyed(keyed(&ops, "k", "b"), until, later);
    assert_eq!(anew.await.unwrap(), KeyOutcome::Begun, "its time is over");
}

async fn of_one_client_so_many_keys_are_remembered(kind: DatabaseKind) {
    let database = testing::fresh(kind).await;
    let ops = ClientId::from_text("ops");
    let until = NOW.plus(Duration::from_secs(60));
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for number in 0..MAX_KEYS_OF_CLIENT {
        let key = number.to_string();
        let begun = transaction.begin_keyed(keyed(&ops, &key, "a"), NOW, until);
        assert_eq!(begun.await.unwrap(), KeyOutcome::Begun, "{number}");
    }
    let more = transaction.begin_keyed(keyed(&ops, "more", "a"), NOW, until);
    assert_eq!(more.await.unwrap(), KeyOutcome::TooMany);
}

async fn a_change_that_is_rolled_back_uses_up_no_key(kind: DatabaseKind) {
    let database = testing::fresh(kind).await;
    let ops = ClientId::from_text("ops");
    let until = NOW.plus(Duration::from_secs(60));
    for _ in 0..2 {
        let mut transaction = database.store.begin(TENANT).await.unwrap();
        let begun = transaction.begin_keyed(keyed(&ops, "k", "a"), NOW, until);
        assert_eq!(begun.await.unwrap(), KeyOutcome::Begun);
        drop(transaction);
    }
}
