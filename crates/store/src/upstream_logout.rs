//! Who signed out at an OpenID provider a moment ago, for sign-ins that were under way then: each is for some minutes alone. A sign-in and a
//! logout of the same person, or of the same session there, write the same row, so that one comes wholly before the other.

use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;

row! { LoggedOutRow { logged_out_at: Option<i64> } }

/// Sign-ins live as long as each other, so the last row written is the one that is needed longest.
const NOTE: &str = "
    INSERT INTO upstream_logouts (tenant, digest, logged_out_at, expires_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant, digest) DO UPDATE SET logged_out_at = excluded.logged_out_at,
        expires_at = excluded.expires_at";

const HOLD: &str = "
    INSERT INTO upstream_logouts (tenant, digest, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT (tenant, digest) DO UPDATE SET expires_at = excluded.expires_at
    RETURNING logged_out_at";

impl DatabaseTransaction {
    /// The digest names a provider and whom, or which session there.
    pub async fn note_upstream_logout(
        &mut self,
        digest: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<()> {
        let (now, expires_at) = (now.micros(), expires_at.micros());
        execute!(self, NOTE, &self.tenant, digest, now, expires_at)?;
        Ok(())
    }

    /// When that was; what comes at the same time waits for the end of this transaction.
    pub async fn hold_upstream_logout(
        &mut self,
        digest: &str,
        expires_at: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let (tenant, expires_at) = (&self.tenant, expires_at.micros());
        let row = optional!(self, LoggedOutRow, HOLD, tenant, digest, expires_at)?;
        Ok(row.and_then(|row| row.logged_out_at).map(time))
    }
}
