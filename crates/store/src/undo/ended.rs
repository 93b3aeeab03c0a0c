//! What a stop ended for good, although its tasks live again: codes that nobody redeemed, what was approved one by one, and what was
//! asked within them. In the transaction of the undoing, because a token, a redemption or an answer would find the task alive.

use writ_core::event::EventName;
use writ_core::pending::{Decision, STOPPED};
use writ_wire::time::Timestamp;

use super::{UndoableStop, UndoneRow, beyond, first};
use crate::error::Result;
use crate::json;
use crate::pending::DECISION;
use crate::stop::{StopEvents, request_events};
use crate::store::DatabaseTransaction;

/// Of these, what the stop ended: its event names the task, or something above. From each the way goes up, to its parent or to what asked
/// for it; the id of each event is the stop's with the id of what was stopped.
macro_rules! ended_by_stop {
    ($these:expr) => {
        concat!(
            "WITH RECURSIVE up (leaf, task_id, above) AS (",
            $these,
            " UNION
                SELECT up.leaf, up.task_id, COALESCE(d.parent_id, d.asked_by)
                FROM up CROSS JOIN delegations d
                WHERE d.tenant = $tenant AND d.id = up.above AND d.task_id = up.task_id
            )
            SELECT up.leaf FROM up CROSS JOIN events e
            WHERE e.tenant = $tenant AND e.subject = $subject
                AND e.id IN (CAST($first AS TEXT) || up.task_id, CAST($first AS TEXT) || up.above)
                AND e.name IN ('task.revoked', 'delegation.stopped')"
        )
    };
}

/// What was approved one by one, in a task of the stop or below a part of it.
macro_rules! approved {
    () => {
        concat!(
            "tenant = $tenant AND stopped_at IS NULL AND id IN (",
            ended_by_stop!(concat!(
                "SELECT d.id, d.task_id, d.asked_by FROM events e CROSS JOIN delegations d WHERE ",
                of_stop!("e.name IN ('task.revoked', 'delegation.stopped')"),
                " AND d.tenant = $tenant AND d.task_id = e.task_id AND d.asked_by IS NOT NULL
                AND d.stopped_at IS NULL AND d.expires_at > $now"
            )),
            ")"
        )
    };
}

const END_APPROVED_ON_SQLITE: &str = concat!(
    "UPDATE delegations SET stopped_at = $now WHERE ",
    approved!(),
    "; SELECT changes() AS undone"
);
const END_APPROVED_ON_POSTGRES: &str = concat!(
    "WITH ended AS (UPDATE delegations SET stopped_at = $now WHERE ",
    approved!(),
    " RETURNING 1) SELECT COUNT(*) AS undone FROM ended"
);

/// Codes of this client that nobody redeemed: they are as if their time had run out.
macro_rules! codes {
    () => {
        concat!(
            "tenant = $tenant AND client_id = $client AND consumed_at IS NULL AND expires_at > $now
            AND delegation_id IN (SELECT d.id FROM delegations d WHERE d.tenant = $tenant
                AND d.task_id IN (SELECT e.task_id FROM events e WHERE ",
            of_stop!("e.name = 'task.revoked'"),
            "))"
        )
    };
}

const END_CODES_ON_SQLITE: &str = concat!(
    "UPDATE codes SET expires_at = $now WHERE ",
    codes!(),
    "; SELECT changes() AS undone"
);
const END_CODES_ON_POSTGRES: &str = concat!(
    "WITH ended AS (UPDATE codes SET expires_at = $now WHERE ",
    codes!(),
    " RETURNING 1) SELECT COUNT(*) AS undone FROM ended"
);

/// What others asked this person in those tasks, or below those parts: the stop ended it too.
macro_rules! asked {
    () => {
        concat!(
            "r.tenant = $tenant AND r.subject = $subject
            AND r.state IN ('pending', 'viewed', 'approved') AND r.expires_at > $now
            AND r.id IN (",
            ended_by_stop!(
                "SELECT q.id, q.task_id, q.asked_by FROM pending_requests q
                WHERE q.tenant = $tenant AND q.subject = $subject
                    AND q.state IN ('pending', 'viewed', 'approved') AND q.expires_at > $now"
            ),
            ")"
        )
    };
}

macro_rules! denied {
    () => {
        concat!(
            "UPDATE pending_requests AS r SET state = 'denied', decision = $decision,
                changed_at = $now, stage_ends_at = NULL WHERE ",
            asked!()
        )
    };
}

const END_ASKED_ON_SQLITE: &str = concat!(
    request_events!(concat!("pending_requests r WHERE ", asked!())),
    ";",
    denied!(),
    "; SELECT changes() AS undone"
);
const END_ASKED_ON_POSTGRES: &str = concat!(
    "WITH ended AS (",
    denied!(),
    " RETURNING r.tenant, r.id, r.kind, r.subject, r.client_id, r.task_id, r.asked_by, r.resource,
        r.decided_at),
    recorded AS (",
    request_events!("ended r"),
    ") SELECT COUNT(*) AS undone FROM ended"
);

impl DatabaseTransaction {
    pub(super) async fn end_codes_and_approvals(
        &mut self,
        stop: &UndoableStop,
        now: Timestamp,
    ) -> Result<()> {
        all_by_name!(self, UndoneRow, (END_CODES_ON_SQLITE, END_CODES_ON_POSTGRES), {
            tenant: &self.tenant,
            first: first(stop),
            beyond: beyond(stop),
            subject: stop.subject.as_str(),
            client: stop.client.as_str(),
            now: now.micros(),
        })?;
        all_by_name!(self, UndoneRow, (END_APPROVED_ON_SQLITE, END_APPROVED_ON_POSTGRES), {
            tenant: &self.tenant,
            first: first(stop),
            beyond: beyond(stop),
            subject: stop.subject.as_str(),
            now: now.micros(),
        })?;
        Ok(())
    }

    pub(super) async fn end_what_was_asked(
        &mut self,
        stop: &UndoableStop,
        events: StopEvents<'_>,
    ) -> Result<()> {
        all_by_name!(self, UndoneRow, (END_ASKED_ON_SQLITE, END_ASKED_ON_POSTGRES), {
            tenant: &self.tenant,
            first: first(stop),
            subject: stop.subject.as_str(),
            event: events.id.as_str(),
            name: EventName::ApprovalDenied.as_str(),
            now: events.now.micros(),
            reason: STOPPED,
            decision: json::write(&Decision::of_nobody(STOPPED), DECISION)?,
        })?;
        Ok(())
    }
}
