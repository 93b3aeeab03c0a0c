//! Files are short and say what they are for; nothing is left for later, switched off, or tied to one machine.

use std::collections::BTreeMap;

use super::{files, none, only_known, rust_files};

const MOST_LINES: usize = 400;

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

/// How long a function may be is a lint (`clippy.toml`).
#[test]
fn files_stay_short() {
    let mut found = BTreeMap::new();
    for (name, text) in rust_files() {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            let problem = format!("{lines} lines, at most {MOST_LINES} may be");
            found.insert(name, vec![problem]);
        }
    }
    only_known("lines", &found);
}

#[test]
fn files_say_what_they_are_for() {
    let mut problems = Vec::new();
    for (name, text) in rust_files() {
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
