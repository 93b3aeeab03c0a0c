//! Groups of accounts at OpenID providers: when they were read last, and the sealed refresh token by which they are read again.

use writ_core::id::UserId;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;
use crate::upstream_account::UpstreamSubject;

/// What a login or a later reading leaves. No `Debug`, because of the token.
#[derive(Clone, Copy)]
pub struct GroupsRead<'a> {
    /// `None`: that of before stays.
    pub sealed_token: Option<&'a str>,
    pub read_at: Timestamp,
    pub next_at: Timestamp,
}

/// One row of `upstream_groups`. No `Debug`, because of the token.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamGroups {
    pub issuer: String,
    pub subject: String,
    pub user: UserId,
    pub sealed_token: Option<String>,
    pub read_at: Timestamp,
    pub next_at: Timestamp,
}

impl UpstreamGroups {
    pub fn account(&self) -> UpstreamSubject<'_> {
        UpstreamSubject {
            issuer: &self.issuer,
            subject: &self.subject,
        }
    }
}

row! { GroupsRow {
    issuer: String,
    subject: String,
    user_id: String,
    sealed_token: Option<String>,
    read_at: i64,
    next_at: i64,
} }

row! { IssuerRow { issuer: String } }

const PUT: &str = "
    INSERT INTO upstream_groups (tenant, issuer, subject, user_id, sealed_token, read_at, next_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant, issuer, subject) DO UPDATE SET user_id = excluded.user_id,
        sealed_token = COALESCE(excluded.sealed_token, upstream_groups.sealed_token),
        read_at = excluded.read_at, next_at = excluded.next_at";

const NEXT_ISSUER: &str = "
    SELECT issuer FROM upstream_groups WHERE tenant = $1 AND issuer > $2
    ORDER BY issuer LIMIT 1";

const OLD: &str = "
    SELECT issuer, subject, user_id, sealed_token, read_at, next_at FROM upstream_groups
    WHERE tenant = $1 AND issuer = $2 AND read_at <= $3 ORDER BY read_at, subject LIMIT $4";

const DUE: &str = "
    SELECT issuer, subject, user_id, sealed_token, read_at, next_at FROM upstream_groups
    WHERE tenant = $1 AND issuer = $2 AND next_at <= $3 AND sealed_token IS NOT NULL
    ORDER BY next_at, subject LIMIT $4";

const PUT_OFF: &str = "
    UPDATE upstream_groups SET next_at = $5
    WHERE tenant = $1 AND issuer = $2 AND subject = $3 AND next_at = $4 AND sealed_token IS NOT NULL";

/// As it was seen: a login meanwhile has read them anew, or a logout taken the token.
const KEEP_TOKEN: &str = "
    UPDATE upstream_groups SET sealed_token = $6
    WHERE tenant = $1 AND issuer = $2 AND subject = $3 AND read_at = $4 AND next_at = $5
        AND sealed_token IS NOT NULL";

/// The same.
const RENEW: &str = "
    UPDATE upstream_groups SET read_at = $6, next_at = $7
    WHERE tenant = $1 AND issuer = $2 AND subject = $3 AND read_at = $4 AND next_at = $5
        AND sealed_token IS NOT NULL";

/// The same.
const REMOVE: &str = "
    DELETE FROM upstream_groups
    WHERE tenant = $1 AND issuer = $2 AND subject = $3 AND read_at = $4 AND next_at = $5";

const REMOVE_OF: &str = "
    DELETE FROM upstream_groups WHERE tenant = $1 AND user_id = $2 AND issuer = $3";

const REMOVE_ALL_OF: &str = "
    DELETE FROM upstream_groups WHERE tenant = $1 AND user_id = $2";

const FORGET_TOKENS: &str = "
    UPDATE upstream_groups SET sealed_token = NULL
    WHERE tenant = $1 AND user_id = $2 AND issuer = $3 AND sealed_token IS NOT NULL";

impl DatabaseTransaction {
    pub async fn put_upstream_groups(
        &mut self,
        account: UpstreamSubject<'_>,
        user: &UserId,
        read: GroupsRead<'_>,
    ) -> Result<()> {
        let UpstreamSubject { issuer, subject } = account;
        let (read_at, next_at) = (read.read_at.micros(), read.next_at.micros());
        execute!(
            self,
            PUT,
            &self.tenant,
            issuer,
            subject,
            user.as_str(),
            read.sealed_token,
            read_at,
            next_at,
        )?;
        Ok(())
    }

