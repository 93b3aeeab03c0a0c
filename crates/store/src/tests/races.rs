//! What may happen once happens once: each guarded statement, fifty at once, one winner (promise 3, LESSONS 33-36).

use std::collections::BTreeMap;

use writ_core::id::{ClientId, DelegationId, TaskId, UserId};
use writ_core::refresh::{Binding, NewRefreshToken};
use writ_core::signing::KeyState;

use crate::Store;
use crate::request::NewRequest;
use crate::session::NewSession;
use crate::signing::SigningKeyRow;
use crate::testing::Kind;
use crate::tests::world::{
    HOUR, NOW, RACERS, TENANT, chain, code, key, planner, prepared, user, wins, world,
};

on_both! {
    lessons_34_one_redemption_of_a_code,
    lessons_35_one_rotation_of_a_refresh_token,
    lessons_36_one_decision_of_a_request,
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
    ($database:ident, $session:ident, $place:pat => $statement:expr) => {{
        let nodes = [
            $database.store.clone(),
            Store::connect(&$database.url).await.unwrap(),
        ];
        wins(|place| {
            let store = nodes[place % 2].clone();
            async move {
                let $place = place;
                let mut $session = store.begin(TENANT).await.unwrap();
                let won = $statement;
                $session.commit().await.unwrap();
                won
            }
        })
        .await
    }};
}
pub(super) use race;

async fn lessons_34_one_redemption_of_a_code(kind: Kind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 1).await;
    let mut session = database.store.begin(TENANT).await.unwrap();
    session.insert_code(&code("c", &rows[0].id)).await.unwrap();
    assert!(
        !session
            .consume_code("c", None, NOW.plus(HOUR))
            .await
            .unwrap(),
        "expired"
    );
    session.commit().await.unwrap();
    let won = race!(database, session, _ => session.consume_code("c", Some(&key('a')), NOW).await.unwrap());
    assert_eq!(won, 1);
    let mut session = database.store.read(TENANT).await.unwrap();
    let consumed = session.code("c").await.unwrap().unwrap().consumed.unwrap();
    assert_eq!((consumed.at, consumed.jkt), (NOW, Some(key('a'))));
}

async fn lessons_35_one_rotation_of_a_refresh_token(kind: Kind) {
    let database = world(kind).await;
    let rows = chain(&database.store, "t", 1).await;
    let new = NewRefreshToken {
        digest: "r".to_owned(),
        client: planner(),
        delegation: rows[0].id.clone(),
        binding: Binding::Key(key('a')),
        created_at: NOW,
        expires_at: NOW.plus(HOUR),
    };
    let mut session = database.store.begin(TENANT).await.unwrap();
    session.insert_refresh_token(&new).await.unwrap();
    assert!(
        !session
            .consume_refresh_token("r", None, NOW.plus(HOUR))
            .await
            .unwrap(),
        "expired"
    );
    session.commit().await.unwrap();
    let won = race!(database, session, _ => {
        session.consume_refresh_token("r", Some(&key('a')), NOW).await.unwrap()
    });
    assert_eq!(won, 1);
}

async fn lessons_36_one_decision_of_a_request(kind: Kind) {
    let database = world(kind).await;
    let (client, prepared) = (planner(), prepared());
    let expires_at = NOW.plus(HOUR);
    let new = NewRequest {
        digest: "q",
        client: &client,
        prepared: &prepared,
        created_at: NOW,
        expires_at,
    };
    let mut session = database.store.begin(TENANT).await.unwrap();
    session.insert_request(new).await.unwrap();
    assert!(
        !session.consume_request("q", expires_at).await.unwrap(),
        "expired"
    );
    // Opened twice before login.
    assert!(
        session
            .request("q")
            .await
            .unwrap()
            .unwrap()
            .consumed_at
            .is_none()
    );
    assert!(
        session
            .request("q")
            .await
            .unwrap()
            .unwrap()
            .consumed_at
            .is_none()
    );
    session.commit().await.unwrap();
    let won = race!(database, session, _ => session.consume_request("q", NOW).await.unwrap());
    assert_eq!(won, 1);
}

async fn one_stop_of_each_kind(kind: Kind) {
    let database = world(kind).await;
    chain(&database.store, "t", 1).await;
    let owner = user("olga").id;
    let mut session = database.store.begin(TENANT).await.unwrap();
    let login = NewSession {
        digest: "s",
        user: &owner,
        authenticated_at: NOW,
        level: writ_authority::Level::Password,
        for_request: None,
        expires_at: NOW.plus(HOUR),
    };
    session.insert_session(login).await.unwrap();
    session.commit().await.unwrap();
    let won = race!(database, session, _ => {
        session.stop_delegation(&dlg(), NOW).await.unwrap()
    });
    assert_eq!(won, 1);
    let won = race!(database, session, place => {
        if place % 2 == 0 {
            session.stop_task(&tsk(), NOW).await.unwrap()
        } else {
            session.stop_task_of(&tsk(), "usr_alice", NOW).await.unwrap()
        }
    });
    assert_eq!(won, 1);
    assert_eq!(
        race!(database, session, _ => session.stop_client(&planner(), NOW).await.unwrap()),
        1
    );
    assert_eq!(
        race!(database, session, _ => session.disable_user(&user("olga").id, NOW).await.unwrap()),
        1
    );
    assert_eq!(
        race!(database, session, _ => session.end_session("s", NOW).await.unwrap()),
        1
    );
}

