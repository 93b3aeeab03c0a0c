//! The ceiling of an agent: what may be granted to it at most.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use writ_wire::error::Excess;
use writ_wire::rar::Detail;
use writ_wire::registration::CeilingFile;

use crate::authority::{Authority, ScopeGrant, closest};
use crate::object;
use crate::pointer;
use crate::problem::{Problem, check_common};
use crate::tree::ValueForm;
use crate::types::Types;

/// What may be granted at most. A member that an object leaves out is unrestricted, `locations` too. One object of a ceiling may cover
/// many objects of an authority. Audiences without scope or object are not limited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    #[serde(default)]
    pub scopes: BTreeSet<ScopeGrant>,
    #[serde(default, rename = "authorization_details")]
    pub details: Vec<Detail>,
}

impl From<&CeilingFile> for Ceiling {
    fn from(file: &CeilingFile) -> Self {
        let scopes = file.scopes.iter();
        Self {
            scopes: scopes
                .map(|s| ScopeGrant {
                    resource: s.resource.clone(),
                    scope: s.scope.clone(),
                })
                .collect(),
            details: file.authorization_details.clone(),
        }
    }
}

impl Ceiling {
    /// Whether this ceiling covers all of `authority`. Pointers are as in [`Authority::covers`]; errors do not show the values of the
    /// ceiling.
    pub fn admits(&self, authority: &Authority, types: &Types) -> Result<(), Vec<Excess>> {
        let extra = authority.scopes().difference(&self.scopes);
        let mut excess: Vec<Excess> = extra
            .map(|grant| Excess {
                pointer: pointer::join("/scope", &grant.scope),
                requested: json!(grant),
                granted: None,
            })
            .collect();
        for (place, detail) in authority.details().iter().enumerate() {
            excess.extend(self.excess_of(detail, &format!("/{place}"), types));
        }
        if excess.is_empty() {
            return Ok(());
        }
        Err(crate::authority::without_granted(excess))
    }

    /// Whether each object is of a current type, with known members and well-formed values. Members that the schema requires may be
    /// left out.
    pub fn check(&self, types: &Types) -> Result<(), Problem> {
        for (place, detail) in self.details.iter().enumerate() {
            let at = format!("/{place}");
            let Some(definition) = types.by_name(detail.type_name()) else {
                return Err(Problem::at(&at, "type", "this type is not known here"));
            };
            check_common(detail, &at)?;
            if detail.members().contains_key("ref") {
                return Err(Problem::at(
                    &at,
                    "ref",
                    "a ceiling names no consented object",
                ));
            }
            object::rewrite(definition, detail, ValueForm::Normal, &at).map_err(|pointer| {
                Problem::new(
                    pointer,
                    "this member is unknown or its value not well-formed",
                )
            })?;
        }
        Ok(())
    }

    fn excess_of(&self, child: &Detail, at: &str, types: &Types) -> Vec<Excess> {
        let Some(definition) = types.of(child) else {
            return vec![object::missing("type", child, at)];
        };
        let of_type = |pattern: &&Detail| pattern.type_name() == child.type_name();
        let mut patterns = self.details.iter().filter(of_type).peekable();
        if patterns.peek().is_none() {
            return vec![object::missing("type", child, at)];
        }
        closest(patterns.map(|pattern| {
            let mut excess = object::compare_own(definition, pattern, child, at);
            if !is_under(pattern, child) {
                excess.push(object::member_excess("locations", pattern, child, at));
            }
            excess
        }))
    }
}

fn is_under(pattern: &Detail, child: &Detail) -> bool {
    if !pattern.members().contains_key("locations") {
        return true;
    }
    match (object::locations(pattern), object::locations(child)) {
        (Some(pattern), Some(child)) => child.is_subset(&pattern),
        _ => false,
    }
}
