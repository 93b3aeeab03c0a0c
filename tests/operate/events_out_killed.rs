//! A server that is killed (SIGKILL) while it sends events: the next one sends what is left, and says what it may send again.

use writ_platform::Clock;
use writ_testkit::{DatabaseKind, HttpReceiver, World};

use super::events_out::{all_came, due, log_records};
use crate::process::{Process, until};

/// Events before it is killed, and after.
const PEOPLE: usize = 20;

async fn add_people(world: &World, from: usize) {
    for place in from..from + PEOPLE {
        world
            .add_user(&format!("person{place}"), "a long password")
            .await;
    }
}

async fn killed_while_it_sends(kind: DatabaseKind) {
    let world = World::new(kind).await;
    world.clock.set(Clock::System.now());
    let receiver = HttpReceiver::start().await;
    let endpoint = receiver.url("/v1/logs");
    let settings = [
        ("OUTBOUND__TRUSTED", receiver.origin.as_str()),
        ("EVENTS__SIEM__KIND", "otlp"),
        ("EVENTS__SIEM__ENDPOINT", &endpoint),
    ];
    let before = world.events().await.len();
    let mut process = Process::start(&world, &settings).await;
    add_people(&world, 0).await;
    let mut heard = Vec::new();
    until(async || {
        heard.extend(receiver.heard());
        !heard.is_empty()
    })
    .await;
    process.signal("KILL");
    process.ended().await;
    add_people(&world, PEOPLE).await;
    // What the killed one holds alone is free after half a minute.
    let _next = Process::start(&world, &settings).await;
    until(async || due(&world).await == 0).await;
    heard.extend(receiver.heard());
    let events = world.events().await.into_iter().skip(before);
    let ids: Vec<String> = events.map(|event| event.id).collect();
    assert!(ids.len() >= 2 * PEOPLE);
    all_came(&log_records(&heard), &ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_did_not_send_is_sent_sqlite() {
    killed_while_it_sends(DatabaseKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_did_not_send_is_sent_postgres() {
    killed_while_it_sends(DatabaseKind::Postgres).await;
}
