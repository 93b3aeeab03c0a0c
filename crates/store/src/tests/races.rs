//! Race tests of each conditional statement: fifty at once, one winner.

use std::collections::BTreeMap;

use writ_core::id::{ClientId, DelegationId, TaskId, UserId};
use writ_core::refresh::{Binding, NewRefreshToken};
use writ_core::signing::KeyState;

use crate::Store;
use crate::request::NewAuthorizationRequest;
use crate::session::NewUserSession;
use crate::signing::StoredSigningKey;
use crate::testing::DatabaseKind;
use crate::tests::world::{
    HOUR, NOW, RACERS, TENANT, chain, code, key, planner, prepared, user, wins, world,
};

on_both! {
    one_redemption_of_a_code,
    one_rotation_of_a_refresh_token,
    one_decision_of_a_request,
    one_stop_of_each_kind,
    one_binding_of_a_delegation,
    one_owner_of_a_key,
    one_user_of_a_name_and_one_client_of_an_id,
    first_start_of_many_nodes_makes_one_active_and_one_next_key,
    rotations_at_once_leave_one_active_and_one_next_key,
}

/// The ids that `chain` gives.
fn dlg() -> DelegationId {
    DelegationId::from_text("dlg_tsk_t_1")
}

fn tsk() -> TaskId {
    TaskId::from_text("tsk_t")
}

/// Fifty tasks over two nodes, each in its own transaction; how many were told that they won.
macro_rules! race {
    ($database:ident, $transaction:ident, $place:pat => $statement:expr) => {{
        let nodes = [
            $database.store.clone(),
            Store::connect(&$database.url).await.unwrap(),
        ];
        wins(|place| {
            let store = nodes[place % 2].clone();
            async move {
                let $place = place;
                let mut $transaction = store.begin(TENANT).await.unwrap();
                let won = $statement;
                $transaction.commit().await.unwrap();
                won
            }
        })
        .await
    }};
}
pub(super) use race;

async fn one_redemption_of_a_code(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 1).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    transaction
        .insert_code(&code("c", &rows[0].id))
        .await
        .unwrap();
    assert!(
        !transaction
            .consume_code("c", None, NOW.plus(HOUR))
            .await
            .unwrap(),
        "expired"
    );
    transaction.commit().await.unwrap();
    let won = race!(database, transaction, _ => transaction.consume_code("c", Some(&key('a')), NOW).await.unwrap());
    assert_eq!(won, 1);
    let mut transaction = database.store.read(TENANT).await.unwrap();
    let consumed = transaction
        .code("c")
        .await
        .unwrap()
        .unwrap()
        .consumed
        .unwrap();
    assert_eq!((consumed.at, consumed.jkt), (NOW, Some(key('a'))));
}

async fn one_rotation_of_a_refresh_token(kind: DatabaseKind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 1).await;
    let new = NewRefreshToken {
        digest: "r".to_owned(),
        client: planner(),
        delegation: rows[0].id.clone(),
        binding: Binding::Key(key('a')),
        access_jti: None,
        created_at: NOW,
        expires_at: NOW.plus(HOUR),
    };
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    transaction.insert_refresh_token(&new).await.unwrap();
    assert!(
        !transaction
            .consume_refresh_token("r", None, "next", NOW.plus(HOUR))
            .await
            .unwrap(),
        "expired"
    );
    transaction.commit().await.unwrap();
    let won = race!(database, transaction, _ => {
        transaction.consume_refresh_token("r", Some(&key('a')), "next", NOW).await.unwrap()
    });
    assert_eq!(won, 1);
}

async fn one_decision_of_a_request(kind: DatabaseKind) {
    let database = world(kind).await;
    let (client, prepared) = (planner(), prepared());
    let expires_at = NOW.plus(HOUR);
    let new = NewAuthorizationRequest {
        digest: "q",
        client: &client,
        prepared: &prepared,
        created_at: NOW,
        expires_at,
        opened_at: None,
    };
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    transaction.insert_request(new).await.unwrap();
    assert!(
        !transaction.consume_request("q", expires_at).await.unwrap(),
        "expired"
    );
    // Opened twice before login.
    assert!(
        transaction
            .request("q")
            .await
            .unwrap()
            .unwrap()
            .consumed_at
            .is_none()
    );
    assert!(
        transaction
            .request("q")
            .await
            .unwrap()
            .unwrap()
            .consumed_at
            .is_none()
    );
    transaction.commit().await.unwrap();
    let won =
        race!(database, transaction, _ => transaction.consume_request("q", NOW).await.unwrap());
    assert_eq!(won, 1);
}

async fn one_stop_of_each_kind(kind: DatabaseKind) {
    let database = world(kind).await;
    chain(&database.store, "t", 1).await;
    let owner = user("olga").id;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let login = NewUserSession {
        digest: "s",
        user: &owner,
        authenticated_at: NOW,
        level: writ_authority::Level::Password,
        opened_by: writ_core::authorize::OpenedBy::Password,
        for_request: None,
        expires_at: NOW.plus(HOUR),
        user_agent: None,
        address: None,
        upstream: None,
    };
    transaction.insert_session(login).await.unwrap();
    transaction.commit().await.unwrap();
    let won = race!(database, transaction, _ => {
        transaction.stop_delegation(&dlg(), NOW).await.unwrap()
    });
    assert_eq!(won, 1);
    let won = race!(database, transaction, place => {
        if place % 2 == 0 {
            transaction.stop_task(&tsk(), NOW).await.unwrap()
        } else {
            transaction.stop_task_of(&tsk(), "usr_alice", NOW).await.unwrap()
        }
    });
    assert_eq!(won, 1);
    assert_eq!(
        race!(database, transaction, _ => transaction.stop_client(&planner(), NOW).await.unwrap()),
        1
    );
    assert_eq!(
        race!(database, transaction, _ => transaction.end_session("s", NOW).await.unwrap()),
        1
    );
    assert_eq!(
        race!(database, transaction, _ => transaction.disable_user(&user("olga").id, NOW).await.unwrap()),
        1
    );
}

