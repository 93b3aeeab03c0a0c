//! Fetched documents are a shared copy: the newest stays, and a sweep bounds them.

use crate::fetched_document::{DocumentName, MOST_DOCUMENTS, StoredDocument};
use crate::sweep::KEPT_AFTER_EXPIRY;
use crate::testing::DatabaseKind;
use crate::tests::waiting::INSTANT;
use crate::tests::world::{HOUR, NOW, TENANT, world};

on_both! {
    the_newest_document_stays,
    a_document_leaves_a_day_after_its_freshness,
    of_more_documents_than_are_kept_those_fetched_first_leave,
}

const NAME: DocumentName<'static> = DocumentName {
    purpose: "jwks",
    url: "https://client.example/jwks",
};

fn document(body: &str, age: std::time::Duration) -> StoredDocument {
    StoredDocument {
        body: body.to_owned(),
        etag: Some("\"a\"".to_owned()),
        fetched_at: NOW.minus(age),
        fresh_until: NOW.plus(HOUR),
    }
}

async fn the_newest_document_stays(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert_eq!(transaction.fetched_document(NAME).await.unwrap(), None);
    for (body, age) in [("old", HOUR), ("new", INSTANT), ("late", INSTANT * 2)] {
        let kept = document(body, age);
        transaction.keep_document(NAME, &kept).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let mut transaction = database.store.read(TENANT).await.unwrap();
    let found = transaction.fetched_document(NAME).await.unwrap();
    assert_eq!(found, Some(document("new", INSTANT)));
    let other = DocumentName {
        purpose: "client_metadata",
        ..NAME
    };
    assert_eq!(transaction.fetched_document(other).await.unwrap(), None);
    let mut elsewhere = database.store.read("other").await.unwrap();
    assert_eq!(elsewhere.fetched_document(NAME).await.unwrap(), None);
}

async fn a_document_leaves_a_day_after_its_freshness(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let kept = document("x", HOUR);
    transaction.keep_document(NAME, &kept).await.unwrap();
    transaction.commit().await.unwrap();
    let end = NOW.plus(HOUR).plus(KEPT_AFTER_EXPIRY);
    assert_eq!(
        database.store.sweep(end.minus(INSTANT), 9).await.unwrap(),
        0
    );
    assert_eq!(database.store.sweep(end, 9).await.unwrap(), 1);
}

async fn of_more_documents_than_are_kept_those_fetched_first_leave(kind: DatabaseKind) {
    let database = world(kind).await;
    let url = |number: u32| format!("https://client.example/{number}");
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    // Of another purpose, and older than all of them.
    let other = DocumentName {
        purpose: "another",
        ..NAME
    };
    let oldest = document("x", HOUR + INSTANT);
    transaction.keep_document(other, &oldest).await.unwrap();
    for number in 0..MOST_DOCUMENTS + 2 {
        let (url, age) = (url(number), HOUR - INSTANT * number);
        let name = DocumentName { url: &url, ..NAME };
        let kept = document("x", age);
        transaction.keep_document(name, &kept).await.unwrap();
    }
    transaction.commit().await.unwrap();
    assert_eq!(database.store.sweep(NOW, 9).await.unwrap(), 2);
    assert_eq!(database.store.sweep(NOW, 9).await.unwrap(), 0);
    let mut reading = database.store.read(TENANT).await.unwrap();
    assert!(reading.fetched_document(other).await.unwrap().is_some());
    for (number, is_kept) in [
        (0, false),
        (1, false),
        (2, true),
        (MOST_DOCUMENTS + 1, true),
    ] {
        let url = url(number);
        let name = DocumentName { url: &url, ..NAME };
        let found = reading.fetched_document(name).await.unwrap();
        assert_eq!(found.is_some(), is_kept, "{number}");
    }
}
