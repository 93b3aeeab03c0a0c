//! Lists that end: as many rows as their number says are read, in their order, and not one more.

use std::time::Duration;

use serde_json::json;
use writ_authority::ScopeGrant;
use writ_core::event::{Event, EventName};
use writ_core::id::{ClientId, EventId, UserId};
use writ_core::pause::PausedBecause;
use writ_core::pending::{Kind, PendingRequest, State};
use writ_core::remembered::{MAX_REMEMBERED, RememberedScopes};
use writ_core::signing::KeyState;
use writ_wire::time::Timestamp;

use crate::passkey::MAX_PASSKEYS;
use crate::pending::OpenAtResource;
use crate::pending::access_request::MOST_OPEN;
use crate::pending::again::MOST_UNUSED;
use crate::pending::lists::MOST_DENIED;
use crate::push::{MAX_OWN_DEVICES, PushSubscription};
use crate::remembered_consent::ConsentHolder;
use crate::signing::{MAX_SIGNING_KEYS, StoredSigningKey};
use crate::standing::{MOST_PAUSED, Pair};
use crate::stop::StopEvents;
use crate::testing::DatabaseKind;
use crate::tests::waiting::{bring, decision, id, insert, of, passkey, subscription, waiting};
use crate::tests::world::{HOUR, NOW, TENANT, bank, chain, planner, task, world};
use crate::undo::{MOST_LOOKED_AT, UndoableStop};

on_both! {
    the_oldest_passkeys_are_listed,
    the_newest_denials_are_compared,
    the_oldest_unused_approvals_are_listed,
    the_oldest_open_questions_are_looked_at,
    as_many_devices_count_as_a_day_may_have_had,
    keys_in_use_are_listed_before_removed_ones,
    as_many_paused_clients_are_listed,
    the_first_of_what_lives_again_are_looked_at,
    so_many_scopes_and_clients_are_remembered,
}

fn count(most: i64) -> usize {
    usize::try_from(most).unwrap()
}

fn second(place: usize) -> Timestamp {
    NOW.plus(Duration::from_secs(place as u64))
}

async fn the_oldest_passkeys_are_listed(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let most = count(MAX_PASSKEYS);
    for place in (0..=most).rev() {
        let mut one = passkey(&format!("credential {place}"), "alice");
        one.created_at = second(place);
        assert!(transaction.insert_passkey(&one).await.unwrap());
    }
    let listed = transaction.passkeys_of(&of("alice")).await.unwrap();
    assert_eq!(listed.len(), most);
    assert_eq!(listed[0].created_at, NOW);
    assert_eq!(listed[most - 1].created_at, second(most - 1));
}

async fn the_newest_denials_are_compared(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (most, no) = (count(MOST_DENIED), decision(false));
    for place in 0..=most {
        let asked = waiting(&place.to_string());
        insert(&mut transaction, &asked).await;
        let denied = transaction.decide_pending(&asked.id, &no, second(place));
        assert!(denied.await.unwrap(), "{place}");
    }
    let (alice, planner) = (of("alice"), planner());
    let denied = transaction.denied_questions(&alice, &planner, NOW);
    let denied = denied.await.unwrap();
    assert_eq!(denied.len(), most);
    assert_eq!(denied[0].at, second(most));
    assert_eq!(denied[most - 1].at, second(1), "the oldest is left out");
}

async fn the_oldest_unused_approvals_are_listed(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let most = count(MOST_UNUSED);
    let later = PendingRequest {
        created_at: NOW.plus(Duration::from_secs(1)),
        ..waiting("later")
    };
    bring(&mut transaction, &later, State::Approved).await;
    for place in 1..=most {
        let one = waiting(&format!("{place:04}"));
        bring(&mut transaction, &one, State::Approved).await;
    }
    let alice = of("alice");
    let of_client = transaction.unused_approvals(&alice, &planner(), NOW).await;
    let of_person = transaction.unused_approvals_of(&alice, NOW).await;
    for listed in [of_client.unwrap(), of_person.unwrap()] {
        assert_eq!(listed.len(), most);
        assert_eq!(listed[0].id, id("0001"));
        assert!(listed.iter().all(|one| one.id != later.id));
    }
}

async fn as_many_devices_count_as_a_day_may_have_had(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let most = count(MAX_OWN_DEVICES);
    for place in 0..=most {
        let name = format!("{place:03}");
        let one = PushSubscription {
            browser: Some(name.clone()),
            ..subscription(&name, "alice")
        };
        assert!(transaction.upsert_subscription(&one).await.unwrap());
        let gone = transaction.subscription_gone(&name, NOW.plus(HOUR)).await;
        assert!(gone.unwrap());
    }
    let devices = transaction.own_devices(&of("alice"), NOW).await.unwrap();
    assert_eq!(devices.len(), most);
    assert_eq!(devices.last(), Some(&format!("{:03}", most - 1)));
}

const REMOVED_KEYS: &str = "
    INSERT INTO signing_keys (tenant, kid, state, public_jwk, created_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
    SELECT 'default', 'removed ' || CAST(i AS TEXT), 'removed', '{}', $2 + i FROM n";

async fn keys_in_use_are_listed_before_removed_ones(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let most = count(MAX_SIGNING_KEYS);
    execute!(transaction, REMOVED_KEYS, MAX_SIGNING_KEYS, NOW.micros()).unwrap();
    for state in [KeyState::Next, KeyState::Active, KeyState::Retiring] {
        let key = StoredSigningKey {
            kid: state.as_str().to_owned(),
            state,
            public_jwk: "{}".to_owned(),
            sealed: None,
            created_at: NOW,
            activated_at: None,
            retired_at: None,
        };
        assert!(transaction.insert_signing_key(&key).await.unwrap());
    }
    let listed = transaction.signing_keys().await.unwrap();
    let kids: Vec<&str> = listed.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids.len(), most);
    assert_eq!(kids[..4], ["active", "next", "retiring", "removed 10000"]);
    assert_eq!(kids[most - 1], "removed 4", "the oldest are left out");
}

