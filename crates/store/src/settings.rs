//! Settings of a person: e-mail, quiet hours, time zone, language, and the `user_code` for CIBA (CIBA section 7.1).

use writ_core::id::UserId;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::store::DatabaseTransaction;

/// One row of `person_settings`; the default is a person who has set nothing. Not printable, because of the hash.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PersonSettings {
    pub email: Option<String>,
    /// Minutes of the person's day.
    pub quiet_from: Option<u16>,
    pub quiet_until: Option<u16>,
    /// Minutes east of UTC; counts where there is no zone.
    pub offset_minutes: Option<i32>,
    /// Name of a zone (IANA).
    pub time_zone: Option<String>,
    /// Tag of the language of the last page that they used.
    pub language: Option<String>,
    pub user_code_hash: Option<String>,
}

row! { SettingsRow {
    email: Option<String>,
    quiet_from: Option<i64>,
    quiet_until: Option<i64>,
    offset_minutes: Option<i64>,
    time_zone: Option<String>,
    language: Option<String>,
    user_code_hash: Option<String>,
} }

const FIND: &str = "
    SELECT email, quiet_from, quiet_until, offset_minutes, time_zone, language, user_code_hash
    FROM person_settings WHERE tenant = $1 AND user_id = $2";

// Wrong codes are counted in `attempts`; `user_code_failures` and `user_code_paused_until` are of older nodes.
const SAVE: &str = "
    INSERT INTO person_settings (tenant, user_id, email, quiet_from, quiet_until, offset_minutes,
        time_zone, user_code_failures, changed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)
    ON CONFLICT (tenant, user_id) DO UPDATE SET email = excluded.email,
        quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,
        offset_minutes = excluded.offset_minutes, time_zone = excluded.time_zone,
        changed_at = excluded.changed_at";

const SET_LANGUAGE: &str = "
    INSERT INTO person_settings (tenant, user_id, language, user_code_failures, changed_at)
    VALUES ($1, $2, $3, 0, $4)
    ON CONFLICT (tenant, user_id) DO UPDATE SET language = excluded.language,
        changed_at = excluded.changed_at";

const SET_USER_CODE: &str = "
    INSERT INTO person_settings (tenant, user_id, user_code_hash, user_code_failures, changed_at)
    VALUES ($1, $2, $3, 0, $4)
    ON CONFLICT (tenant, user_id) DO UPDATE SET user_code_hash = excluded.user_code_hash,
        user_code_failures = 0, user_code_paused_until = NULL, changed_at = excluded.changed_at";

impl DatabaseTransaction {
    pub async fn settings(&mut self, user: &UserId) -> Result<Option<PersonSettings>> {
        let row = optional!(self, SettingsRow, FIND, &self.tenant, user.as_str())?;
        row.map(SettingsRow::read).transpose()
    }

    /// E-mail, quiet hours and zone; language and user code stay as they are.
    pub async fn save_settings(
        &mut self,
        user: &UserId,
        settings: &PersonSettings,
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
            settings.time_zone.as_deref(),
            now.micros(),
        )?;
        Ok(())
    }

    pub async fn set_language(
        &mut self,
        user: &UserId,
        language: &str,
        now: Timestamp,
    ) -> Result<()> {
        let (user, now) = (user.as_str(), now.micros());
        execute!(self, SET_LANGUAGE, &self.tenant, user, language, now)?;
        Ok(())
    }

    /// A new one, or none.
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
}

impl SettingsRow {
    fn read(self) -> Result<PersonSettings> {
        Ok(PersonSettings {
            email: self.email,
            quiet_from: minutes(self.quiet_from)?,
            quiet_until: minutes(self.quiet_until)?,
            offset_minutes: minutes(self.offset_minutes)?,
            time_zone: self.time_zone,
            language: self.language,
            user_code_hash: self.user_code_hash,
        })
    }
}

fn minutes<T: TryFrom<i64>>(count: Option<i64>) -> Result<Option<T>> {
    let read = |count| T::try_from(count).map_err(|_| StoreError::corrupt("`person_settings`"));
    count.map(read).transpose()
}
