//! The file as the parser has it, or where it cannot be read: line and key in the file, or the variable, and never the value.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ENVIRONMENT_PREFIX, File, nearest};

/// What the parser says of a name that stands twice, a section's too, without saying which.
const TWICE: &str = "duplicate key";

pub(super) fn table(text: &str) -> Result<toml::Table, String> {
    toml::from_str(text).map_err(|refused: toml::de::Error| {
        let key = refused.span().and_then(|span| text.get(span));
        let said = match (refused.message(), key) {
            (TWICE, Some(key)) => format!("{TWICE} `{key}`"),
            (said, _) => said.to_owned(),
        };
        match line_of(text, &refused) {
            Some(line) => format!("the file is no TOML: line {line}: {said}"),
            None => format!("the file is no TOML: {said}"),
        }
    })
}

/// `text` is that of the file, `table` the same with the environment over it.
pub(super) fn file(
    table: toml::Table,
    text: &str,
    environment: &BTreeMap<String, String>,
) -> Result<File, String> {
    File::deserialize(toml::Value::Table(table)).map_err(|refused| {
        let said = nearest::with_origin(&without_value(refused.message()), environment);
        let key = key_of(&refused);
        let variable = key.as_deref().and_then(|key| variable(key, environment));
        let key = key.map(|key| format!("`{key}`: ")).unwrap_or_default();
        if let Some(variable) = variable {
            return format!("{key}{said}; it comes from the environment, as `{variable}`");
        }
        // The values of a table have no place: the file alone, if it is refused for the same, tells it.
        let alone = toml::from_str::<File>(text).err();
        let same = alone.filter(|alone| alone.message() == refused.message());
        match same.and_then(|alone| line_of(text, &alone)) {
            Some(line) => format!("line {line}: {key}{said}"),
            None => format!("{key}{said}"),
        }
    })
}

fn line_of(text: &str, refused: &toml::de::Error) -> Option<usize> {
    let before = text.get(..refused.span()?.start)?;
    Some(before.split('\n').count())
}

/// The way to what is refused; of a key that is not known, to its section. An error tells it nowhere but behind its message.
fn key_of(refused: &toml::de::Error) -> Option<String> {
    let whole = refused.to_string();
    let behind = whole.strip_prefix(refused.message())?.trim();
    let key = behind.strip_prefix("in `")?.strip_suffix('`')?;
    Some(key.to_owned())
}

fn variable<'a>(key: &str, environment: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let names = environment.keys().map(String::as_str);
    let mut named = names.filter(|name| {
        let path = name.strip_prefix(ENVIRONMENT_PREFIX);
        path.is_some_and(|path| path.to_ascii_lowercase().replace("__", ".") == key)
    });
    named.next()
}

/// What a reader says of a value of another kind, without that value: it may be a secret under the name of a whole section.
fn without_value(said: &str) -> String {
    let quoting = ["invalid type: ", "invalid value: ", "unknown variant "];
    if !quoting.iter().any(|start| said.starts_with(start)) {
        return said.to_owned();
    }
    let kind = said.split(['"', '`']).next().unwrap_or_default().trim_end();
    match said.rsplit_once(", expected ") {
        Some((_, expected)) => format!("{kind}, expected {expected}"),
        None => kind.to_owned(),
    }
}
