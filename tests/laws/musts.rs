//! The matrix of `conformance/musts/`: what specifications demand of a server, and for each demand the test that breaks it. A row
//! without a test, with one that does not exist, or twice, is a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Folders with tests in Rust, and with scenes in JavaScript and Python.
const SOURCES: [&str; 3] = ["crates", "tests", "conformance"];
/// As many rows as were there when it was written: nobody deletes one to be green.
const FEWEST_ROWS: usize = 687;

struct Must {
    place: String,
    section: String,
    says: String,
    test: String,
}

#[test]
fn every_must_names_a_test_that_exists() {
    let musts = musts();
    assert!(musts.len() >= FEWEST_ROWS, "{} rows", musts.len());
    let tests = tests();
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for must in &musts {
        let Must {
            place,
            section,
            says,
            test,
        } = must;
        if section.is_empty() || says.is_empty() {
            problems.push(format!("{place}: a row without section or words"));
        }
        if test.is_empty() {
            problems.push(format!("{place}: no test for {section}: {says}"));
        } else if !tests.contains_key(test) {
            problems.push(format!("{place}: no test is called `{test}`"));
        }
        if !seen.insert((section, says)) {
            problems.push(format!("{place}: twice: {section}: {says}"));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The last column of a table of `docs/design/guests.md` names tests by function and families by file.
#[test]
fn every_fault_of_guests_names_a_test_that_exists() {
    let page = std::fs::read_to_string(root().join("docs/design/guests.md")).unwrap();
    let tests = tests();
    let files: BTreeSet<&String> = tests.values().collect();
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<&str> = rows.filter(|line| !line.starts_with("| fault")).collect();
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for row in rows {
        let column = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let named: Vec<&str> = column.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test: {row}");
        for name in named {
            let exists = tests.contains_key(name) || files.iter().any(|file| *file == name);
            assert!(exists, "nothing is called `{name}`: {row}");
        }
    }
}

/// Every row of every file.
fn musts() -> Vec<Must> {
    let folder = root().join("conformance/musts");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let file: Value = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for (place, row) in file["must"].as_array().unwrap().iter().enumerate() {
            let text = |member: &str| row[member].as_str().unwrap_or_default().to_owned();
            assert_eq!(row.as_object().unwrap().len(), 3, "{name}: row {place}");
            found.push(Must {
                place: format!("{name}, row {}", place + 1),
                section: text("section"),
                says: text("says"),
                test: text("test"),
            });
        }
    }
    found
}

/// Names of all tests and titles of all scenes, with their file.
fn tests() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for folder in SOURCES {
        walk(&root().join(folder), &mut found);
    }
    assert!(found.len() > 500, "the sources are not where they were");
    found
}

fn walk(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "node_modules" || name == "target" {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
            continue;
        }
        let names = match path.extension().and_then(|e| e.to_str()) {
            Some("rs") => rust_tests,
            Some("mjs" | "py") => scenes,
            _ => continue,
        };
        let text = std::fs::read_to_string(&path).unwrap();
        for test in names(&text) {
            found.insert(test, name.clone());
        }
    }
}

/// Functions with a test attribute, and what the macros that run a scene on both databases are given.
fn rust_tests(text: &str) -> Vec<String> {
    let attributes = ["#[test]", "#[tokio::test"];
    let plain = attributes.iter().flat_map(|attribute| {
        text.split(attribute)
            .skip(1)
            .filter_map(|rest| rest.split_once("fn ").map(|(_, name)| identifier(name)))
    });
    let macros = [
        "both!(",
        "both_with!(",
        "both_heard!(",
        "both_with_guests!(",
        "on_both!(",
        "race!(",
    ];
    let scenes = macros.iter().flat_map(|name| {
        text.split(name).skip(1).filter_map(|rest| {
            let named = rest.lines().map(str::trim).find(|line| {
                !line.is_empty() && !line.starts_with("///") && !line.starts_with("#[")
            });
            named.map(identifier)
        })
    });
    plain
        .chain(scenes)
        .filter(|name| !name.is_empty())
        .collect()
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

/// Titles: `scene('...'` in JavaScript, `("...", act)` in Python.
fn scenes(text: &str) -> Vec<String> {
    let titles = ["scene('", "scene(\"", "scene(`", "(\""];
    titles
        .iter()
        .flat_map(|start| {
            let quote = start.chars().next_back().unwrap_or('"');
            let rest = text.split(start).skip(1);
            rest.filter_map(move |rest| rest.split_once(quote).map(|(title, _)| title.to_owned()))
        })
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}
