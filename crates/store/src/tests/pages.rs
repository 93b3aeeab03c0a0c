//! Lists in pages, and facts about several things at once.

use std::time::Duration;

use writ_core::event::{Event, EventName};
use writ_core::id::{ClientId, EventId, TaskId, UserId};

use crate::DatabaseTransaction;
use crate::event::EventsOf;
use crate::testing::DatabaseKind;
use crate::tests::world::{NOW, TENANT, booker, chain, planner, world};

on_both! {
    events_come_in_pages_both_ways,
    the_latest_of_several_clients_and_tasks_are_one_statement,
    holders_and_clients_of_several_are_one_statement,
}

/// What the planner or the booker did for alice, in a task, so many seconds after the start.
async fn insert(
    transaction: &mut DatabaseTransaction,
    place: u64,
    client: &ClientId,
    name: EventName,
) {
    let id = EventId::from_text(format!("evt_{place}"));
    let event = Event::new(id, NOW.plus(Duration::from_secs(place)), name);
    let event = Event {
        client: Some(client.to_string()),
        task: Some(format!("tsk_of_{client}")),
        ..event.of_subject("usr_alice")
    };
    transaction.insert_event(&event).await.unwrap();
}

/// 1 and 3 of the planner, 2 and 4 of the booker; 4 is no token.
async fn four(transaction: &mut DatabaseTransaction) {
    let names = [
        EventName::TokenIssued,
        EventName::TokenExchanged,
        EventName::TokenRefreshed,
        EventName::ApprovalRequested,
    ];
    for (place, name) in (1..).zip(names) {
        let client = if place % 2 == 1 { planner() } else { booker() };
        insert(transaction, place, &client, name).await;
    }
}

async fn events_come_in_pages_both_ways(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    four(&mut transaction).await;
    let (alice, booker) = (UserId::from_text("usr_alice"), booker());
    let task = format!("tsk_of_{booker}");
    let cases: [(EventsOf<'_>, &[&str]); 7] = [
        (EventsOf::All, &["evt_1", "evt_2", "evt_3", "evt_4"]),
        (
            EventsOf::Subject("usr_alice"),
            &["evt_1", "evt_2", "evt_3", "evt_4"],
        ),
        (EventsOf::Subject("usr_olga"), &[]),
        (EventsOf::Client(booker.as_str()), &["evt_2", "evt_4"]),
        (EventsOf::Pair(&alice, &booker), &["evt_2", "evt_4"]),
        (EventsOf::Task(&task), &["evt_2", "evt_4"]),
        (EventsOf::Named("token.issued"), &["evt_1"]),
    ];
    for (of, expected) in cases {
        let (mut forwards, mut backwards) = (Vec::new(), Vec::new());
        let mut last: Option<String> = None;
        while let [event] = &*transaction
            .events_after(of, last.as_deref(), 1)
            .await
            .unwrap()
        {
            forwards.push(event.id.clone());
            last = Some(event.id.clone());
        }
        last = None;
        while let [event] = &*transaction
            .events_before(of, last.as_deref(), 1)
            .await
            .unwrap()
        {
            backwards.insert(0, event.id.clone());
            last = Some(event.id.clone());
        }
        assert_eq!(forwards, expected, "{of:?}");
        assert_eq!(backwards, expected, "{of:?}");
    }
}

async fn the_latest_of_several_clients_and_tasks_are_one_statement(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    four(&mut transaction).await;
    let alice = UserId::from_text("usr_alice");
    let (planner, booker) = (planner(), booker());
    let before = database.store.statements();
    let clients = [planner.as_str(), booker.as_str(), "agt_nobody"];
    let latest = transaction
        .latest_of_clients(&alice, &clients, 1)
        .await
        .unwrap();
    let ids: Vec<&str> = latest.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["evt_4", "evt_3"]);
    let tasks = clients.map(|client| format!("tsk_of_{client}"));
    let tasks = tasks.each_ref().map(String::as_str);
    let tokens = transaction.last_tokens(&tasks).await.unwrap();
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    assert_eq!(tokens.get(&TaskId::from_text(tasks[0])), Some(&at(3)));
    assert_eq!(tokens.get(&TaskId::from_text(tasks[1])), Some(&at(2)));
    assert_eq!(tokens.get(&TaskId::from_text(tasks[2])), None);
    assert_eq!(database.store.statements() - before, 2);
}

async fn holders_and_clients_of_several_are_one_statement(kind: DatabaseKind) {
    let database = world(kind).await;
    let (one, two) = (
        chain(&database.store, "one", 3).await,
        chain(&database.store, "two", 1).await,
    );
    let mut transaction = database.store.read(TENANT).await.unwrap();
    let tasks = [one[0].task.as_str(), two[0].task.as_str(), "tsk_nobody"];
    let held = |task: &str, most: usize| {
        let rows = one
            .iter()
            .chain(&two)
            .filter(|row| row.task.as_str() == task);
        rows.take(most)
            .map(|row| (row.holder.clone(), row.depth()))
            .collect::<Vec<_>>()
    };
    for most in [9, 2] {
        let holders = transaction.holders_of(&tasks, most).await.unwrap();
        for task in tasks {
            let of_task = holders.iter().filter(|holder| holder.task.as_str() == task);
            let found: Vec<_> = of_task
                .map(|holder| (holder.client.clone(), holder.depth))
                .collect();
            assert_eq!(found, held(task, most as usize), "{task}");
        }
    }
    let ids = [planner(), booker()];
    let mut asked: Vec<&str> = ids.iter().map(ClientId::as_str).collect();
    asked.push("agt_nobody");
    let found = transaction.clients_among(&asked).await.unwrap();
    assert_eq!(found.len(), 2);
    for id in &ids {
        let alone = transaction.client(id).await.unwrap().unwrap();
        let among = &found[id.as_str()];
        assert_eq!(
            (&among.metadata, &among.owner, among.stopped),
            (&alone.metadata, &alone.owner, false)
        );
    }
}