async fn as_many_paused_clients_are_listed(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (alice, most) = (of("alice"), count(MOST_PAUSED));
    for place in 0..=most {
        let pair = Pair {
            subject: &alice,
            client: &ClientId::from_text(format!("agt_{place:04}")),
        };
        let because = PausedBecause::NotMe;
        let paused = transaction.pause_client(pair, &id("1"), because, NOW).await;
        assert!(paused.unwrap());
    }
    let listed = transaction.paused_clients(&alice).await.unwrap();
    assert_eq!(listed.len(), most);
    assert_eq!(
        listed[most - 1].client.as_str(),
        format!("agt_{:04}", most - 1)
    );
    // Whoever stands behind them comes up when one is lifted.
    assert!(transaction.lift_pause(&alice, &listed[0]).await.unwrap());
    let listed = transaction.paused_clients(&alice).await.unwrap();
    assert_eq!(listed[most - 1].client.as_str(), format!("agt_{most:04}"));
}

async fn the_first_of_what_lives_again_are_looked_at(kind: DatabaseKind) {
    let database = world(kind).await;
    let most = count(MOST_LOOKED_AT);
    let undone = EventId::from_text("evt_undone");
    let mut roots = Vec::new();
    for place in 0..=most {
        let name = format!("{place:02}");
        let rows = chain(&database.store, &name, 1).await;
        roots.push(rows[0].id.clone());
        let mut transaction = database.store.begin(TENANT).await.unwrap();
        let id = EventId::from_text(format!("{undone}_tsk_{name}"));
        let resumed = Event::new(id, NOW, EventName::TaskResumed).about(&task(&name));
        transaction.insert_event(&resumed).await.unwrap();
        transaction.commit().await.unwrap();
    }
    let stop = UndoableStop {
        id: EventId::from_text("evt_stop"),
        subject: of("alice"),
        client: planner(),
        stopped_at: NOW,
        until: NOW.plus(HOUR),
    };
    let events = StopEvents {
        id: &undone,
        now: NOW,
        data: "{}",
    };
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (last, before) = roots[..most].split_last().unwrap();
    for root in before {
        assert!(transaction.stop_delegation(root, NOW).await.unwrap());
    }
    assert!(transaction.goes_on(&stop, events).await.unwrap());
    assert!(transaction.stop_delegation(last, NOW).await.unwrap());
    assert!(!transaction.goes_on(&stop, events).await.unwrap());
}

async fn so_many_scopes_and_clients_are_remembered(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let (alice, most) = (of("alice"), count(MAX_REMEMBERED));
    let scope = |place: usize| ScopeGrant {
        resource: bank(),
        scope: format!("scope:{place:03}"),
    };
    let agreed = |places: std::ops::RangeInclusive<usize>| {
        let words = places.map(|place| (scope(place), "words".to_owned()));
        RememberedScopes(words.collect())
    };
    fn holder<'a>(user: &'a UserId, client: &'a ClientId) -> ConsentHolder<'a> {
        ConsentHolder {
            user,
            client,
            redirect_uri: "https://agent.example/cb",
        }
    }
    let until = NOW.plus(HOUR);
    let planner = planner();
    let all = agreed(0..=most);
    let kept = transaction.remember_consent(holder(&alice, &planner), &all, NOW, until);
    kept.await.unwrap();
    let remembered = transaction
        .remembered_scopes(holder(&alice, &planner), NOW)
        .await;
    assert_eq!(
        remembered.unwrap(),
        agreed(0..=most - 1),
        "the last is asked again"
    );
    for place in 0..=most {
        let client = ClientId::from_text(format!("app_{place:03}"));
        let one = agreed(0..=0);
        let kept = transaction.remember_consent(holder(&alice, &client), &one, NOW, until);
        kept.await.unwrap();
    }
    let clients = transaction.remembered_clients(&alice, NOW).await.unwrap();
    assert_eq!(clients.len(), most);
}

async fn the_oldest_open_questions_are_looked_at(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let most = count(MOST_OPEN);
    for place in (0..=most).rev() {
        let mut one = waiting(&place.to_string());
        let asked = json!({
            "resource": bank(), "served_by": "bank-api", "action": "pay", "object": place.to_string(),
            "evaluation": place.to_string(), "call_again": false, "says": null
        });
        one.kind = Kind::Access;
        one.asked.access = Some(serde_json::from_value(asked).unwrap());
        one.created_at = NOW.plus(Duration::from_millis(place as u64));
        insert(&mut transaction, &one).await;
    }
    let (alice, planner, bank) = (of("alice"), planner(), bank());
    let of_bank = OpenAtResource {
        subject: &alice,
        client: &planner,
        resource: &bank,
    };
    let open = transaction.open_at_resource(of_bank, NOW).await.unwrap();
    assert_eq!(open.len(), most);
    assert_eq!(open[0].id, id("0"));
    assert_eq!(open[most - 1].id, id(&(most - 1).to_string()));
}
