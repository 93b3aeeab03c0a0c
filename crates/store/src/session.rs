//! User sessions; of the cookie's secret only a digest is stored.

use writ_authority::Level;
use writ_core::authorize::{self, OpenedBy, Reads};
use writ_core::client::User;
use writ_core::id::UserId;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::{self, time};
use crate::role::{self, roles_of};
use crate::store::DatabaseTransaction;

/// One row of `sessions`.
#[derive(Clone, Copy)]
pub struct NewUserSession<'a> {
    pub digest: &'a str,
    pub user: &'a UserId,
    pub authenticated_at: Timestamp,
    pub level: Level,
    pub opened_by: OpenedBy,
    /// Digest of the request in whose interaction the password was given.
    pub for_request: Option<&'a str>,
    pub expires_at: Timestamp,
    /// What the browser said of itself, and from where.
    pub user_agent: Option<&'a str>,
    pub address: Option<&'a str>,
    /// The provider that opened it.
    pub upstream: Option<UpstreamSession<'a>>,
}

/// A session at an OpenID provider, by which one here was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamSession<'a> {
    pub issuer: &'a str,
    /// Its name there (OpenID Connect Back-Channel Logout section 2.1), if the provider gives one.
    pub sid: Option<&'a str>,
}

/// One of a person's sessions, as they tell it from their others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSession {
    pub digest: String,
    pub authenticated_at: Timestamp,
    pub opened_by: OpenedBy,
    pub user_agent: Option<String>,
    pub address: Option<String>,
    /// The issuer of the provider that opened it.
    pub upstream: Option<String>,
}

row! { ListedSessionRow {
    digest: String,
    authenticated_at: i64,
    method: Option<String>,
    opened_by: Option<String>,
    user_agent: Option<String>,
    address: Option<String>,
    upstream_issuer: Option<String>,
} }

row! { SessionUpstreamRow { upstream_issuer: Option<String> } }

row! { SessionRow {
    user_id: String,
    name: String,
    disabled_at: Option<i64>,
    authenticated_at: i64,
    for_request: Option<String>,
    method: Option<String>,
    opened_by: Option<String>,
    others_ended_at: Option<i64>,
    time_zone: Option<String>,
    language: Option<String>,
    roles: Option<String>,
} }

row! { EndedAtRow { others_ended_at: Option<i64> } }

const METHOD: &str = "`sessions.method`";
const OPENED_BY: &str = "`sessions.opened_by`";

const INSERT: &str = "
    INSERT INTO sessions (tenant, digest, user_id, authenticated_at, for_request, expires_at, method,
        user_agent, address, opened_by, upstream_issuer, upstream_sid)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const OF_PERSON: &str = "
    SELECT digest, authenticated_at, method, opened_by, user_agent, address, upstream_issuer FROM sessions
    WHERE tenant = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3
    ORDER BY authenticated_at DESC, digest LIMIT $4";

const FIND: &str = concat!(
    "
    SELECT s.user_id, u.name, u.disabled_at, s.authenticated_at, s.for_request,
        s.method, s.opened_by, u.others_ended_at, p.time_zone, p.language, ",
    roles_of!("s.user_id"),
    "
    FROM sessions s JOIN users u ON u.tenant = s.tenant AND u.id = s.user_id
        LEFT JOIN person_settings p ON p.tenant = s.tenant AND p.user_id = s.user_id
    WHERE s.tenant = $1 AND s.digest = $2 AND s.ended_at IS NULL AND s.expires_at > $3"
);

const END: &str = "
    UPDATE sessions SET ended_at = $3 WHERE tenant = $1 AND digest = $2 AND ended_at IS NULL";

const UPSTREAM: &str = "
    SELECT upstream_issuer FROM sessions
    WHERE tenant = $1 AND digest = $2 AND ended_at IS NULL AND expires_at > $3";

/// A session says that it was opened by a passkey, not by which one.
const END_BY_PASSKEY: &str = "
    UPDATE sessions SET ended_at = $5
    WHERE tenant = $1 AND user_id = $2 AND method = $3 AND digest <> $4 AND ended_at IS NULL";

const END_SESSIONS: &str = "
    UPDATE sessions SET ended_at = $3 WHERE tenant = $1 AND user_id = $2 AND ended_at IS NULL";

const END_OTHER_SESSIONS: &str = "
    UPDATE sessions SET ended_at = $4
    WHERE tenant = $1 AND user_id = $2 AND digest <> $3 AND ended_at IS NULL";

const OTHERS_ENDED: &str = "
    UPDATE users SET others_ended_at = $3 WHERE tenant = $1 AND id = $2";

const OTHERS_ENDED_AT: &str = "
    SELECT others_ended_at FROM users WHERE tenant = $1 AND id = $2";

impl DatabaseTransaction {
    /// Ends every login of this user; says how many.
    pub async fn end_sessions_of(&mut self, id: &UserId, now: Timestamp) -> Result<u64> {
        self.note_others_ended(id, now).await?;
        execute!(self, END_SESSIONS, &self.tenant, id.as_str(), now.micros())
    }

    /// What waited for this person to sign in is over with their sessions.
    async fn note_others_ended(&mut self, id: &UserId, now: Timestamp) -> Result<()> {
        execute!(self, OTHERS_ENDED, &self.tenant, id.as_str(), now.micros())?;
        Ok(())
    }

