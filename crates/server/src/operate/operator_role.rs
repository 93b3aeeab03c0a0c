//! The office of an operator is given and taken. Somebody always remains who can give it: the last admin who can come in goes only by
//! force, which the command line alone has.

use serde_json::{Value, json};
use writ_core::event::EventName;
use writ_core::id::UserId;
use writ_core::operator::OperatorRole;
use writ_core::realm::DEFAULT_TENANT;
use writ_store::{DatabaseTransaction, StoreError};

use super::change::ChangeContext;
use super::change_user;
use super::register::{Registrar, RegistrationError, fault};

/// In the place of an office.
pub const NO_ROLE: &str = "none";

/// Whether the last admin may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastAdmin {
    Stays,
    MayGo,
}

/// A person, and the office that they hold from now on.
#[derive(Clone, Copy)]
pub struct OperatorRoleChange<'a> {
    pub name: &'a str,
    pub role: Option<OperatorRole>,
    pub last_admin: LastAdmin,
}

impl Registrar<'_> {
    pub async fn change_operator_role(
        &self,
        wanted: OperatorRoleChange<'_>,
    ) -> Result<Value, RegistrationError> {
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let change = self.change(self.clock.now());
        let changed = change_operator_role(&mut transaction, wanted, change).await?;
        transaction.commit().await?;
        Ok(changed)
    }
}

/// The caller commits. Their consoles are closed, and they open another with what they may do from now on.
pub async fn change_operator_role(
    transaction: &mut DatabaseTransaction,
    wanted: OperatorRoleChange<'_>,
    change: ChangeContext<'_>,
) -> Result<Value, RegistrationError> {
    let stored = change_user::registered(transaction, wanted.name).await?;
    let (id, name) = (&stored.user.id, &stored.user.name);
    let named = |role: Option<OperatorRole>| role.map_or(NO_ROLE, OperatorRole::as_str);
    if wanted.role != Some(OperatorRole::Admin) && wanted.last_admin == LastAdmin::Stays {
        keep_an_admin(transaction, id, name).await?;
    }
    transaction.hold_user(id).await?;
    let held = transaction.user_by_id(id).await?;
    let before = held.and_then(|held| held.operator_role);
    if before == wanted.role {
        return Err(fault(&format!(
            "the operator's role of person `{name}` is `{}` already",
            named(before)
        )));
    }
    if !transaction.set_operator_role(id, wanted.role).await? {
        return Err(RegistrationError::Removed(format!("person `{name}`")));
    }
    let facts = json!({
        "name": name,
        "setting": "operator_role",
        "state": named(wanted.role),
        "before": named(before),
    });
    let event = change.event(EventName::UserChanged, facts);
    let event = event.of_subject(id.as_str());
    transaction.insert_event(&event).await?;
    Ok(json!({ "id": id, "name": name, "operator_role": named(wanted.role) }))
}

/// Refused if this person is an admin who can come in, and nobody else is one. Until the end of this transaction no other takes an admin
/// away.
pub async fn keep_an_admin(
    transaction: &mut DatabaseTransaction,
    id: &UserId,
    name: &str,
) -> Result<(), RegistrationError> {
    match is_last_admin(transaction, id).await? {
        true => Err(RegistrationError::LastAdmin(name.to_owned())),
        false => Ok(()),
    }
}

async fn is_last_admin(
    transaction: &mut DatabaseTransaction,
    id: &UserId,
) -> Result<bool, StoreError> {
    // Their own office is read after that of all was held.
    let another = transaction.hold_another_admin(id).await?;
    let stored = transaction.user_by_id(id).await?;
    let is_admin = stored.is_some_and(|stored| {
        stored.operator_role == Some(OperatorRole::Admin)
            && !stored.user.disabled
            && !stored.removed
    });
    Ok(is_admin && !another)
}
