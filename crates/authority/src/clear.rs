//! Checks of a type's sentences, so that two different objects never read the same: every text is short enough to be shown whole, no
//! value is hidden because another is absent, values are separated, no two values have the same word.
//! Only for current types; older versions, under which objects were consented to, are not checked.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::alike;
use crate::definition::{File, TypeError, refuse};
use crate::legible::MAX_VALUE_LENGTH;
use crate::pointer;
use crate::rules::Rule;
use crate::sentence::{Language, Leaf, Wording, leaves};
use crate::template::{Part, Slot};
use crate::tree::{Node, Step};

/// Stands for the end of a value in [`ends`].
const VALUE: char = '\u{0}';

pub(crate) fn check(file: &File, tree: &Node, wording: &Wording) -> Result<(), TypeError> {
    members(&file.schema, Some(tree), "/schema")?;
    for (lang, language) in wording.languages() {
        let at = pointer::join("/sentence", lang);
        shown_together(file, tree, language).map_err(|why| refuse(&at, why))?;
        lines_of_any(tree, language).map_err(|why| refuse(&at, why))?;
        for (parts, at) in lines(language, lang) {
            ends(parts, BTreeSet::from([' '])).map_err(|why| refuse(&at, why))?;
        }
        words(language, lang)?;
    }
    Ok(())
}

fn lines<'a>(language: &'a Language, lang: &str) -> Vec<(&'a [Part], String)> {
    let limits = language.limits.iter().enumerate();
    let at = pointer::join("/limits", lang);
    let limits = limits.map(|(place, line)| (line.as_slice(), format!("{at}/{place}")));
    let sentence = (
        language.sentence.as_slice(),
        pointer::join("/sentence", lang),
    );
    limits.chain([sentence]).collect()
}

/// Checks that what has the rule `any` has a line of `limits` for itself: a sentence holds no list and no long text.
fn lines_of_any(tree: &Node, language: &Language) -> Result<(), String> {
    let alone = |line: &Vec<Part>| match slots(line).as_slice() {
        [slot] if line.iter().all(|part| !matches!(part, Part::Choice { .. })) => {
            Some(slot.pointer.clone())
        }
        _ => None,
    };
    let shown: BTreeSet<String> = language.limits.iter().filter_map(alone).collect();
    let hidden = leaves(tree, "")
        .into_iter()
        .find(|leaf| leaf.is_any() && !shown.contains(&leaf.pointer));
    hidden.map_or(Ok(()), |leaf| {
        Err(format!(
            "`{}` has the rule `any`: give it a line of `limits` in which it stands alone",
            leaf.pointer
        ))
    })
}

/// Checks that every text and free member name in the schema has a `maxLength` that is shown whole.
fn texts(schema: &Value, node: Option<&Node>, place: &str) -> Result<(), TypeError> {
    // Under the rule `any` a text of any length is shown whole, or refused.
    if matches!(node, Some(Node::Leaf(Rule::Any))) {
        return Ok(());
    }
    let Some(schema) = schema.as_object() else {
        return Err(refuse(
            place,
            "is no object: it takes values of any kind and length",
        ));
    };
    let listed = ["enum", "const", "$ref", "anyOf", "oneOf", "allOf"];
    if listed.iter().any(|keyword| schema.contains_key(*keyword)) {
        return Ok(());
    }
    let kinds = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        Some(kind) => kind.as_str().into_iter().collect(),
        None => Vec::new(),
    };
    if kinds.is_empty() {
        return Err(refuse(
            place,
            "has no `type`: it takes values of any kind and length",
        ));
    }
    if kinds.contains(&"string") && !is_short(schema) {
        let why =
            format!("a text needs a `maxLength` of at most {MAX_VALUE_LENGTH}: more is not shown");
        return Err(refuse(place, why));
    }
    if kinds.contains(&"array") {
        let items = schema.get("items");
        let items = items.ok_or_else(|| refuse(place, "an array needs `items`"))?;
        texts(items, None, &format!("{place}/items"))?;
    }
    members(schema, node, place)
}

fn members(schema: &Map<String, Value>, node: Option<&Node>, place: &str) -> Result<(), TypeError> {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, inner) in properties.into_iter().flatten() {
        let at = pointer::join(&format!("{place}/properties"), name);
        let step = node.and_then(|node| node.member(name));
        texts(inner, step.as_ref().map(Step::as_node), &at)?;
    }
    let others = schema.get("additionalProperties").filter(|s| s.is_object());
    let Some(others) = others else {
        return Ok(());
    };
    let names = schema.get("propertyNames").and_then(Value::as_object);
    if !names.is_some_and(|names| is_short(names) || names.contains_key("enum")) {
        let why = format!(
            "free members need `propertyNames` with a `maxLength` of at most {MAX_VALUE_LENGTH}: more is not shown"
        );
        return Err(refuse(place, why));
    }
    texts(others, None, &format!("{place}/additionalProperties"))
}

fn is_short(schema: &Map<String, Value>) -> bool {
    let most = u64::try_from(MAX_VALUE_LENGTH).unwrap_or(u64::MAX);
    let length = schema.get("maxLength").and_then(Value::as_u64);
    length.is_some_and(|length| length <= most)
}

