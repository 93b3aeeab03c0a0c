//! Tests over the source tree, for what lints cannot see: sizes, words, names, parameters, folders that use each other, packages,
//! licences, migrations and what the documentation shows. What is known and not mended yet stands in `still_to_mend.rs`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

mod blocks;
mod changes;
mod circles;
mod citations;
mod documented;
pub(crate) mod endpoints;
#[expect(dead_code, reason = "pages show it; here the compiler reads it")]
mod examples;
mod files;
mod known;
mod limits;
mod links;
mod members;
mod metrics;
mod migrations;
mod names;
mod operators;
mod packages;
mod parameters;
mod queries;
mod screenshots;
mod settings;
mod shell;
mod source;
mod spdx;
mod still_to_mend;
mod tables;
mod threats;

/// Folders that hold what is ours; beside them the files of the top level.
const OURS: [&str; 9] = [
    ".ci",
    "config",
    "conformance",
    "crates",
    "docs",
    "kits",
    "migrations",
    "tests",
    "benches",
];
/// Made by tools, and not ours to word.
const MADE: [&str; 10] = [
    "target",
    "node_modules",
    "dist",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".git",
    "Cargo.lock",
    "package-lock.json",
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every text file of ours, with its path below the root.
fn files() -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && !MADE.contains(&name) {
            read(&root, &path, &mut found);
        } else if OURS.contains(&name) {
            walk(&root, &path, &mut found);
        }
    }
    assert!(
        found.len() > 100,
        "the sources are not at `{}`",
        root.display()
    );
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if MADE.contains(&path.file_name().unwrap().to_str().unwrap()) {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, found);
        } else {
            read(root, &path, found);
        }
    }
}

/// Pictures are no text.
fn read(root: &Path, path: &Path, found: &mut Vec<(String, String)>) {
    if let Ok(text) = std::fs::read_to_string(path) {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        found.push((name.to_owned(), text));
    }
}

/// Of all crates, tests included.
fn rust_files() -> Vec<(String, String)> {
    let mut files = files();
    files.retain(|(name, _)| name.ends_with(".rs"));
    files
}

/// The paths of the server's routers: as they are given to `route`, and the constants beside them.
pub(crate) fn server_routes() -> Vec<String> {
    let mut files = rust_files();
    files.retain(|(name, text)| {
        name.starts_with("crates/server/src/")
            && !name.ends_with("tests.rs")
            && text.contains("Router::new()")
    });
    let mut found = Vec::new();
    for (_, text) in &files {
        for before in [".route(\"/", ".route(\n            \"/", ": &str = \"/"] {
            let paths = text.split(before).skip(1);
            let paths = paths.filter_map(|rest| rest.split('"').next());
            found.extend(paths.map(|path| format!("/{path}")));
        }
    }
    assert!(found.len() > 40, "{found:?}");
    found
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Problems by place: each place has exactly as many as `still_to_mend.rs` says of this check, none where it says nothing.
fn only_known(check: &str, found: &BTreeMap<String, Vec<String>>) {
    let known: BTreeMap<&str, usize> = still_to_mend::STILL_TO_MEND
        .iter()
        .filter(|(name, _)| *name == check)
        .flat_map(|(_, places)| places.iter().copied())
        .collect();
    let mut problems = Vec::new();
    for (place, said) in found {
        let known = known.get(place.as_str()).copied().unwrap_or_default();
        if said.len() > known {
            problems.extend(said.iter().map(|said| format!("{place}: {said}")));
        }
    }
    for (place, known) in known {
        let left = found.get(place).map_or(0, Vec::len);
        if left < known {
            problems.push(format!(
                "{place}: {left} left of {known}: make the entry of \"{check}\" smaller"
            ));
        }
    }
    none(&problems);
}
