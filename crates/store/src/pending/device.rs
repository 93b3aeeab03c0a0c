//! Bounds the user codes of the device flow that are open: each makes every other easier to guess (RFC 8628 section 5.1).

use serde::Deserialize;
use writ_core::device::DEVICE_LIFETIME;
use writ_core::id::{ApprovalId, ClientId};
use writ_wire::time::Timestamp;

use super::{ASKED, open};
use crate::error::Result;
use crate::json;
use crate::store::DatabaseTransaction;

/// A code that nobody has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingDevice {
    pub id: ApprovalId,
    /// From where it was asked for, as far as that is known.
    pub address: Option<String>,
}

/// Of `asked`: what a request is about may be long, and is not wanted here.
#[derive(Deserialize)]
struct AskedFrom {
    address: Option<String>,
}

row! { WaitingRow { id: String, asked: String, created_at: i64 } }

row! { WaitingIdRow { id: String } }

/// Those of client $2 that nobody has taken, at $3. Since $4: whatever was asked for before has expired.
macro_rules! waiting {
    () => {
        concat!(
            " FROM pending_requests WHERE tenant = $1 AND client_id = $2 AND kind = 'device'
                AND subject IS NULL AND expires_at > $3 AND created_at >= $4 AND ",
            open!()
        )
    };
}

/// The one that so many others are newer than.
const FULL: &str = concat!(
    "SELECT id",
    waiting!(),
    " ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $5"
);

/// After the one of $4 and $5.
const WAITING: &str = concat!(
    "SELECT id, asked, created_at",
    waiting!(),
    " AND (created_at > $4 OR id > $5) ORDER BY created_at, id LIMIT $6"
);

const END: &str = "
    UPDATE pending_requests SET expires_at = $3 WHERE tenant = $1 AND id = $2 AND subject IS NULL";

/// Rows read at once, each with all that was asked for.
const PAGE: i64 = 64;

impl DatabaseTransaction {
    /// Whether so many device requests of this client wait that nobody has taken.
    pub async fn waits_for_devices(
        &mut self,
        client: &ClientId,
        most: u32,
        now: Timestamp,
    ) -> Result<bool> {
        let (client, skip) = (client.as_str(), i64::from(most.saturating_sub(1)));
        let since = now.minus(DEVICE_LIFETIME).micros();
        let tenant = &self.tenant;
        let row = optional!(
            self,
            WaitingIdRow,
            FULL,
            tenant,
            client,
            now.micros(),
            since,
            skip
        )?;
        Ok(row.is_some_and(|row| !row.id.is_empty()))
    }

    /// Those that wait, oldest first; `most` of them.
    pub async fn waiting_devices(
        &mut self,
        client: &ClientId,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<WaitingDevice>> {
        let client = client.as_str();
        let mut after = now.minus(DEVICE_LIFETIME).micros();
        let mut id = String::new();
        let mut waiting = Vec::new();
        while waiting.len() < most {
            let rows = all!(
                self,
                WaitingRow,
                WAITING,
                &self.tenant,
                client,
                now.micros(),
                after,
                id.as_str(),
                PAGE
            )?;
            let Some(last) = rows.last() else { break };
            (after, id) = (last.created_at, last.id.clone());
            for row in rows {
                let asked: AskedFrom = json::read(&row.asked, ASKED)?;
                waiting.push(WaitingDevice {
                    id: ApprovalId::from_text(&row.id),
                    address: asked.address,
                });
            }
        }
        Ok(waiting)
    }

    /// It expires now, unless somebody took it.
    pub async fn end_device(&mut self, id: &ApprovalId, now: Timestamp) -> Result<()> {
        execute!(self, END, &self.tenant, id.as_str(), now.micros())?;
        Ok(())
    }
}
