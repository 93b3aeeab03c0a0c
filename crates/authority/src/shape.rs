//! Builds the tree of a type's members from its JSON Schema and its rules: each member of the schema has exactly one rule, its own or
//! that of a member that contains it, and each rule has a member.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::definition::{TypeError, refuse};
use crate::object::COMMON;
use crate::pointer;
use crate::rules::Rule;
use crate::tree::Node;

pub(crate) fn tree(
    schema: &Map<String, Value>,
    mut rules: BTreeMap<String, Rule>,
) -> Result<Node, TypeError> {
    let properties = schema.get("properties").and_then(Value::as_object);
    for name in COMMON {
        if properties.is_some_and(|p| p.contains_key(name)) {
            let at = format!("/schema/properties/{name}");
            return Err(refuse(
                &at,
                "stands beside every schema and is not part of it",
            ));
        }
    }
    let tree = object(schema, &mut rules, "", "/schema")?;
    match rules.keys().next() {
        Some(unused) => Err(refuse(
            &pointer::join("/rules", unused),
            "is the rule of no member of the schema",
        )),
        None => Ok(tree),
    }
}

/// Whether every object of this schema has the member at `names`.
pub(crate) fn is_required(schema: &Map<String, Value>, names: &[String]) -> bool {
    let mut here = schema;
    for (place, name) in names.iter().enumerate() {
        let required = here.get("required").and_then(Value::as_array);
        if !required.is_some_and(|list| list.iter().any(|n| n.as_str() == Some(name))) {
            return false;
        }
        let inner = here
            .get("properties")
            .and_then(|p| p.get(name))
            .and_then(Value::as_object);
        match inner {
            Some(inner) => here = inner,
            None => return place + 1 == names.len(),
        }
    }
    true
}

/// The schema of the member at `names`, if the type names it.
pub(crate) fn schema_of<'a>(schema: &'a Map<String, Value>, names: &[String]) -> Option<&'a Value> {
    let (first, rest) = names.split_first()?;
    let member = schema.get("properties")?.get(first)?;
    match rest {
        [] => Some(member),
        rest => schema_of(member.as_object()?, rest),
    }
}

/// `at` is the pointer of the member in an object, `place` that of its schema in the file.
fn object(
    schema: &Map<String, Value>,
    rules: &mut BTreeMap<String, Rule>,
    at: &str,
    place: &str,
) -> Result<Node, TypeError> {
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(refuse(place, "is not of `type` `object`"));
    }
    if schema.contains_key("patternProperties") {
        return Err(refuse(place, "`patternProperties` is not built"));
    }
    let others = others(schema, rules, at, place)?;
    let mut members = BTreeMap::new();
    let none = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    for (name, inner) in properties {
        let place = pointer::join(&format!("{place}/properties"), name);
        let inner = inner
            .as_object()
            .ok_or_else(|| refuse(&place, "is no object"))?;
        if name == "*" {
            return Err(refuse(&place, "`*` stands for any member in `rules`"));
        }
        members.insert(
            name.clone(),
            member(inner, rules, &pointer::join(at, name), &place)?,
        );
    }
    Ok(Node::Object { members, others })
}

fn member(
    schema: &Map<String, Value>,
    rules: &mut BTreeMap<String, Rule>,
    at: &str,
    place: &str,
) -> Result<Node, TypeError> {
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds
            .iter()
            .map(|k| k.as_str().unwrap_or_default())
            .collect(),
        Some(kind) => vec![kind.as_str().unwrap_or_default()],
        None => Vec::new(),
    };
    if let Some(rule) = rules.remove(at) {
        if rule == Rule::Any {
            return Ok(Node::Leaf(rule));
        }
        let known = kinds.iter().all(|kind| rule.json_types().contains(kind));
        if kinds.is_empty() || !known {
            let sentence = format!("the rule `{}` cannot compare this `type`", rule.name());
            return Err(refuse(place, sentence));
        }
        return Ok(Node::Leaf(rule));
    }
    if kinds == ["object"] {
        return object(schema, rules, at, place);
    }
    Err(refuse(place, "has no rule"))
}

/// The rule of members that the schema does not name; without one they must be forbidden.
fn others(
    schema: &Map<String, Value>,
    rules: &mut BTreeMap<String, Rule>,
    at: &str,
    place: &str,
) -> Result<Option<Rule>, TypeError> {
    match (
        schema.get("additionalProperties"),
        rules.remove(&pointer::join(at, "*")),
    ) {
        (Some(Value::Bool(false)), None) => Ok(None),
        (Some(Value::Object(_)), Some(Rule::Any)) => Err(refuse(
            place,
            "the rule `any` is for a member that the schema names: give it to the whole group",
        )),
        // The common members would be taken for such members.
        (Some(Value::Object(_)), Some(rule)) if !at.is_empty() => Ok(Some(rule)),
        _ => Err(refuse(
            place,
            "`additionalProperties` is neither false nor, below the top, a schema with a rule for `*`",
        )),
    }
}
