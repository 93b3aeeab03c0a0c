//! Disabling and enabling a user. From the commit of a disabling on, no task or agent of which they are the subject, owner or
//! sponsor is live on any node, and they cannot log in, until an operator enables them; logins from before have ended for good.

use serde_json::json;
use writ_core::client::User;
use writ_core::event::EventName;
use writ_store::DatabaseTransaction;

use super::change::ChangeContext;
use super::change_user::find_user;
use super::operator_role::keep_an_admin;
use super::register::RegistrationError;

/// Which way a user is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserSwitch {
    Disable,
    Enable,
}

impl UserSwitch {
    /// The state in which a user can be switched so.
    pub const fn before(self) -> &'static str {
        match self {
            Self::Disable => "enabled",
            Self::Enable => "disabled",
        }
    }

    /// The state after it.
    pub const fn after(self) -> &'static str {
        match self {
            Self::Disable => "disabled",
            Self::Enable => "enabled",
        }
    }
}

/// The user that was switched; `None` if there is none of this name or id, or their state is already so. The last admin is not disabled.
pub async fn switch_user(
    transaction: &mut DatabaseTransaction,
    name: &str,
    to: UserSwitch,
    change: ChangeContext<'_>,
) -> Result<Option<User>, RegistrationError> {
    let Some(stored) = find_user(transaction, name).await? else {
        return Ok(None);
    };
    let User { id, name, .. } = &stored.user;
    if to == UserSwitch::Disable {
        keep_an_admin(transaction, id, name).await?;
    }
    let (done, event) = match to {
        UserSwitch::Disable => (
            transaction.disable_user(id, change.now).await?,
            EventName::UserDisabled,
        ),
        UserSwitch::Enable => (
            transaction.enable_user(id, change.now).await?,
            EventName::UserChanged,
        ),
    };
    if !done {
        return Ok(None);
    }
    let event = change.event(event, json!({ "name": name, "state": to.after() }));
    let event = event.of_subject(id.as_str());
    transaction.insert_event(&event).await?;
    Ok(Some(stored.user))
}
