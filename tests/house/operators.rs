//! What an operator changes is on record with their name: events of commands are made by `ChangeContext`, which says who it is.

use super::source::code;
use super::{none, rust_files};

/// Where operators act.
const PLACES: [&str; 2] = ["crates/writ/src/cli/", "crates/server/src/operate/"];

/// Files that make events in another way, and why.
const OTHERS: [(&str, &str); 4] = [
    ("operate/change.rs", "it says who makes a change"),
    ("operate/recover.rs", "a person finishes a link"),
    ("operate/forgotten.rs", "anybody asks for a link"),
    (
        "operate/upstream_groups.rs",
        "a provider gives roles and takes them",
    ),
];

#[test]
fn no_operator_changes_anything_without_their_name() {
    let (mut problems, mut seen) = (Vec::new(), 0);
    for (name, text) in rust_files() {
        if !PLACES.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        let makes_events = code(&text).contains("Event::new(");
        match OTHERS.iter().any(|(file, _)| name.ends_with(file)) {
            true => {
                seen += 1;
                assert!(makes_events, "`{name}` makes no event any more");
            }
            false if makes_events => problems.push(format!(
                "{name}: an event of an operator is made by `ChangeContext::event`"
            )),
            false => {}
        }
    }
    assert_eq!(seen, OTHERS.len());
    none(&problems);
}
