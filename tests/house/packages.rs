//! Which crate may use which, licences and sources, by `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use super::spdx::{LICENCES, allowed, words};
use super::{none, root};

/// Who must never be reached by whom, over any number of normal dependencies.
const NEVER: [(&str, &[&str]); 14] = [
    ("writ-wire", &["writ-"]),
    ("writ-platform", &["axum", "sqlx", "argon2"]),
    ("writ-jose", &["tokio", "axum", "sqlx"]),
    ("writ-authority", &["tokio", "axum", "sqlx"]),
    ("writ-core", &["tokio", "axum", "sqlx"]),
    ("writ-passkey", &["axum", "sqlx"]),
    ("writ-person", &["axum", "sqlx"]),
    ("writ-store", &["axum"]),
    ("writ-verifier", &["axum", "sqlx", "argon2"]),
    ("writ-agent", &["writ-jose", "axum", "sqlx", "argon2"]),
    ("writ-gate", &["sqlx", "argon2", "writ-core", "writ-server"]),
    ("writ-pages", &["axum", "sqlx", "writ-store", "tokio"]),
    (
        "writ-server",
        &[
            "writ-testkit",
            "writ-person",
            "writ-agent",
            "writ-verifier",
            "josekit",
        ],
    ),
    ("writ", &["writ-testkit", "josekit"]),
];

/// A feature of the verifier, the trait of axum's answers: the program of docs/axum.md has it, in `conformance`.
const BY_FEATURE: (&str, &str) = ("writ-verifier", "axum-core");

/// Left to right as in ARCHITECTURE.md: each may use of ours only these, as a normal dependency.
const ROOMS: [(&str, &[&str]); 16] = [
    ("writ-wire", &[]),
    ("writ-platform", &["writ-wire"]),
    ("writ-jose", &["writ-wire"]),
    ("writ-authority", &["writ-wire"]),
    ("writ-core", &["writ-wire", "writ-jose", "writ-authority"]),
    (
        "writ-store",
        &["writ-wire", "writ-jose", "writ-authority", "writ-core"],
    ),
    (
        "writ-verifier",
        &["writ-wire", "writ-jose", "writ-authority", "writ-platform"],
    ),
    (
        "writ-gate",
        &["writ-wire", "writ-platform", "writ-jose", "writ-verifier"],
    ),
    ("writ-agent", &["writ-wire", "writ-platform"]),
    ("writ-passkey", &[]),
    ("writ-person", &["writ-platform", "writ-passkey"]),
    ("writ-pages", &["writ-wire", "writ-authority", "writ-core"]),
    (
        "writ-server",
        &[
            "writ-wire",
            "writ-platform",
            "writ-passkey",
            "writ-jose",
            "writ-authority",
            "writ-core",
            "writ-store",
            "writ-pages",
        ],
    ),
    // The agents' kit is for the demo, a feature that what is shipped does without; the verifier is in the gate.
    (
        "writ",
        &[
            "writ-wire",
            "writ-platform",
            "writ-passkey",
            "writ-jose",
            "writ-authority",
            "writ-core",
            "writ-store",
            "writ-pages",
            "writ-server",
            "writ-verifier",
            "writ-gate",
            "writ-agent",
            "writ-person",
        ],
    ),
    // Drives the release binary from outside.
    ("writ-bench", &["writ-wire", "writ-platform"]),
    (
        "writ-testkit",
        &[
            "writ-wire",
            "writ-platform",
            "writ-jose",
            "writ-authority",
            "writ-core",
            "writ-store",
            "writ-verifier",
            "writ-agent",
            "writ-passkey",
            "writ-person",
            "writ-server",
        ],
    ),
];

/// May hold what only tests may.
const TESTERS: [&str; 2] = ["tests", "conformance"];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// `cargo metadata`, as this checkout is locked.
fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name].as_array().unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// Name of each package by its id.
fn names(metadata: &Value) -> BTreeMap<&str, &str> {
    let packages = list(metadata, "packages").iter();
    packages
        .map(|package| (text(package, "id"), text(package, "name")))
        .collect()
}

fn of_workspace(metadata: &Value) -> Vec<&Value> {
    let members = list(metadata, "workspace_members");
    let packages = list(metadata, "packages").iter();
    packages
        .filter(|package| members.contains(&package["id"]))
        .collect()
}

