//! Roles that an operator gives a person, or takes from them. They count at once, on every node: tokens that are out already are judged by
//! them wherever this server is asked.

use serde_json::{Value, json};
use writ_core::client::User;
use writ_core::event::EventName;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::role::{MAX_ROLES, RoleName, RoleRules};
use writ_store::DatabaseTransaction;
use writ_store::role::{GivenRole, RoleSource};

use super::change_user::registered;
use super::register::{Registrar, RegistrationError, fault};
use crate::config::nearest::nearest;

/// Names as they were typed.
#[derive(Clone, Copy, Debug)]
pub struct RoleChange<'a> {
    pub add: &'a [String],
    pub remove: &'a [String],
}

impl Registrar<'_> {
    /// The roles that the operator gives this person from now on; those of providers stay.
    pub async fn change_roles(
        &self,
        name: &str,
        change: RoleChange<'_>,
        rules: &RoleRules,
    ) -> Result<Value, RegistrationError> {
        let add = names(change.add)?;
        let remove = names(change.remove)?;
        if let Some(both) = add.iter().find(|role| remove.contains(role)) {
            return Err(fault(&format!("role `{both}` is both added and removed")));
        }
        for role in &add {
            require_known(role, rules)?;
        }
        let now = self.clock.now();
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let user = registered(&mut transaction, name).await?.user;
        // Two changes at a time are counted one after the other.
        transaction.hold_user(&user.id).await?;
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for role in &remove {
            if transaction.take_role(&user.id, role).await? {
                removed.push(role);
            }
        }
        for role in &add {
            if transaction.give_role(&user.id, role, now).await? {
                added.push(role);
            }
        }
        let given = of_operator(&mut transaction, &user).await?;
        if added.is_empty() && removed.is_empty() {
            return Err(fault(&unchanged(&user, change)));
        }
        let facts = json!({
            "name": user.name,
            "setting": "roles",
            "added": added,
            "removed": removed,
        });
        let event = self.event(now, EventName::UserChanged, facts);
        let event = event.of_subject(user.id.as_str());
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        Ok(json!({ "id": user.id, "name": user.name, "roles": given }))
    }
}

/// Names of what the operator gave, which are no more than there may be.
async fn of_operator(
    transaction: &mut DatabaseTransaction,
    user: &User,
) -> Result<Vec<String>, RegistrationError> {
    let given = transaction.given_roles(&user.id).await?;
    let of_operator = |role: &GivenRole| role.source == RoleSource::Operator;
    let given: Vec<String> = given
        .into_iter()
        .filter(of_operator)
        .map(|role| role.name)
        .collect();
    match given.len() > MAX_ROLES {
        true => Err(fault(&format!("a person has at most {MAX_ROLES} roles"))),
        false => Ok(given),
    }
}

fn names(typed: &[String]) -> Result<Vec<RoleName>, RegistrationError> {
    let name = |text: &String| {
        RoleName::parse(text).ok_or_else(|| {
            fault(&format!(
                "`{text}` is no role of people: see `[roles.NAME]` in docs/roles.md"
            ))
        })
    };
    typed.iter().map(name).collect()
}

/// What is misspelt would silently give nothing.
fn require_known(role: &RoleName, rules: &RoleRules) -> Result<(), RegistrationError> {
    if rules.knows(role) {
        return Ok(());
    }
    let known: Vec<&str> = rules.iter().map(|(name, _)| name.as_str()).collect();
    let tip = match nearest(role.as_str(), &known) {
        Some(near) => format!("; perhaps `{near}` is meant"),
        None => String::new(),
    };
    Err(fault(&format!(
        "there is no role `{role}`: the configuration has no section `[roles.{role}]`{tip}"
    )))
}

fn unchanged(user: &User, change: RoleChange<'_>) -> String {
    let name = &user.name;
    match change.add.is_empty() {
        true => format!(
            "no operator gave `{name}` that role: `writ user show {name}` says who did, and a role of a provider is taken from them there"
        ),
        false => format!("`{name}` has these roles already"),
    }
}
