//! Commands by a clock that is far from the database's: what begins, changes or prolongs something is refused, and what only reads,
//! stops or removes goes on by the database's time. Here by the greatest time of SQLite; `breakdown/command_clocks.rs` has clocks that
//! are wrong themselves.

use std::time::Duration;

use serde_json::json;
use writ_core::id::UserId;
use writ_core::role::RoleName;
use writ_platform::Clock;
use writ_testkit::{Cast, DatabaseKind, Web, World};
use writ_wire::time::Timestamp;

use super::registered::{complaint, printed};
use super::suspend::writ;
use crate::process::Process;

const HOUR: Duration = Duration::from_secs(3600);

const GRANTS: [&[&str]; 20] = [
    &["key", "rotate"],
    &["client", "rotate-secret", "web"],
    &["client", "rotate-secret", "web", "--overlap", "0s"],
    &["client", "add", "--file", "client.json"],
    &["client", "change", "web", "client.json"],
    &["client", "resume", "web"],
    &["client", "invite"],
    &["agent", "add", "--file", "agent.json"],
    &["agent", "change", "agt_planner", "agent.json"],
    &["agent", "add-key", "agt_planner", "key.json"],
    &["agent", "resume", "agt_planner"],
    &["resource", "add", "--file", "resource.json"],
    &[
        "resource",
        "change",
        "https://bank.example",
        "resource.json",
    ],
    &["user", "add", "bob", "--password-stdin"],
    &["user", "password", "alice", "--password-stdin"],
    &["user", "enable", "alice"],
    &["user", "change", "alice", "--add-role", "reader"],
    &["user", "passkeys", "alice", "--enroll"],
    &["audit", "archive", "--before", "2026-01-01", "record.jsonl"],
    &["issuer", "change", "https://other.example", "--yes"],
];

const READS: [&[&str]; 8] = [
    &["migrate"],
    &["key", "list"],
    &["task", "list"],
    &["user", "list"],
    &["client", "show", "web"],
    &["resource", "list"],
    &["issuer", "show"],
    &["audit", "list"],
];

/// Each leaves an event.
const ENDS: [(&[&str], &str); 6] = [
    (&["agent", "suspend", "agt_payer"], "agent.suspended"),
    (&["client", "remove", "web", "--yes"], "client.removed"),
    (&["agent", "remove", "agt_booker", "--yes"], "agent.removed"),
    (
        &["resource", "remove", "https://bank.example", "--yes"],
        "resource.removed",
    ),
    (&["user", "disable", "mallory"], "user.disabled"),
    (
        &["user", "change", "alice", "--remove-role", "reader"],
        "user.changed",
    ),
];

/// A database whose time is an hour ahead of this machine's.
async fn an_hour_ahead() -> (World, Cast, Timestamp) {
    let world = World::new(DatabaseKind::Sqlite).await;
    let later = Clock::System.now().plus(HOUR);
    world.clock.set(later);
    let cast = Cast::of(&world).await;
    Web::register(&world, json!({})).await;
    world.app.compare_clock().await.unwrap();
    (world, cast, later)
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_nothing_begins_by_a_clock_that_is_late() {
    let (world, _cast, _) = an_hour_ahead().await;
    let before = world.database.dump().await;
    for command in GRANTS {
        let said = complaint(&writ(&world, command));
        assert!(
            said.contains("seconds behind its database: set it first"),
            "{command:?}: {said}"
        );
        assert!(
            said.contains("clock of a server was ahead before"),
            "{said}"
        );
    }
    assert_eq!(world.database.dump().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_what_reads_or_ends_goes_on_by_the_time_of_the_database() {
    let (world, cast, later) = an_hour_ahead().await;
    cast.token(&world).await;
    let (alice, reader) = (
        UserId::from_text(cast.alice.as_str()),
        RoleName::parse("reader").unwrap(),
    );
    let mut transaction = world.begin().await;
    assert!(transaction.give_role(&alice, &reader, later).await.unwrap());
    transaction.commit().await.unwrap();
    for command in READS {
        let done = writ(&world, command);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{command:?}: {said}");
    }
    let tasks = world.events().await;
    let task = tasks.iter().find_map(|event| event.task.clone()).unwrap();
    let stop: (&[&str], &str) = (&["task", "stop", &task], "task.revoked");
    for (command, event) in [&ENDS[..], &[stop]].concat() {
        let done = writ(&world, command);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{command:?}: {said}");
        assert!(
            said.contains("seconds behind its database, whose time is taken"),
            "{said}"
        );
        let events = world.events().await;
        let told = events.iter().rfind(|told| told.name == event);
        let told = told.unwrap_or_else(|| panic!("{event}"));
        assert!(
            told.at >= later.minus(Duration::from_secs(5)),
            "{}",
            told.at
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_a_command_leaves_the_time_of_the_database_as_it_is() {
    let world = World::new(DatabaseKind::Sqlite).await;
    // Long ago, as if no server had run since.
    world.app.compare_clock().await.unwrap();
    let time = async || world.store().database_time("default").await.unwrap();
    let before = time().await;
    printed(&writ(&world, &["key", "rotate"]));
    assert_eq!(time().await, before);
}

/// SQLite cannot tell a server that was off for weeks from one whose clock is ahead.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_a_server_that_starts_long_after_the_last_one_says_so() {
    let world = World::new(DatabaseKind::Sqlite).await;
    world.app.compare_clock().await.unwrap();
    let told = "days after the last time that its database saw";
    for is_told in [true, false] {
        let mut process = Process::start(&world, &[]).await;
        process.signal("TERM");
        assert!(process.ended().await.success());
        let log = process.text();
        assert_eq!(log.contains(told), is_told, "{log}");
    }
}
