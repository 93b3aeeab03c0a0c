//! Groups at providers: a row is put off once, and what saw an older one writes nothing; a sign-in and a logout wait for each other.

use std::time::Duration;

use crate::DatabaseTransaction;
use crate::testing::DatabaseKind;
use crate::tests::world::{HOUR, NOW, TENANT, user, world};
use crate::upstream_account::UpstreamSubject;
use crate::upstream_groups::{GroupsRead, UpstreamGroups};

on_both! {
    what_saw_an_older_row_writes_nothing,
    a_logout_is_told_to_the_sign_in_that_asks_for_it,
}

const ACCOUNT: UpstreamSubject<'static> = UpstreamSubject {
    issuer: "https://acme.example",
    subject: "s1",
};

async fn what_saw_an_older_row_writes_nothing(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = user("alice").id;
    let put = async |transaction: &mut DatabaseTransaction, token: Option<&str>| {
        let put = transaction.put_upstream_groups(ACCOUNT, &alice, read(token));
        put.await.unwrap();
    };
    put(&mut transaction, Some("one")).await;
    // A login without one keeps that of before.
    put(&mut transaction, None).await;
    let issuer = ACCOUNT.issuer;
    let later = NOW.plus(HOUR);
    assert!(
        transaction
            .due_upstream_groups(issuer, NOW, 9)
            .await
            .unwrap()
            .is_empty()
    );
    let due = transaction.due_upstream_groups(issuer, later, 9).await;
    let mut due = due.unwrap();
    assert_eq!(due.len(), 1);
    let seen = due.remove(0);
    assert_eq!(seen.sealed_token.as_deref(), Some("one"));
    let until = later.plus(HOUR);
    for first in [true, false] {
        let put_off = transaction.put_off_upstream_groups(&seen, until).await;
        assert_eq!(put_off.unwrap(), first);
    }
    // Whoever put it off, and nobody else, may write; nobody once a logout took the token.
    let mut claimed = seen.clone();
    claimed.next_at = until;
    let renew = async |transaction: &mut DatabaseTransaction, groups: &UpstreamGroups| {
        let kept = transaction.keep_upstream_token(groups, "two").await;
        let renewed = transaction.renew_upstream_groups(groups, NOW, later).await;
        let (kept, renewed) = (kept.unwrap(), renewed.unwrap());
        assert_eq!(kept, renewed);
        renewed
    };
    assert!(!renew(&mut transaction, &seen).await);
    assert!(renew(&mut transaction, &claimed).await);
    assert!(!renew(&mut transaction, &claimed).await);
    let forgotten = transaction.forget_upstream_tokens(&alice, issuer).await;
    forgotten.unwrap();
    assert!(!renew(&mut transaction, &seen).await);
    assert!(!transaction.remove_upstream_groups(&claimed).await.unwrap());
    let old = transaction.upstream_groups_of_before(issuer, NOW, 9).await;
    let old = old.unwrap();
    assert_eq!(old[0].sealed_token, None);
    assert!(transaction.remove_upstream_groups(&old[0]).await.unwrap());
    assert_eq!(transaction.next_issuer_of_groups("").await.unwrap(), None);
}

async fn a_logout_is_told_to_the_sign_in_that_asks_for_it(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (end, later) = (NOW.plus(HOUR), NOW.plus(Duration::from_secs(1)));
    for (digest, expected) in [("one", None), ("two", Some(later)), ("one", None)] {
        if expected.is_some() {
            let noted = transaction.note_upstream_logout(digest, later, end).await;
            noted.unwrap();
        }
        for _ in 0..2 {
            let held = transaction.hold_upstream_logout(digest, end).await;
            assert_eq!(held.unwrap(), expected, "{digest}");
        }
    }
}

fn read(sealed_token: Option<&str>) -> GroupsRead<'_> {
    GroupsRead {
        sealed_token,
        read_at: NOW,
        next_at: NOW.plus(HOUR),
    }
}
