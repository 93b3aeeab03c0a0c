//! Clocks that are wrong: a node whose clock is too far from the database's issues nothing and says so, what was used once stays used,
//! nothing that expired comes back, and everything goes on by itself when the clock is right again.

use std::time::Duration;

use http::Method;
use serde_json::json;
use writ_platform::ManualClock;
use writ_server::background::sweep_once;
use writ_server::node::passing_time::BELIEVED_AFTER;
use writ_server::node::registry::CONFIGURATION_AGE;
use writ_store::testing::DatabaseKind;
use writ_testkit::{Cast, Node, TestAgent, TestReply, Web, World, both, minted};

pub(super) const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

pub(super) fn ahead(world: &World, seconds: u64) -> ManualClock {
    ManualClock::starting_at(world.now().plus(Duration::from_secs(seconds)))
}

pub(super) fn behind(world: &World, seconds: u64) -> ManualClock {
    ManualClock::starting_at(world.now().minus(Duration::from_secs(seconds)))
}

pub(super) fn has_clock(world: &World) -> bool {
    world.database.kind == DatabaseKind::Postgres
}

/// 503 with the time to come again, and a sentence that names the clock.
fn closed(reply: &TestReply, sentence: &str) {
    assert_eq!(reply.refusal(), (503, "temporarily_unavailable".to_owned()));
    assert_eq!(reply.header("retry-after"), Some("5"));
    let said = reply.member("error_description");
    assert!(said.contains(sentence), "{said}");
}

/// Whoever asks this node for anything that is judged by the time hears that its clock is wrong.
async fn issues_nothing(world: &World, node: &Node, who: &TestAgent, sentence: &str) {
    let form = TestAgent::own_work();
    for path in [
        "/token",
        "/par",
        "/bc-authorize",
        "/device_authorization",
        "/introspect",
    ] {
        let ready = who.ready(world, path, &form);
        closed(&node.door().send(&ready).await, sentence);
    }
    for page in ["/authorize?client_id=x", "/login", "/app", "/device"] {
        let reply = node.get(page, &[]).await;
        assert_eq!(reply.status, 503, "{page}");
        assert!(reply.header("retry-after").is_some(), "{page}");
        assert!(reply.text().contains(sentence), "{page}: {}", reply.text());
    }
    for known in ["/jwks", "/.well-known/oauth-authorization-server"] {
        assert_eq!(node.get(known, &[]).await.status, 200, "{known}");
    }
    let ready = node.get_as_operator("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains(sentence), "{}", ready.text());
}

async fn issues(world: &World, node: &Node, who: &TestAgent) {
    let ready = who.ready(world, "/token", &TestAgent::own_work());
    minted(&node.door().send(&ready).await, "a right clock");
    assert_eq!(node.get_as_operator("/readyz").await.status, 200);
}

both!(
    a_node_that_is_behind_issues_nothing_until_its_clock_is_right,
    |world| async {
        let cast = Cast::of(&world).await;
        world.app.compare_clock().await.unwrap();
        for (seconds, way) in [
            (31, "31 seconds behind"),
            (90, "90 seconds behind"),
            (HOUR, "3600 seconds behind"),
        ] {
            let clock = behind(&world, seconds);
            let node = world.node_at(&clock).await;
            issues_nothing(&world, &node, &cast.planner, way).await;
            clock.set(world.now());
            issues(&world, &node, &cast.planner).await;
        }
        for (seconds, shown) in [(0, "0.0"), (6, "-6.0"), (30, "-30.0")] {
            let node = world.node_at(&behind(&world, seconds)).await;
            assert_eq!(node.get_as_operator("/readyz").await.status, 200);
            assert_eq!(node.get("/login", &[]).await.status, 200);
            let metrics = node.get_as_operator("/metrics").await.text();
            assert!(
                metrics.contains(&format!("writ_clock_skew_seconds {shown}\n")),
                "{metrics}"
            );
        }
    }
);

both!(
    a_node_that_is_ahead_of_a_clock_issues_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let clock = ahead(&world, 90);
        let node = world.node_at(&clock).await;
        if has_clock(&world) {
            issues_nothing(&world, &node, &cast.planner, "90 seconds ahead of").await;
            clock.set(world.now());
            issues(&world, &node, &cast.planner).await;
            return;
        }
        // SQLite has no clock: time may have passed, and whoever is behind that is wrong.
        assert_eq!(node.get_as_operator("/readyz").await.status, 200);
        world.app.compare_clock().await.unwrap();
        let reply = cast
            .planner
            .send(&world, "/token", &TestAgent::own_work())
            .await;
        closed(&reply, "90 seconds behind");
        world.advance(60);
        minted(
            &cast
                .planner
                .send(&world, "/token", &TestAgent::own_work())
                .await,
            "30 seconds behind",
        );
    }
);

both!(
    what_was_used_is_not_forgotten_because_a_clock_is_ahead,
    |world| async {
        let cast = Cast::of(&world).await;
        let used = cast.planner.ready(&world, "/token", &TestAgent::own_work());
        minted(&world.door().send(&used).await, "the first use");
        let node = world.node_at(&ahead(&world, 90)).await;
        // As long as proof or assertion is accepted, whoever sweeps.
        for _ in 0..12 {
            sweep_once(&node.app).await.unwrap();
            sweep_once(&world.app).await.unwrap();
            for door in [world.door(), node.door()] {
                let again = door.send(&used).await;
                assert!(again.status >= 400, "used twice: {}", again.text());
            }
            world.advance(10);
        }
    }
);

