//! The other ways out: lines of JSON in a file, and a signed JWT for each event; and how large a request is.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_server::background::events_out::MAX_BATCH_BYTES;
use writ_server::notifications::events_out::MAX_BATCH;
use writ_testkit::{Cast, DatabaseKind, ISSUER, World};

use super::events_out::{KINDS, NO_HEADERS, SinkScene, due, log_records, only_worker, send};

/// A folder that leaves with the test.
struct Folder(PathBuf);

impl Folder {
    fn of(kind: DatabaseKind) -> Self {
        let name = format!("writ-events-{}-{kind:?}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Each line is what `writ audit list` prints of the event; a line that a crash cut off is ended first.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_appended_to_a_file_as_lines() {
    for kind in KINDS {
        let folder = Folder::of(kind);
        let path = folder.0.join("events.jsonl");
        let named = path.to_str().unwrap();
        let settings = [
            ("EVENTS__FILE__KIND", "json_lines"),
            ("EVENTS__FILE__PATH", named),
        ];
        let world = World::configured(kind, &settings).await;
        let mut worker = only_worker(&world.app);
        let expected = async |from: usize| {
            let events = world.events().await;
            let lines = events
                .iter()
                .skip(from)
                .map(|event| serde_json::to_string(event).unwrap());
            lines.collect::<Vec<String>>()
        };
        let read = || {
            let text = std::fs::read_to_string(&path).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<String>>()
        };
        Cast::of(&world).await;
        send(&mut worker, &world.app).await;
        assert_eq!(read(), expected(0).await);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let there = expected(0).await.len();
        std::fs::rename(&path, folder.0.join("events.jsonl.1")).unwrap();
        std::fs::write(&path, "{\"id\":\"evt_cut").unwrap();
        world.advance(1);
        world.add_user("bob", "a long password").await;
        send(&mut worker, &world.app).await;
        let mut lines = read();
        assert_eq!(lines.remove(0), "{\"id\":\"evt_cut");
        assert_eq!(lines, expected(there).await);

        let there = expected(0).await.len();
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        world.advance(1);
        world.add_user("carol", "a long password").await;
        send(&mut worker, &world.app).await;
        std::fs::remove_dir(&path).unwrap();
        world.advance(60);
        send(&mut worker, &world.app).await;
        let lines = read()
            .into_iter()
            .map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let lines: Vec<Value> = lines.collect();
        assert_eq!(lines.len(), expected(there).await.len());
        assert!(lines.iter().all(|line| line["resent"] == true), "{lines:?}");
    }
}

/// A subscription: only these events, each in a JWT that our key signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_gets_the_events_that_it_names_signed() {
    for kind in KINDS {
        let names = [("EVENTS__SIEM__NAMES", "token.*,task.approved")];
        let mut scene = SinkScene::of(kind, "webhook", &names).await;
        let cast = Cast::of(&scene.world).await;
        cast.grant(&scene.world).await;
        scene.receiver.answer(503, NO_HEADERS);
        scene.send().await;
        scene.receiver.heard();
        scene.world.advance(60);
        scene.send().await;
        let wanted = |name: &str| name.starts_with("token.") || name == "task.approved";
        let events = scene.world.events().await;
        let events: Vec<_> = events
            .into_iter()
            .filter(|event| wanted(&event.name))
            .collect();
        assert!(events.len() >= 2, "{events:?}");
        let heard = scene.receiver.heard();
        assert_eq!(heard.len(), events.len());
        for (place, (request, event)) in heard.iter().zip(&events).enumerate() {
            assert_eq!(request.header("content-type"), "application/jwt");
            let text = request.text();
            let token = writ_jose::jws::UnverifiedJwt::parse(&text).unwrap();
            assert!(token.typ_is("writ-event+jwt"));
            let keys = scene.world.app.keys().await.unwrap();
            let key = keys.find(token.header().kid.as_deref().unwrap()).unwrap();
            let claims: Value = token.verify(&key).unwrap();
            assert_eq!(claims["iss"], ISSUER);
            assert_eq!(claims["aud"], scene.receiver.url("/sink"));
            assert_eq!(claims["jti"], event.id);
            assert_eq!(claims["event"], event.name);
            let mut record = serde_json::to_value(event).unwrap();
            if place == 0 {
                record["resent"] = json!(true);
            }
            assert_eq!(claims["record"], record);
        }
        assert_eq!(
            due(&scene.world).await,
            0,
            "the sink is not owed the others"
        );
    }
}

/// Many events, and long ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_so_many_events_and_bytes_at_most() {
    let many = usize::try_from(MAX_BATCH).unwrap();
    let long = MAX_BATCH_BYTES / 4;
    for (events, bytes, expected) in [
        (many + 1, 1, vec![many, 1]),
        (5, long, vec![3, 2]),
        (2, MAX_BATCH_BYTES, vec![1, 1]),
    ] {
        let mut scene = SinkScene::of(DatabaseKind::Sqlite, "otlp", &[]).await;
        scene.send().await;
        scene.receiver.heard();
        let (app, now) = (&scene.world.app, scene.world.now());
        let mut transaction = app.begin().await.unwrap();
        for _ in 0..events {
            let event = Event::new(app.event_id(now), now, EventName::TypeChanged);
            let event = event.with(json!({ "text": "x".repeat(bytes) }));
            transaction.insert_event(&event).await.unwrap();
        }
        transaction.commit().await.unwrap();
        scene.send().await;
        let heard = scene.receiver.heard();
        let sizes = heard
            .iter()
            .map(|one| log_records(std::slice::from_ref(one)).len());
        assert_eq!(sizes.collect::<Vec<usize>>(), expected, "{bytes}");
    }
}
