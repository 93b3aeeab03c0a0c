//! The office of a person, and the console that it opens.

use std::time::Duration;

use writ_authority::Level;
use writ_core::authorize::OpenedBy;
use writ_core::operator::{ConsoleTimes, OperatorRole};

use crate::DatabaseTransaction;
use crate::operator::ConsoleSession;
use crate::session::NewUserSession;
use crate::testing::DatabaseKind;
use crate::tests::world::{HOUR, NOW, TENANT, user, world};

on_both! {
    a_role_is_of_one_person_and_read_with_them,
    somebody_else_is_admin_only_while_they_can_come_in,
    a_console_is_of_its_session_and_its_role,
    a_console_closes_with_what_opened_it,
}

const ADMIN: Option<OperatorRole> = Some(OperatorRole::Admin);

async fn session(transaction: &mut DatabaseTransaction, digest: &str, of: &str) {
    let new = NewUserSession {
        digest,
        user: &user(of).id,
        authenticated_at: NOW,
        level: Level::Password,
        opened_by: OpenedBy::Password,
        for_request: None,
        expires_at: NOW.plus(HOUR),
        user_agent: None,
        address: None,
        upstream: None,
    };
    transaction.insert_session(new).await.unwrap();
}

async fn a_role_is_of_one_person_and_read_with_them(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = user("alice").id;
    for role in [ADMIN, Some(OperatorRole::Helpdesk), None] {
        let set = transaction.set_operator_role(&alice, role).await.unwrap();
        assert!(set);
        let found = transaction.user_by_id(&alice).await.unwrap().unwrap();
        assert_eq!(found.operator_role, role);
        let listed = transaction.listed_user(&alice, NOW).await.unwrap();
        assert_eq!(listed.unwrap().operator_role, role);
        let olga = transaction.user_by_name("olga").await.unwrap().unwrap();
        assert_eq!(olga.operator_role, None);
    }
    assert!(transaction.remove_user(&alice, NOW).await.unwrap());
    let set = transaction.set_operator_role(&alice, ADMIN).await.unwrap();
    assert!(!set, "they were removed");
    drop(transaction);
    let mut other = database.store.begin("other").await.unwrap();
    let set = other.set_operator_role(&user("olga").id, ADMIN).await;
    assert!(!set.unwrap(), "of another tenant");
}

async fn somebody_else_is_admin_only_while_they_can_come_in(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (alice, olga) = (user("alice").id, user("olga").id);
    transaction.set_operator_role(&alice, ADMIN).await.unwrap();
    assert!(!transaction.hold_another_admin(&alice).await.unwrap());
    assert!(transaction.hold_another_admin(&olga).await.unwrap());
    let auditor = Some(OperatorRole::Auditor);
    transaction.set_operator_role(&olga, auditor).await.unwrap();
    assert!(!transaction.hold_another_admin(&alice).await.unwrap());
    transaction.set_operator_role(&olga, ADMIN).await.unwrap();
    assert!(transaction.hold_another_admin(&alice).await.unwrap());
    transaction.disable_user(&olga, NOW).await.unwrap();
    assert!(!transaction.hold_another_admin(&alice).await.unwrap());
    transaction.enable_user(&olga, NOW).await.unwrap();
    assert!(transaction.hold_another_admin(&alice).await.unwrap());
    transaction.remove_user(&olga, NOW).await.unwrap();
    assert!(!transaction.hold_another_admin(&alice).await.unwrap());
}

async fn a_console_is_of_its_session_and_its_role(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = user("alice").id;
    session(&mut transaction, "one", "alice").await;
    session(&mut transaction, "two", "alice").await;
    transaction.set_operator_role(&alice, ADMIN).await.unwrap();
    assert!(transaction.open_console("one", "c", NOW).await.unwrap());
    let opened = ConsoleSession {
        role: OperatorRole::Admin,
        times: ConsoleTimes {
            since: NOW,
            seen_at: NOW,
        },
    };
    assert_eq!(
        transaction.console("one", "c", NOW).await.unwrap(),
        Some(opened)
    );
    for (session, console) in [("two", "c"), ("one", "d"), ("three", "c"), ("c", "one")] {
        let found = transaction.console(session, console, NOW).await.unwrap();
        assert_eq!(found, None, "{session} {console}");
    }
    let later = NOW.plus(Duration::from_secs(60));
    transaction
        .note_console_used("one", "c", later)
        .await
        .unwrap();
    // A request that was late changes nothing.
    transaction
        .note_console_used("one", "c", NOW)
        .await
        .unwrap();
    let found = transaction
        .console("one", "c", later)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.times.since, found.times.seen_at), (NOW, later));
    assert_eq!(
        transaction
            .console("one", "c", NOW.plus(HOUR))
            .await
            .unwrap(),
        None
    );
    // Opened again there: the one before is gone.
    assert!(transaction.open_console("one", "e", later).await.unwrap());
    assert_eq!(transaction.console("one", "c", later).await.unwrap(), None);
    assert!(transaction.close_console("one").await.unwrap());
    assert!(!transaction.close_console("one").await.unwrap());
    assert_eq!(transaction.console("one", "e", later).await.unwrap(), None);
}

/// Each way by which a console must end, from an open one on.
async fn a_console_closes_with_what_opened_it(kind: DatabaseKind) {
    let database = world(kind).await;
    let alice = user("alice").id;
    for (place, way) in [
        "role", "none", "disable", "remove", "session", "sessions", "passkey",
    ]
    .into_iter()
    .enumerate()
    {
        let mut transaction = database.store.begin(TENANT).await.unwrap();
        let digest = format!("s{place}");
        session(&mut transaction, &digest, "alice").await;
        transaction.set_operator_role(&alice, ADMIN).await.unwrap();
        assert!(transaction.open_console(&digest, "c", NOW).await.unwrap());
        assert!(
            transaction
                .console(&digest, "c", NOW)
                .await
                .unwrap()
                .is_some()
        );
        match way {
            "role" => drop(transaction.set_operator_role(&alice, ADMIN).await.unwrap()),
            "none" => drop(transaction.set_operator_role(&alice, None).await.unwrap()),
            "disable" => drop(transaction.disable_user(&alice, NOW).await.unwrap()),
            "remove" => drop(transaction.remove_user(&alice, NOW).await.unwrap()),
            "session" => drop(transaction.end_session(&digest, NOW).await.unwrap()),
            "sessions" => drop(transaction.end_sessions_of(&alice, NOW).await.unwrap()),
            _ => drop(
                transaction
                    .end_passkey_sessions(&alice, "", NOW)
                    .await
                    .unwrap(),
            ),
        }
        let found = transaction.console(&digest, "c", NOW).await.unwrap();
        assert_eq!(found, None, "{way}");
        if way.starts_with("session") {
            assert!(
                !transaction.open_console(&digest, "c", NOW).await.unwrap(),
                "{way}"
            );
        }
        // The next way begins where this one did: nothing is committed.
        drop(transaction);
    }
}
