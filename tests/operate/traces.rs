//! A span of each request goes to the collector of `[traces]`: what the log's line holds, and nothing that a stranger wrote.

use serde_json::{Value, json};
use writ_server::background::traces::{MAX_SPANS, send_waiting};
use writ_server::node::traces::MAX_WAITING_SPANS;
use writ_testkit::{Cast, DatabaseKind, HttpReceiver, World};

use super::events_out::attribute;

const PROXY: &str = "203.0.113.9";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

async fn traced() -> (World, HttpReceiver) {
    let receiver = HttpReceiver::start().await;
    let endpoint = receiver.url("/v1/traces");
    let settings = [
        ("OUTBOUND__TRUSTED", receiver.origin.as_str()),
        ("SERVER__TRUSTED_PROXIES", PROXY),
        ("TRACES__ENDPOINT", &endpoint),
        ("TRACES__AUTHORIZATION", "Bearer of-the-collector"),
    ];
    (
        World::configured(DatabaseKind::Sqlite, &settings).await,
        receiver,
    )
}

async fn spans(world: &World, receiver: &HttpReceiver) -> Vec<Value> {
    send_waiting(&world.app).await;
    let mut spans = Vec::new();
    for request in receiver.heard() {
        assert_eq!(request.path, "/v1/traces");
        assert_eq!(request.header("authorization"), "Bearer of-the-collector");
        let body = request.json();
        let sent = &body["resourceSpans"][0]["scopeSpans"][0]["spans"];
        spans.extend(sent.as_array().unwrap().iter().cloned());
    }
    spans
}

fn text<'a>(span: &'a Value, key: &str) -> Option<&'a str> {
    attribute(span, key).map(|value| value["stringValue"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_a_span_without_a_secret() {
    let (world, receiver) = traced().await;
    let cast = Cast::of(&world).await;
    spans(&world, &receiver).await;
    let code = cast.code(&world).await;
    spans(&world, &receiver).await;
    let redeem = cast
        .planner
        .ready(&world, "/token", &cast.redeem_form(&code));
    let reply = world.door().send(&redeem).await;
    world.get("/path-secret?x=query-secret", &[]).await;
    let unknown = [("client_id", "never-registered")];
    world.post("/par", &unknown, &[]).await;
    let spans = spans(&world, &receiver).await;
    let names: Vec<&str> = spans
        .iter()
        .map(|span| span["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["POST /token", "GET none", "POST /par"]);
    let token = &spans[0];
    assert_eq!(token["kind"], 2);
    assert_eq!(token["status"], json!({}));
    assert_eq!(text(token, "writ.client"), Some("agt_planner"));
    assert_eq!(text(token, "writ.request"), reply.header("x-request-id"));
    assert_eq!(
        attribute(token, "http.response.status_code").unwrap()["intValue"],
        "200"
    );
    assert_eq!(text(token, "error.type"), None);
    assert_eq!(text(&spans[2], "error.type"), Some("invalid_client"));
    assert_eq!(text(&spans[2], "writ.client"), None);
    for span in &spans {
        assert_eq!(span["traceId"].as_str().unwrap().len(), 32);
        assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
        assert_eq!(span["parentSpanId"], Value::Null);
        let began: u64 = span["startTimeUnixNano"].as_str().unwrap().parse().unwrap();
        let ended: u64 = span["endTimeUnixNano"].as_str().unwrap().parse().unwrap();
        assert!(began <= ended, "{span}");
    }
    let sent = json!(spans).to_string();
    for secret in [
        code.as_str(),
        "path-secret",
        "query-secret",
        "never-registered",
    ] {
        assert!(!sent.contains(secret), "{secret}: {sent}");
    }
    assert!(!sent.contains(&reply.access_token()));
}

/// Anybody can write a `traceparent`, and would choose who is traced.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_that_of_a_trusted_proxy_alone() {
    let (world, receiver) = traced().await;
    let (proxy, other) = (PROXY.parse().unwrap(), "203.0.113.10".parse().unwrap());
    let given = format!("00-{TRACE}-{PARENT}-01");
    let not_sampled = format!("00-{TRACE}-{PARENT}-00");
    let given = [("traceparent", given.as_str())];
    world.get_from(proxy, "/jwks", &given).await;
    world
        .get_from(proxy, "/jwks", &[("traceparent", &not_sampled)])
        .await;
    world.get_from(proxy, "/jwks", &[given[0], given[0]]).await;
    world.get_from(other, "/jwks", &given).await;
    world.get("/jwks", &given).await;
    let spans = spans(&world, &receiver).await;
    let is_below = |span: &Value| span["traceId"] == TRACE && span["parentSpanId"] == PARENT;
    let below: Vec<bool> = spans.iter().map(is_below).collect();
    assert_eq!(below, [true, false, false, false], "{spans:?}");
    assert_ne!(spans[0]["spanId"], PARENT);
}

/// No request waits for a collector, and what has no room is counted.
#[tokio::test(flavor = "multi_thread")]
async fn spans_that_have_no_room_or_no_taker_are_dropped_and_counted() {
    let (world, receiver) = traced().await;
    let counted = |result: &str, spans: usize| {
        let line = format!("writ_spans_total{{result=\"{result}\"}} {spans}");
        let metrics = world.app.metrics.render();
        assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
    };
    for _ in 0..MAX_WAITING_SPANS + 3 {
        world.get("/types/none", &[]).await;
    }
    counted("dropped", 3);
    send_waiting(&world.app).await;
    let requests = receiver.heard().len();
    assert_eq!(requests, MAX_WAITING_SPANS.div_ceil(MAX_SPANS));
    counted("sent", MAX_WAITING_SPANS);
    for (status, body) in [(503, ""), (400, ""), (200, "<html>")] {
        world.get("/jwks", &[]).await;
        receiver.answer_with(status, &[], body.to_owned());
        spans(&world, &receiver).await;
    }
    counted("dropped", 6);
    assert!(
        spans(&world, &receiver).await.is_empty(),
        "none is sent again"
    );
}
