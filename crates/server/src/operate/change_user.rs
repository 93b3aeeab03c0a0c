//! A user's new password, set by an operator: it ends every login that the user has.

use serde_json::{Value, json};
use writ_core::client::User;
use writ_core::event::EventName;
use writ_core::id::UserId;
use writ_core::realm::DEFAULT_TENANT;
use writ_store::user::StoredUser;
use writ_store::{DatabaseTransaction, StoreError};

use super::elsewhere::{Wish, tip};
use super::register::{Registrar, RegistrationError};
use crate::config::Config;
use crate::notifications::account_notice::password_changed;
use crate::notifications::outbox::OutboxContext;

/// The user of this id, which lists print, or of this name. Whoever has an id is never mistaken for somebody of that name.
pub async fn find_user(
    transaction: &mut DatabaseTransaction,
    text: &str,
) -> Result<Option<StoredUser>, StoreError> {
    if text.starts_with(UserId::PREFIX)
        && let Some(stored) = transaction.user_by_id(&UserId::from_text(text)).await?
    {
        return Ok(Some(stored));
    }
    transaction.user_by_name(text).await
}

/// The user of this name or id, unless they were removed.
pub(super) async fn registered(
    transaction: &mut DatabaseTransaction,
    name: &str,
) -> Result<StoredUser, RegistrationError> {
    let what = || format!("person `{name}`");
    match find_user(transaction, name).await? {
        None => {
            let tip = tip(transaction, name, Wish::See).await?;
            Err(RegistrationError::Unknown(what() + &tip))
        }
        Some(stored) if stored.removed => Err(RegistrationError::Removed(what())),
        Some(stored) => Ok(stored),
    }
}

impl Registrar<'_> {
    /// The user of this name or id.
    pub async fn user(&self, name: &str) -> Result<User, RegistrationError> {
        let mut reading = self.store.read(DEFAULT_TENANT).await?;
        Ok(registered(&mut reading, name).await?.user)
    }

    /// Says how many logins it ended; the user is told.
    pub async fn change_password(
        &self,
        name: &str,
        password: &str,
        config: &Config,
    ) -> Result<Value, RegistrationError> {
        let hash = self.new_hash(name, password)?;
        let now = self.clock.now();
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let User { id, name, .. } = registered(&mut transaction, name).await?.user;
        if !transaction.set_password(&id, &hash).await? {
            return Err(RegistrationError::Removed(format!("person `{name}`")));
        }
        let ended = transaction.end_sessions_of(&id, now).await?;
        let event = self.event(now, EventName::UserChanged);
        let event = event.of_subject(id.as_str()).with(
            json!({ "by": "operator", "name": name, "setting": "password", "sessions_ended": ended }),
        );
        transaction.insert_event(&event).await?;
        let outbox = OutboxContext {
            config,
            random: self.random,
            now,
        };
        let told = password_changed(&outbox, &mut transaction, &id).await;
        told.map_err(|failure| RegistrationError::NotTold(format!("{failure:?}")))?;
        transaction.commit().await?;
        Ok(json!({ "id": id, "name": name, "sessions_ended": ended }))
    }
}
