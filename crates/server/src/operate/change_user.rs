//! A user's new password, set by an operator: it ends every login that the user has.

use serde_json::{Value, json};
use writ_core::event::EventName;
use writ_core::realm::DEFAULT_TENANT;
use writ_store::DatabaseTransaction;
use writ_store::user::StoredUser;

use super::register::{Registrar, RegistrationError};
use crate::node::passwords;

/// The user of this name, unless they were removed.
pub(super) async fn registered(
    transaction: &mut DatabaseTransaction,
    name: &str,
) -> Result<StoredUser, RegistrationError> {
    let what = || format!("person `{name}`");
    match transaction.user_by_name(name).await? {
        None => Err(RegistrationError::Unknown(what())),
        Some(stored) if stored.removed => Err(RegistrationError::Removed(what())),
        Some(stored) => Ok(stored),
    }
}

impl Registrar<'_> {
    /// Says how many logins it ended.
    pub async fn change_password(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Value, RegistrationError> {
        let hash = passwords::hash_new(password, &self.random.bytes());
        let hash = hash.map_err(RegistrationError::Password)?;
        let now = self.clock.now();
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let id = registered(&mut transaction, name).await?.user.id;
        if !transaction.set_password(&id, &hash).await? {
            return Err(RegistrationError::Removed(format!("person `{name}`")));
        }
        let ended = transaction.end_sessions_of(&id, now).await?;
        let event = self.event(now, EventName::UserChanged);
        let event = event.of_subject(id.as_str()).with(
            json!({ "by": "operator", "name": name, "setting": "password", "sessions_ended": ended }),
        );
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        Ok(json!({ "id": id, "name": name, "sessions_ended": ended }))
    }
}
