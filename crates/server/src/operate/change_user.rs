//! What an operator changes of a user: a new password, which ends every login that the user has; and the address that applications
//! are told (OpenID Connect Core section 5.1).

use serde_json::{Value, json};
use writ_core::client::User;
use writ_core::email;
use writ_core::event::EventName;
use writ_core::id::UserId;
use writ_core::realm::DEFAULT_TENANT;
use writ_store::user::StoredUser;
use writ_store::{DatabaseTransaction, StoreError};

use super::elsewhere::{Wish, tip};
use super::register::{Registrar, RegistrationError, fault};
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

pub(super) fn parse_email(text: &str) -> Result<String, RegistrationError> {
    email::claimed(text).ok_or_else(|| {
        fault("an address is one of ASCII letters, such as `alice@example.org`, in at most 254 characters")
    })
}

/// No two people have the same: applications tell people apart by it.
pub(super) async fn write_email(
    transaction: &mut DatabaseTransaction,
    user: &User,
    email: Option<&str>,
) -> Result<(), RegistrationError> {
    match transaction.set_email(&user.id, email).await? {
        true => Ok(()),
        false => Err(fault(&format!(
            "`{}` is the address of somebody else: take it from them first by `writ user change NAME --no-email`",
            email.unwrap_or_default()
        ))),
    }
}

/// What a command prints of a user.
pub(super) fn with_email(mut printed: Value, email: Option<String>) -> Value {
    if let (Value::Object(members), Some(email)) = (&mut printed, email) {
        members.insert("email".to_owned(), Value::String(email));
    }
    printed
}

impl Registrar<'_> {
    /// The user of this name or id.
    pub async fn user(&self, name: &str) -> Result<StoredUser, RegistrationError> {
        let mut reading = self.store.read(DEFAULT_TENANT).await?;
        registered(&mut reading, name).await
    }

    /// The address that applications are told from now on; `None`: they are told of none.
    pub async fn change_email(
        &self,
        name: &str,
        email: Option<&str>,
    ) -> Result<Value, RegistrationError> {
        let email = email.map(parse_email).transpose()?;
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let user = registered(&mut transaction, name).await?.user;
        write_email(&mut transaction, &user, email.as_deref()).await?;
        // The record is never deleted, so no address is in it.
        let facts = json!({
            "name": user.name,
            "setting": "email",
            "state": if email.is_some() { "set" } else { "removed" },
        });
        let event = self.event(self.clock.now(), EventName::UserChanged, facts);
        let event = event.of_subject(user.id.as_str());
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        Ok(with_email(
            json!({ "id": user.id, "name": user.name }),
            email,
        ))
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
        let facts = json!({ "name": name, "setting": "password", "sessions_ended": ended });
        let event = self.event(now, EventName::UserChanged, facts);
        let event = event.of_subject(id.as_str());
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
