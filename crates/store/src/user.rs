//! People: name, password hash, address, disablement.

use std::collections::BTreeMap;

use writ_core::client::User;
use writ_core::id::UserId;
use writ_core::operator::OperatorRole;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json;
use crate::role::{self, roles_of};
use crate::store::DatabaseTransaction;

/// A person, with what a login needs. No `Debug`, because of the hash.
#[derive(Clone)]
pub struct StoredUser {
    pub user: User,
    pub password_hash: String,
    /// Grows when browsers in which they signed in before are forgotten.
    pub browser_epoch: i64,
    /// They are disabled too, and the name is never added again.
    pub removed: bool,
    /// Given by an operator.
    pub email: Option<String>,
    /// Of a word that names none, as a later version may have written, `None`.
    pub operator_role: Option<OperatorRole>,
}

impl StoredUser {
    /// Somebody who was invited has none until they set it, and somebody who was removed none any more.
    pub fn has_password(&self) -> bool {
        !self.removed && self.password_hash != NO_PASSWORD
    }
}

/// In place of the hash of a password: no password has it.
pub const NO_PASSWORD: &str = "";

row! { UserRow {
    id: String,
    name: String,
    password_hash: String,
    browser_epoch: i64,
    disabled_at: Option<i64>,
    removed_at: Option<i64>,
    email: Option<String>,
    roles: Option<String>,
    operator_role: Option<String>,
} }

row! { NameRow { id: String, name: String } }

const INSERT: &str = "
    INSERT INTO users (tenant, id, name, password_hash, failures, created_at)
    VALUES ($1, $2, $3, $4, 0, $5)
    ON CONFLICT DO NOTHING";

macro_rules! user {
    ($which:literal) => {
        concat!(
            "SELECT u.id, u.name, u.password_hash, u.browser_epoch, u.disabled_at, u.removed_at, u.email, ",
            roles_of!("u.id"),
            ", u.operator_role FROM users u WHERE u.tenant = $1 AND ",
            $which
        )
    };
}

const BY_NAME: &str = user!("u.name = $2");

const BY_ID: &str = user!("u.id = $2");

/// As many names as `NAMES_AT_ONCE`; absent ones are null.
const BY_NAMES: &str = user!("u.name IN ($2, $3, $4, $5, $6, $7, $8, $9)");
const NAMES_AT_ONCE: usize = 8;

macro_rules! names {
    ($ids:literal) => {
        concat!(
            "SELECT u.id, u.name FROM (",
            $ids,
            ") n CROSS JOIN users u WHERE u.tenant = $tenant AND u.id = n.id"
        )
    };
}
const NAMES_ON_SQLITE: &str = names!("SELECT value AS id FROM json_each($ids)");
const NAMES_ON_POSTGRES: &str = names!("SELECT json_array_elements_text(CAST($ids AS json)) AS id");

/// A row lock: changes nothing; others wait for the row until this transaction ends.
const HOLD: &str = "
    UPDATE users SET disabled_at = disabled_at WHERE tenant = $1 AND id = $2";

const DISABLE: &str = "
    UPDATE users SET disabled_at = $3, browser_epoch = browser_epoch + 1
    WHERE tenant = $1 AND id = $2 AND disabled_at IS NULL";

const ENABLE: &str = "
    UPDATE users SET disabled_at = NULL
    WHERE tenant = $1 AND id = $2 AND disabled_at IS NOT NULL AND removed_at IS NULL";

/// Nobody else may have it.
const SET_EMAIL: &str = "
    UPDATE users SET email = $3 WHERE tenant = $1 AND id = $2 AND removed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM users o WHERE o.tenant = $1 AND o.email = $3 AND o.id <> $2)";

impl DatabaseTransaction {
    /// The names of those of these people who exist, by their ids. One statement.
    pub async fn names_of(&mut self, ids: &[&str]) -> Result<BTreeMap<String, String>> {
        let rows = all_by_name!(self, NameRow, (NAMES_ON_SQLITE, NAMES_ON_POSTGRES), {
            tenant: &self.tenant,
            ids: json::write(&ids, "a list of ids")?,
        })?;
        Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
    }