both!(
    a_clock_that_goes_back_re_opens_nothing_and_goes_on_when_it_is_right,
    |world| async {
        let cast = Cast::of(&world).await;
        let clock = ahead(&world, 0);
        let node = world.node_at(&clock).await;
        let used = cast.planner.ready(&world, "/token", &TestAgent::own_work());
        minted(&node.door().send(&used).await, "the first use");
        for _ in 0..6 {
            world.advance(600);
            clock.set(world.now());
            sweep_once(&node.app).await.unwrap();
        }
        issues(&world, &node, &cast.planner).await;
        // To the moment when the proof was made: its row is gone.
        clock.set(behind(&world, HOUR).now());
        closed(&node.door().send(&used).await, "3600 seconds behind");
        issues_nothing(&world, &node, &cast.planner, "3600 seconds behind").await;
        clock.set(world.now());
        issues(&world, &node, &cast.planner).await;
    }
);

both!(
    a_clock_that_goes_forward_is_noticed_at_once,
    |world| async {
        let cast = Cast::of(&world).await;
        let clock = ahead(&world, 0);
        let node = world.node_at(&clock).await;
        issues(&world, &node, &cast.planner).await;
        clock.set(ahead(&world, HOUR).now());
        let ready = cast.planner.ready(&world, "/par", &cast.request());
        let reply = node.door().send(&ready).await;
        if has_clock(&world) {
            closed(&reply, "3600 seconds ahead of");
            clock.set(world.now());
            issues(&world, &node, &cast.planner).await;
            return;
        }
        // Time may have passed. What was sent before is old by then, and back there it is closed.
        assert_eq!(reply.status, 400, "{}", reply.text());
        clock.set(world.now());
        closed(&node.door().send(&ready).await, "3600 seconds behind");
    }
);

both!(
    /// Where the database has no clock, nothing is believed that nobody can wait for, and nobody else is late because of it.
    a_clock_that_somebody_sets_ahead_is_not_believed,
    |world| async {
        let cast = Cast::of(&world).await;
        let clock = ahead(&world, 0);
        let node = world.node_at(&clock).await;
        issues(&world, &node, &cast.planner).await;
        clock.jump(ahead(&world, 3 * DAY).now());
        issues_nothing(&world, &node, &cast.planner, "259200 seconds ahead of").await;
        // Time passes, and nothing is opened.
        for clock in [&clock, &world.clock] {
            clock.advance(Duration::from_secs(60));
        }
        issues_nothing(&world, &node, &cast.planner, "259200 seconds ahead of").await;
        let other = world.node_at(&behind(&world, 0)).await;
        issues(&world, &other, &cast.planner).await;
        clock.jump(world.now());
        issues(&world, &node, &cast.planner).await;
    }
);

both!(
    /// A clock that was late when its machine started is set soon after, and a machine that was switched off does not wait.
    a_clock_that_stays_ahead_is_believed_where_there_is_no_other,
    |world| async {
        let clock = ahead(&world, 0);
        let node = world.node_at(&clock).await;
        clock.jump(ahead(&world, HOUR).now());
        let ready = async |node: &Node| node.get_as_operator("/readyz").await.status;
        assert_eq!(ready(&node).await, 503);
        clock.advance(BELIEVED_AFTER - Duration::from_secs(1));
        assert_eq!(ready(&node).await, 503);
        let believed = if has_clock(&world) { 503 } else { 200 };
        let started_again = world.node_at(&clock).await;
        assert_eq!(ready(&started_again).await, believed);
        clock.advance(Duration::from_secs(1));
        assert_eq!(ready(&node).await, believed);
    }
);

both!(
    what_a_node_keeps_is_not_fresh_for_ever_when_its_clock_goes_back,
    |world| async {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let name = async || {
            world
                .app
                .client(&web.id)
                .await
                .unwrap()
                .unwrap()
                .name
                .clone()
        };
        let resources = async || world.app.catalogue().await.unwrap().resources.len();
        let known = resources().await;
        assert_eq!(name().await, "Web");
        world.clock.set(behind(&world, HOUR).now());
        world
            .change_client(&web.id, |file| file["client_name"] = json!("Changed"))
            .await;
        world.add_shop().await;
        world.advance(CONFIGURATION_AGE.as_secs());
        assert_eq!(
            (name().await, resources().await),
            ("Changed".to_owned(), known + 1)
        );
    }
);

both!(revocation_does_not_wait_for_the_clock, |world| async {
    let cast = Cast::of(&world).await;
    let node = world.node_at(&behind(&world, 90)).await;
    let form = [("token", "x".to_owned())];
    let ready = cast.planner.ready(&world, "/revoke", &form);
    let reply = node.door().send(&ready).await;
    assert_ne!(reply.status, 503, "{}", reply.text());
    let preflight = [
        ("origin", "https://a.example"),
        ("access-control-request-method", "POST"),
    ];
    assert_eq!(
        world
            .send(Method::OPTIONS, "/token", &preflight, Vec::new())
            .await
            .status,
        204
    );
});
