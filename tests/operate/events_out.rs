//! Every event reaches the sinks of the configuration: once, or with a mark, whatever the receiver answers and whichever node sends.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writ_server::background::events_out::{SendingProgress, SinkWorker, workers};
use writ_server::node::app::App;
use writ_testkit::{
    BANK, Cast, DatabaseKind, HttpReceiver, ISSUER, ReceivedRequest, Silence, SilentHost, World,
};

pub(super) const KINDS: [DatabaseKind; 2] = [DatabaseKind::Sqlite, DatabaseKind::Postgres];
pub(super) const NO_HEADERS: &[(&str, &str)] = &[];

/// A world with one sink `siem`, and its worker.
pub(super) struct SinkScene {
    pub(super) world: World,
    pub(super) receiver: HttpReceiver,
    pub(super) worker: SinkWorker,
}

impl SinkScene {
    /// `way`: `otlp` or `webhook`.
    pub(super) async fn of(kind: DatabaseKind, way: &str, more: &[(&str, &str)]) -> Self {
        let receiver = HttpReceiver::start().await;
        let endpoint = receiver.url("/sink");
        let settings = [
            ("OUTBOUND__TRUSTED", receiver.origin.as_str()),
            ("EVENTS__SIEM__KIND", way),
            ("EVENTS__SIEM__ENDPOINT", &endpoint),
        ];
        let world = World::configured(kind, &[&settings, more].concat()).await;
        let worker = only_worker(&world.app);
        Self {
            world,
            receiver,
            worker,
        }
    }

    /// Until there is no more to do now.
    pub(super) async fn send(&mut self) {
        send(&mut self.worker, &self.world.app).await;
    }

    /// Ids of all events, as the record has them.
    pub(super) async fn ids(&self) -> Vec<String> {
        let events = self.world.events().await;
        events.into_iter().map(|event| event.id).collect()
    }

    pub(super) fn counts(&self, line: &str) {
        let metrics = self.world.app.metrics.render();
        assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
    }
}

pub(super) fn only_worker(app: &App) -> SinkWorker {
    let mut workers = workers(app);
    assert_eq!(workers.len(), 1);
    workers.remove(0)
}

pub(super) async fn send(worker: &mut SinkWorker, app: &App) {
    while worker.turn(app).await.unwrap() == SendingProgress::More {}
}

/// The log records of these requests.
pub(super) fn log_records(heard: &[ReceivedRequest]) -> Vec<Value> {
    let of_request = |request: &ReceivedRequest| {
        assert_eq!(request.header("content-type"), "application/json");
        let body = request.json();
        let records = &body["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
        records.as_array().unwrap().clone()
    };
    heard.iter().flat_map(of_request).collect()
}

/// The value of an attribute of a record or a span.
pub(super) fn attribute<'a>(record: &'a Value, key: &str) -> Option<&'a Value> {
    let attributes = record["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|one| one["key"] == key);
    found.map(|one| &one["value"])
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    let value = attribute(record, key).unwrap();
    value["stringValue"].as_str().unwrap()
}

pub(super) fn id_of(record: &Value) -> String {
    text(record, "writ.id").to_owned()
}

pub(super) fn is_marked(record: &Value) -> bool {
    attribute(record, "writ.resent").is_some_and(|value| value["boolValue"] == true)
}

