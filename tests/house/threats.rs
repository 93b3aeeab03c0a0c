//! Each test that docs/threats.md names is there, and so is each file: a line that nothing holds is no line.

use std::collections::BTreeMap;

use super::source::is_word;
use super::{none, root, rust_files};

/// Below the root or below `crates/`.
const PLACES: [&str; 2] = ["", "crates/"];

/// What stands between backticks, outside of code blocks.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    let lines = page.lines().filter(|line| line.starts_with("| "));
    lines.flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn each_test_of_the_threats_is_there() {
    let page = std::fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let files: BTreeMap<String, String> = rust_files().into_iter().collect();
    let found = |path: &str| {
        let mut places = PLACES.iter();
        places.find_map(|place| files.get(&format!("{place}{path}")))
    };
    let (mut problems, mut file, mut tests) = (Vec::new(), None, 0);
    for name in quoted(&page) {
        let (path, test) = name.split_once("::").unwrap_or((name, ""));
        if path.ends_with(".rs") {
            file = found(path);
            if file.is_none() {
                problems.push(format!("there is no `{path}`"));
            }
        } else if !path.is_empty() {
            continue;
        }
        if test.is_empty() {
            continue;
        }
        tests += 1;
        let is_there = file.is_some_and(|text: &String| holds(text, test));
        if !is_there {
            problems.push(format!("there is no `{name}`"));
        }
    }
    none(&problems);
    assert!(tests > 200, "{tests} tests are read from the page");
}

/// Whether a word of the text is this name.
fn holds(text: &str, name: &str) -> bool {
    text.split(|letter| !is_word(letter))
        .any(|word| word == name)
}
