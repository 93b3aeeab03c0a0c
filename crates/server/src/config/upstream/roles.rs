//! `[upstream.NAME.roles]`: which roles of people the groups of a provider give, by the group's id.

use std::collections::{BTreeMap, BTreeSet};

use writ_core::role::{MAX_ROLES, RoleName};
use writ_core::upstream::groups::GroupRoles;

/// Groups of one provider that give roles.
pub const MAX_MAPPED_GROUPS: usize = 1000;
/// What stands before the name of an operator's role.
const OF_OPERATORS: &str = "operator:";

pub(super) fn read(given: BTreeMap<String, Vec<String>>, wrong: &mut Vec<String>) -> GroupRoles {
    let mut roles: BTreeMap<String, BTreeSet<RoleName>> = BTreeMap::new();
    for (group, names) in given {
        let mut of_group = BTreeSet::new();
        for name in &names {
            match mapped_role(name) {
                Ok(role) => {
                    of_group.insert(role);
                }
                Err(said) => wrong.push(format!("`roles`, group `{group}`: {said}")),
            }
        }
        if group.is_empty() || names.is_empty() {
            wrong.push(format!(
                "`roles`: group `{group}` has no name or gives no role"
            ));
        }
        roles.insert(group, of_group);
    }
    let named: BTreeSet<&RoleName> = roles.values().flatten().collect();
    if named.len() > MAX_ROLES || roles.len() > MAX_MAPPED_GROUPS {
        wrong.push(format!(
            "`roles` has at most {MAX_ROLES} roles and {MAX_MAPPED_GROUPS} groups"
        ));
    }
    GroupRoles::new(roles)
}

/// A role of people. One of operators is never meant by accident: it is written `operator:NAME`.
fn mapped_role(name: &str) -> Result<RoleName, String> {
    if name.starts_with(OF_OPERATORS) {
        return Err(format!(
            "`{name}`: no group gives a role of operators in this version"
        ));
    }
    RoleName::parse(name).ok_or_else(|| {
        format!(
            "`{name}` is no name of a role: 1 to 64 of `a` to `z`, digits, `.`, `_` and `-`, the first a letter or digit, and none of `admin`, `auditor`, `helpdesk`, which are of operators"
        )
    })
}
