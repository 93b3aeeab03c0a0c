//! People as an operator sees them: whether they can come in, or were invited and never came, and where the links of a reset go.

use std::collections::BTreeSet;

use writ_core::account_link::{LinkKind, MAX_LINK_FAILURES};
use writ_core::id::UserId;
use writ_core::operator::OperatorRole;
use writ_core::role::RoleName;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::role::{self, roles_of};
use crate::store::DatabaseTransaction;

/// A user in a list.
#[derive(Clone, Debug)]
pub struct ListedUser {
    pub id: UserId,
    pub name: String,
    pub state: AccountState,
    pub created_at: Timestamp,
    /// Where they are written to: they confirmed it.
    pub confirmed: Option<String>,
    /// Those that count.
    pub roles: BTreeSet<RoleName>,
    pub operator_role: Option<OperatorRole>,
}

/// Whether somebody can come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    Enabled,
    Disabled,
    /// They never came: until when their invitation is good, if it still is.
    Invited {
        until: Option<Timestamp>,
    },
}

row! { UserRow {
    id: String,
    name: String,
    disabled_at: Option<i64>,
    created_at: i64,
    never_came: i64,
    invited_until: Option<i64>,
    confirmed: Option<String>,
    roles: Option<String>,
    operator_role: Option<String>,
} }

row! { AddressRow { address: Option<String> } }

/// Whoever never came has neither a password (`NO_PASSWORD`) nor a passkey, nor an account at a provider. $4 is now, $5 the wrong codes after which a link is over.
macro_rules! users {
    ($which:literal) => {
        concat!(
            "SELECT u.id, u.name, u.disabled_at, u.created_at, u.operator_role,
                CASE WHEN u.password_hash = '' AND NOT EXISTS (SELECT 1 FROM passkeys p
                        WHERE p.tenant = u.tenant AND p.user_id = u.id AND p.removed_at IS NULL)
                    AND NOT EXISTS (SELECT 1 FROM upstream_accounts a
                        WHERE a.tenant = u.tenant AND a.user_id = u.id)
                    THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS never_came,
                l.expires_at AS invited_until, s.email AS confirmed, ",
            roles_of!("u.id"),
            " FROM users u
            LEFT JOIN account_links l ON l.tenant = u.tenant AND l.user_id = u.id
                AND l.place = 'account' AND l.expires_at > $4 AND l.failures < $5
            LEFT JOIN person_settings s ON s.tenant = u.tenant AND s.user_id = u.id
            WHERE u.tenant = $1 AND u.removed_at IS NULL AND ",
            $which,
            " ORDER BY u.name LIMIT $3"
        )
    };
}

const AFTER: &str = users!("u.name > $2");
const ONE: &str = users!("u.id = $2");

/// An address that nobody confirmed yet; rather the one that its person asked for.
const UNCONFIRMED: &str = "
    SELECT address FROM account_links
    WHERE tenant = $1 AND user_id = $2 AND address IS NOT NULL AND expires_at > $3 AND failures < $4
    ORDER BY CASE WHEN kind = $5 THEN 0 ELSE 1 END LIMIT 1";

impl DatabaseTransaction {
    /// Users after this name, in the order of their names.
    pub async fn users_after(
        &mut self,
        name: &str,
        most: u32,
        now: Timestamp,
    ) -> Result<Vec<ListedUser>> {
        let (tenant, most, now) = (&self.tenant, i64::from(most), now.micros());
        let rows = all!(
            self,
            UserRow,
            AFTER,
            tenant,
            name,
            most,
            now,
            MAX_LINK_FAILURES
        )?;
        Ok(rows.into_iter().map(UserRow::read).collect())
    }

    /// The same of one, unless they were removed.
    pub async fn listed_user(&mut self, id: &UserId, now: Timestamp) -> Result<Option<ListedUser>> {
        let (tenant, id, now) = (&self.tenant, id.as_str(), now.micros());
        let row = optional!(
            self,
            UserRow,
            ONE,
            tenant,
            id,
            1_i64,
            now,
            MAX_LINK_FAILURES
        )?;
        Ok(row.map(UserRow::read))
    }

    /// An address of theirs that a link would confirm which is still good.
    pub async fn unconfirmed_address(
        &mut self,
        id: &UserId,
        now: Timestamp,
    ) -> Result<Option<String>> {
        let (tenant, id, now) = (&self.tenant, id.as_str(), now.micros());
        let theirs = LinkKind::Address.as_str();
        let most = MAX_LINK_FAILURES;
        let row = optional!(self, AddressRow, UNCONFIRMED, tenant, id, now, most, theirs)?;
        Ok(row.and_then(|row| row.address))
    }
}

impl UserRow {
    fn read(self) -> ListedUser {
        let until = self.invited_until.map(time);
        ListedUser {
            id: UserId::from_text(self.id),
            name: self.name,
            state: match (self.disabled_at, self.never_came) {
                (Some(_), _) => AccountState::Disabled,
                (None, 0) => AccountState::Enabled,
                (None, _) => AccountState::Invited { until },
            },
            created_at: time(self.created_at),
            confirmed: self.confirmed,
            roles: role::read(self.roles.as_deref()),
            operator_role: self.operator_role.as_deref().and_then(OperatorRole::parse),
        }
    }
}
