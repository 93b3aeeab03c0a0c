//! Requests that wait for a person's decision (CIBA, device flow, transaction challenges, access requests): insert, find, poll. State transitions
//! are in `pending/decision.rs`, lists and rate limits in `pending/lists.rs`, screens and receipts in `receipt.rs`.

pub(crate) mod access_request;
pub(crate) mod again;
mod decision;
mod device;
mod ending;
mod guard;
pub(crate) mod lists;

use writ_core::id::{ApprovalId, ClientId, DecisionId, DelegationId, TaskId, UserId};
use writ_core::pending::{
    Kind, PendingRequest, PendingStatus, Polling, RedeemedFor, SLOW_DOWN, State,
};
use writ_jose::key::Thumbprint;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::json::{self, time};
use crate::store::DatabaseTransaction;

pub use access_request::{
    AnsweredCall, OpenAtResource, ResourcePromptCounts, ResourceSilence, SameQuestion,
};
pub use ending::{AskedBefore, EndedRequest, RequestsOfStop};
pub use lists::{DeniedQuestion, PromptCounts, StateChange};

/// One row of `pending_requests`; of the handle and the user code only digests are stored.
#[derive(Clone, Copy)]
pub struct NewPendingRequest<'a> {
    pub request: &'a PendingRequest,
    /// Digest of the device flow's user code.
    pub user_code: Option<&'a str>,
    /// Sealed secrets that a ping or push needs.
    pub sealed: Option<&'a str>,
}

/// Whether a poll kept the interval (RFC 8628 section 3.5, CIBA section 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollOutcome {
    OnTime,
    /// `slow_down`: the interval from now on.
    TooEarly(Polling),
}

pub(super) const ASKED: &str = "`pending_requests.asked`";
pub(super) const DECISION: &str = "`pending_requests.decision`";
const STATUS: &str =
    "`pending_requests`: `state`, `decision`, `delegation_id` and `decision_id` do not fit";
const NUMBER: &str = "`pending_requests`: a number";

row! { PendingRow {
    id: String,
    kind: String,
    digest: String,
    client_id: String,
    subject: Option<String>,
    state: String,
    asked: String,
    asked_hash: String,
    jkt: Option<String>,
    asked_by: Option<String>,
    task_id: Option<String>,
    poll_interval: i64,
    polled_at: Option<i64>,
    hasty_polls: i64,
    stage: i64,
    decision: Option<String>,
    delegation_id: Option<String>,
    decision_id: Option<String>,
    created_at: i64,
    expires_at: i64,
} }

/// The columns of `PendingRow`.
macro_rules! pending_columns {
    () => {
        "id, kind, digest, client_id, subject, state, asked, asked_hash, jkt, asked_by, task_id,
        poll_interval, polled_at, hasty_polls, stage, decision, delegation_id, decision_id,
        created_at, expires_at"
    };
}
pub(crate) use pending_columns;

/// Undecided, expired or not.
macro_rules! open {
    () => {
        "state IN ('pending', 'viewed')"
    };
}
pub(crate) use open;

/// Superseded by a newer request for the same.
macro_rules! asked_again {
    () => {
        "(state = 'expired' AND decided_at IS NULL AND decision IS NOT NULL)"
    };
}
pub(crate) use asked_again;

row! { SealedRow { sealed: Option<String> } }

row! { PollingRow { poll_interval: i64, polled_at: Option<i64>, hasty_polls: i64 } }

const INSERT: &str = "
    INSERT INTO pending_requests (tenant, id, kind, digest, user_code, client_id, subject, state,
        asked, asked_hash, jkt, asked_by, task_id, sealed, poll_interval, polled_at, hasty_polls,
        stage, stage_ends_at, created_at, expires_at, changed_at, resource)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21, $20, $22)";

/// `created_at` is when their turn comes; of several turns of one person, the earliest. As many users as `APPROVERS_AT_ONCE`; absent ones are null.
const INSERT_APPROVERS: &str = "
    INSERT INTO pending_approvers (tenant, request_id, user_id, created_at)
    SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), u.user_id, CAST($3 AS BIGINT) FROM (
        SELECT CAST($4 AS TEXT) AS user_id UNION ALL SELECT CAST($5 AS TEXT)
        UNION ALL SELECT CAST($6 AS TEXT) UNION ALL SELECT CAST($7 AS TEXT)
        UNION ALL SELECT CAST($8 AS TEXT) UNION ALL SELECT CAST($9 AS TEXT)
        UNION ALL SELECT CAST($10 AS TEXT) UNION ALL SELECT CAST($11 AS TEXT)
    ) u
    WHERE u.user_id IS NOT NULL
    ON CONFLICT (tenant, request_id, user_id) DO UPDATE SET created_at = excluded.created_at
        WHERE excluded.created_at < pending_approvers.created_at";
