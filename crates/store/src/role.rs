//! Roles of people, each from one source: an operator, or a provider by which the person signs in. A suspended one counts for nothing.

use std::collections::BTreeSet;

use writ_core::id::UserId;
use writ_core::role::{MAX_ROLES, RoleName};
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;

/// A role of a person, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRole {
    pub name: String,
    pub source: RoleSource,
    pub given_at: Timestamp,
    pub suspended_at: Option<Timestamp>,
}

/// Who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSource {
    Operator,
    /// The provider of this issuer.
    Provider(String),
}

impl RoleSource {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Operator => BY_OPERATOR,
            Self::Provider(issuer) => issuer,
        }
    }
}

/// No issuer is called so: each is a URL.
const BY_OPERATOR: &str = "operator";

/// The column `roles`: the names of those that count, of the person whose id is this expression. $1 is the tenant.
macro_rules! roles_of {
    ($user:literal) => {
        concat!(
            "(SELECT string_agg(g.role, ' ') FROM user_roles g
                WHERE g.tenant = $1 AND g.user_id = ",
            $user,
            " AND g.suspended_at IS NULL) AS roles"
        )
    };
}
pub(crate) use roles_of;

row! { GivenRoleRow { role: String, source: String, given_at: i64, suspended_at: Option<i64> } }

const OF_PERSON: &str = "
    SELECT role, source, given_at, suspended_at FROM user_roles
    WHERE tenant = $1 AND user_id = $2 ORDER BY role, source LIMIT $3";

const OF_SOURCE: &str = "
    SELECT role, source, given_at, suspended_at FROM user_roles
    WHERE tenant = $1 AND user_id = $2 AND source = $3 ORDER BY role LIMIT $4";

const GIVE: &str = "
    INSERT INTO user_roles (tenant, user_id, source, role, given_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING";

const TAKE: &str = "
    DELETE FROM user_roles WHERE tenant = $1 AND user_id = $2 AND source = $3 AND role = $4";

const RESUME: &str = "
    UPDATE user_roles SET suspended_at = NULL
    WHERE tenant = $1 AND user_id = $2 AND source = $3 AND suspended_at IS NOT NULL";

const SUSPEND: &str = "
    UPDATE user_roles SET suspended_at = $4
    WHERE tenant = $1 AND user_id = $2 AND source = $3 AND suspended_at IS NULL";

/// Sources of one person whose roles are listed: operators, and as many providers as there can be (`MAX_UPSTREAMS`).
const LISTED_SOURCES: i64 = 9;

impl DatabaseTransaction {
    /// All of them, the suspended too, in the order of their names.
    pub async fn given_roles(&mut self, user: &UserId) -> Result<Vec<GivenRole>> {
        let (tenant, user, most) = (&self.tenant, user.as_str(), LISTED_SOURCES * most());
        let rows = all!(self, GivenRoleRow, OF_PERSON, tenant, user, most)?;
        Ok(rows.into_iter().map(GivenRoleRow::read).collect())
    }

    /// Whether this call gave it: an operator may have given it before.
    pub async fn give_role(
        &mut self,
        user: &UserId,
        role: &RoleName,
        now: Timestamp,
    ) -> Result<bool> {
        self.give(user, BY_OPERATOR, role, now).await
    }

    /// Whether this call took it. What a provider gave stays.
    pub async fn take_role(&mut self, user: &UserId, role: &RoleName) -> Result<bool> {
        self.take_from(user, BY_OPERATOR, role.as_str()).await
    }

    /// From now on exactly these are what the provider of this issuer gives, those among them that were suspended again too. Whether
    /// anything changed.
    pub async fn set_provider_roles(
        &mut self,
        user: &UserId,
        issuer: &str,
        roles: &BTreeSet<RoleName>,
        now: Timestamp,
    ) -> Result<bool> {
        // Two logins at a time set one after the other.
        self.hold_user(user).await?;
        let (tenant, id, most) = (&self.tenant, user.as_str(), most());
        let known = all!(self, GivenRoleRow, OF_SOURCE, tenant, id, issuer, most)?;
        let wanted: BTreeSet<&RoleName> = roles.iter().take(MAX_ROLES).collect();
        let mut changed = false;
        for row in known {
            if !wanted.iter().any(|role| role.as_str() == row.role) {
                changed |= self.take_from(user, issuer, &row.role).await?;
            }
        }
        let (tenant, id) = (&self.tenant, user.as_str());
        changed |= execute!(self, RESUME, tenant, id, issuer)? > 0;
        for role in wanted {
            changed |= self.give(user, issuer, role, now).await?;
        }
        Ok(changed)
    }

    /// What the provider of this issuer gave counts for nothing until it gives it again. Whether anything changed.
    pub async fn suspend_provider_roles(
        &mut self,
        user: &UserId,
        issuer: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (tenant, user, now) = (&self.tenant, user.as_str(), now.micros());
        Ok(execute!(self, SUSPEND, tenant, user, issuer, now)? > 0)
    }

    async fn give(
        &mut self,
        user: &UserId,
        source: &str,
        role: &RoleName,
        now: Timestamp,
    ) -> Result<bool> {
        let (tenant, user, now) = (&self.tenant, user.as_str(), now.micros());
        Ok(execute!(self, GIVE, tenant, user, source, role.as_str(), now)? == 1)
    }

    async fn take_from(&mut self, user: &UserId, source: &str, role: &str) -> Result<bool> {
        let (tenant, user) = (&self.tenant, user.as_str());
        Ok(execute!(self, TAKE, tenant, user, source, role)? == 1)
    }
}

impl GivenRoleRow {
    fn read(self) -> GivenRole {
        GivenRole {
            name: self.role,
            source: match self.source.as_str() {
                BY_OPERATOR => RoleSource::Operator,
                _ => RoleSource::Provider(self.source),
            },
            given_at: time(self.given_at),
            suspended_at: self.suspended_at.map(time),
        }
    }
}

/// Of one person from one source.
fn most() -> i64 {
    i64::try_from(MAX_ROLES).unwrap_or(i64::MAX)
}

/// The column of [`roles_of`]. A name that is none here gives nothing.
pub(crate) fn read(roles: Option<&str>) -> BTreeSet<RoleName> {
    let names = roles.unwrap_or_default().split_ascii_whitespace();
    names.filter_map(RoleName::parse).collect()
}
