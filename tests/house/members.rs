//! docs/commands.md has every member of the files that operators write.

use serde_json::{Value, from_value, json};
use writ_wire::registration::{
    AgentFile, ApproversFile, CeilingFile, ClientFile, OnwardFile, ResourceFile, ScopeFile,
};

use super::{none, root};

#[test]
fn the_page_of_commands_has_every_member_of_a_registration() {
    let page = std::fs::read_to_string(root().join("docs/commands.md")).unwrap();
    let mut problems = Vec::new();
    for (prefix, members) in [
        ("", members(from_value::<ClientFile>(wrong()))),
        ("", members(from_value::<AgentFile>(wrong()))),
        ("ceiling.", members(from_value::<CeilingFile>(wrong()))),
        ("onward.", members(from_value::<OnwardFile>(wrong()))),
        ("", members(from_value::<ResourceFile>(wrong()))),
    ] {
        // A group is described by its members.
        let groups = ["agent", "ceiling", "onward"];
        for member in members
            .iter()
            .filter(|name| !groups.contains(&name.as_str()))
        {
            if !page.contains(&format!("`{prefix}{member}`")) {
                problems.push(format!(
                    "docs/commands.md says nothing of `{prefix}{member}`"
                ));
            }
        }
    }
    none(&problems);
}

fn wrong() -> Value {
    json!({ "no such member": 1 })
}

/// serde names them where it refuses another one.
fn members<T>(read: Result<T, serde_json::Error>) -> Vec<String> {
    let refused = read.err().unwrap().to_string();
    let (_, expected) = refused.split_once("expected").unwrap();
    let names = expected.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

#[test]
fn members_are_read_from_a_refusal() {
    assert_eq!(
        members(from_value::<ScopeFile>(wrong())),
        ["resource", "scope"]
    );
    assert_eq!(
        members(from_value::<ApproversFile>(wrong())),
        ["of", "need"]
    );
    assert!(members(from_value::<ClientFile>(wrong())).len() > 30);
}
