//! What lints cannot see: sizes, words, first lines, migrations, reasons; below, packages and licences.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

mod circles;
mod packages;
mod spdx;

const MOST_LINES: usize = 400;

/// Folders that hold what is ours; beside them the files of the top level.
const OURS: [&str; 8] = [
    ".ci",
    "config",
    "conformance",
    "crates",
    "docs",
    "migrations",
    "tests",
    "benches",
];
/// Made by tools, and not ours to word.
const MADE: [&str; 5] = [
    "target",
    "node_modules",
    ".git",
    "Cargo.lock",
    "package-lock.json",
];

/// Split, so that this file holds none of them.
const BANNED: [&str; 8] = [
    concat!("todo", "!"),
    concat!("unimplemented", "!"),
    concat!("#[", "allow("),
    concat!("#![", "allow("),
    concat!("#[", "ignore"),
    concat!("thread::", "sleep"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
];
const ONE_MACHINE: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
];

fn root() -> PathBuf {
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

fn rust_files() -> Vec<(String, String)> {
    let mut files = files();
    files.retain(|(name, _)| name.ends_with(".rs"));
    files
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn files_stay_short_and_say_what_they_are_for() {
    let mut problems = Vec::new();
    for (name, text) in rust_files() {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            problems.push(format!(
                "`{name}` has {lines} lines, at most {MOST_LINES} may be"
            ));
        }
        if !text.starts_with("//! ") {
            problems.push(format!(
                "`{name}` does not begin with `//!`: what is it for?"
            ));
        }
    }
    none(&problems);
}

#[test]
fn nothing_is_left_for_later_or_switched_off() {
    let mut problems = Vec::new();
    for (name, text) in rust_files() {
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = BANNED.into_iter().find(|word| line.contains(word)) {
                problems.push(format!("{name}:{}: `{word}`", number + 1));
            }
        }
    }
    none(&problems);
}

/// A clone works wherever it lies.
#[test]
fn no_path_of_one_machine() {
    let mut problems = Vec::new();
    for (name, text) in files() {
        for (number, line) in text.lines().enumerate() {
            if let Some(path) = ONE_MACHINE.into_iter().find(|path| line.contains(path)) {
                problems.push(format!("{name}:{}: `{path}`", number + 1));
            }
        }
    }
    none(&problems);
}

/// The same numbers and names for both databases.
#[test]
fn both_databases_have_the_same_migrations() {
    let names = |kind: &str| -> BTreeSet<String> {
        let folder = root().join("migrations").join(kind);
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let sqlite = names("sqlite");
    assert_eq!(sqlite, names("postgres"));
    for (place, name) in sqlite.iter().enumerate() {
        assert!(
            name.starts_with(&format!("{:04}_", place + 1)),
            "`{name}`: no number is left out"
        );
    }
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
