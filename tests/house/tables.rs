//! Every table has an end: a rule by which its rows leave, or a reason why it does not grow. It is said in code
//! (`writ_store::sweep::TABLES`) and in docs/storage.md, and no table is left out.

use std::collections::BTreeSet;

use writ_store::sweep::TABLES;

use super::root;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// What the migrations make.
fn made() -> BTreeSet<String> {
    let folder = root().join("migrations/sqlite");
    let mut made = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let names = text.split("CREATE TABLE ").skip(1);
        made.extend(names.map(|rest| rest.split([' ', '(']).next().unwrap().to_owned()));
        assert!(
            !text.contains("DROP TABLE"),
            "then this test reads too little"
        );
    }
    assert!(made.len() > 30 && made.contains("replays"), "{made:?}");
    made
}

#[test]
fn every_table_has_an_end() {
    let ended: Vec<String> = TABLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let once: BTreeSet<String> = ended.iter().cloned().collect();
    assert_eq!(once.len(), ended.len(), "a table has one end");
    assert_eq!(once, made(), "`crates/store/src/sweep/ends.rs`");
}

#[test]
fn the_page_says_how_every_table_ends() {
    let page = read("docs/storage.md");
    let (_, section) = page.split_once("\n## How every table ends\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let named: BTreeSet<String> = rows
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned))
        .collect();
    assert_eq!(named, made(), "docs/storage.md");
}
