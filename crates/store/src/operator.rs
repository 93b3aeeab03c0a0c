//! Operators: the office of a person, and the console that they opened in the browser of one of their sessions.

use writ_core::id::UserId;
use writ_core::operator::{ConsoleTimes, OperatorRole};
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;

/// A console whose session lives, of somebody who holds an office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsoleSession {
    /// As it is now.
    pub role: OperatorRole,
    pub times: ConsoleTimes,
}

row! { ConsoleRow {
    operator_role: Option<String>,
    console_since: Option<i64>,
    console_seen_at: Option<i64>,
} }

row! { CountRow { n: i64 } }

const SET_ROLE: &str = "
    UPDATE users SET operator_role = $3 WHERE tenant = $1 AND id = $2 AND removed_at IS NULL";

/// Row locks: changes nothing; whoever else takes an admin away waits until this transaction ends.
const HOLD_ADMINS: &str = "
    UPDATE users SET disabled_at = disabled_at WHERE tenant = $1 AND operator_role = $2";

const OTHER_ADMINS: &str = "
    SELECT COUNT(*) AS n FROM users
    WHERE tenant = $1 AND operator_role = $2 AND id <> $3 AND disabled_at IS NULL AND removed_at IS NULL";

const OPEN: &str = "
    UPDATE sessions SET console_digest = $3, console_since = $4, console_seen_at = $4
    WHERE tenant = $1 AND digest = $2 AND ended_at IS NULL AND expires_at > $4";

const FIND: &str = "
    SELECT u.operator_role, s.console_since, s.console_seen_at
    FROM sessions s JOIN users u ON u.tenant = s.tenant AND u.id = s.user_id
    WHERE s.tenant = $1 AND s.digest = $2 AND s.console_digest = $3
        AND s.ended_at IS NULL AND s.expires_at > $4
        AND u.disabled_at IS NULL AND u.removed_at IS NULL";

const SEEN: &str = "
    UPDATE sessions SET console_seen_at = $4
    WHERE tenant = $1 AND digest = $2 AND console_digest = $3 AND console_seen_at < $4
        AND ended_at IS NULL";

const CLOSE: &str = "
    UPDATE sessions SET console_digest = NULL, console_since = NULL, console_seen_at = NULL
    WHERE tenant = $1 AND digest = $2 AND console_digest IS NOT NULL";

const CLOSE_OF: &str = "
    UPDATE sessions SET console_digest = NULL, console_since = NULL, console_seen_at = NULL
    WHERE tenant = $1 AND user_id = $2 AND digest <> $3 AND console_digest IS NOT NULL";

impl DatabaseTransaction {
    /// Whether it was written: the person may be removed. Consoles that they have open are closed, whatever the office is from now on.
    pub async fn set_operator_role(
        &mut self,
        id: &UserId,
        role: Option<OperatorRole>,
    ) -> Result<bool> {
        let role = role.map(OperatorRole::as_str);
        if execute!(self, SET_ROLE, &self.tenant, id.as_str(), role)? == 0 {
            return Ok(false);
        }
        self.close_consoles_of(id, "").await?;
        Ok(true)
    }

    /// Closes every console of this person but that of the session with the digest `but`.
    pub(crate) async fn close_consoles_of(&mut self, id: &UserId, but: &str) -> Result<()> {
        execute!(self, CLOSE_OF, &self.tenant, id.as_str(), but)?;
        Ok(())
    }

    /// Whether somebody else is an admin who can come in, until the end of this transaction.
    pub async fn hold_another_admin(&mut self, than: &UserId) -> Result<bool> {
        let (tenant, admin) = (&self.tenant, OperatorRole::Admin.as_str());
        execute!(self, HOLD_ADMINS, tenant, admin)?;
        let row = optional!(self, CountRow, OTHER_ADMINS, tenant, admin, than.as_str())?;
        Ok(row.is_some_and(|row| row.n > 0))
    }

    /// Opens the console in the browser of this session, in place of one that is open there. `false`: the session has ended.
    pub async fn open_console(
        &mut self,
        session: &str,
        console: &str,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(execute!(self, OPEN, &self.tenant, session, console, now.micros())? == 1)
    }

    /// The console of this digest in the browser of this session. Whether it is still open, its times say.
    pub async fn console(
        &mut self,
        session: &str,
        console: &str,
        now: Timestamp,
    ) -> Result<Option<ConsoleSession>> {
        let (tenant, now) = (&self.tenant, now.micros());
        let row = optional!(self, ConsoleRow, FIND, tenant, session, console, now)?;
        Ok(row.and_then(ConsoleRow::read))
    }

    pub async fn note_console_used(
        &mut self,
        session: &str,
        console: &str,
        now: Timestamp,
    ) -> Result<()> {
        execute!(self, SEEN, &self.tenant, session, console, now.micros())?;
        Ok(())
    }

    /// Whether this call closed it.
    pub async fn close_console(&mut self, session: &str) -> Result<bool> {
        Ok(execute!(self, CLOSE, &self.tenant, session)? == 1)
    }
}

impl ConsoleRow {
    fn read(self) -> Option<ConsoleSession> {
        Some(ConsoleSession {
            role: OperatorRole::parse(&self.operator_role?)?,
            times: ConsoleTimes {
                since: time(self.console_since?),
                seen_at: time(self.console_seen_at?),
            },
        })
    }
}
