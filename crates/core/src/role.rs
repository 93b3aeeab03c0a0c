//! Roles of people: what somebody may grant to clients at most. A role is a ceiling in the configuration; a person may grant what all of
//! theirs cover together. Measured again wherever authority begins, goes on or is judged, so that a role which is taken away counts at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use serde::Serialize;
use writ_authority::{Authority, Ceiling};
use writ_wire::error::ErrorCode;

use crate::ceiling::{too_wide, unnamed_resource};
use crate::oauth_error::OAuthError;
use crate::realm::Realm;

/// The longest name of a role, in bytes.
pub const MAX_ROLE_NAME: usize = 64;
/// The most roles of one person from one source.
pub const MAX_ROLES: usize = 64;

/// What operators are called, who administer this server: no role of people has such a name, so that nobody takes one for the other.
const OF_OPERATORS: [&str; 3] = ["admin", "auditor", "helpdesk"];

/// The name of a role: 1 to 64 of `a` to `z`, digits, `.`, `_` and `-`, the first a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RoleName(String);

impl RoleName {
    /// `None` also for the name of an operator's role.
    pub fn parse(text: &str) -> Option<Self> {
        let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let first = text.bytes().next().is_some_and(alphanumeric);
        let sound = text
            .bytes()
            .all(|byte| alphanumeric(byte) || b"._-".contains(&byte));
        let fits = first && sound && text.len() <= MAX_ROLE_NAME;
        (fits && !OF_OPERATORS.contains(&text)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One role.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoleRule {
    /// What who has it may grant.
    pub ceiling: Ceiling,
    /// Whether every person has it, without being given it.
    pub everyone: bool,
}

/// What people may grant here.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RoleRules {
    /// No roles are configured: a person may grant whatever a client may ask.
    #[default]
    Unlimited,
    ByRole(BTreeMap<RoleName, RoleRule>),
}

impl RoleRules {
    /// Whether this role is configured.
    pub fn knows(&self, name: &RoleName) -> bool {
        match self {
            Self::Unlimited => false,
            Self::ByRole(rules) => rules.contains_key(name),
        }
    }

    /// All that are configured, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&RoleName, &RoleRule)> {
        let rules = match self {
            Self::Unlimited => None,
            Self::ByRole(rules) => Some(rules),
        };
        rules.into_iter().flatten()
    }

    /// All that these roles cover together, with those that everybody has. A role that is not configured any more covers nothing.
    /// `None`: there is no limit.
    pub fn ceiling(&self, roles: &BTreeSet<RoleName>) -> Option<Ceiling> {
        let Self::ByRole(rules) = self else {
            return None;
        };
        let held = rules
            .iter()
            .filter(|(name, rule)| rule.everyone || roles.contains(*name));
        let mut together = Ceiling::default();
        for (_, rule) in held {
            together.scopes.extend(rule.ceiling.scopes.iter().cloned());
            together
                .details
                .extend(rule.ceiling.details.iter().cloned());
        }
        Some(together)
    }
}

/// Refuses authority beyond what a person with these roles may grant. To say who they are is theirs without any role: scopes of the issuer
/// are no authority at a resource. The request is sound, but not for this person: `access_denied` (RFC 6749 section 4.1.2.1, CIBA
/// section 13).
pub fn within_roles(
    authority: &Authority,
    roles: &BTreeSet<RoleName>,
    realm: Realm<'_>,
) -> Result<(), OAuthError> {
    let Some(mut ceiling) = realm.roles.ceiling(roles) else {
        return Ok(());
    };
    let scopes = authority.scopes().iter();
    let identity = scopes.filter(|grant| grant.resource == *realm.issuer);
    ceiling.scopes.extend(identity.cloned());
    if let Err(excess) = ceiling.admits(authority, realm.types) {
        let wide = too_wide("what the person's roles let them grant", excess);
        return Err(denied(wide.sentence).with_excess(wide.excess));
    }
    match unnamed_resource(authority, &ceiling, realm) {
        Some(uri) => Err(denied(format!(
            "the person's roles let them grant nothing at `{uri}`"
        ))),
        None => Ok(()),
    }
}

fn denied(sentence: String) -> OAuthError {
    OAuthError::new(ErrorCode::AccessDenied, sentence)
}

#[cfg(test)]
mod tests;