    /// When all sessions of this person were last ended, or all but one.
    pub async fn others_ended_at(&mut self, id: &UserId) -> Result<Option<Timestamp>> {
        let row = optional!(self, EndedAtRow, OTHERS_ENDED_AT, &self.tenant, id.as_str())?;
        Ok(row.and_then(|row| row.others_ended_at).map(time))
    }

    /// The same but for the one with this digest.
    pub async fn end_other_sessions(
        &mut self,
        id: &UserId,
        but: &str,
        now: Timestamp,
    ) -> Result<u64> {
        self.note_others_ended(id, now).await?;
        let (tenant, user) = (&self.tenant, id.as_str());
        execute!(self, END_OTHER_SESSIONS, tenant, user, but, now.micros())
    }

    pub async fn insert_session(&mut self, new: NewUserSession<'_>) -> Result<()> {
        execute!(
            self,
            INSERT,
            &self.tenant,
            new.digest,
            new.user.as_str(),
            new.authenticated_at.micros(),
            new.for_request,
            new.expires_at.micros(),
            json::write(&new.level, METHOD)?,
            new.user_agent,
            new.address,
            json::write(&new.opened_by, OPENED_BY)?,
            new.upstream.map(|upstream| upstream.issuer),
            new.upstream.and_then(|upstream| upstream.sid),
        )?;
        Ok(())
    }

    /// Those of this person that are neither ended nor expired, the newest first.
    pub async fn sessions_of(
        &mut self,
        person: &UserId,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<ListedSession>> {
        let (person, now, most) = (person.as_str(), now.micros(), i64::from(most));
        let rows = all!(
            self,
            ListedSessionRow,
            OF_PERSON,
            &self.tenant,
            person,
            now,
            most
        )?;
        let listed = rows.into_iter().map(|row| {
            Ok(ListedSession {
                opened_by: opened_by(row.opened_by.as_deref(), level(row.method.as_deref())?)?,
                digest: row.digest,
                authenticated_at: time(row.authenticated_at),
                user_agent: row.user_agent,
                address: row.address,
                upstream: row.upstream_issuer,
            })
        });
        listed.collect()
    }

    /// One that is neither ended nor expired; the person may be disabled.
    pub async fn session(
        &mut self,
        digest: &str,
        now: Timestamp,
    ) -> Result<Option<authorize::UserSession>> {
        let row = optional!(self, SessionRow, FIND, &self.tenant, digest, now.micros())?;
        row.map(SessionRow::read).transpose()
    }

    /// The issuer of the provider that opened it, if one did and it lives.
    pub async fn session_upstream(
        &mut self,
        digest: &str,
        now: Timestamp,
    ) -> Result<Option<String>> {
        let (tenant, now) = (&self.tenant, now.micros());
        let row = optional!(self, SessionUpstreamRow, UPSTREAM, tenant, digest, now)?;
        Ok(row.and_then(|row| row.upstream_issuer))
    }

    /// Locks the row of the session's person until the end of this transaction, and says whether the session still lives: what ends a
    /// person's sessions changes that row too, so it comes wholly before this transaction or after it.
    pub async fn hold_session(
        &mut self,
        person: &UserId,
        digest: &str,
        now: Timestamp,
    ) -> Result<bool> {
        self.hold_user(person).await?;
        let found = self.session(digest, now).await?;
        Ok(found.is_some_and(|session| session.user.id == *person && !session.user.disabled))
    }

    /// Whether this call ended it.
    pub async fn end_session(&mut self, digest: &str, now: Timestamp) -> Result<bool> {
        Ok(execute!(self, END, &self.tenant, digest, now.micros())? == 1)
    }

    /// Ends every session of this person that a passkey opened, except the one with the digest `but`, and closes every console, which a
    /// passkey opens in whatever session; returns how many sessions.
    pub async fn end_passkey_sessions(
        &mut self,
        user: &UserId,
        but: &str,
        now: Timestamp,
    ) -> Result<u64> {
        self.close_consoles_of(user, but).await?;
        let method = json::write(&Level::Passkey, METHOD)?;
        let (tenant, user, now) = (&self.tenant, user.as_str(), now.micros());
        execute!(self, END_BY_PASSKEY, tenant, user, method, but, now)
    }
}

/// Rows without a method are from a version that knew passwords only.
fn level(method: Option<&str>) -> Result<Level> {
    match method {
        Some(text) => json::read(text, METHOD),
        None => Ok(Level::Password),
    }
}

/// Rows that do not say it are from a version that kept the level alone.
fn opened_by(text: Option<&str>, level: Level) -> Result<OpenedBy> {
    match (text, level) {
        (Some(text), _) => json::read(text, OPENED_BY),
        (None, Level::None | Level::Password) => Ok(OpenedBy::Password),
        (None, Level::Passkey | Level::Liveness) => Ok(OpenedBy::Passkey),
    }
}

impl SessionRow {
    fn read(self) -> Result<authorize::UserSession> {
        let level = level(self.method.as_deref())?;
        Ok(authorize::UserSession {
            opened_by: opened_by(self.opened_by.as_deref(), level)?,
            others_ended_at: self.others_ended_at.map(time),
            level,
            user: User {
                id: UserId::from_text(self.user_id),
                name: self.name,
                disabled: self.disabled_at.is_some(),
                roles: role::read(self.roles.as_deref()),
            },
            authenticated_at: time(self.authenticated_at),
            for_request: self.for_request,
            reads: Reads {
                time_zone: self.time_zone,
                language: self.language,
            },
        })
    }
}
