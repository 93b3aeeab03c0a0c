//! What a person has set for themselves: where to reach them, when not, and their code for CIBA (CIBA 7.1, `user_code`).

use writ_core::id::UserId;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::json::time;
use crate::store::Session;

/// One row of `person_settings`; the default is a person who has set nothing. Not printable, because of the hash.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings {
    pub email: Option<String>,
    /// Minutes of the person's day.
    pub quiet_from: Option<u16>,
    pub quiet_until: Option<u16>,
    /// Minutes east of UTC.
    pub offset_minutes: Option<i32>,
    pub user_code_hash: Option<String>,
    /// Wrong user codes since the last right one.
    pub user_code_failures: i64,
    pub user_code_paused_until: Option<Timestamp>,
}

row! { SettingsRow {
    email: Option<String>,
    quiet_from: Option<i64>,
    quiet_until: Option<i64>,
    offset_minutes: Option<i64>,
    user_code_hash: Option<String>,
    user_code_failures: i64,
    user_code_paused_until: Option<i64>,
} }

const FIND: &str = "
    SELECT email, quiet_from, quiet_until, offset_minutes, user_code_hash, user_code_failures,
        user_code_paused_until
    FROM person_settings WHERE tenant = $1 AND user_id = $2";

const SAVE: &str = "
    INSERT INTO person_settings (tenant, user_id, email, quiet_from, quiet_until, offset_minutes,
        user_code_failures, changed_at)
    VALUES ($1, $2, $3, $4, $5, $6, 0, $7)
    ON CONFLICT (tenant, user_id) DO UPDATE SET email = excluded.email,
        quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,
        offset_minutes = excluded.offset_minutes, changed_at = excluded.changed_at";

const SET_USER_CODE: &str = "
    INSERT INTO person_settings (tenant, user_id, user_code_hash, user_code_failures, changed_at)
    VALUES ($1, $2, $3, 0, $4)
    ON CONFLICT (tenant, user_id) DO UPDATE SET user_code_hash = excluded.user_code_hash,
        user_code_failures = 0, user_code_paused_until = NULL, changed_at = excluded.changed_at";

const FAILURE: &str = "
    UPDATE person_settings SET user_code_failures = user_code_failures + 1,
        user_code_paused_until = CASE WHEN user_code_failures + 1 >= $3
            THEN $4 ELSE user_code_paused_until END,
        changed_at = $5
    WHERE tenant = $1 AND user_id = $2";

const CLEAR: &str = "
    UPDATE person_settings SET user_code_failures = 0, user_code_paused_until = NULL
    WHERE tenant = $1 AND user_id = $2
        AND (user_code_failures > 0 OR user_code_paused_until IS NOT NULL)";

impl Session {
    pub async fn settings(&mut self, user: &UserId) -> Result<Option<Settings>> {
        let row = optional!(self, SettingsRow, FIND, &self.tenant, user.as_str())?;
        row.map(SettingsRow::read).transpose()
    }

    /// E-mail and quiet hours; the user code stays as it is.
    pub async fn save_settings(
        &mut self,
        user: &UserId,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<()> {
        execute!(
            self,
            SAVE,
            &self.tenant,
            user.as_str(),
            settings.email.as_deref(),
            settings.quiet_from.map(i64::from),
            settings.quiet_until.map(i64::from),
            settings.offset_minutes.map(i64::from),
            now.micros(),
        )?;
        Ok(())
    }

    /// A new one, or none; earlier failures are forgotten.
    pub async fn set_user_code(
        &mut self,
        user: &UserId,
        hash: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        let (user, now) = (user.as_str(), now.micros());
        execute!(self, SET_USER_CODE, &self.tenant, user, hash, now)?;
        Ok(())
    }

    /// Counts one wrong code; from the `most`th in a row on, each pauses it until `paused_until`.
    pub async fn record_user_code_failure(
        &mut self,
        user: &UserId,
        most: i64,
        paused_until: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let (user, until, now) = (user.as_str(), paused_until.micros(), now.micros());
        execute!(self, FAILURE, &self.tenant, user, most, until, now)?;
        Ok(())
    }

    pub async fn clear_user_code_failures(&mut self, user: &UserId) -> Result<()> {
        execute!(self, CLEAR, &self.tenant, user.as_str())?;
        Ok(())
    }
}

impl SettingsRow {
    fn read(self) -> Result<Settings> {
        Ok(Settings {
            email: self.email,
            quiet_from: minutes(self.quiet_from)?,
            quiet_until: minutes(self.quiet_until)?,
            offset_minutes: minutes(self.offset_minutes)?,
            user_code_hash: self.user_code_hash,
            user_code_failures: self.user_code_failures,
            user_code_paused_until: self.user_code_paused_until.map(time),
        })
    }
}

fn minutes<T: TryFrom<i64>>(count: Option<i64>) -> Result<Option<T>> {
    let read = |count| T::try_from(count).map_err(|_| StoreError::corrupt("`person_settings`"));
    count.map(read).transpose()
}
