//! Tenants never see each other's rows (promise 8), and a dropped session leaves nothing.

use writ_core::event::{Event, EventName};
use writ_core::id::EventId;

use crate::event::EventFilter;
use crate::replay::Once;
use crate::request::NewRequest;
use crate::session::NewSession;
use crate::task::TaskFilter;
use crate::testing::{self, Kind};
use crate::tests::world::{
    HOUR, ISSUER, NOW, TENANT, bank, chain, code, key, planner, populate, prepared, task, user,
    world,
};
use crate::{Session, StoreError};

on_both! {
    promise_8_another_tenant_finds_and_changes_nothing,
    promise_8_both_tenants_may_have_the_same_names,
    a_tenant_keeps_its_issuer,
    a_dropped_session_leaves_nothing,
    a_read_sees_only_what_is_committed,
}

const OTHER: &str = "other";

/// One row of every kind.
async fn fill(session: &mut Session) {
    let client = planner();
    let prepared = prepared();
    let user = user("alice").id;
    let expires_at = NOW.plus(HOUR);
    let id = writ_core::id::DelegationId::from_text("dlg_tsk_t_1");
    session.insert_code(&code("c", &id)).await.unwrap();
    let request = NewRequest {
        digest: "q",
        client: &client,
        prepared: &prepared,
        created_at: NOW,
        expires_at,
    };
    session.insert_request(request).await.unwrap();
    let login = NewSession {
        digest: "s",
        user: &user,
        authenticated_at: NOW,
        for_request: None,
        expires_at,
    };
    session.insert_session(login).await.unwrap();
    session.claim_key(&key('a'), &client, NOW).await.unwrap();
    session
        .put_resource(&bank(), "{}", None, NOW)
        .await
        .unwrap();
    session
        .insert_type("hash", "payment", "{}", NOW)
        .await
        .unwrap();
    session
        .count_refusal("/token", "invalid_client", NOW)
        .await
        .unwrap();
    let event =
        Event::new(EventId::from_text("evt_1"), NOW, EventName::TaskApproved).about(&task("t"));
    session.insert_event(&event).await.unwrap();
    let claim = Once {
        digest: "once".to_owned(),
        expires_at,
    };
    assert_eq!(session.claim_once(&[claim]).await.unwrap(), None);
}

async fn promise_8_another_tenant_finds_and_changes_nothing(kind: Kind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 2).await;
    let mut session = database.store.begin(TENANT).await.unwrap();
    fill(&mut session).await;
    session.commit().await.unwrap();

    let mut other = database.store.begin(OTHER).await.unwrap();
    let (task, leaf, client) = (&rows[0].task, &rows[1].id, planner());
    let everything = TaskFilter {
        limit: 100,
        ..TaskFilter::default()
    };
    assert!(other.task(task).await.unwrap().is_none());
    assert!(other.tasks(everything).await.unwrap().is_empty());
    assert!(other.delegations_of(task).await.unwrap().is_empty());
    assert!(other.lineage(leaf).await.unwrap().is_none());
    assert!(!other.is_live(leaf, NOW).await.unwrap());
    assert!(other.client(&client).await.unwrap().is_none());
    assert!(other.key_owner(&key('a')).await.unwrap().is_none());
    assert!(other.user_by_name("alice").await.unwrap().is_none());
    assert!(other.user_by_id(&user("alice").id).await.unwrap().is_none());
    assert!(other.session("s", NOW).await.unwrap().is_none());
    assert!(other.request("q").await.unwrap().is_none());
    assert!(other.code("c").await.unwrap().is_none());
    assert!(other.resources().await.unwrap().is_empty());
    assert!(other.types().await.unwrap().is_empty());
    assert!(other.type_document("hash").await.unwrap().is_none());
    assert!(other.signing_keys().await.unwrap().is_empty());
    assert!(other.refusal_counts(NOW).await.unwrap().is_empty());
    let all = EventFilter {
        limit: 100,
        ..EventFilter::default()
    };
    assert!(other.events(all).await.unwrap().is_empty());

    assert!(!other.consume_code("c", None, NOW).await.unwrap());
    assert!(!other.consume_request("q", NOW).await.unwrap());
    assert!(!other.stop_task(task, NOW).await.unwrap());
    assert!(!other.stop_task_of(task, "usr_alice", NOW).await.unwrap());
    assert!(!other.stop_delegation(leaf, NOW).await.unwrap());
    assert!(!other.stop_client(&client, NOW).await.unwrap());
    assert!(!other.disable_user(&user("alice").id, NOW).await.unwrap());
    assert!(!other.end_session("s", NOW).await.unwrap());
    assert!(
        !other
            .insert_task_if_active(&super::world::task("u"))
            .await
            .unwrap()
    );
    other.commit().await.unwrap();

    let mut session = database.store.read(TENANT).await.unwrap();
    assert!(session.lineage(leaf).await.unwrap().unwrap().is_live(NOW));
}

async fn promise_8_both_tenants_may_have_the_same_names(kind: Kind) {
    let database = world(kind).await;
    chain(&database.store, "t", 1).await;
    for (tenant, issuer) in [(TENANT, ISSUER), (OTHER, "https://as.example/t/other")] {
        let mut session = database.store.begin(tenant).await.unwrap();
        if tenant == OTHER {
            populate(&mut session, issuer).await;
        }
        fill(&mut session).await;
        session.commit().await.unwrap();
    }
}

async fn a_tenant_keeps_its_issuer(kind: Kind) {
    let database = world(kind).await;
    let mut session = database.store.begin(TENANT).await.unwrap();
    session.ensure_tenant(ISSUER, NOW).await.unwrap();
    let refused = session
        .ensure_tenant("https://other.example", NOW)
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, StoreError::OtherIssuer { issuer, .. } if issuer == ISSUER),
        "{refused}"
    );
    let mut other = {
        drop(session);
        database.store.begin(OTHER).await.unwrap()
    };
    let refused = other.ensure_tenant(ISSUER, NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::IssuerTaken(_)), "{refused}");
}

async fn a_dropped_session_leaves_nothing(kind: Kind) {
    let database = testing::fresh(kind).await;
    let mut session = database.store.begin(TENANT).await.unwrap();
    populate(&mut session, ISSUER).await;
    fill(&mut session).await;
    drop(session);
    // The same rows again: none is there.
    let mut session = database.store.begin(TENANT).await.unwrap();
    assert!(session.client(&planner()).await.unwrap().is_none());
    populate(&mut session, ISSUER).await;
    fill(&mut session).await;
    session.commit().await.unwrap();
    let mut session = database.store.read(TENANT).await.unwrap();
    assert!(session.client(&planner()).await.unwrap().is_some());
}

async fn a_read_sees_only_what_is_committed(kind: Kind) {
    let database = world(kind).await;
    let mut reading = database.store.read(TENANT).await.unwrap();
    let mut writing = database.store.begin(TENANT).await.unwrap();
    assert!(writing.stop_client(&planner(), NOW).await.unwrap());
    assert!(!reading.client(&planner()).await.unwrap().unwrap().stopped);
    writing.commit().await.unwrap();
    assert!(reading.client(&planner()).await.unwrap().unwrap().stopped);
    reading.commit().await.unwrap();
    assert_eq!(database.store.is_single_writer(), kind == Kind::Sqlite);
}
