//! All words come from the catalogue, and the catalogue holds no word that nothing shows.

use std::fs;
use std::path::Path;

fn sources(folder: &str, ending: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let named = files.map(|path| (path.display().to_string(), path));
    named
        .filter(|(name, _)| name.ends_with(ending) && !name.ends_with("_tests.rs"))
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect()
}

/// `text` without everything from an `open` to the next `close`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        kept.push_str(before);
        kept.push(' ');
        rest = after.split_once(close).map_or("", |(_, after)| after);
    }
    kept + rest
}

#[test]
fn templates_hold_no_words() {
    for (name, template) in sources("templates", ".html") {
        let code = [("{#", "#}"), ("{%", "%}"), ("{{", "}}"), ("<", ">")];
        let words = code
            .iter()
            .fold(template, |text, (open, close)| without(&text, open, close));
        assert!(
            !words.contains(char::is_alphabetic),
            "{name}: {}",
            words.trim()
        );
    }
}

#[test]
fn attributes_that_people_read_come_from_the_catalogue() {
    for (name, template) in sources("templates", ".html") {
        for attribute in [
            "aria-label",
            "placeholder",
            "title",
            "alt",
            "aria-description",
        ] {
            assert!(
                !template.contains(&format!(" {attribute}=\"")),
                "{name}: {attribute}"
            );
        }
    }
}

#[test]
fn pages_hold_no_script_and_no_inline_style() {
    for (name, template) in sources("templates", ".html") {
        for part in [
            "<script",
            "<style",
            " style=",
            " onclick",
            " onload",
            "javascript:",
            "|safe",
        ] {
            assert!(!template.contains(part), "{name}: {part}");
        }
    }
}

#[test]
fn every_text_is_used() {
    let mut code: Vec<_> = sources("templates", ".html");
    code.extend(sources("src/pages", ".rs"));
    let code: String = code.into_iter().map(|(_, text)| text).collect();
    let catalogue: toml::Table = toml::from_str(include_str!("../../text/en.toml")).unwrap();
    for key in keys(&catalogue, "") {
        let (table, field) = key.rsplit_once('.').unwrap();
        let through_section = format!("{table}.{field}");
        // Renderers name a section `text` or `failure` where they use many of its keys.
        let short = table.rsplit_once('.').map_or(table, |(_, last)| last);
        let named = [
            through_section,
            format!("{short}.{field}"),
            format!("text.{field}"),
        ];
        assert!(
            named.iter().any(|name| code.contains(name)),
            "nothing uses `{key}`"
        );
    }
}

fn keys(table: &toml::Table, path: &str) -> Vec<String> {
    let nested = table.iter().map(|(name, value)| {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        match value {
            toml::Value::Table(table) => keys(table, &path),
            _ => vec![path],
        }
    });
    nested.flatten().collect()
}
