//! Roles of people: each source gives and takes its own, what is suspended counts for nothing, and all readers say the same.

use std::collections::BTreeSet;

use writ_core::id::UserId;
use writ_core::role::{MAX_ROLES, RoleName};

use crate::DatabaseTransaction;
use crate::role::RoleSource;
use crate::session::NewUserSession;
use crate::testing::DatabaseKind;
use crate::tests::world::{HOUR, NOW, TENANT, chain, populate, user, world};

on_both! {
    a_role_is_given_once_and_taken_once,
    a_provider_sets_and_suspends_what_it_gave_alone,
    every_reader_of_a_person_knows_their_roles,
    a_provider_gives_no_more_than_there_may_be,
    roles_of_one_tenant_are_none_of_another,
}

const ACME: &str = "https://login.acme.example";
const OTHER: &str = "https://login.other.example";

fn role(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

fn roles(names: &[&str]) -> BTreeSet<RoleName> {
    names.iter().map(|name| role(name)).collect()
}

fn session(user: &UserId) -> NewUserSession<'_> {
    NewUserSession {
        digest: "s",
        user,
        authenticated_at: NOW,
        level: writ_authority::Level::Password,
        opened_by: writ_core::authorize::OpenedBy::Password,
        for_request: None,
        expires_at: NOW.plus(HOUR),
        user_agent: None,
        address: None,
        upstream: None,
    }
}

/// Those that count.
async fn held(transaction: &mut DatabaseTransaction, id: &UserId) -> BTreeSet<RoleName> {
    let found = transaction.user_by_id(id).await.unwrap();
    found.unwrap().user.roles
}

async fn a_role_is_given_once_and_taken_once(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = user("alice").id;
    let reader = role("reader");
    assert!(transaction.give_role(&alice, &reader, NOW).await.unwrap());
    assert!(
        !transaction
            .give_role(&alice, &reader, NOW.plus(HOUR))
            .await
            .unwrap()
    );
    let given = transaction.given_roles(&alice).await.unwrap();
    assert_eq!(given.len(), 1);
    assert_eq!((given[0].name.as_str(), given[0].given_at), ("reader", NOW));
    assert_eq!(
        (&given[0].source, given[0].suspended_at),
        (&RoleSource::Operator, None)
    );
    assert_eq!(
        held(&mut transaction, &user("olga").id).await,
        roles(&[]),
        "hers alone"
    );
    assert!(transaction.take_role(&alice, &reader).await.unwrap());
    assert!(!transaction.take_role(&alice, &reader).await.unwrap());
    assert_eq!(held(&mut transaction, &alice).await, roles(&[]));
}

async fn a_provider_sets_and_suspends_what_it_gave_alone(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = user("alice").id;
    transaction
        .give_role(&alice, &role("reader"), NOW)
        .await
        .unwrap();
    let first = roles(&["payer", "reader"]);
    for (issuer, wanted, changed, left) in [
        (ACME, &first, true, &["payer", "reader"][..]),
        (ACME, &first, false, &["payer", "reader"]),
        (OTHER, &roles(&["payer"]), true, &["payer", "reader"]),
        (
            ACME,
            &roles(&["writer"]),
            true,
            &["payer", "reader", "writer"],
        ),
        (OTHER, &roles(&[]), true, &["reader", "writer"]),
        (OTHER, &roles(&[]), false, &["reader", "writer"]),
    ] {
        let set = transaction
            .set_provider_roles(&alice, issuer, wanted, NOW)
            .await
            .unwrap();
        assert_eq!(set, changed, "{issuer} {wanted:?}");
        assert_eq!(
            held(&mut transaction, &alice).await,
            roles(left),
            "{issuer} {wanted:?}"
        );
    }
    suspended_ones_come_back(&mut transaction, &alice).await;
}

