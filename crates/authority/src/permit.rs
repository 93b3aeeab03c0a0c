//! Whether the objects of a token permit one request to a resource server. Each object is compared by the version of its type under
//! which it was granted; no JSON Schema is needed.

use serde_json::Value;
use writ_wire::error::Excess;
use writ_wire::rar::Detail;

use crate::authority::closest;
use crate::definition::{TypeDefinition, Usage};
use crate::object;
use crate::tree::{BudgetSpend, Node};
use crate::types::Types;

/// A granted object that covers the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The object's `ref`; (`mission.id`, `ref`) identifies it where its use is recorded.
    pub reference: String,
    pub usage: Usage,
    /// What the request takes from each budget of the object. A budget is for the whole task, by (`mission.id`, `ref`, pointer):
    /// the caller must add up what earlier requests took.
    pub spends: Vec<BudgetSpend>,
}

/// No granted object covers the request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the token does not permit `{}`", self.pointer())]
pub struct PermitError {
    /// The members that the closest granted object does not cover. Pointers are into the request.
    pub excess: Vec<Excess>,
    /// Hashes of types that are not known here: fetch `/types/{hash}` and try again.
    pub unknown_types: Vec<String>,
}

impl PermitError {
    /// Pointer of the first member that is too wide.
    pub fn pointer(&self) -> &str {
        self.excess.first().map_or("", |excess| &excess.pointer)
    }
}

/// The first granted object that covers `request`.
pub fn permits(granted: &[Detail], request: &Detail, types: &Types) -> Result<Permit, PermitError> {
    let (permits, denied) = try_all(granted, request, types);
    permits.into_iter().next().ok_or(denied)
}

/// Every granted object that covers `request`: if one is used up, the next may be used.
pub fn every_permit(
    granted: &[Detail],
    request: &Detail,
    types: &Types,
) -> Result<Vec<Permit>, PermitError> {
    let (permits, denied) = try_all(granted, request, types);
    if permits.is_empty() {
        Err(denied)
    } else {
        Ok(permits)
    }
}

fn try_all(granted: &[Detail], request: &Detail, types: &Types) -> (Vec<Permit>, PermitError) {
    let mut permits = Vec::new();
    let mut refused = Vec::new();
    let mut unknown_types = Vec::new();
    for object in granted
        .iter()
        .filter(|g| g.type_name() == request.type_name())
    {
        let Some(hash) = object.type_hash() else {
            continue;
        };
        let (Some(definition), Some(reference)) = (types.of(object), object.reference()) else {
            unknown_types.push(hash.to_owned());
            continue;
        };
        match try_one(definition, object, request) {
            Ok(spends) => permits.push(Permit {
                reference: reference.to_owned(),
                usage: definition.usage(),
                spends,
            }),
            Err(excess) => refused.push(excess),
        }
    }
    if refused.is_empty() {
        refused.push(vec![object::missing("type", request, "")]);
    }
    (
        permits,
        PermitError {
            excess: closest(refused.into_iter()),
            unknown_types,
        },
    )
}

fn try_one(
    definition: &TypeDefinition,
    granted: &Detail,
    request: &Detail,
) -> Result<Vec<BudgetSpend>, Vec<Excess>> {
    let request = fill(definition.tree(), granted, request);
    let mut excess = object::compare_own(definition, granted, &request, "");
    for name in ["ref", "type_hash", "locations"] {
        let fits = match (name, request.members().get(name)) {
            (_, None) => true,
            ("locations", Some(_)) => is_within(granted, &request),
            (_, given) => given == granted.members().get(name),
        };
        if !fits {
            excess.push(object::member_excess(name, granted, &request, ""));
        }
    }
    if !excess.is_empty() {
        return Err(excess);
    }
    let (granted, request) = (object::own_members(granted), object::own_members(&request));
    Ok(definition.tree().spends(&granted, &request, ""))
}

fn fill(tree: &Node, granted: &Detail, request: &Detail) -> Detail {
    let mut members = request.members().clone();
    tree.fill(granted.members(), &mut members);
    let names: Vec<String> = members.keys().cloned().collect();
    names.into_iter().fold(request.clone(), |detail, name| {
        let value = members.get(&name).cloned().unwrap_or(Value::Null);
        detail.with(&name, value)
    })
}

fn is_within(granted: &Detail, request: &Detail) -> bool {
    match (object::locations(granted), object::locations(request)) {
        (Some(granted), Some(request)) => request.is_subset(&granted),
        _ => false,
    }
}
