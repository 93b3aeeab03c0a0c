//! While the database cannot be used: whoever needs it hears 503 in the endpoint's own form and in time, what is known goes on, and
//! afterwards everything works without anybody's help.

use std::time::Duration;

use serde_json::json;
use writ_server::node::outage::RETRY_AFTER;
use writ_store::testing::{DatabaseKind, DatabaseLine, Line};
use writ_store::{Deadlines, Store};
use writ_testkit::{Cast, Node, TestReply, Web, World};

const SHORT: Deadlines = Deadlines {
    connection: Duration::from_millis(800),
    statement: Duration::from_millis(900),
    request: Duration::from_millis(1_800),
};
/// Twice what one request waits at most: for a machine that does much else.
const IN_TIME: Duration = Duration::from_secs(4);
/// As long as what a node read last is kept.
const FORGOTTEN: u64 = 60;

/// Endpoints of programs, each with a form that it looks up a client for.
const PROGRAMS: [&str; 6] = [
    "/par",
    "/token",
    "/introspect",
    "/revoke",
    "/bc-authorize",
    "/device_authorization",
];
const CLIENT: [(&str, &str); 3] = [
    ("client_id", "nobody"),
    ("client_secret", "hush"),
    ("grant_type", "client_credentials"),
];
/// Pages that look something up, and whether a browser must be known there.
const PAGES: [&str; 6] = [
    "/authorize?client_id=nobody",
    "/consent?request=r1",
    "/app",
    "/app/agents",
    "/app/settings",
    "/device",
];
const KNOWN: [&str; 3] = [
    "/jwks",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];
/// A cookie of a login that the node has to look up.
const COOKIE: (&str, &str) = (
    "cookie",
    "writ-loopback-default=c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I",
);

fn is_unavailable(reply: &TestReply, what: &str) {
    assert_eq!(reply.status, 503, "{what}: {}", reply.text());
    let wait = reply.headers.get("retry-after").unwrap();
    assert_eq!(wait.to_str().unwrap(), RETRY_AFTER.to_string(), "{what}");
}

fn is_unavailable_json(reply: &TestReply, what: &str) {
    is_unavailable(reply, what);
    let body = reply.json();
    assert_eq!(body["error"], json!("temporarily_unavailable"), "{what}");
    assert_eq!(body["retry_after"], json!(RETRY_AFTER), "{what}");
}

async fn in_time<T>(answer: impl Future<Output = T>, what: &str) -> T {
    let answer = tokio::time::timeout(IN_TIME, answer).await;
    answer.unwrap_or_else(|_| panic!("{what}: no answer within {IN_TIME:?}"))
}

async fn programs_are_told(node: &Node) {
    for path in PROGRAMS {
        let reply = in_time(node.post(path, &CLIENT, &[]), path).await;
        is_unavailable_json(&reply, path);
    }
}

/// Everything answers as it does on a healthy day.
async fn all_is_well(node: &Node) {
    for path in PROGRAMS {
        let reply = node.post(path, &CLIENT, &[]).await;
        assert_eq!(reply.refusal().1, "invalid_client", "{path}");
    }
    for path in KNOWN {
        assert_eq!(node.get(path, &[]).await.status, 200, "{path}");
    }
    assert_eq!(node.get_as_operator("/readyz").await.status, 200);
}

#[tokio::test]
async fn postgres_that_says_nothing_and_postgres_that_is_gone() {
    let world = World::new(DatabaseKind::Postgres).await;
    let line = DatabaseLine::to(&world.database.url).unwrap();
    let store = Store::connect_within(&line.url, SHORT).await.unwrap();
    let node = world.node_on(store, &[]).await;
    all_is_well(&node).await;
    for trouble in [Line::Silent, Line::Cut] {
        line.set(trouble);
        world.advance(FORGOTTEN);
        programs_are_told(&node).await;
        for path in PAGES {
            let reply = in_time(node.get(path, &[COOKIE]), path).await;
            is_unavailable(&reply, path);
            let kind = reply.headers.get("content-type").unwrap();
            assert_eq!(kind, "text/html; charset=utf-8", "{path}");
        }
        for path in KNOWN {
            let reply = in_time(node.get(path, &[]), path).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        }
        let ready = in_time(node.get_as_operator("/readyz"), "/readyz").await;
        assert_eq!(ready.status, 503);
        let alive = node.get_as_operator("/healthz").await;
        assert_eq!(alive.status, 200, "the process is not to be ended for it");
        line.set(Line::Up);
        world.advance(FORGOTTEN);
        all_is_well(&node).await;
    }
}

/// Each answer comes within its deadline, and all that a request asks for do not come within the request's.
#[tokio::test]
async fn postgres_that_is_slow() {
    const ANSWER: Duration = Duration::from_millis(400);
    let world = World::new(DatabaseKind::Postgres).await;
    let line = DatabaseLine::to(&world.database.url).unwrap();
    let deadlines = Deadlines {
        request: Duration::from_millis(900),
        ..SHORT
    };
    let store = Store::connect_within(&line.url, deadlines).await.unwrap();
    let node = world.node_on(store, &[]).await;
    all_is_well(&node).await;
    line.set(Line::Slow(ANSWER));
    programs_are_told(&node).await;
    line.set(Line::Up);
    all_is_well(&node).await;
}

#[tokio::test]
async fn sqlite_that_another_process_keeps_locked() {
    let world = World::new(DatabaseKind::Sqlite).await;
    let store = Store::connect_within(&world.database.url, SHORT).await;
    let node = world.node_on(store.unwrap(), &[]).await;
    all_is_well(&node).await;
    let other = world.database.locked_by_another().await;
    programs_are_told(&node).await;
    for path in KNOWN {
        assert_eq!(node.get(path, &[]).await.status, 200, "{path}");
    }
    let ready = in_time(node.get_as_operator("/readyz"), "/readyz").await;
    assert_eq!(ready.status, 503, "reading is not enough");
    other.release().await;
    all_is_well(&node).await;
}

/// What was refused for the database's sake is not used up.
#[tokio::test]
async fn a_code_that_met_a_silent_database_is_still_good() {
    let world = World::new(DatabaseKind::Postgres).await;
    Cast::of(&world).await;
    let web = Web::register(&world, json!({})).await;
    let code = web.code(&world, &web.request()).await;
    let line = DatabaseLine::to(&world.database.url).unwrap();
    let store = Store::connect_within(&line.url, SHORT).await.unwrap();
    let node = world.node_on(store, &[]).await;
    let form = web.redeem_form(&code);
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, &**value)).collect();
    let basic = web.basic();
    let headers = [("authorization", &*basic)];
    line.set(Line::Silent);
    let refused = in_time(node.post("/token", &form, &headers), "/token").await;
    is_unavailable_json(&refused, "/token");
    line.set(Line::Cut);
    line.set(Line::Up);
    let granted = node.post("/token", &form, &headers).await;
    assert_eq!(granted.status, 200, "{}", granted.text());
}
