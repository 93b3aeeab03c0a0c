//! Every key of the configuration, as the parser has it, stands in config/writ.toml and in the table of docs/configuration.md, and
//! no other does.

use std::collections::BTreeMap;

use writ_server::config::{Config, ENVIRONMENT_PREFIX};

use super::root;

#[test]
fn the_shipped_configuration_and_its_page_have_every_key_once() {
    let known = sorted(keys_below(&[]));
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    assert_eq!(
        sorted(keys_of_file(&read("config/writ.toml"))),
        known,
        "config/writ.toml"
    );
    assert_eq!(
        sorted(keys_of_page(&read("docs/configuration.md"))),
        known,
        "docs/configuration.md"
    );
}

/// What a page says to write is appended, and a header stands once in a file.
#[test]
fn a_section_of_the_shipped_configuration_without_a_value_is_a_comment() {
    let text = std::fs::read_to_string(root().join("config/writ.toml")).unwrap();
    let sections: Vec<&str> = text.split("\n[").skip(1).collect();
    assert!(sections.len() > 5, "{sections:?}");
    for section in sections {
        let name = section.lines().next().unwrap();
        let mut settings = section.lines().skip(1);
        assert!(
            settings.any(|line| !line.is_empty() && !line.starts_with('#')),
            "[{name}"
        );
    }
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys
}

/// Whose sections have names of an operator's choice; the file and the page have these.
const NAMED: [(&str, &str); 3] = [
    ("upstream", "acme"),
    ("roles", "employee"),
    ("events", "siem"),
];

/// A section names its keys where it refuses another one; what is no section refuses to have any.
fn keys_below(section: &[&str]) -> Vec<String> {
    if let Some((outer, name)) = NAMED.iter().find(|(outer, _)| section == [*outer]) {
        return keys_below(&[outer, name]);
    }
    let wrong = [section, &["?"]].concat();
    let environment = BTreeMap::from([(variable(&wrong.join(".")), "x".to_owned())]);
    let refused = Config::load(None, &environment).err().unwrap().to_string();
    let Some((_, names)) = refused.split_once("unknown field `?`, expected ") else {
        return vec![section.join(".")];
    };
    let names = names.split('`').skip(1).step_by(2);
    // The refusal names the variable, too.
    names
        .filter(|name| !name.starts_with(ENVIRONMENT_PREFIX))
        .flat_map(|name| keys_below(&[section, &[name]].concat()))
        .collect()
}

/// What the environment calls a key.
fn variable(key: &str) -> String {
    format!(
        "{ENVIRONMENT_PREFIX}{}",
        key.replace('.', "__").to_uppercase()
    )
}

/// Also those that stand there as comments.
fn keys_of_file(text: &str) -> Vec<String> {
    let mut section = "";
    let mut keys = Vec::new();
    for line in text.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        }
        let setting = line.split_once(" = ");
        let word = |key: &str| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        keys.extend(
            setting
                .filter(|(key, _)| word(key))
                .map(|(key, _)| format!("{section}.{key}")),
        );
    }
    keys
}

/// The first column, where the second is the name of its variable.
fn keys_of_page(page: &str) -> Vec<String> {
    let rows = page.lines().filter_map(|line| {
        let (key, rest) = line.strip_prefix("| `")?.split_once("` | `")?;
        let (variable_there, _) = rest.split_once('`')?;
        (variable_there == variable(key)).then(|| key.to_owned())
    });
    rows.collect()
}
