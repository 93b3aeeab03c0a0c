//! A function takes five things at most, and a tuple of three is three: what travels together gets a struct with a name.

use std::collections::BTreeMap;

use super::source::{code, functions, group, split};
use super::{only_known, rust_files};

const MOST_PARAMETERS: usize = 5;

#[test]
fn functions_take_five_things_at_most() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut functions_seen = 0;
    for (name, text) in rust_files() {
        let code = code(&text);
        for function in functions(&code) {
            functions_seen += 1;
            let things: usize = function.parameters.iter().copied().map(things).sum();
            if things > MOST_PARAMETERS {
                let problem = format!("line {}: `{}` takes {things}", function.line, function.name);
                found.entry(name.clone()).or_default().push(problem);
            }
        }
    }
    // So that a parser that no longer finds anything is noticed.
    assert!(functions_seen > 4000, "{functions_seen} functions");
    only_known("parameters", &found);
}

/// Nothing for `self`; as many as a tuple has members, in its pattern or in its type.
fn things(parameter: &str) -> usize {
    let mut parameter = parameter;
    while let Some(rest) = parameter.strip_prefix('#') {
        let attribute = group(rest).map_or(0, |inside| inside.len() + 2);
        parameter = rest[attribute..].trim_start();
    }
    let parts = split(parameter, ':');
    let [pattern, kind] = match parts.as_slice() {
        [pattern, kind] => [*pattern, *kind],
        _ => [parameter, ""],
    };
    if pattern.split([' ', '&']).next_back() == Some("self") {
        return 0;
    }
    members(pattern).max(members(kind))
}

fn members(text: &str) -> usize {
    let mut text = text.trim_start_matches('&');
    if let Some(lifetime) = text.strip_prefix('\'') {
        text = lifetime.split_once(' ').map_or("", |(_, rest)| rest);
    }
    let text = text.trim_start_matches("mut ");
    match group(text).filter(|_| text.starts_with('(')) {
        Some(inside) if inside.len() + 2 == text.len() => {
            let members = split(inside, ',').into_iter().map(members);
            members.sum::<usize>().max(1)
        }
        _ => 1,
    }
}

#[test]
fn members_of_tuples_count() {
    for (parameter, count) in [
        ("self", 0),
        ("&'a mut self", 0),
        ("mut self: Box<Self>", 0),
        ("world: &World", 1),
        ("#[serde] name: &str", 1),
        ("(a, b): (&A, B<C, D>)", 2),
        ("(a, (b, c)): X", 3),
        ("pair: &'a (A, B)", 2),
        ("pairs: &[(A, B)]", 1),
        ("State(app): State<App>", 1),
        ("f: impl Fn(A, B) -> C", 1),
        ("nothing: ()", 1),
    ] {
        assert_eq!(things(parameter), count, "{parameter}");
    }
}
