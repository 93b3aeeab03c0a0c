//! A person.

use std::collections::BTreeSet;

use crate::id::UserId;
use crate::role::RoleName;

/// A person, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub disabled: bool,
    /// Those that count now; of owners and sponsors they are not read.
    pub roles: BTreeSet<RoleName>,
}

impl User {
    /// Somebody who is new: not disabled, and without roles.
    pub fn new(id: UserId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            disabled: false,
            roles: BTreeSet::new(),
        }
    }
}
