//! Whoever reads the code has this repository and public specifications: nothing else is cited.

use std::collections::BTreeMap;

use super::{files, only_known};

/// Documents that are not in the repository, split so that this file cites none.
const DOCUMENTS: [&str; 7] = [
    concat!("DES", "IGN"),
    concat!("LES", "SONS"),
    concat!("SP", "ECS"),
    concat!("JOUR", "NEYS"),
    concat!("STY", "LE"),
    concat!("DEPEND", "ENCIES"),
    concat!("CAPA", "BILITIES"),
];
/// Numbered things of such documents: a digit follows.
const NUMBERED: [&str; 2] = [concat!("iss", "ue "), concat!("appendix ", "b.")];
/// In Markdown it may stand beside a link to `docs/design/promises.md`; elsewhere the promise itself is said.
const PROMISES: [&str; 2] = [concat!("pro", "mise "), concat!("pro", "mises ")];
/// Landed migrations are never edited.
const LANDED: &str = "migrations/";

#[test]
fn no_document_is_cited_that_the_repository_lacks() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, text) in files() {
        if name.starts_with(LANDED) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if cites(line, name.ends_with(".md")) {
                let line = format!("line {}: {}", number + 1, line.trim());
                found.entry(name.clone()).or_default().push(line);
            }
        }
    }
    only_known("citations", &found);
}

fn cites(line: &str, markdown: bool) -> bool {
    let lower = line.to_lowercase();
    let numbered = |marks: &[&str]| {
        marks.iter().any(|mark| {
            after_each(&lower, mark).any(|(_, after)| after.is_some_and(|c| c.is_ascii_digit()))
        })
    };
    let named = DOCUMENTS.iter().any(|document| {
        after_each(line, document).any(|(before, after)| {
            let html = before == Some('\'') && after == Some('\'');
            !html && !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    });
    named || numbered(&NUMBERED) || (!markdown && numbered(&PROMISES))
}

/// What stands around each place where `mark` begins a word.
fn after_each<'a>(
    text: &'a str,
    mark: &'a str,
) -> impl Iterator<Item = (Option<char>, Option<char>)> + 'a {
    text.match_indices(mark).filter_map(move |(at, _)| {
        let before = text[..at].chars().next_back();
        let begins = !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        begins.then(|| (before, text[at + mark.len()..].chars().next()))
    })
}

#[test]
fn a_citation_is_found_and_a_specification_is_none() {
    for (prefix, rest) in [
        (DOCUMENTS[0], " 6: narrow"),
        (DOCUMENTS[1], " 31."),
        (NUMBERED[0], "4 section 2"),
        (NUMBERED[1], "5 says"),
        (PROMISES[0], "7"),
    ] {
        assert!(cites(&format!("/// {prefix}{rest}"), false), "{prefix}");
    }
    assert!(!cites(&format!("{}7", PROMISES[0]), true));
    for line in [
        "RFC 9449 section 4.3, RFC 7636 appendix B.",
        "whoever issues 5 tokens",
        "['script', 'style']",
        "const DESIGN_NAME",
        "the promises of a server",
    ] {
        assert!(!cites(line, false), "{line}");
    }
}
