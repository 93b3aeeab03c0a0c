//! Links of a person's account: one of each place, a few tries, one use, and none of another tenant's.

use writ_core::account_link::{LinkKind, MAX_LINK_FAILURES};
use writ_core::id::EventId;

use crate::account_link::NewAccountLink;
use crate::stop::StopEvents;
use crate::testing::DatabaseKind;
use crate::tests::world::{HOUR, NOW, TENANT, chain, task, user, world};
use crate::{DatabaseTransaction, Store};

on_both! {
    a_newer_link_ends_the_older_of_its_place,
    what_anybody_can_ask_for_ends_no_link_of_an_operator,
    a_link_is_used_once_within_its_tries_and_its_time,
    all_that_acts_for_a_person_pauses_at_once,
    links_end_with_the_password_that_was,
}

async fn put(transaction: &mut DatabaseTransaction, kind: LinkKind, link: &str) -> bool {
    let alice = user("alice").id;
    let new = NewAccountLink {
        user: &alice,
        kind,
        link,
        code: Some("code"),
        address: Some("a@b.example"),
        created_at: NOW,
        expires_at: NOW.plus(HOUR),
    };
    transaction.put_account_link(new).await.unwrap()
}

async fn is_good(transaction: &mut DatabaseTransaction, link: &str) -> bool {
    transaction.account_link(link, NOW).await.unwrap().is_some()
}

async fn a_newer_link_ends_the_older_of_its_place(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let mut before: Option<&str> = None;
    for (kind, link) in [
        (LinkKind::Invitation, "one"),
        (LinkKind::Reset, "two"),
        (LinkKind::Invitation, "three"),
    ] {
        assert!(put(&mut transaction, kind, link).await);
        let found = transaction.account_link(link, NOW).await.unwrap().unwrap();
        assert_eq!((found.kind, found.user), (kind, user("alice").id));
        assert_eq!(found.code.as_deref(), Some("code"));
        if let Some(before) = before.replace(link) {
            assert!(!is_good(&mut transaction, before).await);
        }
    }
    assert!(put(&mut transaction, LinkKind::Address, "four").await);
    assert!(is_good(&mut transaction, "three").await, "of another place");
    transaction.commit().await.unwrap();
    let mut other = database.store.begin("other").await.unwrap();
    assert!(!is_good(&mut other, "three").await);
    assert!(other.end_account_link("three").await.unwrap().is_none());
    drop(other);
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(
        transaction
            .disable_user(&user("alice").id, NOW)
            .await
            .unwrap()
    );
    assert!(!is_good(&mut transaction, "three").await, "with its person");
}

async fn what_anybody_can_ask_for_ends_no_link_of_an_operator(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(put(&mut transaction, LinkKind::Forgotten, "hers").await);
    assert!(put(&mut transaction, LinkKind::Forgotten, "newer").await);
    let alice = user("alice").id;
    for (at, given) in [(NOW, true), (NOW.plus(HOUR), false)] {
        let done = transaction.give_code_to_link(&alice, "other code", at);
        assert_eq!(done.await.unwrap(), given);
    }
    for _ in 0..MAX_LINK_FAILURES {
        let tried = transaction.try_account_link("newer", NOW).await.unwrap();
        assert!(tried.is_some());
    }
    let done = transaction.give_code_to_link(&alice, "other code", NOW);
    assert!(!done.await.unwrap(), "tried too often");
    assert!(!is_good(&mut transaction, "newer").await);
    assert!(put(&mut transaction, LinkKind::Reset, "operator's").await);
    assert!(!put(&mut transaction, LinkKind::Forgotten, "a stranger's").await);
    assert!(is_good(&mut transaction, "operator's").await);
    let done = transaction.give_code_to_link(&alice, "other code", NOW);
    assert!(!done.await.unwrap(), "it has its own");
}

async fn consumed(store: Store, link: &str) -> bool {
    let mut transaction = store.begin(TENANT).await.unwrap();
    let done = transaction.consume_account_link(link, NOW).await.unwrap();
    transaction.commit().await.unwrap();
    done
}

async fn a_link_is_used_once_within_its_tries_and_its_time(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    put(&mut transaction, LinkKind::Reset, "one").await;
    let late = NOW.plus(HOUR);
    assert!(!transaction.consume_account_link("one", late).await.unwrap());
    for _ in 0..MAX_LINK_FAILURES {
        assert!(
            transaction
                .try_account_link("one", NOW)
                .await
                .unwrap()
                .is_some()
        );
    }
    assert!(
        transaction
            .try_account_link("one", NOW)
            .await
            .unwrap()
            .is_none()
    );
    assert!(!transaction.consume_account_link("one", NOW).await.unwrap());
    transaction.forgive_account_link("one").await.unwrap();
    assert!(is_good(&mut transaction, "one").await);
    transaction.commit().await.unwrap();
    let racers = (0..8).map(|_| tokio::spawn(consumed(database.store.clone(), "one")));
    let mut won = 0;
    for racer in racers.collect::<Vec<_>>() {
        won += usize::from(racer.await.unwrap());
    }
    assert_eq!(won, 1);
}

async fn all_that_acts_for_a_person_pauses_at_once(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    chain(store, "a", 2).await;
    chain(store, "b", 1).await;
    let mut transaction = store.begin(TENANT).await.unwrap();
    let id = EventId::from_text("evt_pause");
    let events = StopEvents {
        id: &id,
        now: NOW,
        data: "{}",
    };
    let bob = transaction.pause_tasks_of(&user("bob").id, events).await;
    assert_eq!(bob.unwrap(), 0);
    let alice = transaction.pause_tasks_of(&user("alice").id, events).await;
    assert_eq!(alice.unwrap(), 2);
    let again = transaction.pause_tasks_of(&user("alice").id, events).await;
    assert_eq!(again.unwrap(), 0, "they are paused");
    for name in ["a", "b"] {
        let stored = transaction.task(&task(name).id).await.unwrap().unwrap();
        assert_eq!(stored.suspended_at, Some(NOW));
    }
}

/// Whoever asked for them knew the password before, or got them while it was one.
async fn links_end_with_the_password_that_was(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = user("alice").id;
    for (place, link) in [(LinkKind::Reset, "one"), (LinkKind::Address, "two")] {
        assert!(put(&mut transaction, place, link).await);
        assert!(transaction.set_password(&alice, "first").await.unwrap());
        assert!(!is_good(&mut transaction, link).await, "{place:?}");
        assert!(put(&mut transaction, place, link).await);
        let replaced = transaction.replace_password(&alice, "wrong", "second");
        assert!(!replaced.await.unwrap());
        assert!(is_good(&mut transaction, link).await, "nothing changed");
        let replaced = transaction.replace_password(&alice, "first", "second");
        assert!(replaced.await.unwrap());
        assert!(!is_good(&mut transaction, link).await, "{place:?}");
    }
}
