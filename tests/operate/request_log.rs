//! What a server's log says of itself and of each request, and the id by which log, answer and record name a request.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use writ_platform::Clock;
use writ_testkit::{Cast, DatabaseKind, Ready, TestReply, Web, World, basic, both, both_with};

use crate::process::Process;

const ID: &str = "x-request-id";
const PROXY: &str = "203.0.113.9";
const BEHIND_A_PROXY: &[(&str, &str)] = &[("SERVER__TRUSTED_PROXIES", PROXY)];

fn id_of(reply: &TestReply) -> String {
    reply.header(ID).expect("an id").to_owned()
}

/// The one line about the request that was answered so.
fn line_of(lines: &[Value], reply: &TestReply) -> Value {
    let id = id_of(reply);
    let of_it = |line: &&Value| line["target"] == "writ::request" && line["id"] == *id;
    let found: Vec<&Value> = lines.iter().filter(of_it).collect();
    assert_eq!(found.len(), 1, "{id}: {lines:?}");
    found[0].clone()
}

/// What is wanted of a line: members, or that they are absent.
fn says(line: &Value, wanted: &Value) {
    for (member, value) in wanted.as_object().unwrap() {
        assert_eq!(&line[member], value, "{member}: {line}");
    }
    assert!(line["ms"].is_u64(), "{line}");
    assert_eq!(line["level"], "INFO", "{line}");
}

/// Requests of several kinds, each with what its line says.
async fn asked(process: &Process, web: &Web, code: &str) -> Vec<(TestReply, Value)> {
    let door = &process.door;
    let redeem = Ready::new("/token", &web.redeem_form(code));
    let granted = redeem.clone().header("authorization", &web.basic());
    let refused = redeem.header("authorization", &basic(&web.id, "wrong-secret"));
    let unknown = Ready::new("/par", &[("client_id", "never-registered".to_owned())]);
    let page = format!(
        "/authorize?client_id={}&code=query-secret&state=query-state",
        web.id
    );
    vec![
        (
            door.send(&granted).await,
            json!({
                "method": "POST", "route": "/token", "status": 200, "error": null,
                "client": web.id, "client_is": "proved",
            }),
        ),
        (
            door.send(&refused).await,
            json!({
                "method": "POST", "route": "/token", "status": 401, "error": "invalid_client",
                "client": web.id, "client_is": "named",
            }),
        ),
        (
            door.send(&unknown).await,
            json!({ "route": "/par", "error": "invalid_client", "client": null, "client_is": null }),
        ),
        (
            door.try_get(&page).await.unwrap(),
            json!({ "method": "GET", "route": "/authorize", "client": web.id }),
        ),
        (
            door.try_get("/path-secret?x=query-secret").await.unwrap(),
            json!({ "route": "none", "status": 404 }),
        ),
        (
            door.try_get("/jwks").await.unwrap(),
            json!({ "route": "/jwks", "status": 200, "error": null }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn one_line_for_each_request_and_no_secret_in_it() {
    let world = World::new(DatabaseKind::Sqlite).await;
    world.clock.set(Clock::System.now());
    Cast::of(&world).await;
    let web = Web::register(&world, json!({})).await;
    let code = web.code(&world, &web.request()).await;
    let mut process = Process::start(&world, &[]).await;
    let asked = asked(&process, &web, &code).await;
    process.signal("TERM");
    assert!(process.ended().await.success(), "{}", process.text());
    let lines = process.lines();
    for (reply, wanted) in &asked {
        says(&line_of(&lines, reply), wanted);
    }
    let text = process.text();
    let token = asked[0].0.access_token();
    let secrets = [
        code.as_str(),
        web.secret.as_deref().unwrap(),
        token.as_str(),
    ];
    let strangers = [
        "wrong-secret",
        "query-secret",
        "query-state",
        "path-secret",
        "never-registered",
    ];
    for secret in secrets.into_iter().chain(strangers) {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
    assert!(!text.contains("readyz"), "probes are no requests: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_begins_with_what_runs_where_and_what_is_off() {
    let world = World::new(DatabaseKind::Sqlite).await;
    let process = Process::start(&world, &[]).await;
    let lines = process.lines();
    let start = lines
        .iter()
        .find(|line| line["message"] == "the server has started");
    let start = start.unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(start["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(start["issuer"], "http://localhost:9");
    assert_eq!(start["listen"], process.address.to_string());
    assert_eq!(start["database"], "sqlite");
    assert_eq!(start["tls"], "none");
    let off = start["off"].as_str().unwrap();
    assert!(
        off.contains("mail") && off.contains("features.guests"),
        "{off}"
    );
    assert!(
        !off.contains("metrics") && !off.contains("mission_intent"),
        "{off}"
    );
}

both!(
    every_event_of_a_request_names_the_request,
    |world| async move {
        Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let code = web.code(&world, &web.request()).await;
        let reply = web
            .send(&world, "/token", &web.redeem_form(&code), &[])
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in world.events().await {
            assert_eq!(event.data.get("request_id"), None, "{}", event.data);
            if let Some(request) = event.request {
                named.entry(request).or_default().push(event.name);
            }
        }
        let of_token = |name: &&String| name.starts_with("token.");
        let tokens: Vec<&String> = named[&id_of(&reply)].iter().filter(of_token).collect();
        assert_eq!(tokens, ["token.issued"], "{named:?}");
        let together = ["consent.given", "task.approved"].map(str::to_owned);
        let consents = named
            .values()
            .filter(|names| together.iter().all(|n| names.contains(n)));
        assert_eq!(consents.count(), 1, "{named:?}");
    }
);

both_with!(
    an_id_of_a_trusted_proxy_is_taken_over,
    BEHIND_A_PROXY,
    |world| async move {
        let (proxy, other) = (PROXY.parse().unwrap(), "203.0.113.10".parse().unwrap());
        let given = [(ID, "edge-7f3c.1")];
        let taken = world.get_from(proxy, "/jwks", &given).await;
        assert_eq!(id_of(&taken), "edge-7f3c.1");
        let not_plain = world.get_from(proxy, "/jwks", &[(ID, "a b\"")]).await;
        let without_peer = world.get("/jwks", &given).await;
        let of_other = world.get_from(other, "/jwks", &given).await;
        for reply in [of_other, not_plain, without_peer] {
            assert!(id_of(&reply).starts_with("req_"), "{:?}", reply.headers);
        }
    }
);
