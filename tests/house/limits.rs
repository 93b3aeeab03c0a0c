//! Everything has a limit with a name, and a test for it: `limits.toml` has each row of the tables of docs/configuration.md with its constants
//! and its tests. What the page says of a constant is what stands in the source.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::source::{code, is_word, word};
use super::{none, only_known, root, rust_files};

/// Headings of docs/configuration.md, and the first row of the table below each.
const TABLES: [(&str, &str); 2] = [
    ("## Limits against strangers\n", "| limit | value |"),
    ("## Fixed in this version\n", "| what | value |"),
];
/// Whose limits bound what others can take; the rest of `crates` are tools of developers.
const NOT_SERVED: [&str; 3] = ["crates/bench/", "crates/testkit/", "crates/person/"];

struct Limit {
    says: String,
    constants: Vec<String>,
    tests: Vec<String>,
    without: Option<String>,
}

fn limits() -> Vec<Limit> {
    let of = |row: &Value| Limit {
        says: row["says"].as_str().unwrap().to_owned(),
        constants: texts(row, "constants"),
        tests: texts(row, "tests"),
        without: row["without"].as_str().map(str::to_owned),
    };
    file()["limit"].as_array().unwrap().iter().map(of).collect()
}

/// Constants of no table with their tests.
fn other_constants() -> Vec<(String, Vec<String>)> {
    let of = |row: &Value| {
        (
            row["name"].as_str().unwrap().to_owned(),
            texts(row, "tests"),
        )
    };
    file()["constant"]
        .as_array()
        .unwrap()
        .iter()
        .map(of)
        .collect()
}

fn file() -> Value {
    let text = std::fs::read_to_string(root().join("tests/house/limits.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

fn texts(row: &Value, member: &str) -> Vec<String> {
    let list = row[member].as_array().into_iter().flatten();
    list.map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// First cells with their rows.
fn rows_of_page() -> BTreeMap<String, String> {
    let page = std::fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let mut rows = BTreeMap::new();
    for (heading, head) in TABLES {
        let (_, section) = page.split_once(heading).unwrap();
        let (_, table) = section.split_once(head).unwrap();
        let lines = table.lines().skip(2);
        for line in lines.take_while(|line| line.starts_with("| ")) {
            let (first, rest) = line[2..].split_once(" | ").unwrap();
            let before = rows.insert(first.to_owned(), rest.to_owned());
            assert!(before.is_none(), "two rows `{first}`");
        }
    }
    assert!(rows.len() > 70, "{} rows", rows.len());
    rows
}

/// Each word of the code of tests; comments and texts are none.
fn words_of_tests() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (name, text) in rust_files() {
        let is_test = name.starts_with("tests/") || name.contains("/tests");
        let text = match text.split_once("#[cfg(test)]") {
            _ if is_test => code(&text),
            Some((_, tests)) => code(tests),
            None => continue,
        };
        let found = text.split(|letter: char| !is_word(letter));
        words.extend(found.map(str::to_owned));
    }
    words
}

/// `server/src/node/waiting.rs::MAX_POLLS` with what it is set to.
fn constants() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, text) in rust_files() {
        let is_served = name.starts_with("crates/")
            && !name.contains("/tests")
            && !NOT_SERVED.iter().any(|crate_| name.starts_with(crate_));
        if !is_served {
            continue;
        }
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        for rest in code(text).split("const ").skip(1) {
            let constant = word(rest);
            let value = rest
                .split_once('=')
                .and_then(|(_, value)| value.split_once(';'));
            if let Some((value, _)) = value.filter(|_| constant.chars().any(char::is_uppercase)) {
                let file = name.trim_start_matches("crates/");
                found.insert(format!("{file}::{constant}"), value.trim().to_owned());
            }
        }
    }
    found
}

/// A product of numbers, perhaps as seconds.
fn value_of(text: &str) -> Option<u64> {
    let inner = text.strip_prefix("Duration::from_secs(");
    let text = inner.map_or(text, |inner| inner.trim_end_matches(')'));
    let factors = text.split('*').map(|factor| factor.trim().replace('_', ""));
    factors.map(|factor| factor.parse::<u64>().ok()).product()
}

/// Whether a row says this number, in one of the units of the page.
fn says(row: &str, value: u64) -> bool {
    let numbers = [value.to_string(), with_commas(value)];
    let units = [
        (1024, "KiB"),
        (1024 * 1024, "MiB"),
        (60, "minute"),
        (3600, "hour"),
        (24 * 3600, "day"),
    ];
    let whole = units.iter().filter(|(unit, _)| value.is_multiple_of(*unit));
    let in_units = whole.map(|(unit, name)| format!("{} {name}", value / unit));
    let mut all = numbers.into_iter().chain(in_units);
    all.any(|number| stands_alone(row, &number))
}

fn with_commas(value: u64) -> String {
    match value {
        0..1000 => value.to_string(),
        _ => format!("{},{:03}", with_commas(value / 1000), value % 1000),
    }
}

/// No digit is before or after it, with a comma or without.
fn stands_alone(row: &str, number: &str) -> bool {
    row.match_indices(number).any(|(at, _)| {
        let before = row[..at].trim_end_matches(',').chars().next_back();
        let after = row[at + number.len()..]
            .trim_start_matches(',')
            .chars()
            .next();
        let is_digit = |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_digit());
        !is_digit(before) && !is_digit(after)
    })
}