/// Of somebody who has `reader` by an operator and `writer` by a provider.
async fn suspended_ones_come_back(transaction: &mut DatabaseTransaction, alice: &UserId) {
    for (issuer, changed, left) in [
        (OTHER, false, &["reader", "writer"][..]),
        (ACME, true, &["reader"]),
        (ACME, false, &["reader"]),
    ] {
        let suspended = transaction
            .suspend_provider_roles(alice, issuer, NOW)
            .await
            .unwrap();
        assert_eq!(suspended, changed, "{issuer}");
        assert_eq!(held(transaction, alice).await, roles(left), "{issuer}");
    }
    assert!(
        !transaction.take_role(alice, &role("writer")).await.unwrap(),
        "the provider's"
    );
    // Heard of again: exactly that is back.
    let same = transaction
        .set_provider_roles(alice, ACME, &roles(&["writer"]), NOW)
        .await;
    assert!(same.unwrap());
    assert_eq!(held(transaction, alice).await, roles(&["reader", "writer"]));
}

async fn every_reader_of_a_person_knows_their_roles(kind: DatabaseKind) {
    let database = world(kind).await;
    let leaf = chain(&database.store, "t", 2).await.pop().unwrap().id;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = user("alice").id;
    let expected = roles(&["payer", "reader"]);
    for (issuer, name) in [(ACME, "payer"), (OTHER, "gone")] {
        let one = roles(&[name]);
        let set = transaction
            .set_provider_roles(&alice, issuer, &one, NOW)
            .await;
        assert!(set.unwrap());
    }
    transaction
        .give_role(&alice, &role("reader"), NOW)
        .await
        .unwrap();
    // Of two sources, and once where both give the same.
    transaction
        .give_role(&alice, &role("payer"), NOW)
        .await
        .unwrap();
    transaction
        .suspend_provider_roles(&alice, OTHER, NOW)
        .await
        .unwrap();
    transaction.insert_session(session(&alice)).await.unwrap();
    assert_eq!(held(&mut transaction, &alice).await, expected);
    let by_name = transaction.user_by_name("alice").await.unwrap().unwrap();
    assert_eq!(by_name.user.roles, expected);
    let names = ["alice".to_owned(), "olga".to_owned()];
    let several = transaction.users_by_names(&names).await.unwrap();
    assert_eq!(
        (&several[0].roles, &several[1].roles),
        (&expected, &roles(&[]))
    );
    let session = transaction.session("s", NOW).await.unwrap().unwrap();
    assert_eq!(session.user.roles, expected);
    let listed = transaction.listed_user(&alice, NOW).await.unwrap().unwrap();
    assert_eq!(listed.roles, expected);
    let lineage = transaction.lineage(&leaf).await.unwrap().unwrap();
    assert_eq!(lineage.roles, expected);
}

async fn a_provider_gives_no_more_than_there_may_be(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = user("alice").id;
    let many: BTreeSet<RoleName> = (0..=MAX_ROLES).map(|n| role(&format!("r{n:03}"))).collect();
    transaction
        .set_provider_roles(&alice, ACME, &many, NOW)
        .await
        .unwrap();
    let held = held(&mut transaction, &alice).await;
    assert_eq!(held.len(), MAX_ROLES);
    assert!(held.is_subset(&many));
}

async fn roles_of_one_tenant_are_none_of_another(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (alice, reader) = (user("alice").id, role("reader"));
    transaction.give_role(&alice, &reader, NOW).await.unwrap();
    transaction
        .set_provider_roles(&alice, ACME, &roles(&["payer"]), NOW)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let mut other = database.store.begin("other").await.unwrap();
    populate(&mut other, "https://other.example").await;
    assert_eq!(held(&mut other, &alice).await, roles(&[]));
    assert!(other.given_roles(&alice).await.unwrap().is_empty());
    assert!(!other.take_role(&alice, &reader).await.unwrap());
    assert!(
        !other
            .suspend_provider_roles(&alice, ACME, NOW)
            .await
            .unwrap()
    );
    assert!(
        !other
            .set_provider_roles(&alice, ACME, &roles(&[]), NOW)
            .await
            .unwrap()
    );
    other.commit().await.unwrap();
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert_eq!(
        held(&mut transaction, &alice).await,
        roles(&["payer", "reader"])
    );
}
