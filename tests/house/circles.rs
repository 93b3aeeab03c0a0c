//! The folders of `crates/server/src` stand above each other: none uses one that uses it, directly or over others.

use std::collections::{BTreeMap, BTreeSet};

use super::rust_files;

const SOURCES: &str = "crates/server/src/";

/// Who uses whom, and a file that says so.
type Uses = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn no_circle_between_the_folders_of_the_server() {
    let files: Vec<(String, String)> = rust_files()
        .into_iter()
        .filter_map(|(name, text)| Some((name.strip_prefix(SOURCES)?.to_owned(), text)))
        .collect();
    let uses = uses(&files);
    for folder in ["config", "node", "client", "approvals", "people", "operate"] {
        assert!(uses.contains_key(folder), "`{SOURCES}{folder}` is gone");
    }
    let people = uses["people"].keys().map(String::as_str);
    assert!(people.eq(PEOPLE_USE), "{:?}", uses["people"]);
    if let Some(circle) = circle(&uses) {
        panic!("\n{}", described(&uses, &circle));
    }
}

/// So that a parser that no longer finds anything is noticed.
const PEOPLE_USE: [&str; 6] = [
    "approvals",
    "client",
    "config",
    "node",
    "notifications",
    "operate",
];

/// By paths from the root of the crate, and by calls of methods that a folder gives to `App`.
fn uses(files: &[(String, String)]) -> Uses {
    let files: Vec<(&str, String)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), without_comments(text)))
        .collect();
    let folders: BTreeSet<&str> = files.iter().map(|(name, _)| folder(name)).collect();
    let mut methods = BTreeMap::new();
    for (name, text) in &files {
        for block in blocks_of_app(text) {
            let named = after_each(block, "fn ").map(word);
            methods.extend(named.map(|method| (method, folder(name))));
        }
    }
    let mut uses = Uses::new();
    for (name, text) in &files {
        let own = uses.entry(folder(name).to_owned()).or_default();
        let called = called(text).filter_map(|method| methods.get(method).copied());
        for used in paths(name, text).into_iter().chain(called) {
            if used != folder(name) && used != "lib" && folders.contains(used) {
                own.entry(used.to_owned())
                    .or_insert_with(|| (*name).to_owned());
            }
        }
    }
    uses
}

fn folder(name: &str) -> &str {
    let first = name.split('/').next().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

fn without_comments(text: &str) -> String {
    let lines = text.lines();
    let code = lines.filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// First names below the root of the crate.
fn paths<'a>(name: &str, text: &'a str) -> Vec<&'a str> {
    // Of the modules right below the root, `super` is the root too.
    let is_right_below = !name.contains('/') || name.ends_with("/mod.rs");
    let below = is_right_below.then(|| after_each(text, "super::"));
    let further = after_each(text, "super::super::");
    let rests = after_each(text, "crate::").chain(below.into_iter().flatten());
    let rests = rests.chain(further);
    rests.flat_map(first_names).collect()
}

/// `a` of `a::b`; `a` and `c` of `{a::b, c}`.
fn first_names(rest: &str) -> Vec<&str> {
    let Some(group) = rest.strip_prefix('{') else {
        return vec![word(rest)];
    };
    let mut depth = 0_i32;
    let names = group.split_inclusive([',', '{', '}']).map(|part| {
        let name = (depth == 0).then(|| word(part.trim_start()));
        depth += match part.chars().last() {
            Some('{') => 1,
            Some('}') => -1,
            _ => 0,
        };
        (depth, name)
    });
    let names = names.take_while(|(depth, name)| *depth >= 0 || name.is_some());
    let mut found = Vec::new();
    for (depth, name) in names {
        found.extend(name.filter(|name| !name.is_empty()));
        if depth < 0 {
            break;
        }
    }
    found
}

/// Methods that are called of something called `app`, and of `self` where that is the `App`.
fn called(text: &str) -> impl Iterator<Item = &str> {
    let own = blocks_of_app(text).flat_map(|block| after_each(block, "self"));
    after_each(text, "app").chain(own).filter_map(|rest| {
        let method = word(rest.trim_start().strip_prefix('.')?);
        let after = rest.trim_start().get(method.len() + 1..)?;
        after.starts_with('(').then_some(method)
    })
}

