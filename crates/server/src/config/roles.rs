//! `[roles.NAME]`: what people who have a role may grant (docs/roles.md). Without any section nobody is limited.

use std::collections::BTreeMap;

use serde::Deserialize;
use writ_authority::{Ceiling, ScopeGrant, Types};
use writ_core::role::{MAX_ROLE_NAME, RoleName, RoleRule, RoleRules};
use writ_wire::rar::Detail;
use writ_wire::registration::ScopeFile;

use super::nearest::nearest;

/// Each request of a person is measured by all that they have.
pub const MAX_CONFIGURED_ROLES: usize = 256;

#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RoleFile {
    everyone: bool,
    scopes: Vec<ScopeFile>,
    authorization_details: Vec<Detail>,
}

pub(super) fn check(files: BTreeMap<String, RoleFile>, problems: &mut Vec<String>) -> RoleRules {
    if files.is_empty() {
        return RoleRules::Unlimited;
    }
    if files.len() > MAX_CONFIGURED_ROLES {
        problems.push(format!(
            "`roles` has more than {MAX_CONFIGURED_ROLES} roles"
        ));
    }
    let mut rules = BTreeMap::new();
    for (name, file) in files {
        match RoleName::parse(&name) {
            Some(name) => {
                rules.insert(name, file.rule());
            }
            None => problems.push(format!(
                "`roles.{name}`: a role's name has 1 to {MAX_ROLE_NAME} of `a` to `z`, digits, `.`, `_` and `-`, the first a letter or a digit; `admin`, `auditor` and `helpdesk` are roles of operators"
            )),
        }
    }
    RoleRules::ByRole(rules)
}

impl RoleFile {
    fn rule(self) -> RoleRule {
        let scopes = self.scopes.into_iter().map(|one| ScopeGrant {
            resource: one.resource,
            scope: one.scope,
        });
        RoleRule {
            ceiling: Ceiling {
                scopes: scopes.collect(),
                details: self.authorization_details,
            },
            everyone: self.everyone,
        }
    }
}

/// Objects of these types alone can be granted: one of a type that is not known covers nothing, so it is a mistake.
pub fn check_types(rules: &RoleRules, types: &Types) -> Result<(), String> {
    for (name, rule) in rules.iter() {
        rule.ceiling.check(types).map_err(|problem| {
            let known: Vec<&str> = types.names().collect();
            let unknown = rule.ceiling.details.iter().map(Detail::type_name);
            let unknown = unknown.filter(|name| types.by_name(name).is_none());
            let tip = unknown.map(|name| nearest(name, &known)).next().flatten();
            let tip = tip.map_or_else(String::new, |near| format!("; perhaps `{near}` is meant"));
            format!("`roles.{name}.authorization_details`: {problem}{tip}")
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
