//! JSON files that operators write: what is wrong with one is said with its place in the file, and with what belongs there.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use writ_server::config::nearest::{nearest, quoted};
use writ_wire::strict_json;

/// Names that one sentence lists.
const MAX_NAMED: usize = 48;

/// One step from the file into it.
enum Step {
    Member(String),
    Item(usize),
}

/// What the file says, or a sentence on what is wrong with it.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let refusal = match strict_json::read(text) {
        Ok(read) => return Ok(read),
        Err(refusal) => refusal.to_string(),
    };
    if text.trim_start().starts_with("-----BEGIN") {
        return Err("this is PEM: a key is given as a JWK, a JSON object with `kty`, and only the public one (RFC 7517)".to_owned());
    }
    match serde_json::from_str::<Value>(text) {
        Err(problem) => Err(format!("this is no JSON: {problem}")),
        Ok(document @ Value::Object(_)) => Err(match refusal_of::<T>(&document) {
            Some(said) => sentence(&place::<T>(document, &said), &said),
            // A member that stands twice, or a control character.
            None => refusal,
        }),
        Ok(_) => Err("this is no JSON object".to_owned()),
    }
}

fn refusal_of<T: DeserializeOwned>(document: &Value) -> Option<String> {
    T::deserialize(document).err().map(|e| e.to_string())
}

/// Where it was refused: each step is taken into the member that is refused in the same words when it stands alone. A reader names the
/// first fault that it meets, so of two in the same words the first is found.
fn place<T: DeserializeOwned>(mut document: Value, said: &str) -> Vec<Step> {
    let lacking = said
        .strip_prefix("missing field ")
        .map(|rest| rest.trim_matches('`'));
    let mut path = Vec::new();
    loop {
        let Some(here) = at(&mut document, &path) else {
            return path;
        };
        let whole = here.take();
        if lacking.is_none() && is_of_wrong_kind::<T>(&mut document, &path, &whole, said) {
            return path;
        }
        if let (Some(name), Value::Object(members)) = (lacking, &whole)
            && !members.contains_key(name)
        {
            let mut with = members.clone();
            with.insert(name.to_owned(), Value::Null);
            put(&mut document, &path, Value::Object(with));
            let other = refusal_of::<T>(&document);
            if other.is_none_or(|other| other != said && !other.starts_with("unknown field")) {
                return path;
            }
        }
        let next = alone(whole, lacking).into_iter().find_map(|(step, part)| {
            put(&mut document, &path, part);
            (refusal_of::<T>(&document).as_deref() == Some(said)).then_some(step)
        });
        match next {
            Some(step) => path.push(step),
            None => return path,
        }
    }
}

/// Whether it is refused whatever is in it: a list where none belongs.
fn is_of_wrong_kind<T: DeserializeOwned>(
    document: &mut Value,
    path: &[Step],
    whole: &Value,
    said: &str,
) -> bool {
    let empty = match whole {
        Value::Object(_) => Value::Object(Map::new()),
        Value::Array(_) => Value::Array(Vec::new()),
        _ => return false,
    };
    put(document, path, empty);
    refusal_of::<T>(document).as_deref() == Some(said)
}

/// Each part of it as the only one; where a member is lacking, beside the one of that name, and only parts that could lack it.
fn alone(whole: Value, lacking: Option<&str>) -> Vec<(Step, Value)> {
    let could = |part: &Value| lacking.is_none() || part.is_object() || part.is_array();
    match whole {
        Value::Object(members) => {
            let beside = lacking.and_then(|name| members.get_key_value(name));
            let beside = beside.map(|(name, value)| (name.clone(), value.clone()));
            let parts = members.into_iter().filter(|(_, part)| could(part));
            let parts = parts.map(|(name, part)| {
                let mut only: Map<String, Value> = beside.clone().into_iter().collect();
                only.insert(name.clone(), part);
                (Step::Member(name), Value::Object(only))
            });
            parts.collect()
        }
        Value::Array(items) => {
            let parts = items
                .into_iter()
                .enumerate()
                .filter(|(_, part)| could(part));
            let parts = parts.map(|(place, part)| (Step::Item(place), Value::Array(vec![part])));
            parts.collect()
        }
        _ => Vec::new(),
    }
}

