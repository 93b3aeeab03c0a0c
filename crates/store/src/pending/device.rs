//! Bounds the user codes of the device flow that are open: each makes every other easier to guess (RFC 8628 section 5.1).

use writ_core::device::DEVICE_LIFETIME;
use writ_core::id::ClientId;
use writ_wire::time::Timestamp;

use super::open;
use crate::error::Result;
use crate::store::DatabaseTransaction;

/// $3 now, $4 how many stay: those that were asked for last. $5: whatever was asked for before has expired.
const END_OLDEST: &str = concat!(
    "UPDATE pending_requests SET expires_at = $3 WHERE tenant = $1 AND id IN
        (SELECT id FROM pending_requests
        WHERE tenant = $1 AND client_id = $2 AND kind = 'device' AND subject IS NULL AND expires_at > $3 AND created_at > $5 AND ",
    open!(),
    " ORDER BY created_at DESC, id DESC LIMIT 1000 OFFSET $4)"
);

impl DatabaseTransaction {
    /// Makes room for one more device request of this client: as many as are above `most` then expire, the oldest ones, of those that
    /// nobody has taken. Says how many.
    pub async fn end_oldest_devices(
        &mut self,
        client: &ClientId,
        most: u32,
        now: Timestamp,
    ) -> Result<u64> {
        let client = client.as_str();
        let stay = i64::from(most.saturating_sub(1));
        let since = now.minus(DEVICE_LIFETIME).micros();
        let tenant = &self.tenant;
        execute!(self, END_OLDEST, tenant, client, now.micros(), stay, since)
    }
}
