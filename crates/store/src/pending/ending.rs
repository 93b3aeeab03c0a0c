//! Ends pending requests without a decision, because they expired, were superseded or were stopped: one conditional `UPDATE` each.
//! A request is returned to the call that ended it, and to no other. `decided_at` keeps its value.

use writ_core::id::UserId;
use writ_core::pending::{Ending, PendingRequest};
use writ_wire::time::Timestamp;

use super::{DECISION, PendingRow, open, pending_columns};
use crate::error::Result;
use crate::json::{self, time};
use crate::store::DatabaseTransaction;

/// A request that this call ended, in its new state.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedRequest {
    pub request: PendingRequest,
    /// When it had been decided; absent if it had not.
    pub decided_at: Option<Timestamp>,
}

row! { DecidedRow { decided_at: Option<i64> } }

joined! { EndedRow { request: PendingRow, decided: DecidedRow } }

/// $2 now, $3 what is kept instead of the decision.
macro_rules! end {
    ($state:literal, $which:expr) => {
        concat!(
            "UPDATE pending_requests SET state = '",
            $state,
            "', decision = COALESCE(CAST($3 AS TEXT), decision), changed_at = $2,
                stage_ends_at = NULL
            WHERE tenant = $1 AND ",
            $which,
            " RETURNING decided_at, ",
            pending_columns!()
        )
    };
}

const LATE: &str = end!(
    "expired",
    "id = $4 AND state IN ('pending', 'viewed', 'approved') AND expires_at <= $2"
);

const SUPERSEDED: &str = end!(
    "expired",
    concat!(
        "id <> $4 AND client_id = $5 AND subject = $6 AND kind = $7 AND asked_hash = $8
            AND expires_at > $2 AND ",
        open!()
    )
);

/// The rate limit for one client and person bounds their number.
const STOPPED: &str = end!(
    "denied",
    "client_id = $4 AND subject = $5 AND state IN ('pending', 'viewed', 'approved')
        AND expires_at > $2"
);

impl DatabaseTransaction {
    /// Those that ended by this call, the oldest first.
    pub async fn end_pending(
        &mut self,
        ending: Ending<'_>,
        now: Timestamp,
    ) -> Result<Vec<EndedRequest>> {
        let decision = json::optional(ending.decision().as_ref(), DECISION)?;
        let at = now.micros();
        let rows = match ending {
            Ending::Late(id) => all!(
                self,
                EndedRow,
                LATE,
                &self.tenant,
                at,
                decision,
                id.as_str()
            )?,
            Ending::Superseded(by) => all!(
                self,
                EndedRow,
                SUPERSEDED,
                &self.tenant,
                at,
                decision,
                by.id.as_str(),
                by.client.as_str(),
                by.subject.as_ref().map(UserId::as_str),
                by.kind.as_str(),
                &by.asked_hash,
            )?,
            Ending::Stopped { subject, client } => all!(
                self,
                EndedRow,
                STOPPED,
                &self.tenant,
                at,
                decision,
                client.as_str(),
                subject.as_str(),
            )?,
        };
        let ended: Result<Vec<EndedRequest>> = rows.into_iter().map(EndedRow::read).collect();
        let mut ended = ended?;
        ended.sort_by(|a, b| key(&a.request).cmp(&key(&b.request)));
        Ok(ended)
    }
}

fn key(request: &PendingRequest) -> (Timestamp, &str) {
    (request.created_at, request.id.as_str())
}

impl EndedRow {
    fn read(self) -> Result<EndedRequest> {
        Ok(EndedRequest {
            request: self.request.read()?,
            decided_at: self.decided.decided_at.map(time),
        })
    }
}
