//! What nodes do by themselves they do for all nodes: one whose clock is wrong does nothing, and what a wrong clock left in the
//! database keeps no other from its work.

use std::sync::Arc;

use serde_json::json;
use writ_server::background::{self, sending};
use writ_server::node::app::App;
use writ_testkit::{Cast, World, both};

use super::clocks::{HOUR, ahead, behind, has_clock};

/// Further than anything waits, and than a retired key is published.
const FAR: u64 = 400 * 24 * HOUR;

/// Everything that a node does by itself.
#[derive(Clone, Copy, Debug)]
enum Work {
    IdTokenKeys,
    /// And escalation and expiry of what waits.
    Notices,
    /// And retired keys.
    Sweep,
}

const WORK: [Work; 3] = [Work::IdTokenKeys, Work::Notices, Work::Sweep];

async fn work(what: Work, app: &Arc<App>) {
    match what {
        Work::IdTokenKeys => background::complete_id_token_keys(app)
            .await
            .map(drop)
            .unwrap(),
        Work::Notices => sending::send_due(app).await.map(drop).unwrap(),
        Work::Sweep => background::sweep_once(app).await.map(drop).unwrap(),
    }
}

async fn rows(world: &World) -> Vec<String> {
    let dump = world.database.dump().await;
    let mut rows: Vec<String> = dump.lines().map(str::to_owned).collect();
    rows.sort();
    rows
}

both!(
    a_node_whose_clock_is_wrong_does_no_work_by_itself,
    |world| async {
        let cast = Cast::of(&world).await;
        world.rotate_keys().await;
        let token = cast.token(&world).await;
        let asked = cast.planner.asked(&world, &cast.question()).await;
        world.app.compare_clock().await.unwrap();
        let mut clocks = vec![behind(&world, FAR)];
        if has_clock(&world) {
            clocks.push(ahead(&world, FAR));
        }
        for clock in clocks {
            let node = world.node_at(&clock).await;
            let before = rows(&world).await;
            for what in WORK {
                work(what, &node.app).await;
                let after = rows(&world).await;
                assert_eq!(after, before, "{what:?} at {:?}", clock.now());
            }
        }
        assert_eq!(cast.introspect(&world, &token).await["active"], json!(true));
        // Whoever is right goes on: what is due is sent, and what is over ends.
        let sent = sending::send_due(&world.app).await.unwrap();
        assert!(sent > 0, "she is told");
        world.advance(FAR);
        for what in WORK {
            let before = rows(&world).await;
            work(what, &world.app).await;
            assert_ne!(rows(&world).await, before, "{what:?}");
        }
        let expired = world.events_named("approval.expired").await;
        assert_eq!(expired.len(), 1, "{asked}");
        assert_eq!(expired[0].at, world.now());
    }
);

both!(
    the_sweep_goes_on_after_a_clock_that_was_far_ahead,
    |world| async {
        let cast = Cast::of(&world).await;
        let node = world.node_at(&ahead(&world, FAR)).await;
        background::sweep_once(&node.app).await.unwrap();
        // As the operator of an SQLite database does: until then nothing is issued there.
        world.database.forget_time().await;
        cast.token(&world).await;
        world.advance(HOUR);
        let swept = background::sweep_once(&world.app).await.unwrap();
        assert!(swept > 0, "replays are over");
    }
);