    /// The issuer of a row that comes after this one; the first is after the empty text.
    pub async fn next_issuer_of_groups(&mut self, after: &str) -> Result<Option<String>> {
        let row = optional!(self, IssuerRow, NEXT_ISSUER, &self.tenant, after)?;
        Ok(row.map(|row| row.issuer))
    }

    /// Those of this provider that were read then or earlier, the oldest first.
    pub async fn upstream_groups_of_before(
        &mut self,
        issuer: &str,
        before: Timestamp,
        most: u32,
    ) -> Result<Vec<UpstreamGroups>> {
        let (tenant, before, most) = (&self.tenant, before.micros(), i64::from(most));
        let rows = all!(self, GroupsRow, OLD, tenant, issuer, before, most)?;
        Ok(rows.into_iter().map(GroupsRow::read).collect())
    }

    /// Those of this provider that are to be read again now and can be.
    pub async fn due_upstream_groups(
        &mut self,
        issuer: &str,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<UpstreamGroups>> {
        let (tenant, now, most) = (&self.tenant, now.micros(), i64::from(most));
        let rows = all!(self, GroupsRow, DUE, tenant, issuer, now, most)?;
        Ok(rows.into_iter().map(GroupsRow::read).collect())
    }

    /// Whether this call did: another node, or a login, may have been first.
    pub async fn put_off_upstream_groups(
        &mut self,
        groups: &UpstreamGroups,
        until: Timestamp,
    ) -> Result<bool> {
        let (seen, until) = (groups.next_at.micros(), until.micros());
        let (issuer, subject) = (groups.issuer.as_str(), groups.subject.as_str());
        let put_off = execute!(self, PUT_OFF, &self.tenant, issuer, subject, seen, until)?;
        Ok(put_off == 1)
    }

    /// Whether this call did: a login may have read them meanwhile, or a logout taken the token.
    pub async fn keep_upstream_token(
        &mut self,
        groups: &UpstreamGroups,
        sealed: &str,
    ) -> Result<bool> {
        let kept = execute!(
            self,
            KEEP_TOKEN,
            &self.tenant,
            groups.issuer.as_str(),
            groups.subject.as_str(),
            groups.read_at.micros(),
            groups.next_at.micros(),
            sealed,
        )?;
        Ok(kept == 1)
    }

    /// Whether this call did, likewise.
    pub async fn renew_upstream_groups(
        &mut self,
        groups: &UpstreamGroups,
        read_at: Timestamp,
        next_at: Timestamp,
    ) -> Result<bool> {
        let renewed = execute!(
            self,
            RENEW,
            &self.tenant,
            groups.issuer.as_str(),
            groups.subject.as_str(),
            groups.read_at.micros(),
            groups.next_at.micros(),
            read_at.micros(),
            next_at.micros(),
        )?;
        Ok(renewed == 1)
    }

    /// Whether this call did: a login may have read them meanwhile.
    pub async fn remove_upstream_groups(&mut self, groups: &UpstreamGroups) -> Result<bool> {
        let (read_at, next_at) = (groups.read_at.micros(), groups.next_at.micros());
        let (issuer, subject) = (groups.issuer.as_str(), groups.subject.as_str());
        let tenant = &self.tenant;
        Ok(execute!(self, REMOVE, tenant, issuer, subject, read_at, next_at)? == 1)
    }

    /// Of this person at this provider.
    pub async fn remove_upstream_groups_of(&mut self, user: &UserId, issuer: &str) -> Result<()> {
        execute!(self, REMOVE_OF, &self.tenant, user.as_str(), issuer)?;
        Ok(())
    }

    pub async fn remove_all_upstream_groups_of(&mut self, user: &UserId) -> Result<()> {
        execute!(self, REMOVE_ALL_OF, &self.tenant, user.as_str())?;
        Ok(())
    }

    /// From now on their groups at this provider are read at a login alone.
    pub async fn forget_upstream_tokens(&mut self, user: &UserId, issuer: &str) -> Result<()> {
        execute!(self, FORGET_TOKENS, &self.tenant, user.as_str(), issuer)?;
        Ok(())
    }
}

impl GroupsRow {
    fn read(self) -> UpstreamGroups {
        UpstreamGroups {
            issuer: self.issuer,
            subject: self.subject,
            user: UserId::from_text(self.user_id),
            sealed_token: self.sealed_token,
            read_at: time(self.read_at),
            next_at: time(self.next_at),
        }
    }
}