#[test]
fn each_limit_of_the_configuration_has_a_test() {
    let (rows, words) = (rows_of_page(), words_of_tests());
    let (mut problems, mut seen) = (Vec::new(), BTreeSet::new());
    for limit in limits() {
        let says = &limit.says;
        if !rows.contains_key(says) {
            problems.push(format!("docs/configuration.md has no row `{says}`"));
        }
        if !seen.insert(says.clone()) {
            problems.push(format!("twice: `{says}`"));
        }
        if limit.tests.is_empty() != limit.without.is_some() {
            problems.push(format!("either tests, or why there is none: `{says}`"));
        }
        let missing = limit.tests.iter().filter(|test| !words.contains(*test));
        problems.extend(missing.map(|test| format!("no test is called `{test}`: `{says}`")));
    }
    let left = rows.keys().filter(|row| !seen.contains(*row));
    problems.extend(left.map(|row| format!("limits.toml has no entry for `{row}`")));
    none(&problems);
}

#[test]
fn what_the_configuration_says_of_a_limit_is_what_the_source_has() {
    let (rows, constants) = (rows_of_page(), constants());
    let mut problems = Vec::new();
    for limit in limits() {
        let row = rows
            .get(&limit.says)
            .map(String::as_str)
            .unwrap_or_default();
        for name in &limit.constants {
            match constants.get(name).map(|value| value_of(value)) {
                None => problems.push(format!("there is no `{name}`")),
                Some(None) => problems.push(format!("`{name}` is no plain number")),
                Some(Some(value)) if !says(row, value) => {
                    problems.push(format!("{value} of `{name}` is not in: {row}"));
                }
                Some(Some(_)) => {}
            }
        }
    }
    none(&problems);
}

/// A `MAX_` or `MOST_` that stands in no table is named by the test that holds it. Where two are called the same, that tells of neither.
#[test]
fn each_constant_that_bounds_something_is_held_by_a_test() {
    let mut listed: BTreeSet<String> = limits()
        .into_iter()
        .flat_map(|limit| limit.constants)
        .collect();
    let (words, constants) = (words_of_tests(), constants());
    for (name, tests) in other_constants() {
        assert!(constants.contains_key(&name), "there is no `{name}`");
        let missing = tests.iter().find(|test| !words.contains(*test));
        assert!(missing.is_none(), "no test is called {missing:?}: `{name}`");
        assert!(listed.insert(name.clone()) && !tests.is_empty(), "{name}");
    }
    let name_of = |place: &str| place.split_once("::").unwrap().1.to_owned();
    let names: Vec<String> = constants.keys().map(|place| name_of(place)).collect();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for place in constants.into_keys() {
        let (file, name) = place.split_once("::").unwrap();
        let bounds = name.starts_with("MAX_") || name.starts_with("MOST_");
        let is_one = names.iter().filter(|other| other.as_str() == name).count() == 1;
        let is_held = listed.contains(&place) || (is_one && words.contains(name));
        if bounds && !is_held {
            let said = format!("no test names `{name}`, and no other constant is called so");
            found.entry(file.to_owned()).or_default().push(said);
        }
    }
    only_known("limits without a test", &found);
}

#[test]
fn numbers_are_read_as_the_page_writes_them() {
    for (text, value) in [
        ("64", Some(64)),
        ("32 * 1024 * 1024", Some(33_554_432)),
        ("Duration::from_secs(90 * 24 * 3600)", Some(7_776_000)),
        ("16_384", Some(16_384)),
        ("MAX_OTHER * 2", None),
    ] {
        assert_eq!(value_of(text), value, "{text}");
    }
    for (row, value, is_said) in [
        ("16,384, or fewer", 16_384, true),
        ("a quarter: 4,096", 96, false),
        ("140 of these", 14, false),
        ("20 seconds, 128 KiB", 131_072, true),
        ("90 days, to 4 people", 7_776_000, true),
        ("5, then 60 seconds", 5, true),
    ] {
        assert_eq!(says(row, value), is_said, "{row}");
    }
}
