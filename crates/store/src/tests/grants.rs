//! Codes, requests, refresh tokens, tasks, consents and delegations read back as they were written.

use writ_core::code::NewCode;
use writ_core::id::{ClientId, TaskId};
use writ_core::refresh::{Binding, NewRefreshToken};
use writ_core::request::PreparedRequest;
use writ_core::task::{Approval, Subject, Task};
use writ_wire::claims::ApprovalBasis;

use crate::request::NewAuthorizationRequest;
use crate::task::{LiveCursor, TasksInOrder};
use crate::testing::DatabaseKind;
use crate::tests::world::{
    HOUR, NOW, TENANT, booker, chain, code, consent, key, planner, prepared, task, user, world,
};
use crate::{DatabaseTransaction, StoreError};

on_both! {
    codes_read_back,
    refresh_tokens_read_back,
    requests_consents_and_delegations_read_back,
    requests_of_earlier_versions_read_back_without_a_signer,
    a_code_a_request_and_a_refresh_token_are_never_one_another,
    tasks_read_back_and_are_listed,
    a_task_is_not_opened_for_what_is_stopped,
    only_the_subject_stops_a_task_on_the_page,
    a_row_that_cannot_be_read_is_an_error,
    live_tasks_of_a_person_come_in_pages,
}

async fn codes_read_back(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 2).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let bare = NewCode {
        jkt: None,
        nonce: None,
        ..code("d", &rows[1].id)
    };
    for new in [code("c", &rows[0].id), bare] {
        transaction.insert_code(&new).await.unwrap();
        let found = transaction.code(&new.digest).await.unwrap().unwrap();
        assert_eq!(found.lineage.leaf.id, new.delegation);
        assert_eq!((found.row, found.consumed), (new, None));
    }
}

async fn refresh_tokens_read_back(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 2).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for binding in [Binding::None, Binding::AnyKey, Binding::Key(key('a'))] {
        let new = NewRefreshToken {
            digest: format!("{binding:?}"),
            client: planner(),
            delegation: rows[0].id.clone(),
            binding,
            access_jti: None,
            created_at: NOW,
            expires_at: NOW.plus(HOUR),
        };
        transaction.insert_refresh_token(&new).await.unwrap();
        let found = transaction
            .refresh_token(&new.digest)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.row, found.consumed), (new, None));
    }
}

async fn requests_of_earlier_versions_read_back_without_a_signer(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let prepared = PreparedRequest {
        signed_by: None,
        ..prepared()
    };
    let text = serde_json::to_string(&prepared).unwrap();
    assert!(!text.contains("signed_by"), "as they were written: {text}");
    let new = NewAuthorizationRequest {
        digest: "q",
        client: &planner(),
        prepared: &prepared,
        created_at: NOW,
        expires_at: NOW.plus(HOUR),
        opened_at: None,
    };
    transaction.insert_request(new).await.unwrap();
    let found = transaction.request("q").await.unwrap().unwrap();
    assert_eq!(found.prepared.signed_by, None);
}

async fn requests_consents_and_delegations_read_back(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 2).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (client, prepared) = (planner(), prepared());
    let expires_at = NOW.plus(HOUR);
    let (digest, prepared, client) = ("q", &prepared, &client);
    let new = NewAuthorizationRequest {
        digest,
        client,
        prepared,
        created_at: NOW,
        expires_at,
        opened_at: None,
    };
    transaction.insert_request(new).await.unwrap();
    let found = transaction.request("q").await.unwrap().unwrap();
    assert_eq!(
        (&found.prepared, found.client.as_str()),
        (prepared, "agt_planner")
    );
    assert_eq!((found.expires_at, found.consumed_at), (expires_at, None));
    assert_eq!(found.opened_at, None);
    let later = expires_at.plus(HOUR);
    for (at, end) in [(expires_at, later), (NOW, later), (NOW.plus(HOUR / 2), NOW)] {
        transaction.open_request("q", at, end).await.unwrap();
    }
    let found = transaction.request("q").await.unwrap().unwrap();
    assert_eq!(
        (found.opened_at, found.expires_at),
        (Some(NOW), later),
        "not too late, and once"
    );
    assert!(transaction.consume_request("q", NOW).await.unwrap());
    assert_eq!(
        transaction.request("q").await.unwrap().unwrap().consumed_at,
        Some(NOW)
    );
    transaction
        .insert_consent(&task("t"), &consent("1"))
        .await
        .unwrap();
    assert_eq!(
        transaction.delegations_of(&rows[0].task).await.unwrap(),
        rows
    );
}

