//! Compares two objects of `authorization_details`: the type's own members by its rules, and the common members `type`, `ref`,
//! `type_hash` and `locations`, which are in no type's schema.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use writ_wire::error::Excess;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use crate::definition::{TypeDefinition, Usage};
use crate::pointer;
use crate::tree::{Nothing, ValueForm};

/// The common members of every type.
pub(crate) const COMMON: [&str; 4] = ["type", "ref", "type_hash", "locations"];

/// The members of the object that its type defines.
pub(crate) fn own_members(detail: &Detail) -> Value {
    let own = detail
        .members()
        .iter()
        .filter(|(name, _)| !COMMON.contains(&name.as_str()));
    Value::Object(
        own.map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

/// `locations` as a set; `None` if they are absent, empty or not all resource indicators.
pub(crate) fn locations(detail: &Detail) -> Option<BTreeSet<ResourceUri>> {
    let items = detail.members().get("locations")?.as_array()?;
    let uris: Option<BTreeSet<_>> = items
        .iter()
        .map(|item| ResourceUri::parse(item.as_str()?).ok())
        .collect();
    uris.filter(|uris| !uris.is_empty())
}

pub(crate) fn with_locations(detail: Detail, uris: &BTreeSet<ResourceUri>) -> Detail {
    // In the order of the texts: objects are compared and hashed as they are written.
    let texts: BTreeSet<&str> = uris.iter().map(ResourceUri::as_str).collect();
    let items = texts.into_iter().map(Value::from).collect();
    detail.with("locations", Value::Array(items))
}

/// Each member of `child` that is wider than in `parent`, by the rules of `definition`. Of the common members only `type` is compared.
pub(crate) fn compare_own(
    definition: &TypeDefinition,
    parent: &Detail,
    child: &Detail,
    at: &str,
) -> Vec<Excess> {
    let mut excess = Vec::new();
    if parent.type_name() != child.type_name() || child.type_name() != definition.name() {
        excess.push(member_excess("type", parent, child, at));
        return excess;
    }
    let (parent, child) = (own_members(parent), own_members(child));
    definition
        .tree()
        .compare(Some(&parent), Some(&child), at, &mut excess);
    excess
}

/// Each member of `child` that is wider than in `parent`. Both are objects of an authority, with all of `COMMON`.
pub(crate) fn compare(
    definition: &TypeDefinition,
    parent: &Detail,
    child: &Detail,
    at: &str,
) -> Vec<Excess> {
    let mut excess = compare_own(definition, parent, child, at);
    let same_hash = parent.type_hash() == child.type_hash();
    if !same_hash || child.type_hash() != Some(definition.hash()) {
        excess.push(member_excess("type_hash", parent, child, at));
    }
    let within = match (locations(parent), locations(child)) {
        (Some(parent), Some(child)) => child.is_subset(&parent),
        _ => false,
    };
    if !within {
        excess.push(member_excess("locations", parent, child, at));
    }
    excess
}

/// The widest object that both cover; `None` if there is none. Both have the same `ref`.
pub(crate) fn meet(definition: &TypeDefinition, a: &Detail, b: &Detail) -> Option<Detail> {
    let same = a.type_name() == b.type_name() && a.type_name() == definition.name();
    let hash = definition.hash();
    if !same || a.type_hash() != Some(hash) || b.type_hash() != Some(hash) {
        return None;
    }
    let shared: BTreeSet<_> = locations(a)?
        .intersection(&locations(b)?)
        .cloned()
        .collect();
    if shared.is_empty() {
        return None;
    }
    let own = definition
        .tree()
        .meet(Some(&own_members(a)), Some(&own_members(b)));
    let own = own.map_err(|Nothing| ()).ok()?;
    Some(with_locations(replace_own(a, own), &shared))
}

/// The object with its own members in `form`. The error is the pointer of what is unknown or not well-formed.
pub(crate) fn rewrite(
    definition: &TypeDefinition,
    detail: &Detail,
    form: ValueForm,
    at: &str,
) -> Result<Detail, String> {
    let own = definition.tree().rewrite(&own_members(detail), form, at)?;
    Ok(replace_own(detail, own))
}

/// The whole object is not granted.
pub(crate) fn whole(child: &Detail, at: &str) -> Excess {
    let requested = Value::Object(child.members().clone());
    Excess {
        pointer: at.to_owned(),
        requested,
        granted: None,
    }
}

pub(crate) fn member_excess(name: &str, parent: &Detail, child: &Detail, at: &str) -> Excess {
    Excess {
        pointer: pointer::join(at, name),
        requested: child.members().get(name).cloned().unwrap_or_default(),
        granted: parent.members().get(name).cloned(),
    }
}

/// The object's `type` or `ref` (`name`) is not granted at all.
pub(crate) fn missing(name: &str, child: &Detail, at: &str) -> Excess {
    Excess {
        pointer: pointer::join(at, name),
        requested: child.members().get(name).cloned().unwrap_or_default(),
        granted: None,
    }
}

pub(crate) fn is_once(definition: &TypeDefinition) -> bool {
    definition.usage() == Usage::Once
}

fn replace_own(detail: &Detail, own: Option<Value>) -> Detail {
    let stale: Vec<String> = detail
        .members()
        .keys()
        .filter(|n| !COMMON.contains(&n.as_str()))
        .cloned()
        .collect();
    let bare = stale
        .iter()
        .fold(detail.clone(), |detail, name| detail.without(name));
    let own: Map<String, Value> = match own {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    own.into_iter()
        .fold(bare, |detail, (name, value)| detail.with(&name, value))
}