    /// Whether it was written: the name may be taken.
    pub async fn insert_user(
        &mut self,
        user: &User,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, name) = (user.id.as_str(), user.name.as_str());
        Ok(execute!(
            self,
            INSERT,
            &self.tenant,
            id,
            name,
            password_hash,
            now.micros()
        )? == 1)
    }

    pub async fn user_by_name(&mut self, name: &str) -> Result<Option<StoredUser>> {
        Ok(optional!(self, UserRow, BY_NAME, &self.tenant, name)?.map(UserRow::read))
    }

    pub async fn user_by_id(&mut self, id: &UserId) -> Result<Option<StoredUser>> {
        Ok(optional!(self, UserRow, BY_ID, &self.tenant, id.as_str())?.map(UserRow::read))
    }

    /// In the order of the names; unknown names are left out, disabled people are not.
    pub async fn users_by_names(&mut self, names: &[String]) -> Result<Vec<User>> {
        let mut users = Vec::new();
        for some in names.chunks(NAMES_AT_ONCE) {
            let name = |place: usize| some.get(place).map(String::as_str);
            let rows = all!(
                self,
                UserRow,
                BY_NAMES,
                &self.tenant,
                name(0),
                name(1),
                name(2),
                name(3),
                name(4),
                name(5),
                name(6),
                name(7),
            )?;
            users.extend(rows.into_iter().map(|row| row.read().user));
        }
        users.sort_by_key(|user| names.iter().position(|name| *name == user.name));
        users.dedup_by(|a, b| a.id == b.id);
        Ok(users)
    }

    /// What applications are told; `None`: nothing. Whether it was written: the address may be another person's, or the person removed.
    pub async fn set_email(&mut self, id: &UserId, email: Option<&str>) -> Result<bool> {
        Ok(execute!(self, SET_EMAIL, &self.tenant, id.as_str(), email)? == 1)
    }

    /// Their tasks and agents are valid again, unless they were stopped themselves; every client has to ask them again, and they log
    /// in again: a login that came at the same moment as the disabling ends here. Whether this call enabled the person.
    pub async fn enable_user(&mut self, id: &UserId, now: Timestamp) -> Result<bool> {
        let enabled = execute!(self, ENABLE, &self.tenant, id.as_str())? == 1;
        if enabled {
            self.forget_consents_of(id).await?;
            self.end_sessions_of(id, now).await?;
        }
        Ok(enabled)
    }

    /// Locks the person's row until the end of this transaction.
    pub async fn hold_user(&mut self, id: &UserId) -> Result<()> {
        execute!(self, HOLD, &self.tenant, id.as_str())?;
        Ok(())
    }

    /// Tasks of this person and agents that they own or sponsor are invalid from this commit on, and every client has to ask them
    /// again; their logins end, and do not come back when they are enabled. Whether this call disabled the person.
    pub async fn disable_user(&mut self, id: &UserId, now: Timestamp) -> Result<bool> {
        let disabled = execute!(self, DISABLE, &self.tenant, id.as_str(), now.micros())? == 1;
        if disabled {
            self.end_account_links_of(id).await?;
            self.forget_consents_of(id).await?;
            self.end_sessions_of(id, now).await?;
        }
        Ok(disabled)
    }
}

impl UserRow {
    fn read(self) -> StoredUser {
        StoredUser {
            user: User {
                id: UserId::from_text(self.id),
                name: self.name,
                disabled: self.disabled_at.is_some(),
                roles: role::read(self.roles.as_deref()),
            },
            password_hash: self.password_hash,
            browser_epoch: self.browser_epoch,
            removed: self.removed_at.is_some(),
            email: self.email,
            operator_role: self.operator_role.as_deref().and_then(OperatorRole::parse),
        }
    }
}