async fn a_code_a_request_and_a_refresh_token_are_never_one_another(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 1).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    transaction
        .insert_code(&code("same", &rows[0].id))
        .await
        .unwrap();
    assert!(transaction.refresh_token("same").await.unwrap().is_none());
    assert!(transaction.request("same").await.unwrap().is_none());
    assert!(transaction.session("same", NOW).await.unwrap().is_none());
    assert!(
        !transaction
            .consume_refresh_token("same", None, "next", NOW)
            .await
            .unwrap()
    );
    assert!(!transaction.consume_request("same", NOW).await.unwrap());
}

/// An hour younger than alice's, and two hours longer.
fn own() -> Task {
    let task = task("own");
    let approval = Approval {
        basis: ApprovalBasis::Policy,
        authentication: None,
        ..task.approval.clone()
    };
    Task {
        subject: Subject::Agent(planner().to_string()),
        purpose: None,
        approval,
        created_at: NOW.plus(HOUR),
        expires_at: NOW.plus(HOUR * 3),
        ..task
    }
}

async fn tasks_read_back_and_are_listed(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (older, own) = (task("older"), own());
    for new in [&older, &own] {
        assert!(transaction.insert_task_if_active(new).await.unwrap());
        let found = transaction.task(&new.id).await.unwrap().unwrap();
        assert_eq!((&found.task, found.stopped_at), (new, None));
    }
    let cases: [(TasksInOrder<'_>, Option<&str>, u32, &[&str]); 5] = [
        (TasksInOrder::All, None, 10, &["tsk_own", "tsk_older"]),
        (TasksInOrder::All, None, 1, &["tsk_own"]),
        (TasksInOrder::All, Some("tsk_own"), 10, &["tsk_older"]),
        (TasksInOrder::Subject("usr_alice"), None, 10, &["tsk_older"]),
        (TasksInOrder::Subject("usr_olga"), None, 10, &[]),
    ];
    for (which, before, limit, expected) in cases {
        let listed = transaction
            .tasks_before(which, before, limit)
            .await
            .unwrap();
        let ids: Vec<&str> = listed.iter().map(|t| t.task.id.as_str()).collect();
        assert_eq!(ids, expected, "{which:?}");
    }
    assert!(transaction.stop_task(&own.id, NOW).await.unwrap());
    assert_eq!(
        transaction.task(&own.id).await.unwrap().unwrap().stopped_at,
        Some(NOW)
    );
    assert!(
        transaction
            .task(&TaskId::from_text("tsk_nobody"))
            .await
            .unwrap()
            .is_none()
    );
}

async fn a_task_is_not_opened_for_what_is_stopped(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let plain = ClientId::from_text("reports");
    assert!(
        transaction
            .insert_client(&plain, "{}", Some("digest"), NOW)
            .await
            .unwrap()
    );
    assert!(opens("1", &plain, &mut transaction).await);
    assert!(opens("2", &planner(), &mut transaction).await);
    assert!(transaction.stop_client(&planner(), NOW).await.unwrap());
    assert!(!opens("3", &planner(), &mut transaction).await);
    assert!(opens("4", &booker(), &mut transaction).await);
    assert!(
        transaction
            .disable_user(&user("olga").id, NOW)
            .await
            .unwrap()
    );
    assert!(!opens("5", &booker(), &mut transaction).await);
    assert!(opens("6", &plain, &mut transaction).await);
    assert!(!opens("7", &ClientId::from_text("nobody"), &mut transaction).await);
}

async fn opens(name: &str, client: &ClientId, transaction: &mut DatabaseTransaction) -> bool {
    let new = Task {
        client: client.clone(),
        ..task(name)
    };
    let opened = transaction.insert_task_if_active(&new).await.unwrap();
    assert_eq!(transaction.task(&new.id).await.unwrap().is_some(), opened);
    opened
}

async fn only_the_subject_stops_a_task_on_the_page(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let hers = task("hers");
    let agents = Task {
        subject: Subject::Agent("usr_alice".to_owned()),
        ..task("agents")
    };
    for new in [&hers, &agents] {
        assert!(transaction.insert_task_if_active(new).await.unwrap());
    }
    assert!(
        !transaction
            .stop_task_of(&hers.id, "usr_olga", NOW)
            .await
            .unwrap()
    );
    assert!(
        !transaction
            .stop_task_of(&agents.id, "usr_alice", NOW)
            .await
            .unwrap()
    );
    assert!(
        transaction
            .stop_task_of(&hers.id, "usr_alice", NOW)
            .await
            .unwrap()
    );
}

/// Each spoils one column of a good row.
const SPOILED: &[&str] = &[
    "UPDATE tasks SET authority = '{' WHERE tenant = $1",
    "UPDATE tasks SET approval = '{}' WHERE tenant = $1",
    "UPDATE tasks SET subject_kind = 'robot' WHERE tenant = $1",
    "UPDATE tasks SET authority_version = 2 WHERE tenant = $1",
    "UPDATE delegations SET jkt = 'short' WHERE tenant = $1",
    "UPDATE delegations SET act = '\"agt_planner\"' WHERE tenant = $1",
    "UPDATE delegations SET onward = 'null' WHERE tenant = $1",
    "UPDATE codes SET code_challenge = 'plain' WHERE tenant = $1",
];

async fn a_row_that_cannot_be_read_is_an_error(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 1).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    transaction
        .insert_code(&code("c", &rows[0].id))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    for sql in SPOILED {
        let mut transaction = database.store.begin(TENANT).await.unwrap();
        assert_eq!(execute!(transaction, *sql, TENANT).unwrap(), 1);
        let read = transaction.code("c").await;
        assert!(matches!(read, Err(StoreError::Corrupt(_))), "{sql}");
        drop(transaction);
    }
}