async fn one_binding_of_a_delegation(kind: Kind) {
    let database = world(kind).await;
    let task = crate::tests::world::task("t");
    let unbound = writ_core::delegation::Delegation {
        jkt: None,
        ..crate::tests::world::root(&task)
    };
    let mut session = database.store.begin(TENANT).await.unwrap();
    assert!(session.insert_task_if_active(&task).await.unwrap());
    session.insert_delegation(&unbound).await.unwrap();
    session.commit().await.unwrap();
    let won = race!(database, session, place => {
        let mine = if place % 2 == 0 { key('a') } else { key('b') };
        session.bind_delegation(&dlg(), &mine).await.unwrap()
    });
    assert_eq!(won, 1);
}

async fn one_owner_of_a_key(kind: Kind) {
    let database = world(kind).await;
    // Everybody is told the same owner, and one of them is it.
    let won = race!(database, session, place => {
        let me = ClientId::from_text(format!("agt_{place}"));
        session.claim_key(&key('k'), &me, NOW).await.unwrap() == me
    });
    assert_eq!(won, 1);
    let mut session = database.store.begin(TENANT).await.unwrap();
    let owner = session.key_owner(&key('k')).await.unwrap().unwrap();
    assert_eq!(
        session.claim_key(&key('k'), &planner(), NOW).await.unwrap(),
        owner
    );
    assert_eq!(session.key_owner(&key('u')).await.unwrap(), None);
}

async fn one_user_of_a_name_and_one_client_of_an_id(kind: Kind) {
    let database = world(kind).await;
    let won = race!(database, session, place => {
        let mut bob = user("bob");
        bob.id = UserId::from_text(format!("usr_{place}"));
        session.insert_user(&bob, "hash", NOW).await.unwrap()
    });
    assert_eq!(won, 1);
    let won = race!(database, session, _ => session.insert_client(&ClientId::from_text("reports"), "{}", None, NOW).await.unwrap());
    assert_eq!(won, 1);
}

fn signing_key(kid: String, state: KeyState) -> SigningKeyRow {
    SigningKeyRow {
        kid,
        state,
        public_jwk: "{}".to_owned(),
        sealed: Some("sealed".to_owned()),
        created_at: NOW,
        activated_at: (state == KeyState::Active).then_some(NOW),
        retired_at: None,
    }
}

async fn first_start_of_many_nodes_makes_one_active_and_one_next_key(kind: Kind) {
    let database = world(kind).await;
    let won = race!(database, session, place => {
        let active = signing_key(format!("active {place}"), KeyState::Active);
        let next = signing_key(format!("next {place}"), KeyState::Next);
        let first = session.insert_signing_key(&active).await.unwrap();
        assert_eq!(session.insert_signing_key(&next).await.unwrap(), first);
        first
    });
    assert_eq!(won, 1);
    let mut session = database.store.read(TENANT).await.unwrap();
    let states: Vec<KeyState> = session
        .signing_keys()
        .await
        .unwrap()
        .iter()
        .map(|k| k.state)
        .collect();
    assert_eq!(states, [KeyState::Active, KeyState::Next]);
}

async fn rotations_at_once_leave_one_active_and_one_next_key(kind: Kind) {
    let database = world(kind).await;
    let mut session = database.store.begin(TENANT).await.unwrap();
    assert_eq!(
        session.rotate(NOW).await.unwrap(),
        None,
        "nothing to rotate"
    );
    assert!(
        session
            .insert_signing_key(&signing_key("k0".to_owned(), KeyState::Active))
            .await
            .unwrap()
    );
    assert!(
        session
            .insert_signing_key(&signing_key("k1".to_owned(), KeyState::Next))
            .await
            .unwrap()
    );
    session.commit().await.unwrap();
    let won = race!(database, session, place => {
        let rotated = session.rotate(NOW).await.unwrap();
        if rotated.is_some() {
            let next = signing_key(format!("n{place}"), KeyState::Next);
            assert!(session.insert_signing_key(&next).await.unwrap());
        }
        rotated.is_some()
    });
    assert!((1..=RACERS).contains(&won));
    let mut session = database.store.begin(TENANT).await.unwrap();
    let keys = session.signing_keys().await.unwrap();
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
        !session.remove_retired(&keys[0].kid, NOW).await.unwrap(),
        "active"
    );
    assert!(session.remove_retired(&keys[2].kid, NOW).await.unwrap());
    assert!(
        !session.remove_retired(&keys[2].kid, NOW).await.unwrap(),
        "removed before"
    );
    let removed = session.signing_keys().await.unwrap().pop().unwrap();
    assert_eq!((removed.state, removed.sealed), (KeyState::Removed, None));
}
