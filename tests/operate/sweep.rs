//! What is over leaves, the record stays, and one node at a time does it.

use std::time::Duration;

use writ_core::history::KEPT;
use writ_core::id::ClientId;
use writ_server::background::{self, sweeping};
use writ_store::lease::Lease;
use writ_store::sweep::KEPT_AFTER_EXPIRY;
use writ_store::testing::kept_plans::{grow, whole_tables};
use writ_testkit::{
    BANK, Cast, DatabaseKind, GrantTemplate, TestGuest, World, both, both_with, minted,
};

use crate::client::dynamic_registration::OPEN;

/// The longest task of the cast's agents, by their ceilings.
const LONGEST: Duration = Duration::from_secs(7200);

/// Rows of the database by table.
async fn rows(world: &World, table: &str) -> usize {
    let dump = world.database.dump().await;
    let start = format!("{table} ");
    dump.lines().filter(|line| line.starts_with(&start)).count()
}

async fn sweep(world: &World) -> u64 {
    background::sweep_once(&world.app).await.unwrap()
}

const fn lease(holder: &str) -> Lease<'_> {
    Lease {
        name: sweeping::LEASE_NAME,
        holder,
        length: Duration::from_secs(30),
    }
}

both!(
    what_is_over_leaves_with_all_below_it_and_the_record_stays,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.grant(&world).await.access_token;
        let template = GrantTemplate::of(&world, token.expose()).await;
        for _ in 0..200 {
            template.plant(&world).await;
        }
        let actor = cast.booker.actor_assertion(&world, "agt_planner");
        let form = cast.exchange_form(token.expose(), Some(&actor));
        assert_eq!(cast.planner.send(&world, "/token", &form).await.status, 200);
        let (tasks, events) = (rows(&world, "tasks").await, world.events().await);
        assert!(tasks > 200);
        sweep(&world).await;
        assert_eq!(rows(&world, "tasks").await, tasks, "nothing is over yet");

        world.advance(LONGEST.as_secs() + KEPT_AFTER_EXPIRY.as_secs());
        let swept = sweep(&world).await;
        assert!(swept > 600, "{swept}");
        for table in [
            "tasks",
            "delegations",
            "refresh_tokens",
            "codes",
            "authorization_requests",
            "replays",
            "sessions",
        ] {
            assert_eq!(rows(&world, table).await, 0, "{table}");
        }
        assert_eq!(world.events().await, events, "the record stays");
        assert_eq!(sweep(&world).await, 0);
        let metrics = world.app.metrics.render();
        let removed = format!("writ_rows_removed_total{{table=\"tasks\"}} {tasks}");
        for line in [
            removed.as_str(),
            "writ_sweep_lag_seconds{table=\"tasks\"} 0",
            "writ_sweep_batch_seconds_count",
        ] {
            assert!(metrics.contains(line), "{line}: {metrics}");
        }
    }
);

both!(
    one_node_sweeps_at_a_time_and_a_dead_one_is_replaced,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.grant(&world).await;
        world.advance(LONGEST.as_secs() + KEPT_AFTER_EXPIRY.as_secs());
        let now = world.now();
        let mut transaction = world.begin().await;
        assert!(transaction.take_lease(lease("another"), now).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(sweep(&world).await, 0);
        assert!(rows(&world, "tasks").await > 0);
        world.advance(30);
        assert!(sweep(&world).await > 0);
        assert_eq!(rows(&world, "tasks").await, 0);
        // It was given back, so that any node goes on at once.
        let other = world.node().await;
        let now = world.now();
        let mut transaction = other.app.begin().await.unwrap();
        let free = transaction.take_lease(lease("another"), now).await;
        assert!(free.unwrap());
    }
);

both_with!(
    a_guest_that_nobody_used_for_long_leaves_and_may_come_again,
    OPEN,
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        guest.granted(&world).await;
        let id = ClientId::from_text(&guest.id);
        let registered =
            |names: &[String]| names.iter().filter(|n| *n == "guest.registered").count();
        assert_eq!(registered(&world.event_names().await), 1);
        // Its longest task is a month.
        world.advance(KEPT.as_secs() + 32 * 24 * 3600);
        assert!(sweep(&world).await > 0);
        assert!(world.begin().await.client(&id).await.unwrap().is_none());
        assert_eq!(rows(&world, "guest_grants").await, 0);
        let names = world.event_names().await;
        assert!(
            names.iter().any(|name| name == "client.removed"),
            "{names:?}"
        );
    }
);

/// A story: consent, code, hand over, introspection, refresh.
async fn story(world: &World, cast: &Cast) {
    let grant = cast
        .granted(world, &cast.planner, &cast.request(), BANK)
        .await;
    let token = grant.access_token();
    minted(
        &cast.hand(world, &cast.planner, &token, &cast.booker).await,
        "hand over",
    );
    assert_eq!(cast.introspect(world, &token).await["active"], true);
    let refresh = cast.planner.refresh_form(&grant.member("refresh_token"));
    minted(
        &cast.planner.send(world, "/token", &refresh).await,
        "refresh",
    );
}

/// PostgreSQL makes a plan of each statement once, for the tables as they are, and keeps it: where they were empty then and grow,
/// nobody tells it, and it finds rows by their keys all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn plans_of_empty_tables_are_made_anew() {
    let world = World::new(DatabaseKind::Postgres).await;
    let cast = Cast::of(&world).await;
    // A plan for any values is made at the sixth time.
    for _ in 0..8 {
        story(&world, &cast).await;
    }
    grow(&world.database, 3000).await;
    let node = &world.app.store;
    let before = node.statements();
    while node.statements() < 3 * before {
        story(&world, &cast).await;
    }
    let plans = node.prepared_plans().await.unwrap();
    assert!(plans.len() > 20, "{} statements", plans.len());
    for (sql, plan) in plans {
        let whole = whole_tables(&plan);
        let hot = whole.iter().filter(|table| HOT.contains(&table.as_str()));
        assert_eq!(hot.count(), 0, "{whole:?}: {sql}\n{}", plan.join("\n"));
    }
}

/// Tables that grow with each request.
const HOT: [&str; 9] = [
    "tasks",
    "delegations",
    "events",
    "replays",
    "refresh_tokens",
    "codes",
    "authorization_requests",
    "agent_keys",
    "consents",
];
