//! What was approved before: the newest uses of one person and type, sums, and how long they stay.

use std::time::Duration;

use writ_authority::{Decimal, UsualAmount};
use writ_core::history::{KEPT, NEWEST, Use};
use writ_core::id::{ApprovalId, UserId};
use writ_wire::time::Timestamp;

use crate::Store;
use crate::approved_uses::NewUses;
use crate::testing::DatabaseKind;
use crate::tests::world::{NOW, TENANT, booker, planner, user, world};

on_both! {
    the_newest_uses_of_one_person_and_type,
    a_use_is_written_once,
    only_what_has_an_amount_is_summed,
    uses_leave_after_thirteen_months,
    half_an_amount_is_an_error,
}

fn alice() -> UserId {
    user("alice").id
}

fn spent(text: &str) -> Option<UsualAmount> {
    Some(UsualAmount {
        value: Decimal::parse(text).unwrap(),
        text: text.to_owned(),
        unit: "EUR".to_owned(),
    })
}

fn one(place: usize, payee: &str, amount: Option<UsualAmount>) -> Use {
    Use {
        place,
        type_name: "payment".to_owned(),
        payee_digest: payee.to_owned(),
        amount,
    }
}

async fn insert(store: &Store, approval: &str, uses: &[Use], at: Timestamp) -> bool {
    let mut transaction = store.begin(TENANT).await.unwrap();
    let new = NewUses {
        approval: &ApprovalId::from_text(approval),
        client: &planner(),
        subject: &alice(),
        uses,
    };
    let inserted = transaction.insert_uses(new, at).await;
    if inserted.is_ok() {
        transaction.commit().await.unwrap();
    }
    inserted.is_ok()
}

async fn payees(store: &Store) -> Vec<String> {
    let mut transaction = store.read(TENANT).await.unwrap();
    let newest = transaction.newest_uses(&alice(), "payment").await.unwrap();
    newest.into_iter().map(|one| one.payee_digest).collect()
}

async fn the_newest_uses_of_one_person_and_type(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    for place in 0..=NEWEST {
        let at = NOW.plus(Duration::from_secs(place as u64));
        let payee = format!("p{place}");
        let uses = [one(0, &payee, spent("1.00"))];
        assert!(insert(store, &format!("apr_{place}"), &uses, at).await);
    }
    let other = Use {
        type_name: "calendar".to_owned(),
        ..one(0, "another type", None)
    };
    assert!(insert(store, "apr_other", &[other], NOW).await);
    let mut transaction = store.begin(TENANT).await.unwrap();
    let of_olga = NewUses {
        approval: &ApprovalId::from_text("apr_olga"),
        client: &planner(),
        subject: &user("olga").id,
        uses: &[one(0, "of another person", None)],
    };
    transaction.insert_uses(of_olga, NOW).await.unwrap();
    transaction.commit().await.unwrap();
    let newest = payees(store).await;
    let expected: Vec<String> = (1..=NEWEST).rev().map(|n| format!("p{n}")).collect();
    assert_eq!(newest, expected);
    let mut transaction = store.read(TENANT).await.unwrap();
    let newest = transaction.newest_uses(&alice(), "payment").await.unwrap();
    assert_eq!(newest[0].amount, spent("1.00"));
    let mut elsewhere = store.read("other").await.unwrap();
    let found = elsewhere.newest_uses(&alice(), "payment").await.unwrap();
    assert!(found.is_empty());
}

async fn a_use_is_written_once(kind: DatabaseKind) {
    let database = world(kind).await;
    let uses = [one(0, "p0", spent("1")), one(1, "p1", None)];
    assert!(insert(&database.store, "apr_1", &uses, NOW).await);
    assert!(!insert(&database.store, "apr_1", &uses, NOW).await);
    assert_eq!(payees(&database.store).await, ["p0", "p1"]);
}

async fn only_what_has_an_amount_is_summed(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    let uses = [one(0, "p0", spent("412.00")), one(1, "p1", None)];
    assert!(insert(store, "apr_1", &uses, NOW).await);
    let mut transaction = store.begin(TENANT).await.unwrap();
    let of_booker = NewUses {
        approval: &ApprovalId::from_text("apr_2"),
        client: &booker(),
        subject: &alice(),
        uses: &[one(0, "p0", spent("8"))],
    };
    let late = NOW.plus(Duration::from_secs(1));
    transaction.insert_uses(of_booker, late).await.unwrap();
    transaction.commit().await.unwrap();
    let mut transaction = store.read(TENANT).await.unwrap();
    let before = NOW.minus(Duration::from_secs(1));
    let found = transaction.spent_since(&alice(), before, 10).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|one| {
            (
                one.approval.as_str(),
                one.client.as_str(),
                &*one.amount.text,
            )
        })
        .collect();
    let expected = [
        ("apr_2", "agt_booker", "8"),
        ("apr_1", "agt_planner", "412.00"),
    ];
    assert_eq!(found, expected);
    let found = transaction.spent_since(&alice(), NOW, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    let found = transaction.spent_since(&alice(), before, 1).await.unwrap();
    assert_eq!(found.len(), 1);
}

async fn uses_leave_after_thirteen_months(kind: DatabaseKind) {
    let database = world(kind).await;
    let store = &database.store;
    for place in 0..3 {
        let payee = format!("p{place}");
        let uses = [one(0, &payee, spent("1"))];
        let at = NOW.plus(Duration::from_secs(place));
        assert!(insert(store, &format!("apr_{place}"), &uses, at).await);
    }
    let end = NOW.plus(KEPT);
    let just_before = Timestamp::from_micros(end.micros() - 1);
    assert_eq!(store.sweep(just_before, 100).await.unwrap(), 0);
    assert_eq!(store.sweep(end, 100).await.unwrap(), 1);
    let later = end.plus(Duration::from_secs(60));
    assert_eq!(store.sweep(later, 1).await.unwrap(), 1);
    assert_eq!(payees(store).await, ["p2"]);
    assert_eq!(store.sweep(later, 1).await.unwrap(), 1);
    assert_eq!(store.sweep(later, 1).await.unwrap(), 0);
}

/// A row that cannot be read is an error.
async fn half_an_amount_is_an_error(kind: DatabaseKind) {
    for broken in [
        "UPDATE approved_uses SET unit = NULL",
        "UPDATE approved_uses SET amount = 'much'",
    ] {
        let database = world(kind).await;
        let store = &database.store;
        assert!(insert(store, "apr_1", &[one(0, "p", spent("1"))], NOW).await);
        let mut transaction = store.begin(TENANT).await.unwrap();
        execute!(transaction, broken).unwrap();
        assert!(transaction.newest_uses(&alice(), "payment").await.is_err());
    }
}