/// What is built into a package, by id: normal dependencies of normal dependencies.
fn built_into<'a>(metadata: &'a Value, id: &'a str) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"], "nodes")
        .iter()
        .map(|node| (text(node, "id"), node))
        .collect();
    let mut found = BTreeSet::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        for dependency in list(nodes[id], "deps") {
            let normal = list(dependency, "dep_kinds")
                .iter()
                .any(|kind| kind["kind"].is_null());
            let id = text(dependency, "pkg");
            if normal && found.insert(id) {
                open.push(id);
            }
        }
    }
    found
}

/// What a crate must not know, it does not reach over others either.
#[test]
fn the_arrows_point_one_way() {
    let metadata = metadata();
    let names = names(&metadata);
    let never: BTreeMap<&str, &[&str]> = NEVER.into_iter().collect();
    let mut problems = Vec::new();
    let members: BTreeSet<&str> = names.values().copied().collect();
    let gone = never.keys().filter(|name| !members.contains(**name));
    problems.extend(gone.map(|name| format!("`{name}` is gone")));
    for package in of_workspace(&metadata) {
        let name = text(package, "name");
        let Some(banned) = never.get(name) else {
            continue;
        };
        for id in built_into(&metadata, text(package, "id")) {
            let is_banned = banned.iter().any(|prefix| names[id].starts_with(prefix));
            if is_banned && (name, names[id]) != BY_FEATURE {
                problems.push(format!("`{name}` reaches `{}`", names[id]));
            }
        }
    }
    none(&problems);
}

/// Each crate uses only crates on its left in ARCHITECTURE.md, and only tests use what is for tests.
#[test]
fn each_room_uses_only_rooms_on_its_left() {
    let metadata = metadata();
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.into_iter().collect();
    let mut problems = Vec::new();
    for package in of_workspace(&metadata) {
        let name = text(package, "name");
        for dependency in list(package, "dependencies") {
            let used = text(dependency, "name");
            let normal = dependency["kind"].is_null();
            let ours = used.starts_with("writ-");
            let seen = rooms.get(name).is_none_or(|left| left.contains(&used));
            let tests_only = used == "writ-testkit" && !TESTERS.contains(&name);
            let oracle = used == "josekit" && name != "conformance";
            if (normal && ours && !seen) || tests_only || oracle {
                problems.push(format!("`{name}` uses `{used}`"));
            }
        }
        if name.starts_with("writ") && !rooms.contains_key(name) {
            problems.push(format!("`{name}` is not in `ROOMS`: say what it may use"));
        }
    }
    none(&problems);
}

/// What is shipped holds no passkey in software, and no agent.
#[test]
fn the_shipped_binary_holds_nothing_of_the_demo() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = |more: &[&str]| {
        let tree = [
            "tree",
            "--locked",
            "--package",
            "writ",
            "--edges",
            "normal,features",
        ];
        let output = Command::new(&cargo)
            .args(tree)
            .args(more)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (whole, shipped) = (built(&[]), built(&["--no-default-features"]));
    for part in [
        "writ-passkey feature \"software\"",
        "writ-agent",
        "writ-person",
        "rmcp v",
        "anstream v",
    ] {
        assert!(whole.contains(part), "{part} is not in the demo");
        assert!(!shipped.contains(part), "{part} is shipped");
    }
    let compose = std::fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    assert!(compose.contains("-p writ --no-default-features"));
}

#[test]
fn licences_are_known_and_sources_are_one_registry() {
    let metadata = metadata();
    let mut problems = Vec::new();
    let mut named = BTreeSet::new();
    for package in list(&metadata, "packages") {
        let name = text(package, "name");
        let licence = package["license"].as_str().unwrap_or("none");
        named.extend(words(licence));
        if !allowed(licence) {
            problems.push(format!("`{name}` has licence `{licence}`"));
        }
        match package["source"].as_str() {
            None | Some(CRATES_IO) => {}
            Some(other) => problems.push(format!("`{name}` comes from `{other}`")),
        }
    }
    let unused = LICENCES.iter().filter(|licence| !named.contains(**licence));
    problems.extend(unused.map(|licence| format!("nothing has licence `{licence}`")));
    none(&problems);
}

/// Each dependency is a decision, and its reason stands above it.
#[test]
fn every_dependency_has_its_reason() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, below) = text.split_once("[workspace.dependencies]\n").unwrap();
    let mut problems = Vec::new();
    let mut before = "";
    for line in below.lines().take_while(|line| !line.starts_with('[')) {
        let declares = line.contains(" = ") && !line.starts_with('#');
        if declares && !line.contains("path = ") && !before.starts_with("# ") {
            problems.push(format!("no comment stands above `{line}`"));
        }
        before = line;
    }
    none(&problems);
}
