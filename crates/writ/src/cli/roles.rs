//! `writ user change NAME --add-role` and `--remove-role`: what a person may grant (docs/roles.md).

use clap::Args;
use writ_core::realm::DEFAULT_TENANT;
use writ_server::config::Config;
use writ_server::operate::unresolved::unresolved_of_roles;
use writ_server::operate::user_roles::RoleChange;
use writ_store::Store;

use super::desk::Desk;
use super::{Outcome, say_json};

#[derive(Args)]
#[group(id = "roles_change", multiple = true, conflicts_with_all = ["password_source", "EmailChange", "role_change"])]
pub struct RolesChange {
    /// A role of `[roles.NAME]` that lets them grant more, from now on
    #[arg(long, value_name = "ROLE")]
    add_role: Vec<String>,
    /// Take a role away that an operator gave: what rests on it ends at once
    #[arg(long, value_name = "ROLE")]
    remove_role: Vec<String>,
}

impl RolesChange {
    pub fn is_empty(&self) -> bool {
        self.add_role.is_empty() && self.remove_role.is_empty()
    }

    /// Whether it takes away alone.
    pub const fn only_removes(&self) -> bool {
        self.add_role.is_empty() && !self.remove_role.is_empty()
    }
}

pub async fn change(desk: &Desk, name: &str, roles: &RolesChange) -> Outcome {
    let change = RoleChange {
        add: &roles.add_role,
        remove: &roles.remove_role,
    };
    let (registry, rules) = (desk.registry(), &desk.config.roles);
    let changed = registry.change_roles(name, change, rules).await;
    say_json(&changed.map_err(|e| e.to_string())?)
}

/// Scopes of roles that no resource has: they may come later. A new database has no tables before the first start.
pub async fn unresolved(store: &Store, config: &Config) -> Vec<String> {
    let notes = async {
        let mut reading = store.read(DEFAULT_TENANT).await?;
        unresolved_of_roles(&mut reading, &config.roles).await
    };
    notes.await.unwrap_or_default()
}
