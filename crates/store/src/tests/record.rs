//! Events are found by person, agent, task and name; refusals before authentication are counted by the minute.

use std::time::Duration;

use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::id::EventId;

use crate::DatabaseTransaction;
use crate::event::EventFilter;
use crate::testing::{DatabaseKind, TestDatabase};
use crate::tests::world::{NOW, RACERS, TENANT, task, wins, world};

on_both! {
    events_read_back,
    events_are_found_by_who_what_and_why,
    refusals_are_counted_by_the_minute,
}

const ALL: EventFilter<'static> = EventFilter {
    person: None,
    agent: None,
    task: None,
    name: None,
    limit: 100,
};

fn event(place: u64, name: EventName) -> Event {
    let id = EventId::from_text(format!("evt_{place}"));
    Event::new(id, NOW.plus(Duration::from_secs(place)), name)
}

/// The booker's token for alice; somebody's failed login; a token of an agent with a longer name.
fn three() -> [Event; 3] {
    let data = json!({"authority": {"scopes": [{"scope": "ł"}]}, "exp": 1});
    let made = event(1, EventName::TokenExchanged)
        .about(&task("t"))
        .permitted()
        .with(data);
    let made = Event {
        actor_path: Some("agt_booker>agt_planner".to_owned()),
        client: Some("agt_booker".to_owned()),
        owner: Some("usr_olga".to_owned()),
        delegation: Some("dlg_1".to_owned()),
        details_hash: Some("hash".to_owned()),
        ..made.at_resource("https://bank.example")
    };
    let failed = event(2, EventName::LoginFailed).of_subject("usr_bob");
    let failed = Event {
        client: Some("agtXplanner".to_owned()),
        ..failed
    };
    let longer = event(3, EventName::TokenIssued);
    let longer = Event {
        actor_path: Some("agt_planner_two".to_owned()),
        ..longer
    };
    [made, failed, longer]
}

async fn written(database: &TestDatabase) -> DatabaseTransaction {
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    for event in three() {
        transaction.insert_event(&event).await.unwrap();
    }
    transaction.commit().await.unwrap();
    database.store.read(TENANT).await.unwrap()
}

async fn events_read_back(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = written(&database).await;
    let read = transaction.events(ALL).await.unwrap();
    let [made, ..] = three();
    assert_eq!((&read[0].data, &read[0].owner), (&made.data, &made.owner));
    assert_eq!(read[0].decision.as_deref(), Some("permit"));
    assert_eq!(read[1].subject.as_deref(), Some("usr_bob"));
    let printed = serde_json::to_value(&read[0]).unwrap();
    assert_eq!(printed["at"], "2026-09-21T14:13:21Z");
    assert_eq!(printed["actor_path"], "agt_booker>agt_planner");
    assert_eq!(printed["purpose"], json!(task("t").purpose));
}

async fn events_are_found_by_who_what_and_why(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = written(&database).await;
    let agent = |agent| EventFilter { agent, ..ALL };
    let person = |person, name| EventFilter {
        person,
        name,
        ..ALL
    };
    let task = EventFilter {
        task: Some("tsk_t"),
        ..ALL
    };
    let cases: [(EventFilter<'_>, &[&str]); 10] = [
        (ALL, &["evt_1", "evt_2", "evt_3"]),
        (EventFilter { limit: 2, ..ALL }, &["evt_2", "evt_3"]),
        (person(Some("usr_alice"), None), &["evt_1"]),
        (person(None, Some("login.failed")), &["evt_2"]),
        (person(Some("usr_alice"), Some("login.failed")), &[]),
        (agent(Some("agt_booker")), &["evt_1"]),
        // Neither a pattern, nor a part of a longer name, nor in any case.
        (agent(Some("agt_planner")), &["evt_1"]),
        (agent(Some("planner")), &[]),
        (agent(Some("AGT_booker")), &[]),
        (task, &["evt_1"]),
    ];
    for (filter, expected) in cases {
        let found = transaction.events(filter).await.unwrap();
        let ids: Vec<&str> = found.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }
}

async fn refusals_are_counted_by_the_minute(kind: DatabaseKind) {
    let database = world(kind).await;
    let counted = wins(|place| {
        let store = database.store.clone();
        async move {
            let mut transaction = store.begin(TENANT).await.unwrap();
            // The minute has 40 seconds left: half of them fall into the next.
            let at = NOW.plus(Duration::from_secs(if place % 2 == 0 { 39 } else { 40 }));
            transaction
                .count_refusal("/token", "invalid_client", at)
                .await
                .unwrap();
            transaction.commit().await.unwrap();
            true
        }
    });
    assert_eq!(counted.await, RACERS);
    let mut transaction = database.store.read(TENANT).await.unwrap();
    let counts = transaction.refusal_counts(NOW).await.unwrap();
    let told: Vec<_> = counts
        .iter()
        .map(|c| (c.minute.rfc3339(), c.refusals))
        .collect();
    assert_eq!(
        told,
        [
            ("2026-09-21T14:13:00Z".to_owned(), 25),
            ("2026-09-21T14:14:00Z".to_owned(), 25)
        ]
    );
    let later = transaction
        .refusal_counts(NOW.plus(Duration::from_secs(60)))
        .await
        .unwrap();
    assert_eq!(later.len(), 1);
}
