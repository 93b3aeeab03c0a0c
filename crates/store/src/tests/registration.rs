//! Registrations belong to a tenant, expire unless somebody agrees, and initial access tokens are counted exactly.

use std::time::Duration;

use writ_core::id::ClientId;

use crate::DatabaseTransaction;
use crate::registered::RotatedSecret;
use crate::registration::NewRegistration;
use crate::sweep::KEPT_AFTER_EXPIRY;
use crate::testing::DatabaseKind;
use crate::tests::world::{HOUR, NOW, TENANT, world};

on_both! {
    a_registration_is_found_by_its_tenant_and_changed_by_its_token,
    a_changed_registration_has_one_secret,
    an_unused_registration_expires_and_a_used_one_stays,
    the_oldest_of_who_has_most_makes_room,
    an_invite_serves_as_often_as_it_says,
    a_removed_client_leaves_with_its_registration,
}

async fn insert(transaction: &mut DatabaseTransaction, id: &str) -> ClientId {
    insert_from(transaction, id, None, 0).await
}

/// It registered so many seconds later than the first.
async fn insert_from(
    transaction: &mut DatabaseTransaction,
    id: &str,
    site: Option<&str>,
    seconds: u64,
) -> ClientId {
    let client = ClientId::from_text(id);
    assert!(
        transaction
            .insert_client(&client, "{}", None, NOW)
            .await
            .unwrap()
    );
    let new = NewRegistration {
        client: &client,
        token_digest: "t",
        metadata: "1",
        expires_at: Some(NOW.plus(HOUR + Duration::from_secs(seconds))),
        site: site.map(|site| site.parse().unwrap()),
    };
    transaction.insert_registration(new, NOW).await.unwrap();
    client
}

async fn a_registration_is_found_by_its_tenant_and_changed_by_its_token(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let client = insert(&mut transaction, "dyn_1").await;
    let found = transaction.registration(&client).await.unwrap().unwrap();
    assert_eq!((found.metadata.as_str(), found.created_at), ("1", NOW));
    assert!(!transaction.hold_registration(&client, "u").await.unwrap());
    assert!(transaction.hold_registration(&client, "t").await.unwrap());
    transaction.change_registration(&client, "2").await.unwrap();
    let found = transaction.registration(&client).await.unwrap().unwrap();
    assert_eq!(found.metadata, "2");
    transaction
        .replace_registered_client(&client, "{2}", Some("s"))
        .await
        .unwrap();
    let stored = transaction.client(&client).await.unwrap().unwrap();
    assert_eq!(stored.secret_digest.as_deref(), Some("s"));
    transaction.commit().await.unwrap();
    let mut other = database.store.begin("other").await.unwrap();
    assert!(other.registration(&client).await.unwrap().is_none());
    assert!(!other.hold_registration(&client, "t").await.unwrap());
    assert!(!other.use_registration(&client).await.unwrap());
    assert!(!other.remove_registration(&client, NOW).await.unwrap());
}

async fn a_changed_registration_has_one_secret(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let client = insert(&mut transaction, "dyn_1").await;
    transaction
        .replace_registered_client(&client, "{}", Some("s1"))
        .await
        .unwrap();
    let rotated = RotatedSecret {
        digest: "s2",
        earlier_until: Some(NOW.plus(HOUR)),
    };
    assert!(transaction.rotate_secret(&client, rotated).await.unwrap());
    let stored = transaction.client(&client).await.unwrap().unwrap();
    assert_eq!(stored.earlier_secret.unwrap().digest, "s1");
    transaction
        .replace_registered_client(&client, "{}", Some("s2"))
        .await
        .unwrap();
    let stored = transaction.client(&client).await.unwrap().unwrap();
    assert_eq!(stored.secret_digest.as_deref(), Some("s2"));
    assert!(stored.earlier_secret.is_none());
}