/// Checks that each member is shown somewhere whatever other members are absent, and that `locations` is shown.
fn shown_together(file: &File, tree: &Node, language: &Language) -> Result<(), String> {
    // A line of `limits` is left out if one of its values is absent; the sentence never.
    let limits = language.limits.iter();
    let limits = limits.flat_map(|line| together(line, &slots(line), &file.schema));
    let sentence = together(&language.sentence, &[], &file.schema);
    let always: Vec<&str> = limits.chain(sentence).collect();
    for leaf in leaves(tree, "") {
        if !leaf.is_shown_by(&always) {
            return Err(hidden(&leaf));
        }
    }
    match always.contains(&"/locations") {
        true => Ok(()),
        false => {
            Err("neither this nor `limits` always shows `/locations`: where it may be used".into())
        }
    }
}

fn hidden(leaf: &Leaf<'_>) -> String {
    format!(
        "`{}` is shown only where another member is there too: give it brackets or a line of its own",
        leaf.pointer
    )
}

/// The members that these parts show whenever they are present, given that all of `around` are.
fn together<'a>(
    parts: &'a [Part],
    around: &[&'a Slot],
    schema: &Map<String, Value>,
) -> Vec<&'a str> {
    let mut groups: Vec<Vec<&Slot>> = slots(parts).into_iter().map(|slot| vec![slot]).collect();
    groups.extend(parts.iter().filter_map(|part| match part {
        Part::Choice { given, .. } => Some(slots(given)),
        Part::Text(_) | Part::Slot(_) => None,
    }));
    let mut shown = Vec::new();
    for group in &groups {
        let seen = group.iter().filter(|slot| {
            let mut others = group.iter().chain(around);
            others.all(|other| follows(other, slot, schema))
        });
        shown.extend(seen.map(|slot| slot.pointer.as_str()));
    }
    shown
}

fn slots(parts: &[Part]) -> Vec<&Slot> {
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Slot(slot) => Some(slot),
            Part::Text(_) | Part::Choice { .. } => None,
        })
        .collect()
}

/// Whether `other` is present whenever `slot` is.
fn follows(other: &Slot, slot: &Slot, schema: &Map<String, Value>) -> bool {
    let needed = optional(schema, &other.names);
    other.pointer == "/locations" || needed.is_subset(&optional(schema, &slot.names))
}

/// The optional members on the path to this one.
fn optional<'a>(schema: &Map<String, Value>, names: &'a [String]) -> BTreeSet<&'a [String]> {
    let mut free = BTreeSet::new();
    let mut here = Some(schema);
    for place in 1..=names.len() {
        let (Some(schema), Some(way)) = (here, names.get(..place)) else {
            break;
        };
        // A single time is both ends of its period.
        let single = schema.get("type").and_then(Value::as_str) == Some("string");
        let required = schema.get("required").and_then(Value::as_array);
        let named = |list: &Vec<Value>| {
            list.iter()
                .any(|n| n.as_str() == way.last().map(String::as_str))
        };
        if !single && !required.is_some_and(named) {
            free.insert(way);
        }
        let member = way
            .last()
            .and_then(|name| schema.get("properties")?.get(name));
        here = member.and_then(Value::as_object);
    }
    free
}

/// The characters that the parts may end with, given those before them. Checks that white space or an opening bracket comes before
/// each value, and that the text after a value cannot be read as a part of it.
fn ends(parts: &[Part], before: BTreeSet<char>) -> Result<BTreeSet<char>, String> {
    let mut last = before;
    for part in parts {
        last = match part {
            Part::Text(text) if last.contains(&VALUE) && continues(text) => {
                return Err(format!(
                    "`{text}` follows a value and reads like a part of it"
                ));
            }
            Part::Text(text) => text.chars().next_back().into_iter().collect(),
            Part::Slot(slot) => {
                let opens = |c: &char| c.is_whitespace() || matches!(c, '(' | '[' | '{' | '<');
                if !last.iter().all(opens) {
                    let at = &slot.pointer;
                    return Err(format!("`{at}` needs white space or a bracket before it"));
                }
                BTreeSet::from([VALUE])
            }
            Part::Choice { given, otherwise } => {
                let mut either = ends(given, last.clone())?;
                either.extend(ends(otherwise, last)?);
                either
            }
        };
    }
    Ok(last)
}

fn continues(text: &str) -> bool {
    let mut chars = text.chars();
    let (first, second) = (chars.next(), chars.next());
    let digit = |c: Option<char>| c.is_some_and(char::is_numeric);
    let sign = first.is_some_and(|c| matches!(c, '.' | ',' | ':' | '+' | '-'));
    first.is_some_and(char::is_alphanumeric) || (sign && digit(second))
}

/// Checks that no word reads like another one, like several, or like a quoted value.
fn words(language: &Language, lang: &str) -> Result<(), TypeError> {
    for (member, words) in &language.words {
        let at = pointer::join(&pointer::join("/words", lang), member);
        let joints = language.joints(member);
        let mut known = BTreeSet::new();
        for word in words.values() {
            let plain = word
                .chars()
                .all(|c| c.is_alphanumeric() || c == ' ' || c == '-');
            let several = joints
                .iter()
                .any(|joint| word.contains(&format!(" {joint} ")));
            if !plain || several || word.trim() != word || word.is_empty() {
                return Err(refuse(
                    &at,
                    format!("`{word}` could be read as something else"),
                ));
            }
            if !known.insert(word.to_lowercase()) {
                return Err(refuse(&at, format!("two values have the word `{word}`")));
            }
        }
        if let Some((one, other)) = alike::two_alike(known.iter().map(String::as_str)) {
            let why = format!("the words `{one}` and `{other}` read the same");
            return Err(refuse(&at, why));
        }
    }
    Ok(())
}