fn blocks_of_app(text: &str) -> impl Iterator<Item = &str> {
    let blocks = after_each(text, "impl App {\n");
    blocks.map(|rest| rest.split("\n}").next().unwrap())
}

/// What follows each place where `mark` begins a word.
fn after_each<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(mark).filter_map(move |(at, _)| {
        let begins =
            !text[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        begins.then(|| &text[at + mark.len()..])
    })
}

fn word(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    &text[..end.unwrap_or(text.len())]
}

/// From a folder back to itself.
fn circle(uses: &Uses) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    let mut folders = uses.keys();
    folders.find_map(|folder| walk(uses, folder, &mut Vec::new(), &mut done))
}

fn walk(
    uses: &Uses,
    folder: &str,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(begin) = way.iter().position(|before| before == folder) {
        let mut circle = way.split_off(begin);
        circle.push(folder.to_owned());
        return Some(circle);
    }
    if done.contains(folder) {
        return None;
    }
    way.push(folder.to_owned());
    let used = uses.get(folder).into_iter().flat_map(BTreeMap::keys);
    for next in used {
        if let Some(circle) = walk(uses, next, way, done) {
            return Some(circle);
        }
    }
    way.pop();
    done.insert(folder.to_owned());
    None
}

fn described(uses: &Uses, circle: &[String]) -> String {
    let steps = circle.windows(2).map(|step| {
        let [from, to] = step else {
            unreachable!("windows of two")
        };
        format!("`{from}` uses `{to}`: {SOURCES}{}", uses[from][to])
    });
    steps.collect::<Vec<_>>().join("\n")
}

fn found(files: &[(&str, &str)]) -> Option<String> {
    let files = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let uses = uses(&files.collect::<Vec<_>>());
    circle(&uses).map(|circle| circle.join(" -> "))
}

#[test]
fn a_circle_is_found_and_named() {
    let node = ("node/app.rs", "use crate::people::session::TestBrowser;\n");
    let people = ("people/session.rs", "use crate::node::app::App;\n");
    let circle = found(&[node, people]);
    assert_eq!(circle.as_deref(), Some("node -> people -> node"));
    let group = ("node/app.rs", "use crate::{config::{A, B}, operate};\n");
    let over = (
        "operate/stop.rs",
        "fn f() { crate::people::session::g() }\n",
    );
    let config = ("config/mod.rs", "");
    let circle = found(&[group, over, people, config]);
    assert_eq!(circle.as_deref(), Some("node -> operate -> people -> node"));
    let root = ("node/mod.rs", "use super::people;\n");
    assert!(found(&[root, people]).is_some());
    let deep = ("node/app.rs", "use super::super::people;\n");
    assert!(found(&[deep, people]).is_some());
}

#[test]
fn a_method_of_the_app_is_used_where_it_is_called() {
    let people = (
        "people/session.rs",
        "use crate::node::app::App;\n\nimpl App {\n    pub fn browser(&self) {}\n}\n",
    );
    let by_name = (
        "node/keyring.rs",
        "fn f(app: &App) {\n    app\n        .browser()\n}\n",
    );
    let circle = found(&[by_name, people]);
    assert_eq!(circle.as_deref(), Some("node -> people -> node"));
    let itself = (
        "node/keyring.rs",
        "impl App {\n    fn g(&self) {\n        self.browser()\n    }\n}\n",
    );
    assert!(found(&[itself, people]).is_some());
}

#[test]
fn what_stands_above_each_other_is_no_circle() {
    let files = [
        ("lib.rs", "pub mod node;\npub mod people;\n"),
        ("router.rs", "use crate::{people, node::app};\n"),
        (
            "people/inbox.rs",
            "use crate::node::app::App;\nuse super::session;\n",
        ),
        ("people/session.rs", "fn f(app: &App) { app.read() }\n"),
        (
            "node/app.rs",
            "/// [`crate::people`]\nimpl App {\n    fn read(&self) {}\n}\n",
        ),
    ];
    assert_eq!(found(&files), None);
}
