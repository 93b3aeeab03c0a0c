//! Ends pending requests without a decision, because they expired, were superseded or cancelled: one conditional `UPDATE` each; and finds what a
//! stop ended (`stop.rs`).
//! A request is returned to the call that ended it, and to no other. `decided_at` keeps its value.

use writ_core::id::{ClientId, EventId, UserId};
use writ_core::pending::{Decision, Ending, PendingRequest, REPORTED, STOPPED};
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

/// Which of the requests that a stop ended.
#[derive(Clone, Copy, Debug)]
pub struct RequestsOfStop<'a> {
    pub subject: &'a UserId,
    pub asked: AskedBefore<'a>,
    pub at: Timestamp,
    /// The last of those before, by when it was made and its id.
    pub after: Option<(Timestamp, &'a str)>,
}

/// Which of the requests to a person.
#[derive(Clone, Copy, Debug)]
pub enum AskedBefore<'a> {
    /// Those whose events begin with this id, whoever asked.
    Stop(&'a EventId),
    /// Those of this client: in notices of versions that told of no others.
    By(&'a ClientId),
}

row! { DecidedRow { decided_at: Option<i64> } }

joined! { EndedRow { request: PendingRow, decided: DecidedRow } }

/// What a person said no to; $6 and $7 are what is kept where a stop or a report ended a yes. Whatever else was decided was approved, also if it
/// was never fetched, or ended later.
macro_rules! said_no {
    ($row:literal) => {
        concat!(
            "(",
            $row,
            "state = 'denied' AND ",
            $row,
            "decision NOT IN ($6, $7))"
        )
    };
}
pub(super) use said_no;

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

const DESCRIBED_ANEW: &str = end!(
    "expired",
    concat!("id = $4 AND expires_at > $2 AND ", open!())
);

const CANCELLED: &str = end!(
    "cancelled",
    concat!("id = $4 AND expires_at > $2 AND ", open!())
);

const TAKEN_BACK: &str = end!(
    "expired",
    "id = $4 AND state = 'approved' AND expires_at > $2"
);

/// What a stop at $4 ended undecided, after $5 and $6.
macro_rules! stopped {
    ($whose:literal) => {
        concat!(
            "SELECT ",
            pending_columns!(),
            " FROM pending_requests
            WHERE tenant = $1 AND subject = $2 AND ",
            $whose,
            " AND created_at >= $5 AND (created_at > $5 OR id > $6)
                AND state = 'denied' AND decided_at IS NULL AND changed_at = $4
            ORDER BY created_at, id LIMIT $7"
        )
    };
}

const ENDED_BY_STOP: &str = stopped!(
    "EXISTS (SELECT 1 FROM events e
        WHERE e.tenant = $1 AND e.id = CAST($3 AS TEXT) || '_' || pending_requests.id)"
);
const ENDED_OF_CLIENT: &str = stopped!("client_id = $3");

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
            Ending::DescribedAnew { request, .. } => all!(
                self,
                EndedRow,
                DESCRIBED_ANEW,
                &self.tenant,
                at,
                decision,
                request.as_str()
            )?,
            Ending::Cancelled { request, .. } | Ending::Withdrawn(request) => all!(
                self,
                EndedRow,
                CANCELLED,
                &self.tenant,
                at,
                decision,
                request.as_str()
            )?,
            Ending::TakenBack { approved, .. } | Ending::Recovered(approved) => all!(
                self,
                EndedRow,
                TAKEN_BACK,
                &self.tenant,
                at,
                decision,
                approved.id.as_str()
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
        };
        let ended: Result<Vec<EndedRequest>> = rows.into_iter().map(EndedRow::read).collect();
        let mut ended = ended?;
        ended.sort_by(|a, b| key(&a.request).cmp(&key(&b.request)));
        Ok(ended)
    }

    /// Requests to this person that a stop ended before anybody decided, in the order in which they were made.
    pub async fn stopped_requests(
        &mut self,
        stop: RequestsOfStop<'_>,
        limit: u32,
    ) -> Result<Vec<PendingRequest>> {
        let (after, id) = stop.after.unwrap_or((Timestamp::from_micros(0), ""));
        let (sql, whose) = match stop.asked {
            AskedBefore::Stop(event) => (ENDED_BY_STOP, event.as_str()),
            AskedBefore::By(client) => (ENDED_OF_CLIENT, client.as_str()),
        };
        let rows = all!(
            self,
            PendingRow,
            sql,
            &self.tenant,
            stop.subject.as_str(),
            whose,
            stop.at.micros(),
            after.micros(),
            id,
            i64::from(limit)
        )?;
        rows.into_iter().map(PendingRow::read).collect()
    }
}

/// As it is kept of a yes that a stop, or a report, ended.
pub(super) fn of_nobody() -> Result<[String; 2]> {
    let kept = |reason| json::write(&Decision::of_nobody(reason), DECISION);
    Ok([kept(STOPPED)?, kept(REPORTED)?])
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