const APPROVERS_AT_ONCE: usize = 8;

const BY_HANDLE: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests WHERE tenant = $1 AND kind = $2 AND digest = $3"
);

const BY_ID: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests WHERE tenant = $1 AND id = $2"
);

const BY_USER_CODE: &str = concat!(
    "SELECT ",
    pending_columns!(),
    " FROM pending_requests WHERE tenant = $1 AND user_code = $2 AND kind = 'device'"
);

const SEALED: &str = "SELECT sealed FROM pending_requests WHERE tenant = $1 AND id = $2";

const POLL: &str = "
    UPDATE pending_requests SET polled_at = $3
    WHERE tenant = $1 AND id = $2
        AND (polled_at IS NULL OR polled_at + poll_interval * 1000000 <= $3)";

/// The interval only grows, and the time of the last poll never goes back, whatever the nodes' clocks say.
const HASTY_POLL: &str = "
    UPDATE pending_requests SET poll_interval = poll_interval + $4, hasty_polls = hasty_polls + 1,
        polled_at = CASE WHEN polled_at > $3 THEN polled_at ELSE $3 END
    WHERE tenant = $1 AND id = $2
    RETURNING poll_interval, polled_at, hasty_polls";

impl DatabaseTransaction {
    /// With a row for each approver of each stage.
    pub async fn insert_pending(&mut self, new: NewPendingRequest<'_>) -> Result<()> {
        let request = new.request;
        execute!(
            self,
            INSERT,
            &self.tenant,
            request.id.as_str(),
            request.kind.as_str(),
            &request.digest,
            new.user_code,
            request.client.as_str(),
            request.subject.as_ref().map(UserId::as_str),
            request.state().as_str(),
            json::write(&request.asked, ASKED)?,
            &request.asked_hash,
            request.jkt.as_ref().map(Thumbprint::as_str),
            request.asked_by.as_ref().map(DelegationId::as_str),
            request.task.as_ref().map(TaskId::as_str),
            new.sealed,
            i64::from(request.polling.interval),
            request.polling.last.map(Timestamp::micros),
            i64::from(request.polling.hasty),
            number(request.stage),
            stage_ends_at(request, request.stage),
            request.created_at.micros(),
            request.expires_at.micros(),
            request
                .asked
                .access
                .as_ref()
                .map(|asked| asked.resource.as_str()),
        )?;
        for (place, stage) in request.asked.stages.iter().enumerate() {
            let turn = turn(request, place);
            self.insert_approvers(&request.id, &stage.of, turn).await?;
        }
        Ok(())
    }

    /// Whoever has a row keeps it, with the earlier turn.
    pub(super) async fn insert_approvers(
        &mut self,
        id: &ApprovalId,
        people: &[UserId],
        turn: Timestamp,
    ) -> Result<()> {
        for some in people.chunks(APPROVERS_AT_ONCE) {
            let user = |place: usize| some.get(place).map(UserId::as_str);
            execute!(
                self,
                INSERT_APPROVERS,
                &self.tenant,
                id.as_str(),
                turn.micros(),
                user(0),
                user(1),
                user(2),
                user(3),
                user(4),
                user(5),
                user(6),
                user(7),
            )?;
        }
        Ok(())
    }

    /// By the digest of `auth_req_id` or `device_code`; also one that has ended.
    pub async fn pending(&mut self, kind: Kind, digest: &str) -> Result<Option<PendingRequest>> {
        let row = optional!(
            self,
            PendingRow,
            BY_HANDLE,
            &self.tenant,
            kind.as_str(),
            digest
        )?;
        row.map(PendingRow::read).transpose()
    }

    pub async fn pending_by_id(&mut self, id: &ApprovalId) -> Result<Option<PendingRequest>> {
        let row = optional!(self, PendingRow, BY_ID, &self.tenant, id.as_str())?;
        row.map(PendingRow::read).transpose()
    }

    /// Of the device flow alone; also one that has ended.
    pub async fn pending_by_user_code(&mut self, digest: &str) -> Result<Option<PendingRequest>> {
        let row = optional!(self, PendingRow, BY_USER_CODE, &self.tenant, digest)?;
        row.map(PendingRow::read).transpose()
    }