async fn one_binding_of_a_delegation(kind: DatabaseKind) {
    let database = world(kind).await;
    let task = crate::tests::world::task("t");
    let unbound = writ_core::delegation::Delegation {
        jkt: None,
        ..crate::tests::world::root(&task)
    };
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(transaction.insert_task_if_active(&task).await.unwrap());
    transaction.insert_delegation(&unbound).await.unwrap();
    transaction.commit().await.unwrap();
    let won = race!(database, transaction, place => {
        let mine = if place % 2 == 0 { key('a') } else { key('b') };
        transaction.bind_delegation(&dlg(), &mine).await.unwrap()
    });
    assert_eq!(won, 1);
}

async fn one_owner_of_a_key(kind: DatabaseKind) {
    let database = world(kind).await;
    // Everybody is told the same owner, and one of them is it.
    let won = race!(database, transaction, place => {
        let me = ClientId::from_text(format!("agt_{place}"));
        transaction.claim_key(&key('k'), &me, NOW).await.unwrap() == me
    });
    assert_eq!(won, 1);
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let owner = transaction.key_owner(&key('k')).await.unwrap().unwrap();
    assert_eq!(
        transaction
            .claim_key(&key('k'), &planner(), NOW)
            .await
            .unwrap(),
        owner
    );
    assert_eq!(transaction.key_owner(&key('u')).await.unwrap(), None);
}

async fn one_user_of_a_name_and_one_client_of_an_id(kind: DatabaseKind) {
    let database = world(kind).await;
    let won = race!(database, transaction, place => {
        let mut bob = user("bob");
        bob.id = UserId::from_text(format!("usr_{place}"));
        transaction.insert_user(&bob, "hash", NOW).await.unwrap()
    });
    assert_eq!(won, 1);
    let won = race!(database, transaction, _ => transaction.insert_client(&ClientId::from_text("reports"), "{}", None, NOW).await.unwrap());
    assert_eq!(won, 1);
}

fn signing_key(kid: String, state: KeyState) -> StoredSigningKey {
    StoredSigningKey {
        kid,
        state,
        public_jwk: "{}".to_owned(),
        sealed: Some("sealed".to_owned()),
        created_at: NOW,
        activated_at: (state == KeyState::Active).then_some(NOW),
        retired_at: None,
    }
}

async fn first_start_of_many_nodes_makes_one_active_and_one_next_key(kind: DatabaseKind) {
    let database = world(kind).await;
    let won = race!(database, transaction, place => {
        let active = signing_key(format!("active {place}"), KeyState::Active);
        let next = signing_key(format!("next {place}"), KeyState::Next);
        let first = transaction.insert_signing_key(&active).await.unwrap();
        assert_eq!(transaction.insert_signing_key(&next).await.unwrap(), first);
        first
    });
    assert_eq!(won, 1);
    let mut transaction = database.store.read(TENANT).await.unwrap();
    let states: Vec<KeyState> = transaction
        .signing_keys()
        .await
        .unwrap()
        .iter()
        .map(|k| k.state)
        .collect();
    assert_eq!(states, [KeyState::Active, KeyState::Next]);
}

async fn rotations_at_once_leave_one_active_and_one_next_key(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert_eq!(
        transaction.rotate(NOW).await.unwrap(),
        None,
        "nothing to rotate"
    );
    assert!(
        transaction
            .insert_signing_key(&signing_key("k0".to_owned(), KeyState::Active))
            .await
            .unwrap()
    );
    assert!(
        transaction
            .insert_signing_key(&signing_key("k1".to_owned(), KeyState::Next))
            .await
            .unwrap()
    );
    transaction.commit().await.unwrap();
    let won = race!(database, transaction, place => {
        let rotated = transaction.rotate(NOW).await.unwrap();
        if rotated.is_some() {
            let next = signing_key(format!("n{place}"), KeyState::Next);
            assert!(transaction.insert_signing_key(&next).await.unwrap());
        }
        rotated.is_some()
    });
    assert!((1..=RACERS).contains(&won));
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let keys = transaction.signing_keys().await.unwrap();
    let mut count = BTreeMap::<&str, usize>::new();
    for key in &keys {
        *count.entry(key.state.as_str()).or_default() += 1;
    }
    // Each rotation retired exactly one key, and none was lost.
    assert_eq!(
        count,
        BTreeMap::from([("active", 1), ("next", 1), ("retiring", won)])
    );
    assert!(
        !transaction.remove_retired(&keys[0].kid, NOW).await.unwrap(),
        "active"
    );
    assert!(transaction.remove_retired(&keys[2].kid, NOW).await.unwrap());
    assert!(
        !transaction.remove_retired(&keys[2].kid, NOW).await.unwrap(),
        "removed before"
    );
    let removed = transaction.signing_keys().await.unwrap().pop().unwrap();
    assert_eq!((removed.state, removed.sealed), (KeyState::Removed, None));
}
