//! `/readyz` asks every table that a statement of a token names.

use std::collections::BTreeSet;

use crate::tenant::PROBES;

/// Where the statements of a token stand: of its client, of what it is for and of how it is signed.
const FILES: [&str; 11] = [
    include_str!("../client.rs"),
    include_str!("../code.rs"),
    include_str!("../delegation.rs"),
    include_str!("../id_token_keys.rs"),
    include_str!("../lineage.rs"),
    include_str!("../refresh.rs"),
    include_str!("../replay.rs"),
    include_str!("../resource.rs"),
    include_str!("../signing.rs"),
    include_str!("../types.rs"),
    include_str!("../write.rs"),
];

/// Every table, by its migration.
const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");

fn tables() -> BTreeSet<String> {
    let files = std::fs::read_dir(MIGRATIONS).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts
        .flat_map(|text| after(&text, &["CREATE TABLE"]))
        .collect()
}

/// The words that follow one of these.
fn after(text: &str, words: &[&str]) -> Vec<String> {
    let followed = |word: &&str| {
        let word = format!("{word} ");
        let parts = text.split(word.as_str()).skip(1);
        let is_of_name = |c: &char| c.is_ascii_lowercase() || *c == '_';
        let names = parts.map(|part| part.chars().take_while(is_of_name).collect());
        names.collect::<Vec<String>>()
    };
    words.iter().flat_map(followed).collect()
}

fn named(text: &str) -> BTreeSet<String> {
    let names = after(text, &["FROM", "JOIN", "INTO", "UPDATE"]);
    let tables = tables();
    names.into_iter().filter(|n| tables.contains(n)).collect()
}

#[test]
fn readiness_asks_every_table_of_a_token() {
    let asked: BTreeSet<String> = PROBES.iter().flat_map(|probe| named(probe)).collect();
    let needed: BTreeSet<String> = FILES.iter().flat_map(|file| named(file)).collect();
    assert!(needed.len() > 10, "{needed:?}");
    let forgotten: Vec<_> = needed.difference(&asked).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