/// In a document whose lists on this path have one item each.
fn at<'a>(document: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(document, |here, step| match step {
        Step::Member(name) => here.get_mut(name),
        Step::Item(_) => here.get_mut(0),
    })
}

fn put(document: &mut Value, path: &[Step], value: Value) {
    if let Some(here) = at(document, path) {
        *here = value;
    }
}

/// The reader's words as a sentence for whoever wrote the file.
fn sentence(path: &[Step], said: &str) -> String {
    let place = shown(path);
    let of_file = || match place.is_empty() {
        true => "the file".to_owned(),
        false => format!("`{place}`"),
    };
    if let Some(name) = said.strip_prefix("missing field ") {
        let name = name.trim_matches('`');
        let dot = if place.is_empty() { "" } else { "." };
        return format!("`{place}{dot}{name}` is missing");
    }
    if let Some((found, expected)) = said.split_once(", expected ") {
        if found.starts_with("unknown field") {
            return unknown(
                &format!("`{place}` is not known"),
                "known members are",
                said,
            );
        }
        if found.starts_with("unknown variant") {
            return unknown(&format!("`{place}` has another value"), "it takes", said);
        }
        if let Some((_, found)) = found.split_once(": ") {
            let expected = match path.last() {
                Some(Step::Member(name)) if name == "scope" => "text with spaces between",
                _ => taken(expected),
            };
            return format!("{} takes {expected}, not {}", of_file(), given(found));
        }
    }
    match place.is_empty() {
        true => said.to_owned(),
        false => format!("`{place}`: {said}"),
    }
}

fn unknown(what: &str, there_are: &str, said: &str) -> String {
    let names = quoted(said);
    let Some((asked, known)) = names.split_first() else {
        return said.to_owned();
    };
    let tip = match nearest(asked, known) {
        Some(near) => format!(", perhaps `{near}` is meant"),
        None => String::new(),
    };
    let listed: Vec<String> = known
        .iter()
        .take(MAX_NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = match known.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("{what}{tip}: {there_are} {}{more}", listed.join(", "))
}

fn shown(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Member(name) if text.is_empty() => text.push_str(name),
            Step::Member(name) => text.push_str(&format!(".{name}")),
            Step::Item(place) => text.push_str(&format!("[{place}]")),
        }
    }
    text
}

/// What belongs there, without the reader's own words.
fn taken(expected: &str) -> &str {
    match expected {
        "a string" => "text",
        "a sequence" => "a list",
        "a map" => "an object",
        "a boolean" => "`true` or `false`",
        "u64" | "u32" | "usize" => "a whole number",
        "string or map" => "one of its names",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

fn given(found: &str) -> &str {
    match found.split(' ').next() {
        Some("sequence") => "a list",
        Some("map") => "an object",
        Some("string") => "text",
        Some("boolean") => "`true` or `false`",
        Some("integer" | "floating") => "this number",
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_lists_so_many_names_and_says_that_there_are_more() {
        let said = |count: usize| {
            let names: Vec<String> = (0..count).map(|place| format!("`member{place}`")).collect();
            let refused = format!("unknown field `zzz`, expected one of {}", names.join(", "));
            unknown("`zzz` is not known", "known members are", &refused)
        };
        let all = said(MAX_NAMED);
        assert!(
            all.ends_with(&format!("`member{}`", MAX_NAMED - 1)),
            "{all}"
        );
        let some = said(MAX_NAMED + 2);
        assert!(!some.contains(&format!("`member{MAX_NAMED}`")), "{some}");
        assert!(some.ends_with(", and 2 more"), "{some}");
    }
}
