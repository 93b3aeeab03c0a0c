//! What a sink has not had stays in the record, for as long as it is kept for it; then it is given up, loudly.

use std::time::Duration;

use writ_platform::Clock;
use writ_server::background::{self, events_out};
use writ_testkit::{Cast, World};

use super::events_out::{KINDS, SinkScene, all_came, due, id_of, log_records};
use super::registered::complaint;
use super::suspend::writ;

const DAY: u64 = 24 * 3600;

async fn sweep(world: &World) {
    background::sweep_once(&world.app).await.unwrap();
}

async fn count(world: &World, table: &str) -> usize {
    let dump = world.database.dump().await;
    let start = format!("{table} ");
    dump.lines().filter(|line| line.starts_with(&start)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sink_does_not_take_in_time_is_given_up_loudly() {
    for kind in KINDS {
        let mut scene = SinkScene::of(kind, "otlp", &[("EVENTS__SIEM__KEEP_DAYS", "1")]).await;
        Cast::of(&scene.world).await;
        let old = scene.ids().await;
        scene.receiver.answer(503, &[]);
        scene.send().await;
        scene.receiver.heard();
        scene.world.advance(DAY - 1);
        scene.world.add_user("bob", "a long password").await;
        scene.receiver.answer(503, &[]);
        scene.send().await;
        let records = log_records(&[scene.receiver.only()]);
        assert!(records.len() > old.len(), "they are kept for a day");

        scene.world.advance(61);
        scene.send().await;
        let records = log_records(&scene.receiver.heard());
        let left: Vec<String> = scene.ids().await;
        let left: Vec<String> = left.into_iter().filter(|id| !old.contains(id)).collect();
        all_came(&records, &left);
        let events = scene.world.events().await;
        let lost = events
            .iter()
            .find(|event| event.name == "events.lost")
            .unwrap();
        assert_eq!(lost.data["sink"], "siem");
        assert_eq!(lost.data["events"], old.len());
        assert!(
            records.iter().any(|record| id_of(record) == lost.id),
            "the sink hears of it"
        );
        let counted = old.len();
        scene.counts(&format!(
            "writ_events_out_total{{sink=\"siem\",result=\"lost\"}} {counted}"
        ));
    }
}

/// Retention waits for the sink.
#[tokio::test(flavor = "multi_thread")]
async fn the_record_keeps_what_a_sink_has_not_had() {
    for kind in KINDS {
        let kept = [
            ("EVENTS__SIEM__KEEP_DAYS", "90"),
            ("AUDIT__RETENTION_DAYS", "30"),
        ];
        let mut scene = SinkScene::of(kind, "otlp", &kept).await;
        Cast::of(&scene.world).await;
        let ids = scene.ids().await;
        scene.world.advance(32 * DAY);
        sweep(&scene.world).await;
        let left = scene.ids().await;
        assert!(ids.iter().all(|id| left.contains(id)), "retention is over");
        scene.send().await;
        all_came(&log_records(&scene.receiver.heard()), &left);
        sweep(&scene.world).await;
        let left = scene.ids().await;
        assert!(!ids.iter().any(|id| left.contains(id)), "the sink has them");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_waits_for_the_sinks() {
    for kind in KINDS {
        let mut scene = SinkScene::of(kind, "otlp", &[]).await;
        let world = &scene.world;
        let now = Clock::System.now();
        world.clock.set(now.minus(Duration::from_secs(3 * DAY)));
        world.database.forget_time().await;
        Cast::of(world).await;
        world.clock.set(now);
        let before = now.minus(Duration::from_secs(2 * DAY)).rfc3339();
        let file = std::env::temp_dir().join(format!("writ-{}.jsonl", world.random.identifier()));
        let words = [
            "audit",
            "archive",
            "--before",
            &before,
            file.to_str().unwrap(),
        ];
        let said = complaint(&writ(world, &words));
        assert!(said.contains("the sink `siem` has not had"), "{said}");
        assert!(!file.exists());
        scene.send().await;
        let done = writ(&scene.world, &words);
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        std::fs::remove_file(&file).unwrap();
    }
}

/// What no server has in its configuration any more is not owed anything for ever; and a sink that comes back gets what follows.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_no_server_has_is_forgotten() {
    for kind in KINDS {
        let mut scene = SinkScene::of(kind, "otlp", &[]).await;
        let world = &scene.world;
        world.advance(events_out::UNSEEN.as_secs() - 1);
        sweep(world).await;
        world.add_user("alice", "a long password").await;
        let before = due(world).await;
        assert!(before > 0, "it is owed events still");
        world.advance(1);
        sweep(world).await;
        world.add_user("bob", "a long password").await;
        assert_eq!(
            due(world).await,
            before,
            "nothing is written for it any more"
        );
        world.advance(DAY);
        sweep(world).await;
        assert_eq!(due(world).await, 0);
        assert_eq!(count(world, "event_sinks").await, 0);
        let names = world.event_names().await;
        assert!(names.contains(&"events.lost".to_owned()), "{names:?}");

        scene.send().await;
        scene.world.advance(1);
        scene.world.add_user("carol", "a long password").await;
        scene.send().await;
        let records = log_records(&scene.receiver.heard());
        let last = scene.ids().await.pop().unwrap();
        all_came(&records, &[last]);
    }
}