/// In pages, those that end last first; nothing that was stopped or has expired, and nobody else's.
async fn live_tasks_of_a_person_come_in_pages(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let ending = |name: &str, hours: u32| Task {
        expires_at: NOW.plus(HOUR * hours),
        ..task(name)
    };
    let olgas = Task {
        subject: Subject::Person(user("olga").id.to_string()),
        ..ending("olgas", 9)
    };
    let tasks = [
        ending("a", 2),
        ending("b", 3),
        ending("c", 2),
        ending("stopped", 9),
        ending("over", 1),
        olgas,
    ];
    for new in &tasks {
        assert!(transaction.insert_task_if_active(new).await.unwrap());
    }
    assert!(
        transaction
            .stop_task(&task("stopped").id, NOW)
            .await
            .unwrap()
    );
    let (alice, now) = (user("alice").id, NOW.plus(HOUR));
    let mut seen = Vec::new();
    let mut after: Option<LiveCursor> = None;
    loop {
        let page = transaction.live_tasks_of_person(&alice, after.as_ref(), now, 1);
        let page = page.await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(LiveCursor {
            expires_at: last.task.expires_at,
            id: last.task.id.clone(),
        });
        seen.extend(page.into_iter().map(|stored| stored.task.id.to_string()));
    }
    assert_eq!(seen, ["tsk_b", "tsk_c", "tsk_a"]);
}