async fn an_unused_registration_expires_and_a_used_one_stays(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let unused = insert(&mut transaction, "dyn_1").await;
    let used = insert(&mut transaction, "dyn_2").await;
    assert!(transaction.use_registration(&used).await.unwrap());
    let end = NOW.plus(HOUR);
    let early = transaction.expired_registrations(NOW, 9).await.unwrap();
    assert_eq!(early, []);
    let expired = transaction.expired_registrations(end, 9).await.unwrap();
    assert_eq!(expired.as_slice(), std::slice::from_ref(&unused));
    assert!(!transaction.delete_unused_client(&used, end).await.unwrap());
    assert!(
        transaction
            .delete_unused_client(&unused, end)
            .await
            .unwrap()
    );
    assert!(!transaction.use_registration(&unused).await.unwrap());
    assert!(transaction.client(&unused).await.unwrap().is_none());
    assert!(transaction.client(&used).await.unwrap().is_some());
}

async fn the_oldest_of_who_has_most_makes_room(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (one, two) = (Some("2001:db8:1::"), Some("203.0.113.0"));
    // In the order in which they registered.
    for (seconds, (id, site)) in (0..).zip([
        ("dyn_alone", Some("198.51.100.0")),
        ("dyn_unknown", None),
        ("dyn_two_old", two),
        ("dyn_one_old", one),
        ("dyn_one", one),
        ("dyn_used", one),
        ("dyn_two", two),
        ("dyn_one_new", one),
        ("dyn_unknown_new", None),
    ]) {
        insert_from(&mut transaction, id, site, seconds).await;
    }
    let used = ClientId::from_text("dyn_used");
    assert!(transaction.use_registration(&used).await.unwrap());
    let unused = transaction.count_unused_registrations().await.unwrap();
    assert_eq!(unused, 8);
    let order = transaction.unused_of_crowded_sites(9).await.unwrap();
    let order: Vec<&str> = order.iter().map(ClientId::as_str).collect();
    assert_eq!(
        order,
        [
            "dyn_one_old",
            "dyn_unknown",
            "dyn_two_old",
            "dyn_one",
            "dyn_alone",
            "dyn_two",
            "dyn_one_new",
            "dyn_unknown_new",
        ]
    );
    let first = transaction.unused_of_crowded_sites(1).await.unwrap();
    assert_eq!(first, [ClientId::from_text("dyn_one_old")]);
    transaction.commit().await.unwrap();
    let mut other = database.store.begin("other").await.unwrap();
    assert_eq!(other.count_unused_registrations().await.unwrap(), 0);
    assert!(other.unused_of_crowded_sites(9).await.unwrap().is_empty());
}

async fn an_invite_serves_as_often_as_it_says(kind: DatabaseKind) {
    let database = world(kind).await;
    let end = NOW.plus(HOUR);
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    transaction.insert_invite("i", 2, end, NOW).await.unwrap();
    assert!(!transaction.is_invited("j", NOW).await.unwrap());
    assert!(!transaction.use_invite("i", end).await.unwrap(), "expired");
    for _ in 0..2 {
        assert!(transaction.is_invited("i", NOW).await.unwrap());
        assert!(transaction.use_invite("i", NOW).await.unwrap());
    }
    assert!(!transaction.is_invited("i", NOW).await.unwrap());
    assert!(!transaction.use_invite("i", NOW).await.unwrap());
    transaction.commit().await.unwrap();
    let later = end.plus(KEPT_AFTER_EXPIRY);
    assert_eq!(database.store.sweep(later, 9).await.unwrap(), 1);
}

async fn a_removed_client_leaves_with_its_registration(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let client = insert(&mut transaction, "dyn_1").await;
    assert!(transaction.remove_registration(&client, NOW).await.unwrap());
    assert!(!transaction.remove_registration(&client, NOW).await.unwrap());
    assert!(!transaction.hold_registration(&client, "t").await.unwrap());
    assert!(transaction.registration(&client).await.unwrap().is_none());
    assert!(transaction.client(&client).await.unwrap().is_some());
    transaction.commit().await.unwrap();
    let later = NOW.plus(KEPT_AFTER_EXPIRY);
    assert_eq!(database.store.sweep(later, 9).await.unwrap(), 2);
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(transaction.client(&client).await.unwrap().is_none());
}
