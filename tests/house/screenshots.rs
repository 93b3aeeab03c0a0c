//! Every picture of a page stands where the documentation speaks of that page, and says in words what it shows.

use std::collections::BTreeSet;

use super::{files, none, root};

const FOLDER: &str = "docs/screenshots";

/// What stands in this attribute of the tags of a page.
fn attributes<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let begins = format!(" {name}=\"");
    let parts = text.split(begins.as_str()).skip(1);
    parts.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_picture_is_shown_and_every_one_that_is_shown_exists() {
    let mut shown = BTreeSet::new();
    let mut problems = Vec::new();
    for (page, text) in files() {
        if !page.ends_with(".md") {
            continue;
        }
        let folder = root().join(&page).parent().unwrap().to_owned();
        let pictures = [attributes(&text, "src"), attributes(&text, "srcset")].concat();
        for picture in pictures.iter().filter(|name| !name.contains("://")) {
            match folder.join(picture).canonicalize() {
                Ok(path) => drop(shown.insert(path)),
                Err(_) => problems.push(format!("{page}: there is no `{picture}`")),
            }
        }
        let words = attributes(&text, "alt");
        if words.len() != text.matches("<img ").count() || words.contains(&"") {
            problems.push(format!("{page}: each picture says in `alt` what it shows"));
        }
    }
    let mut pictures = 0;
    for entry in std::fs::read_dir(root().join(FOLDER)).unwrap() {
        let path = entry.unwrap().path().canonicalize().unwrap();
        pictures += 1;
        if !shown.contains(&path) {
            problems.push(format!("no page shows `{}`", path.display()));
        }
    }
    none(&problems);
    assert!(pictures > 20, "{pictures} pictures are in `{FOLDER}`");
}
