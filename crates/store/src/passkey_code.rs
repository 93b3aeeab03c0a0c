//! Codes by which people add a first passkey: one for each person, of which only a keyed digest is stored. Each try is counted before it is
//! compared, so that many at once are no more than those one after the other.

use std::time::Duration;

use writ_core::id::UserId;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::store::DatabaseTransaction;

/// Wrong codes after which the right one is refused too: of 20^8 codes, from however many browsers.
pub const MAX_CODE_FAILURES: i64 = 20;
/// Wrong ones of one browser before a pause. In the hour of a code one browser has eight.
pub const MAX_CODE_FAILURES_OF_BROWSER: i64 = 5;
/// After each further one.
pub const PASSKEY_CODE_PAUSE: Duration = Duration::from_secs(900);

/// One row of `passkey_codes`.
#[derive(Clone, Copy)]
pub struct NewPasskeyCode<'a> {
    pub user: &'a UserId,
    pub digest: &'a str,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

row! { CodeRow { digest: String } }

const PUT: &str = "
    INSERT INTO passkey_codes (tenant, user_id, digest, failures, created_at, expires_at)
    VALUES ($1, $2, $3, 0, $4, $5)
    ON CONFLICT (tenant, user_id) DO UPDATE SET digest = excluded.digest, failures = 0,
        created_at = excluded.created_at, expires_at = excluded.expires_at";

const TRY: &str = "
    UPDATE passkey_codes SET failures = failures + 1
    WHERE tenant = $1 AND user_id = $2 AND failures < $3 AND expires_at > $4
    RETURNING digest";

const FORGIVE: &str = "
    UPDATE passkey_codes SET failures = 0 WHERE tenant = $1 AND user_id = $2 AND digest = $3";

const CONSUME: &str = "
    DELETE FROM passkey_codes
    WHERE tenant = $1 AND user_id = $2 AND digest = $3 AND failures < $4 AND expires_at > $5";

const END: &str = "DELETE FROM passkey_codes WHERE tenant = $1 AND user_id = $2";

impl DatabaseTransaction {
    /// The one before it is worth nothing any more.
    pub async fn put_passkey_code(&mut self, new: NewPasskeyCode<'_>) -> Result<()> {
        execute!(
            self,
            PUT,
            &self.tenant,
            new.user.as_str(),
            new.digest,
            new.created_at.micros(),
            new.expires_at.micros(),
        )?;
        Ok(())
    }

    /// Counts a try, and gives the digest to compare; `None` where there is no code, or it was tried too often, or is too old.
    pub async fn try_passkey_code(
        &mut self,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Option<String>> {
        let (tenant, user, now) = (&self.tenant, user.as_str(), now.micros());
        let row = optional!(self, CodeRow, TRY, tenant, user, MAX_CODE_FAILURES, now)?;
        Ok(row.map(|row| row.digest))
    }

    /// The right one was typed: wrong ones before it no longer count. It is not used up.
    pub async fn forgive_passkey_code(&mut self, user: &UserId, digest: &str) -> Result<()> {
        execute!(self, FORGIVE, &self.tenant, user.as_str(), digest)?;
        Ok(())
    }

    /// The code of this person, if there is one, is worth nothing any more.
    pub async fn end_passkey_code(&mut self, user: &UserId) -> Result<()> {
        execute!(self, END, &self.tenant, user.as_str())?;
        Ok(())
    }

    /// Uses it up. Whether this call did it, and the code was still good.
    pub async fn consume_passkey_code(
        &mut self,
        user: &UserId,
        digest: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (tenant, user, now) = (&self.tenant, user.as_str(), now.micros());
        Ok(execute!(self, CONSUME, tenant, user, digest, MAX_CODE_FAILURES, now)? == 1)
    }
}
