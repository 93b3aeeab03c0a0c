//! A person is added: with a password, and where they are to operate this server with the office for that.

use serde_json::{Value, json};
use writ_core::client::User;
use writ_core::event::EventName;
use writ_core::id::UserId;
use writ_core::operator::OperatorRole;
use writ_core::password::{PasswordPlace, check_new};
use writ_core::realm::DEFAULT_TENANT;
use writ_core::registration;

use super::change_user;
use super::operator_role::{LastAdmin, OperatorRoleChange, change_operator_role};
use super::register::{Registrar, RegistrationError, taken_by};
use crate::config::host_of;
use crate::node::passwords;

/// Who is added.
#[derive(Clone, Copy)]
pub struct AddedUser<'a> {
    pub name: &'a str,
    /// That applications are told.
    pub email: Option<&'a str>,
    pub role: Option<OperatorRole>,
}

impl<'a> AddedUser<'a> {
    pub const fn named(name: &'a str) -> Self {
        Self {
            name,
            email: None,
            role: None,
        }
    }
}

impl Registrar<'_> {
    pub async fn add_user(&self, name: &str, password: &str) -> Result<Value, RegistrationError> {
        self.add_user_as(AddedUser::named(name), password).await
    }

    pub async fn add_user_as(
        &self,
        added: AddedUser<'_>,
        password: &str,
    ) -> Result<Value, RegistrationError> {
        let hash = self.new_hash(added.name, password)?;
        self.insert_user(added, &hash).await
    }

    /// A PHC string of a password that may become this person's.
    pub(super) fn new_hash(&self, name: &str, password: &str) -> Result<String, RegistrationError> {
        let place = PasswordPlace {
            user: name,
            host: host_of(self.issuer),
        };
        check_new(password, place)?;
        let hash = passwords::hash(password, &self.random.bytes());
        hash.map_err(RegistrationError::Hash)
    }

    /// A person whose password has this PHC string: argon2id of whatever cost.
    pub async fn add_user_with_hash(
        &self,
        name: &str,
        hash: &str,
    ) -> Result<Value, RegistrationError> {
        self.insert_user(AddedUser::named(name), hash).await
    }

    async fn insert_user(
        &self,
        added: AddedUser<'_>,
        hash: &str,
    ) -> Result<Value, RegistrationError> {
        let AddedUser { name, email, role } = added;
        registration::check_user_name(name)?;
        let email = email.map(change_user::parse_email).transpose()?;
        let now = self.clock.now();
        let user = User::new(UserId::make(now, self.random.bytes()), name);
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        if !transaction.insert_user(&user, hash, now).await? {
            let taken = transaction.user_by_name(name).await?;
            return Err(taken_by(
                format!("person `{name}`"),
                taken.is_some_and(|stored| stored.removed),
            ));
        }
        if let Some(email) = &email {
            change_user::write_email(&mut transaction, &user, Some(email)).await?;
        }
        let event = self
            .event(now, EventName::UserAdded, json!({ "name": name }))
            .of_subject(user.id.as_str());
        transaction.insert_event(&event).await?;
        let mut printed = json!({ "id": user.id, "name": user.name });
        if role.is_some() {
            let wanted = OperatorRoleChange {
                name,
                role,
                last_admin: LastAdmin::Stays,
            };
            let change = self.change(now);
            printed = change_operator_role(&mut transaction, wanted, change).await?;
        }
        transaction.commit().await?;
        Ok(change_user::with_email(printed, email))
    }
}
