//! Whoever adds an endpoint says what somebody who proved nothing can make of it: docs/configuration.md has a row for each path.

use std::collections::BTreeSet;
use std::fs;

use writ_core::checks::Endpoint;

use super::{root, rust_files};

/// Of the operator's listener, which is never public.
pub(crate) const OPERATORS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
const ROUTERS: [&str; 4] = [
    "crates/server/src/router.rs",
    "crates/server/src/client/",
    "crates/server/src/people/",
    "crates/server/src/console/",
];
/// How a path is written where it is routed, or as a constant.
const BEFORE_PATHS: [&str; 2] = [".route(\"/", ": &str = \"/"];

/// The paths that are written in files with routes.
pub(crate) fn paths() -> BTreeSet<String> {
    let routed = |name: &str| ROUTERS.iter().any(|place| name.starts_with(place));
    let files = rust_files().into_iter();
    let files = files.filter(|(name, text)| routed(name.as_str()) && text.contains(".route("));
    let mut found: BTreeSet<String> = Endpoint::ALL.map(|e| e.path().to_owned()).into();
    for (_, text) in files {
        // A long route begins on the next line.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = text.replace(".route( ", ".route(");
        for before in BEFORE_PATHS {
            let ends = text.split(before).skip(1);
            let ends = ends.filter_map(|rest| rest.split_once('"'));
            found.extend(ends.map(|(path, _)| format!("/{path}")));
        }
    }
    found
}

/// In the first column of the table; below `/app` and `/admin` all together.
fn is_told(path: &str, rows: &[&str]) -> bool {
    let mut together = ["/app", "/admin"].into_iter();
    let path = together
        .find(|place| path.starts_with(place))
        .unwrap_or(path);
    let named = format!("`{path}`");
    let mut cells = rows.iter().filter_map(|row| row.split('|').nth(1));
    cells.any(|cell| cell.contains(&named))
}

#[test]
fn every_endpoint_says_what_it_costs_for_a_stranger() {
    let page = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let (_, table) = page.split_once("What a request costs at most").unwrap();
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let paths = paths();
    for known in [
        "/token",
        "/register/{id}",
        "/login/passkey",
        "/jwks",
        "/logout",
    ] {
        assert!(paths.contains(known), "{known} is found in the source");
    }
    let untold = paths.iter().map(String::as_str);
    let untold = untold.filter(|path| !OPERATORS.contains(path) && !is_told(path, &rows));
    let untold: Vec<&str> = untold.collect();
    assert!(untold.is_empty(), "without a row: {untold:?}");
}
