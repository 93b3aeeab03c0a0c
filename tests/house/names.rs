//! A name says what it holds: a public type has a name of its own, and a test is not called by the number of a document.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{after_word, code, is_word, word};
use super::{only_known, rust_files};

/// Outsiders use one of them without the rest: their `Error`, `Agent` or `Caller` may repeat a name.
const KITS: [&str; 2] = ["agent", "verifier"];
const KINDS: [&str; 5] = ["struct", "enum", "trait", "type", "union"];
/// Split, so that no name of this file begins so.
const NUMBERED: [&str; 7] = [
    concat!("iss", "ue_"),
    concat!("des", "ign_"),
    concat!("less", "ons_"),
    concat!("spe", "cs_"),
    concat!("jour", "neys_"),
    concat!("sty", "le_"),
    concat!("prom", "ise_"),
];

/// Name, crate, and the files in it.
type Types = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn public_types() -> Types {
    let mut found = Types::new();
    for (name, text) in rust_files() {
        let Some((of, file)) = name
            .strip_prefix("crates/")
            .and_then(|name| name.split_once("/src/"))
        else {
            continue;
        };
        if file.contains("tests/") || file.ends_with("tests.rs") {
            continue;
        }
        for (_, rest) in after_word(&code(&text), "pub") {
            let rest = rest.trim_start();
            if KINDS.contains(&word(rest)) {
                let named = word(rest[word(rest).len()..].trim_start());
                // A macro's `$name`.
                if named.is_empty() {
                    continue;
                }
                let crates = found.entry(named.to_owned()).or_default();
                let files = crates.entry(of.to_owned()).or_default();
                files.insert(file.to_owned());
            }
        }
    }
    assert!(found.len() > 500, "{} types", found.len());
    found
}

#[test]
fn no_two_public_types_of_a_crate_share_a_name() {
    let mut found = BTreeMap::new();
    for (name, crates) in public_types() {
        for (of, files) in crates {
            if files.len() > 1 {
                let files = files.into_iter().skip(1);
                found.insert(format!("{of}::{name}"), files.collect());
            }
        }
    }
    only_known("types of a crate", &found);
}

#[test]
fn no_two_crates_have_a_public_type_of_the_same_name() {
    let mut found = BTreeMap::new();
    for (name, crates) in public_types() {
        let crates = crates.into_keys().filter(|of| !KITS.contains(&of.as_str()));
        let others: Vec<String> = crates.skip(1).collect();
        if !others.is_empty() {
            found.insert(name, others);
        }
    }
    only_known("types of the workspace", &found);
}

#[test]
fn tests_are_named_for_what_they_hold() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, text) in rust_files() {
        let (_, file) = name.rsplit_once('/').unwrap();
        let code = code(&text);
        let words = code.split(|letter| !is_word(letter));
        let named = file.replace(".rs", "_");
        let numbered = words.chain([named.as_str()]).filter(|word| {
            let mut prefixes = NUMBERED.iter();
            // Issuing a token is no number of an issue.
            let issues = word.starts_with(NUMBERED[0])
                && !word[NUMBERED[0].len()..].starts_with(|c: char| c.is_ascii_digit());
            !issues && prefixes.any(|prefix| word.starts_with(prefix))
        });
        let numbered: Vec<String> = numbered.map(str::to_owned).collect();
        if !numbered.is_empty() {
            found.insert(name, numbered);
        }
    }
    only_known("names of tests", &found);
}