    pub async fn pending_sealed(&mut self, id: &ApprovalId) -> Result<Option<String>> {
        let row = optional!(self, SealedRow, SEALED, &self.tenant, id.as_str())?;
        Ok(row.and_then(|row| row.sealed))
    }

    /// Checks one poll against the interval (RFC 8628 section 3.5, CIBA section 11); the first is always on time.
    pub async fn poll_pending(&mut self, id: &ApprovalId, now: Timestamp) -> Result<PollOutcome> {
        let (id, now) = (id.as_str(), now.micros());
        if execute!(self, POLL, &self.tenant, id, now)? == 1 {
            return Ok(PollOutcome::OnTime);
        }
        let slower = i64::from(SLOW_DOWN);
        let row = optional!(self, PollingRow, HASTY_POLL, &self.tenant, id, now, slower)?
            .ok_or_else(|| StoreError::corrupt("`pending_requests`: a request is gone"))?;
        Ok(PollOutcome::TooEarly(row.read()?))
    }
}

impl PendingRow {
    pub(crate) fn read(self) -> Result<PendingRequest> {
        let decision = self.decision.map(|text| json::read(&text, DECISION));
        let redeemed_for = match (self.delegation_id, self.decision_id) {
            (None, None) => None,
            (Some(id), None) => Some(RedeemedFor::Delegation(DelegationId::from_text(id))),
            (None, Some(id)) => Some(RedeemedFor::Decision(DecisionId::from_text(id))),
            (Some(_), Some(_)) => return Err(StoreError::corrupt(STATUS)),
        };
        let status =
            PendingStatus::from_columns(state(&self.state)?, decision.transpose()?, redeemed_for)
                .map_err(|_| StoreError::corrupt(STATUS))?;
        let polling = PollingRow {
            poll_interval: self.poll_interval,
            polled_at: self.polled_at,
            hasty_polls: self.hasty_polls,
        };
        Ok(PendingRequest {
            id: ApprovalId::from_text(self.id),
            kind: Kind::from_row(&self.kind)
                .ok_or_else(|| StoreError::corrupt("`pending_requests.kind`"))?,
            digest: self.digest,
            client: ClientId::from_text(self.client_id),
            subject: self.subject.map(UserId::from_text),
            status,
            asked: json::read(&self.asked, ASKED)?,
            asked_hash: self.asked_hash,
            jkt: self
                .jkt
                .map(|text| json::thumbprint(&text, "`pending_requests.jkt`"))
                .transpose()?,
            asked_by: self.asked_by.map(DelegationId::from_text),
            task: self.task_id.map(TaskId::from_text),
            polling: polling.read()?,
            stage: usize::try_from(self.stage).map_err(|_| StoreError::corrupt(NUMBER))?,
            created_at: time(self.created_at),
            expires_at: time(self.expires_at),
        })
    }
}

impl PollingRow {
    fn read(self) -> Result<Polling> {
        let count = |number: i64| u32::try_from(number).map_err(|_| StoreError::corrupt(NUMBER));
        Ok(Polling {
            interval: count(self.poll_interval)?,
            last: self.polled_at.map(time),
            hasty: count(self.hasty_polls)?,
        })
    }
}

pub(super) fn state(text: &str) -> Result<State> {
    State::from_row(text).ok_or_else(|| StoreError::corrupt("`pending_requests.state`"))
}

pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The first moment of the next stage, as `PendingRequest::stage_at` counts; none after the last.
pub(super) fn stage_ends_at(request: &PendingRequest, stage: usize) -> Option<i64> {
    let stages = request.asked.stages.len();
    // Time alone does not lead past the subject, whose answer the others wait for.
    let waits_for_subject = request.asked.safeguards.subject_first && stage == 0;
    if stage + 1 >= stages || waits_for_subject {
        return None;
    }
    let whole = request.expires_at.micros() - request.created_at.micros();
    let passed = (whole * number(stage + 1) + number(stages) - 1) / number(stages);
    Some(request.created_at.micros() + passed)
}

/// Of whoever is asked after a subject who decides first, until that subject agreed.
pub(super) const NOT_ASKED_YET: Timestamp = Timestamp::from_micros(i64::MAX);

/// When the people of a stage are asked.
fn turn(request: &PendingRequest, stage: usize) -> Timestamp {
    if request.asked.safeguards.subject_first && stage > request.stage {
        return NOT_ASKED_YET;
    }
    let before = stage.checked_sub(1);
    let begins = before.and_then(|before| stage_ends_at(request, before));
    begins.map_or(request.created_at, time)
}
