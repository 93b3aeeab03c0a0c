//! Accounts of people at OpenID providers, found by issuer and subject alone (OpenID Connect Core section 5.7), and the sessions that a
//! provider opened.

use writ_core::id::UserId;
use writ_core::upstream::AccountOrigin;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::json::time;
use crate::store::DatabaseTransaction;

/// The most accounts of one person that are listed.
pub const MAX_UPSTREAM_ACCOUNTS: usize = 20;

/// An account at a provider: its `iss` and `sub`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamSubject<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
}

/// Whose it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamAccount {
    pub issuer: String,
    pub subject: String,
    pub user: UserId,
    pub origin: AccountOrigin,
    pub linked_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
}

/// Of the sessions that a provider opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedSessions {
    All,
    /// Those for which the provider gave no `sid`.
    Unnamed,
}

row! { UpstreamAccountRow {
    issuer: String,
    subject: String,
    user_id: String,
    origin: String,
    linked_at: i64,
    last_login_at: Option<i64>,
} }

row! { IdTokenRow { upstream_id_token: Option<String> } }

row! { EndedRow { user_id: String } }

const INSERT: &str = "
    INSERT INTO upstream_accounts (tenant, issuer, subject, user_id, origin, linked_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING";

const FIND: &str = "
    SELECT issuer, subject, user_id, origin, linked_at, last_login_at FROM upstream_accounts
    WHERE tenant = $1 AND issuer = $2 AND subject = $3";

const OF_PERSON: &str = "
    SELECT issuer, subject, user_id, origin, linked_at, last_login_at FROM upstream_accounts
    WHERE tenant = $1 AND user_id = $2 ORDER BY issuer, subject LIMIT $3";

/// Whose it still is.
const USE: &str = "
    UPDATE upstream_accounts SET last_login_at = $5
    WHERE tenant = $1 AND issuer = $2 AND subject = $3 AND user_id = $4";

/// What is not who they are here.
const REMOVE_LINKS: &str = "
    DELETE FROM upstream_accounts WHERE tenant = $1 AND user_id = $2 AND issuer = $3 AND origin = $4";

const REMOVE_ALL_LINKS: &str = "
    DELETE FROM upstream_accounts WHERE tenant = $1 AND user_id = $2 AND origin = $3";

const KEEP_ID_TOKEN: &str = "
    UPDATE sessions SET upstream_id_token = $3 WHERE tenant = $1 AND digest = $2";

const ID_TOKEN: &str = "
    SELECT upstream_id_token FROM sessions WHERE tenant = $1 AND digest = $2";

const END_SESSIONS: &str = "
    UPDATE sessions SET ended_at = $4
    WHERE tenant = $1 AND user_id = $2 AND upstream_issuer = $3 AND ended_at IS NULL
    RETURNING user_id";

/// Those of which the provider gave no name.
const END_UNNAMED_SESSIONS: &str = "
    UPDATE sessions SET ended_at = $4
    WHERE tenant = $1 AND user_id = $2 AND upstream_issuer = $3 AND upstream_sid IS NULL AND ended_at IS NULL
    RETURNING user_id";

const ENDED_SINCE: &str = "
    SELECT user_id FROM sessions
    WHERE tenant = $1 AND user_id = $2 AND upstream_issuer = $3 AND ended_at > $4 LIMIT 1";

const END_SESSIONS_OF_SID: &str = "
    UPDATE sessions SET ended_at = $4
    WHERE tenant = $1 AND upstream_issuer = $2 AND upstream_sid = $3 AND ended_at IS NULL
    RETURNING user_id";

impl DatabaseTransaction {
    /// Whether it was written: the account may be somebody's already.
    pub async fn insert_upstream_account(
        &mut self,
        account: UpstreamSubject<'_>,
        user: &UserId,
        origin: AccountOrigin,
        now: Timestamp,
    ) -> Result<bool> {
        let written = execute!(
            self,
            INSERT,
            &self.tenant,
            account.issuer,
            account.subject,
            user.as_str(),
            origin.as_str(),
            now.micros(),
        )?;
        Ok(written == 1)
    }

    pub async fn upstream_account(
        &mut self,
        account: UpstreamSubject<'_>,
    ) -> Result<Option<UpstreamAccount>> {
        let UpstreamSubject { issuer, subject } = account;
        let row = optional!(
            self,
            UpstreamAccountRow,
            FIND,
            &self.tenant,
            issuer,
            subject
        )?;
        row.map(UpstreamAccountRow::read).transpose()
    }

    pub async fn upstream_accounts_of(&mut self, user: &UserId) -> Result<Vec<UpstreamAccount>> {
        let most = i64::try_from(MAX_UPSTREAM_ACCOUNTS).unwrap_or(i64::MAX);
        let rows = all!(
            self,
            UpstreamAccountRow,
            OF_PERSON,
            &self.tenant,
            user.as_str(),
            most
        )?;
        rows.into_iter().map(UpstreamAccountRow::read).collect()
    }

    /// Notes a login. Whether the account is still this person's.
    pub async fn use_upstream_account(
        &mut self,
        account: UpstreamSubject<'_>,
        user: &UserId,
        now: Timestamp,
    ) -> Result<bool> {
        let UpstreamSubject { issuer, subject } = account;
        let (user, now) = (user.as_str(), now.micros());
        Ok(execute!(self, USE, &self.tenant, issuer, subject, user, now)? == 1)
    }

    /// Removes what this person linked at this provider, not the account by which they came; says how many there were.
    pub async fn remove_upstream_links(&mut self, user: &UserId, issuer: &str) -> Result<u64> {
        let (user, link) = (user.as_str(), AccountOrigin::Link.as_str());
        execute!(self, REMOVE_LINKS, &self.tenant, user, issuer, link)
    }

    /// The same at every provider.
    pub async fn remove_all_upstream_links(&mut self, user: &UserId) -> Result<u64> {
        let (user, link) = (user.as_str(), AccountOrigin::Link.as_str());
        execute!(self, REMOVE_ALL_LINKS, &self.tenant, user, link)
    }

    /// The sealed ID token that opened this session.
    pub async fn keep_session_id_token(&mut self, digest: &str, sealed: &str) -> Result<()> {
        execute!(self, KEEP_ID_TOKEN, &self.tenant, digest, sealed)?;
        Ok(())
    }

    pub async fn session_id_token(&mut self, digest: &str) -> Result<Option<String>> {
        let row = optional!(self, IdTokenRow, ID_TOKEN, &self.tenant, digest)?;
        Ok(row.and_then(|row| row.upstream_id_token))
    }

    /// Ends sessions of this person that the provider opened; whose they were, each.
    pub async fn end_upstream_sessions(
        &mut self,
        user: &UserId,
        issuer: &str,
        which: EndedSessions,
        now: Timestamp,
    ) -> Result<Vec<UserId>> {
        let (user, now) = (user.as_str(), now.micros());
        let query = match which {
            EndedSessions::All => END_SESSIONS,
            EndedSessions::Unnamed => END_UNNAMED_SESSIONS,
        };
        let rows = all!(self, EndedRow, query, &self.tenant, user, issuer, now)?;
        Ok(rows.into_iter().map(EndedRow::user).collect())
    }

    /// Whether a session of this person that the provider opened was ended after this time.
    pub async fn upstream_session_ended_since(
        &mut self,
        user: &UserId,
        issuer: &str,
        since: Timestamp,
    ) -> Result<bool> {
        let (user, since) = (user.as_str(), since.micros());
        let row = optional!(
            self,
            EndedRow,
            ENDED_SINCE,
            &self.tenant,
            user,
            issuer,
            since
        )?;
        Ok(row.is_some())
    }

    /// Ends the sessions that belong to one session at the provider; whose they were, each.
    pub async fn end_upstream_sid(
        &mut self,
        issuer: &str,
        sid: &str,
        now: Timestamp,
    ) -> Result<Vec<UserId>> {
        let now = now.micros();
        let rows = all!(
            self,
            EndedRow,
            END_SESSIONS_OF_SID,
            &self.tenant,
            issuer,
            sid,
            now
        )?;
        Ok(rows.into_iter().map(EndedRow::user).collect())
    }
}

impl EndedRow {
    fn user(self) -> UserId {
        UserId::from_text(self.user_id)
    }
}

impl UpstreamAccountRow {
    fn read(self) -> Result<UpstreamAccount> {
        let mut origins = AccountOrigin::ALL.into_iter();
        let origin = origins.find(|origin| origin.as_str() == self.origin);
        Ok(UpstreamAccount {
            issuer: self.issuer,
            subject: self.subject,
            user: UserId::from_text(self.user_id),
            origin: origin.ok_or_else(|| StoreError::corrupt("`upstream_accounts.origin`"))?,
            linked_at: time(self.linked_at),
            last_login_at: self.last_login_at.map(time),
        })
    }
}
