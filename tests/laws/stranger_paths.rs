//! Somebody who proved nothing sends what was made up to every path that this server has, the paths read from its source: what is kept and
//! what is logged of it has a bound by path, and not by request (docs/threats.md, a stranger who floods).

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use http::Request;
use writ_testkit::{Cast, DatabaseKind, Fields, Ready, World, both_with};

use super::made_up::{FEW, as_many, encoded, form, page};
use crate::house::endpoints::{OPERATORS, paths};
use crate::process::Process;

const SETTINGS: &[(&str, &str)] = &[
    ("FEATURES__GUESTS", "true"),
    ("FEATURES__TRANSACTION_CHALLENGE", "true"),
    ("REGISTRATION__MODE", "open"),
];
/// What may grow: counts by the minute, and what limits them.
const COUNTS: [&str; 2] = ["attempts", "refusal_counts"];
/// Of one line about a request, however long what was sent is.
const MOST_OF_LINE: usize = 512;
/// Lines that are about no request.
const OTHER_LINES: usize = 20;

/// Every path of the public listener, with a value in each place for one.
fn public_paths() -> Vec<String> {
    let paths = paths().into_iter();
    let public = paths.filter(|path| !OPERATORS.contains(&path.as_str()));
    let filled = public.map(|path| {
        let parts = path.split('/').map(|part| match part.starts_with('{') {
            true => "x",
            false => part,
        });
        parts.collect::<Vec<_>>().join("/")
    });
    filled.collect()
}

/// Every parameter that some path reads, and one that none does.
fn made_up_fields(number: u32) -> Fields {
    let x = format!("x{number}");
    let of_each = [
        "code",
        "csrf",
        "id",
        "link",
        "password",
        "request",
        "request_uri",
        "state",
        "token",
        "username",
    ];
    let fixed = [
        ("client_id", "nobody".to_owned()),
        ("grant_type", "authorization_code".to_owned()),
        ("response_type", "code".to_owned()),
        ("scope", "accounts:read".to_owned()),
        ("user_code", "BCDF-GHJK".to_owned()),
        ("junk", "j".repeat(2000)),
    ];
    let of_each = of_each.map(|name| (name, x.clone()));
    of_each.into_iter().chain(fixed).collect()
}

async fn rows_by_table(world: &World) -> BTreeMap<String, usize> {
    let mut rows = BTreeMap::new();
    for row in world.database.dump().await.lines() {
        let table = row.split(' ').next().unwrap_or_default();
        *rows.entry(table.to_owned()).or_default() += 1;
    }
    rows
}

/// One by GET and one by POST.
fn made_up_requests(path: &str, number: u32) -> [Request<Bytes>; 2] {
    let body = encoded(&made_up_fields(number));
    [page(&format!("{path}?{body}")), form(path, body)]
}

both_with!(
    what_is_made_up_leaves_counts_alone_on_every_path,
    SETTINGS,
    |world| async {
        Cast::of(&world).await;
        // What a server does once is no stranger's work: its first keys.
        world.get("/jwks", &[]).await;
        for (number, path) in public_paths().iter().enumerate() {
            let from: IpAddr = format!("198.18.{number}.9").parse().unwrap();
            let before = rows_by_table(&world).await;
            for count in 0..as_many(20) {
                for request in made_up_requests(path, count) {
                    let reply = world.request_from(from, request).await;
                    assert!(reply.status < 500, "{path}: {}", reply.text());
                }
            }
            let mut left = 0;
            for (table, rows) in rows_by_table(&world).await {
                let more = rows.saturating_sub(before.get(&table).copied().unwrap_or_default());
                let may_grow = COUNTS.contains(&table.as_str());
                assert!(more == 0 || may_grow, "{path}: {more} rows of {table}");
                left += more;
            }
            assert!(left <= FEW, "{path}: {left} rows");
        }
    }
);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_up_makes_a_short_line_each_on_every_path() {
    let world = World::new(DatabaseKind::Sqlite).await;
    let mut process = Process::start(&world, SETTINGS).await;
    let mut sent = 0;
    for path in public_paths() {
        let query = encoded(&made_up_fields(0));
        let asked = process.door.try_get(&format!("{path}?{query}")).await;
        asked.unwrap();
        let posted = Ready::new(&path, &made_up_fields(0));
        process
            .door
            .send(&posted.header("user-agent", &"u".repeat(2000)))
            .await;
        sent += 2;
    }
    process.signal("TERM");
    assert!(process.ended().await.success(), "{}", process.text());
    let text = process.text();
    let (lines, others): (Vec<&str>, Vec<&str>) = text
        .lines()
        .partition(|line| line.contains("writ::request"));
    assert!(lines.len() >= sent, "{} of {sent}", lines.len());
    for line in lines {
        assert!(line.len() <= MOST_OF_LINE, "{line}");
    }
    assert!(others.len() <= OTHER_LINES, "{others:?}");
}