/// Each of these events came, and no other; once, but for those that are marked.
pub(super) fn all_came(records: &[Value], ids: &[String]) {
    let came: BTreeSet<String> = records.iter().map(id_of).collect();
    assert_eq!(came, ids.iter().cloned().collect());
    let unmarked = records.iter().filter(|record| !is_marked(record));
    let unmarked: Vec<String> = unmarked.map(id_of).collect();
    let once: BTreeSet<&String> = unmarked.iter().collect();
    assert_eq!(once.len(), unmarked.len(), "twice without a mark");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_leaves_once_as_a_log_record() {
    for kind in KINDS {
        let secret = [("EVENTS__SIEM__AUTHORIZATION", "Bearer of-the-collector")];
        let mut scene = SinkScene::of(kind, "otlp", &secret).await;
        let cast = Cast::of(&scene.world).await;
        cast.grant(&scene.world).await;
        scene.send().await;
        let heard = scene.receiver.heard();
        let request = &heard[0];
        assert_eq!(request.path, "/sink");
        assert_eq!(request.header("authorization"), "Bearer of-the-collector");
        let body = request.json();
        let resource = &body["resourceLogs"][0]["resource"];
        assert_eq!(text(resource, "service.name"), "writ");
        assert_eq!(text(resource, "writ.issuer"), ISSUER);
        let records = log_records(&heard);
        let ids = scene.ids().await;
        all_came(&records, &ids);
        assert_eq!(records.len(), ids.len(), "none came twice");
        assert!(!records.iter().any(is_marked));

        let events = scene.world.events().await;
        let mut events = events.iter();
        let event = events.find(|event| event.name == "token.issued").unwrap();
        let mut same = records.iter().filter(|record| id_of(record) == event.id);
        let record = same.next().unwrap();
        assert_eq!(record["eventName"], "token.issued");
        assert_eq!(record["timeUnixNano"], format!("{}000", event.at.micros()));
        assert_eq!(text(record, "event.name"), "token.issued");
        assert_eq!(text(record, "writ.resource"), BANK);
        let reason = attribute(record, "writ.reason");
        assert_eq!(reason.is_some(), event.reason.is_some());
        let body = record["body"]["kvlistValue"]["values"].as_array().unwrap();
        let jti = body.iter().find(|member| member["key"] == "jti").unwrap();
        assert_eq!(jti["value"]["stringValue"], event.data["jti"]);

        scene.send().await;
        assert!(scene.receiver.heard().is_empty(), "nothing is due");
        let sent = format!(
            "writ_events_out_total{{sink=\"siem\",result=\"sent\"}} {}",
            ids.len()
        );
        scene.counts(&sent);
        let metrics = scene.world.app.metrics.render();
        assert!(metrics.contains("writ_events_out_lag_seconds{sink=\"siem\"} 0"));
    }
}

/// Whatever a collector that is away, broken or wrong answers: nothing is lost, and what may have come before is marked.
#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_of_wrong_answers_lose_nothing() {
    const HTML: &str = "<!doctype html><title>Log in</title>";
    const ANSWERS: [(u16, &str); 11] = [
        (503, ""),
        (500, "no"),
        (429, ""),
        (200, HTML),
        (401, ""),
        (404, HTML),
        (302, ""),
        (502, ""),
        (504, ""),
        (405, ""),
        (200, "ok"),
    ];
    for kind in KINDS {
        let mut scene = SinkScene::of(kind, "otlp", &[]).await;
        let cast = Cast::of(&scene.world).await;
        let before = scene.ids().await;
        for (status, body) in ANSWERS {
            scene
                .receiver
                .answer_with(status, NO_HEADERS, body.to_owned());
            scene.send().await;
            assert_eq!(
                log_records(&[scene.receiver.only()]).len(),
                before.len(),
                "{status}"
            );
            scene.send().await;
            assert!(
                scene.receiver.heard().is_empty(),
                "{status}: it rests a moment"
            );
            // The longest pause.
            scene.world.advance(60);
        }
        cast.grant(&scene.world).await;
        scene.send().await;
        let records = log_records(&scene.receiver.heard());
        let ids = scene.ids().await;
        all_came(&records, &ids);
        assert_eq!(records.len(), ids.len());
        for record in &records {
            assert_eq!(
                is_marked(record),
                before.contains(&id_of(record)),
                "{record}"
            );
        }
        scene.counts("writ_events_out_failures_total{sink=\"siem\"} 11");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_says_when_it_can_be_asked_again() {
    let mut scene = SinkScene::of(DatabaseKind::Sqlite, "otlp", &[]).await;
    for (person, asked, heeded) in [("bob", "120", 120), ("carol", "1000000000", 300)] {
        scene.world.add_user(person, "a long password").await;
        scene.receiver.answer(503, &[("retry-after", asked)]);
        scene.send().await;
        assert_eq!(scene.receiver.heard().len(), 1);
        scene.world.advance(heeded - 1);
        scene.send().await;
        assert!(scene.receiver.heard().is_empty(), "{asked}");
        scene.world.advance(1);
        scene.send().await;
        assert!(!scene.receiver.heard().is_empty(), "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_for_a_collector_comes_in_smaller_pieces() {
    for kind in KINDS {
        let mut scene = SinkScene::of(kind, "otlp", &[]).await;
        Cast::of(&scene.world).await;
        scene.receiver.answer(413, NO_HEADERS);
        scene.receiver.answer(413, NO_HEADERS);
        scene.send().await;
        let heard = scene.receiver.heard();
        let sizes: Vec<usize> = heard
            .iter()
            .map(|one| log_records(std::slice::from_ref(one)).len())
            .collect();
        let ids = scene.ids().await;
        assert_eq!(
            sizes[..3],
            [ids.len(), ids.len() / 2, ids.len() / 4],
            "{sizes:?}"
        );
        all_came(&log_records(&heard[2..]), &ids);
        assert_eq!(
            sizes[2..].iter().sum::<usize>(),
            ids.len(),
            "none came twice"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_collector_refuses_of_a_request_is_counted_and_not_sent_again() {
    for kind in KINDS {
        let mut scene = SinkScene::of(kind, "otlp", &[]).await;
        Cast::of(&scene.world).await;
        let body = json!({ "partialSuccess": {
            "rejectedLogRecords": "2", "errorMessage": "too old",
        } });
        scene
            .receiver
            .answer_with(200, NO_HEADERS, body.to_string());
        scene.send().await;
        let records = log_records(&[scene.receiver.only()]);
        let sent = records.len() - 2;
        scene.counts(&format!(
            "writ_events_out_total{{sink=\"siem\",result=\"sent\"}} {sent}"
        ));
        scene.counts("writ_events_out_total{sink=\"siem\",result=\"refused\"} 2");
        scene.send().await;
        assert!(scene.receiver.heard().is_empty());
    }
}

/// It does not answer in time, and a token is made meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_answer_keeps_nobody_waiting() {
    let silent = SilentHost::start(Silence::LetsWait).await;
    let endpoint = silent.url("/v1/logs");
    let settings = [
        ("OUTBOUND__TRUSTED", silent.origin.as_str()),
        ("EVENTS__SIEM__KIND", "otlp"),
        ("EVENTS__SIEM__ENDPOINT", &endpoint),
    ];
    let world = World::configured(DatabaseKind::Sqlite, &settings).await;
    let cast = Cast::of(&world).await;
    let app = world.app.clone();
    let sending = tokio::spawn(async move { only_worker(&app).turn(&app).await.unwrap() });
    cast.grant(&world).await;
    assert_eq!(sending.await.unwrap(), SendingProgress::Enough);
    let mut reading = world.app.read().await.unwrap();
    let due = reading.due_events("siem", None, 1000).await.unwrap();
    assert_eq!(due, world.events().await, "nothing is lost");
}

/// A sink that refuses one event gets the others; one that refuses everything loses none.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_refused_alone_keeps_no_other_back() {
    for kind in KINDS {
        let mut scene = SinkScene::of(kind, "webhook", &[]).await;
        let cast = Cast::of(&scene.world).await;
        let before = scene.ids().await;
        for _ in 0..2 {
            scene.receiver.answer(400, NO_HEADERS);
            scene.receiver.answer(400, NO_HEADERS);
            scene.send().await;
            assert_eq!(
                scene.receiver.heard().len(),
                2,
                "the second one is tried too"
            );
            scene.world.advance(60);
        }
        scene.receiver.answer(400, NO_HEADERS);
        scene.send().await;
        let heard = scene.receiver.heard();
        assert_eq!(heard.len(), before.len(), "the first one is not sent again");
        scene.counts("writ_events_out_total{sink=\"siem\",result=\"refused\"} 1");
        cast.grant(&scene.world).await;
        scene.send().await;
        let later = scene.receiver.heard().len();
        assert_eq!(before.len() + later, scene.ids().await.len());
    }
}

/// Two nodes at once, and one that is gone in the middle of a request.
#[tokio::test(flavor = "multi_thread")]
async fn one_node_at_a_time_sends_and_another_takes_over() {
    for kind in KINDS {
        let mut scene = SinkScene::of(kind, "otlp", &[]).await;
        let cast = Cast::of(&scene.world).await;
        let node = scene.world.node().await;
        let mut other = only_worker(&node.app);
        tokio::join!(scene.send(), send(&mut other, &node.app));
        let records = log_records(&scene.receiver.heard());
        let ids = scene.ids().await;
        all_came(&records, &ids);
        assert_eq!(records.len(), ids.len(), "none came twice");

        scene.world.advance(31);
        cast.grant(&scene.world).await;
        scene.receiver.answer(503, NO_HEADERS);
        scene.send().await;
        let first = log_records(&[scene.receiver.only()]);
        send(&mut other, &node.app).await;
        assert!(scene.receiver.heard().is_empty(), "the first one has it");
        // It is killed; its lease ends.
        scene.world.advance(31);
        send(&mut other, &node.app).await;
        let again = log_records(&scene.receiver.heard());
        assert!(again.len() >= first.len() && !first.is_empty());
        for record in &first {
            let again = again.iter().find(|one| id_of(one) == id_of(record));
            assert!(is_marked(again.unwrap()) && !is_marked(record), "{record}");
        }
    }
}

/// Events that the sink has not had.
pub(super) async fn due(world: &World) -> usize {
    let dump = world.database.dump().await;
    dump.lines()
        .filter(|line| line.starts_with("events_due "))
        .count()
}
