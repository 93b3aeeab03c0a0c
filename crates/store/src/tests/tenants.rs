//! Tenants never see each other's rows, and a dropped transaction leaves nothing.

use writ_core::event::{Event, EventName};
use writ_core::id::{ClientId, DelegationId, EventId, ReceiptId, TaskId, UserId};
use writ_core::pending::{Ending, State};

use crate::event::EventFilter;
use crate::pending::PromptCounts;
use crate::replay::ReplayClaim;
use crate::request::NewAuthorizationRequest;
use crate::session::NewUserSession;
use crate::stop::{RequestsOf, StopEvents, StoppedRequests, TasksOf};
use crate::task::TasksInOrder;
use crate::testing::{self, DatabaseKind, TestDatabase};
use crate::tests::waiting::{self, END};
use crate::tests::world::{
    HOUR, ISSUER, NOW, TENANT, bank, chain, code, key, planner, populate, prepared, task, user,
    world,
};
use crate::{DatabaseTransaction, StoreError};

on_both! {
    another_tenant_finds_and_changes_nothing,
    another_tenant_finds_nothing_that_waits,
    another_tenant_decides_nothing,
    both_tenants_may_have_the_same_names,
    a_tenant_keeps_its_issuer,
    a_dropped_transaction_leaves_nothing,
}

const OTHER: &str = "other";

/// One row of every kind.
async fn fill(transaction: &mut DatabaseTransaction) {
    let (client, prepared, user) = (planner(), prepared(), user("alice").id);
    let expires_at = NOW.plus(HOUR);
    let id = DelegationId::from_text("dlg_tsk_t_1");
    transaction.insert_code(&code("c", &id)).await.unwrap();
    let request = NewAuthorizationRequest {
        digest: "q",
        client: &client,
        prepared: &prepared,
        created_at: NOW,
        expires_at,
        opened_at: None,
    };
    transaction.insert_request(request).await.unwrap();
    let login = NewUserSession {
        digest: "s",
        user: &user,
        authenticated_at: NOW,
        level: writ_authority::Level::Password,
        opened_by: writ_core::authorize::OpenedBy::Password,
        for_request: None,
        expires_at,
        user_agent: None,
        address: None,
        upstream: None,
    };
    transaction.insert_session(login).await.unwrap();
    transaction
        .claim_key(&key('a'), &client, NOW)
        .await
        .unwrap();
    transaction
        .put_resource(&bank(), "{}", None, NOW)
        .await
        .unwrap();
    transaction
        .insert_type("hash", "payment", "{}", NOW)
        .await
        .unwrap();
    transaction
        .count_refusal("/token", "invalid_client", NOW)
        .await
        .unwrap();
    let event =
        Event::new(EventId::from_text("evt_1"), NOW, EventName::TaskApproved).about(&task("t"));
    transaction.insert_event(&event).await.unwrap();
    let claim = ReplayClaim {
        digest: "once".to_owned(),
        expires_at,
    };
    assert_eq!(transaction.claim_once(&[claim]).await.unwrap(), None);
    waiting::fill(transaction).await;
}

