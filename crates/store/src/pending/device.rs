//! Counts the user codes of the device flow that are open: each makes every other easier to guess (RFC 8628 section 5.1).

use writ_core::id::ClientId;
use writ_wire::time::Timestamp;

use super::open;
use crate::error::{Result, StoreError};
use crate::store::DatabaseTransaction;

row! { CountRow { waiting: i64 } }

const WAITING: &str = concat!(
    "SELECT COUNT(*) AS waiting FROM pending_requests
    WHERE tenant = $1 AND client_id = $2 AND kind = 'device' AND subject IS NULL AND expires_at > $3 AND ",
    open!()
);

impl DatabaseTransaction {
    /// Device requests of this client that nobody has taken.
    pub async fn waiting_devices(&mut self, client: &ClientId, now: Timestamp) -> Result<u64> {
        let (client, now) = (client.as_str(), now.micros());
        let row = optional!(self, CountRow, WAITING, &self.tenant, client, now)?;
        let waiting = row.map_or(0, |row| row.waiting);
        u64::try_from(waiting).map_err(|_| StoreError::corrupt("`pending_requests`: a count"))
    }
}
