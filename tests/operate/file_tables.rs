//! The tables of docs/commands.md name every member that a file may have, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use writ_wire::registration::{
    AgentFile, ApproversFile, CeilingFile, ClientFile, GuestsFile, OnwardFile, Profile,
    ResourceFile,
};
use writ_wire::scope::ResourceScope;

/// A page of docs/.
pub(super) fn page(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// What stands below a heading, up to the next one.
pub(super) fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, below) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    below.split("\n## ").next().unwrap()
}

/// The names in the first column of each table.
pub(super) fn tables(section: &str) -> Vec<BTreeSet<String>> {
    let blocks = section
        .split("\n\n")
        .filter(|block| block.trim().starts_with("| member |"));
    let names = blocks.map(|block| {
        let cells = block.lines().filter_map(|line| line.split('|').nth(1));
        let quoted = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        quoted.map(str::to_owned).collect()
    });
    names.collect()
}

/// The members that the parser of a file knows.
macro_rules! known {
    ($file:ty, $good:expr) => {
        known_members($good, |value| {
            serde_json::from_value::<$file>(value).map(drop)
        })
    };
}

/// A parser names all of them when it refuses another one.
fn known_members(good: Value, parse: fn(Value) -> serde_json::Result<()>) -> BTreeSet<String> {
    assert!(parse(good.clone()).is_ok(), "{good}");
    let mut bad = good;
    bad["?"] = json!(1);
    let refused = parse(bad).unwrap_err().to_string();
    let (_, names) = refused.split_once("unknown field `?`, expected ").unwrap();
    let names = names.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

fn below(name: &str, members: BTreeSet<String>) -> BTreeSet<String> {
    let members = members.into_iter();
    members.map(|member| format!("{name}.{member}")).collect()
}

#[test]
fn the_table_of_client_files_is_that_of_the_parser() {
    let page = page("commands.md");
    let mut expected = known!(
        ClientFile,
        json!({ "client_name": "x", "profile": "oauth21" })
    );
    // It has a table of its own.
    assert!(expected.remove("agent"));
    let section = section(&page, "CLIENT.json");
    assert_eq!(tables(section), [expected]);
    let profile = section.lines().find(|line| line.starts_with("| `profile`"));
    for known in [
        Profile::Oauth21,
        Profile::Fapi2,
        Profile::Agent,
        Profile::Guest,
    ] {
        let quoted = format!("`{}`", known.as_str());
        assert!(profile.unwrap().contains(&quoted), "{quoted}");
    }
}

#[test]
fn the_table_of_agent_files_is_that_of_the_parser() {
    let agent =
        json!({ "owner": "a", "sponsor": "a", "publisher": "p", "ceiling": { "lifetime": 1 } });
    let mut expected = known!(AgentFile, agent);
    for (name, members) in [
        ("ceiling", known!(CeilingFile, json!({ "lifetime": 1 }))),
        ("onward", known!(OnwardFile, json!({}))),
    ] {
        assert!(expected.remove(name));
        expected.extend(below(name, members));
    }
    let page = page("commands.md");
    let section = section(&page, "AGENT.json");
    assert_eq!(tables(section), [expected]);
    let approvers = section
        .lines()
        .find(|line| line.starts_with("| `approvers`"));
    for member in known!(ApproversFile, json!({ "of": ["a"], "need": 1 })) {
        assert!(
            approvers.unwrap().contains(&format!("`{member}`")),
            "{member}"
        );
    }
}

#[test]
fn the_tables_of_resource_files_are_those_of_the_parser() {
    let resource = json!({ "resource": "https://notes.example", "name": "Notes" });
    let page = page("commands.md");
    let section = section(&page, "RESOURCE.json");
    let scope = known!(ResourceScope, json!({ "name": "notes.read" }));
    assert_eq!(tables(section), [known!(ResourceFile, resource), scope]);
    let guests = section.lines().find(|line| line.starts_with("| `guests`"));
    for member in known!(GuestsFile, json!({ "mode": "none" })) {
        assert!(guests.unwrap().contains(&format!("`{member}`")), "{member}");
    }
}