async fn finds_nothing_by_page(other: &mut DatabaseTransaction, task: &TaskId, client: &ClientId) {
    for which in [TasksInOrder::All, TasksInOrder::Subject("usr_alice")] {
        assert!(other.tasks_before(which, None, 9).await.unwrap().is_empty());
    }
    let alice = user("alice").id;
    let live = other.live_tasks_of_person(&alice, None, NOW, 9);
    assert!(live.await.unwrap().is_empty());
    let ids = [task.as_str()];
    assert!(other.holders_of(&ids, 9).await.unwrap().is_empty());
    assert!(other.last_tokens(&ids).await.unwrap().is_empty());
    let clients = [client.as_str()];
    let latest = other.latest_of_clients(&alice, &clients, 9);
    assert!(latest.await.unwrap().is_empty());
    assert!(other.clients_among(&clients).await.unwrap().is_empty());
    assert!(other.names_of(&[alice.as_str()]).await.unwrap().is_empty());
    assert!(
        other
            .voted_among(&["apr_1"], &alice)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn another_tenant_finds_and_changes_nothing(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 2).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    fill(&mut transaction).await;
    transaction.commit().await.unwrap();

    let mut other = database.store.begin(OTHER).await.unwrap();
    let (task, leaf, client) = (&rows[0].task, &rows[1].id, planner());
    assert!(other.task(task).await.unwrap().is_none());
    finds_nothing_by_page(&mut other, task, &client).await;
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

    let mut transaction = database.store.read(TENANT).await.unwrap();
    assert!(
        transaction
            .lineage(leaf)
            .await
            .unwrap()
            .unwrap()
            .goes_on(NOW)
    );
}

async fn another_tenant_finds_nothing_that_waits(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(transaction.insert_task_if_active(&task("t")).await.unwrap());
    fill(&mut transaction).await;
    transaction.commit().await.unwrap();

    let mut other = database.store.begin(OTHER).await.unwrap();
    let (request, alice) = (waiting::waiting("1"), waiting::of("alice"));
    let (id, end) = (&request.id, END.plus(HOUR));
    let handle = other.pending(request.kind, &request.digest).await;
    assert!(handle.unwrap().is_none());
    assert!(other.pending_by_id(id).await.unwrap().is_none());
    let by_code = other.pending_by_user_code("code").await.unwrap();
    assert!(by_code.is_none());
    assert!(other.pending_sealed(id).await.unwrap().is_none());
    assert!(other.votes(id).await.unwrap().is_empty());
    assert!(other.overdue_pending(end, 9).await.unwrap().is_empty());
    assert!(other.inbox(&alice, NOW, 9).await.unwrap().is_empty());
    assert!(other.activity(&alice, 9).await.unwrap().is_empty());
    assert!(
        other
            .changed_pending(NOW, None, 9)
            .await
            .unwrap()
            .is_empty()
    );
    let prompts = other.prompts(&alice, &planner(), NOW, NOW).await;
    assert_eq!(prompts.unwrap(), PromptCounts::default());
    let asked = other.prompts_of_people(id, NOW, END).await;
    assert_eq!(asked.unwrap(), 0);
    assert!(other.newest_copy(&request).await.unwrap().is_none());
    let people = other.people_of_changed(NOW, None, 9).await;
    assert!(people.unwrap().is_empty());
    assert!(other.screen(id, &alice).await.unwrap().is_none());
    let receipt = ReceiptId::from_text("rcp_1");
    assert!(other.receipt(&receipt).await.unwrap().is_none());
    assert!(
        other
            .receipts_before(&alice, None, 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(other.receipts_of_request(id).await.unwrap().is_empty());
    assert!(other.passkeys_of(&alice).await.unwrap().is_empty());
    assert!(other.passkey("credential").await.unwrap().is_none());
    assert!(other.settings(&alice).await.unwrap().is_none());
    assert!(other.notices_of_request(id).await.unwrap().is_empty());
    assert_eq!(other.next_notice_at(NOW).await.unwrap(), None);
    assert!(other.subscriptions_of(&alice).await.unwrap().is_empty());
    assert!(other.server_key("vapid").await.unwrap().is_none());
    let live = other.has_live_task(&alice, &planner(), NOW).await;
    assert!(!live.unwrap());
    let names = ["alice".to_owned()];
    assert!(other.users_by_names(&names).await.unwrap().is_empty());
    let mut transaction = database.store.read(TENANT).await.unwrap();
    let live = transaction.has_live_task(&alice, &planner(), NOW).await;
    assert!(live.unwrap());
}

async fn another_tenant_decides_nothing(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut stages = waiting::waiting("stages");
    let stage = |name| waiting::stage(&[name], 1);
    stages.asked.stages = ["alice", "olga"].map(stage).into();
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    fill(&mut transaction).await;
    waiting::insert(&mut transaction, &stages).await;
    let approved = waiting::waiting("approved");
    waiting::bring(&mut transaction, &approved, State::Approved).await;
    assert!(transaction.stop_client(&planner(), NOW).await.unwrap());
    transaction.commit().await.unwrap();
    let before = rows_of_default(&database).await;

    let mut other = database.store.begin(OTHER).await.unwrap();
    let (id, terminal) = (waiting::id("1"), waiting::device("2"));
    let (alice, vote) = (waiting::of("alice"), waiting::vote("olga", NOW));
    let (yes, delegation) = (waiting::decision(true), DelegationId::from_text("dlg_1"));
    let mut same = waiting::waiting("new");
    same.asked_hash = stages.asked_hash.clone();
    let taken = other.take_pending(&terminal.id, &alice, &terminal.asked, NOW);
    assert!(!taken.await.unwrap());
    assert!(!other.view_pending(&id, NOW).await.unwrap());
    assert!(!other.insert_vote(&id, &vote, NOW).await.unwrap());
    let decided = other.decide_pending(&id, &yes, NOW).await;
    assert!(!decided.unwrap());
    for (ending, at) in [(Ending::Superseded(&same), NOW), (Ending::Late(&id), END)] {
        assert!(other.end_pending(ending, at).await.unwrap().is_empty());
    }
    stops_nothing(&mut other, &alice).await;
    let redeemed = other.redeem_pending(&approved.id, &delegation, NOW).await;
    assert!(!redeemed.unwrap());
    let half = NOW.plus(HOUR / 24);
    assert!(other.escalating_pending(half, 9).await.unwrap().is_empty());
    assert!(!other.escalate_pending(&stages, half).await.unwrap());
    assert!(other.poll_pending(&id, NOW).await.is_err());
    assert!(!other.resume_client(&planner()).await.unwrap());
    persons_things_are_not_theirs(&mut other).await;
    other.commit().await.unwrap();
    assert_eq!(rows_of_default(&database).await, before);
}

async fn stops_nothing(other: &mut DatabaseTransaction, alice: &UserId) {
    let event = EventId::from_text("evt_stop");
    let (planner, bank) = (planner(), bank());
    let (task, piece) = (TaskId::from_text("tsk_1"), DelegationId::from_text("dlg_1"));
    for of in [
        RequestsOf::Client(&planner),
        RequestsOf::Resource(&bank),
        RequestsOf::Task(&task),
        RequestsOf::Delegation(&piece),
    ] {
        let asked = other.stop_requests(alice, of, &event, NOW).await;
        assert_eq!(asked.unwrap(), StoppedRequests::default());
    }
    let events = StopEvents {
        id: &event,
        now: NOW,
        data: "{}",
    };
    let held = other.stop_delegations_held(alice, &planner, events);
    assert_eq!(held.await.unwrap(), 0);
    for of in [
        TasksOf::Pair(alice, &planner),
        TasksOf::Client(&planner),
        TasksOf::Person(alice),
    ] {
        assert_eq!(other.stop_tasks(of, events).await.unwrap(), 0);
    }
}

async fn persons_things_are_not_theirs(other: &mut DatabaseTransaction) {
    let (alice, notice) = (waiting::of("alice"), waiting::notice("1"));
    let used = other
        .use_passkey("credential", r#"{"counter":1}"#, "other", NOW)
        .await;
    assert!(!used.unwrap());
    let removed = other.remove_passkey(&alice, "credential", NOW).await;
    assert!(!removed.unwrap());
    let consumed = other.consume_ceremony("ceremony", "login", NOW).await;
    assert!(consumed.unwrap().is_none());
    let due = other.take_due_notices(NOW, END, 9).await.unwrap();
    assert!(due.is_empty());
    other.reseal_notice(&notice.id, "other").await.unwrap();
    assert!(!other.delivered_notice(&notice.id, "", NOW).await.unwrap());
    assert!(!other.failed_notice(&notice.id, "", NOW).await.unwrap());
    assert!(!other.retry_notice(&notice.id, NOW, "").await.unwrap());
    assert!(!other.subscription_gone("endpoint", NOW).await.unwrap());
    // Rows of the same names beside the others.
    other
        .save_settings(&alice, &waiting::settings(), END)
        .await
        .unwrap();
    other
        .set_user_code(&alice, Some("other"), END)
        .await
        .unwrap();
    let screen = other
        .save_screen(&waiting::id("1"), &alice, "other", END)
        .await;
    screen.unwrap();
    let browser = waiting::subscription("endpoint", "olga");
    other.upsert_subscription(&browser).await.unwrap();
}

/// Every row of the first tenant.
async fn rows_of_default(database: &TestDatabase) -> Vec<String> {
    let rows = database.dump().await;
    let mut rows: Vec<String> = rows.lines().map(str::to_owned).collect();
    rows.retain(|row| row.contains(TENANT) && !row.starts_with("_sqlx"));
    rows.sort();
    rows
}

async fn both_tenants_may_have_the_same_names(kind: DatabaseKind) {
    let database = world(kind).await;
    chain(&database.store, "t", 1).await;
    for (tenant, issuer) in [(TENANT, ISSUER), (OTHER, "https://as.example/t/other")] {
        let mut transaction = database.store.begin(tenant).await.unwrap();
        if tenant == OTHER {
            populate(&mut transaction, issuer).await;
        }
        fill(&mut transaction).await;
        transaction.commit().await.unwrap();
    }
}

async fn a_tenant_keeps_its_issuer(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    transaction.ensure_tenant(ISSUER, NOW).await.unwrap();
    let refused = transaction
        .ensure_tenant("https://other.example", NOW)
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, StoreError::OtherIssuer { issuer, .. } if issuer == ISSUER),
        "{refused}"
    );
    let mut other = {
        drop(transaction);
        database.store.begin(OTHER).await.unwrap()
    };
    let refused = other.ensure_tenant(ISSUER, NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::IssuerTaken(_)), "{refused}");
}

async fn a_dropped_transaction_leaves_nothing(kind: DatabaseKind) {
    let database = testing::fresh(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    populate(&mut transaction, ISSUER).await;
    fill(&mut transaction).await;
    drop(transaction);
    // The same rows again: none is there.
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(transaction.client(&planner()).await.unwrap().is_none());
    populate(&mut transaction, ISSUER).await;
    fill(&mut transaction).await;
    transaction.commit().await.unwrap();
    let mut transaction = database.store.read(TENANT).await.unwrap();
    assert!(transaction.client(&planner()).await.unwrap().is_some());
}
