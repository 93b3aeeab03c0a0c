//! Which rows of a table are over, and the statements that delete a batch of them. Each finds them by an index of their end.

use std::time::Duration;

use writ_core::history;
use writ_core::pending::LONGEST_WAIT;
use writ_wire::time::Timestamp;

/// How long codes, requests, refresh tokens, delegations and tasks are kept after they expire, so that a late second use is still
/// recognised as a replay.
pub const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(24 * 3600);
/// How long refusals that were only counted are kept: anybody can cause a row for each minute, endpoint and code.
pub const COUNTS_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// How a table ends.
#[derive(Clone, Copy, Debug)]
pub enum TableEnd {
    Swept(SweepRule),
    /// The server removes each by itself, with an event: these rows.
    OneByOne(&'static str),
    /// Its rows leave with those of the named table.
    With(&'static str),
    /// It does not grow with use, because of this.
    Bounded(&'static str),
}

/// Which rows of one table leave.
#[derive(Clone, Copy, Debug)]
pub struct SweepRule {
    pub table: &'static str,
    /// The last one deletes the rows of `table`, those before it what hangs from them.
    pub(crate) delete: &'static [Deletion],
    /// The end of the row that ended first.
    pub(crate) oldest: &'static str,
    pub(super) kept: Kept,
    pub(super) tenants: Tenants,
}

/// Whose rows one statement deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tenants {
    All,
    /// Of each by itself, because the index of the rows' ages begins with it.
    Each,
}

/// Deletes rows of one table. $1 the latest end of a deleted row, $2 the most rows, $3 the tenant of [`Tenants::Each`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deletion {
    pub(crate) table: &'static str,
    pub(crate) sqlite: &'static str,
    /// The same rows, by their keys; but it passes over rows that a request has locked, which may wait for each other in another order than the rows'
    /// ends: then a sweep that waits would be part of a circle.
    pub(crate) postgres: &'static str,
}

/// How long after its end a row is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Not,
    ADay,
    ThirteenMonths,
    NinetyDays,
    /// As long as the operator says.
    Record,
    /// The same, but at least thirteen months: longer than any task that rests on it.
    Decisions,
}

impl Kept {
    /// The latest end of rows that leave; `None`: they stay.
    pub(super) fn cutoff(self, now: Timestamp, record: Option<Duration>) -> Option<Timestamp> {
        match self {
            Self::Not => Some(now),
            Self::ADay => Some(now.minus(KEPT_AFTER_EXPIRY)),
            Self::ThirteenMonths => Some(now.minus(history::KEPT)),
            Self::NinetyDays => Some(now.minus(COUNTS_KEPT)),
            Self::Record => record.map(|kept| now.minus(kept)),
            Self::Decisions => record.map(|kept| now.minus(kept.max(history::KEPT))),
        }
    }
}

/// The text is without its last parenthesis.
macro_rules! passing_locks {
    ($table:expr, $($text:expr),*) => {
        Deletion {
            table: $table,
            sqlite: concat!($($text,)* ")"),
            postgres: concat!($($text,)* " FOR UPDATE SKIP LOCKED)"),
        }
    };
}

/// Where no request locks such rows any more.
macro_rules! unlocked {
    ($table:expr, $($text:expr),*) => {
        Deletion {
            table: $table,
            sqlite: concat!($($text),*),
            postgres: concat!($($text),*),
        }
    };
}

/// Rows that are over, those first that ended first. On PostgreSQL that they are is asked again of each row when it is deleted: its end may
/// have moved meanwhile. SQLite has one writer; asked twice, and told of few rows (`ANALYZE` in the first week), it would look through all
/// rows that are over for each batch.
macro_rules! over {
    ($table:literal, $key:literal, $end:literal, $kept:expr) => {
        TableEnd::Swept(SweepRule {
            table: $table,
            delete: &[Deletion {
                table: $table,
                sqlite: concat!(
                    "DELETE FROM ",
                    $table,
                    " WHERE rowid IN (SELECT rowid",
                    first_over!($table, $end),
                    ")"
                ),
                postgres: concat!(
                    "DELETE FROM ",
                    $table,
                    " WHERE ",
                    $end,
                    " <= $1 AND (",
                    $key,
                    ") IN (SELECT ",
                    $key,
                    first_over!($table, $end),
                    " FOR UPDATE SKIP LOCKED)"
                ),
            }],
            oldest: oldest!($table, $end),
            kept: $kept,
            tenants: Tenants::All,
        })
    };
}

macro_rules! first_over {
    ($table:literal, $end:literal) => {
        concat!(
            " FROM ",
            $table,
            " WHERE ",
            $end,
            " <= $1 ORDER BY ",
            $end,
            " LIMIT $2"
        )
    };
}

macro_rules! oldest {
    ($table:literal, $end:literal) => {
        concat!(
            "SELECT ",
            $end,
            " AS ended_at FROM ",
            $table,
            " WHERE ",
            $end,
            " > 0
            ORDER BY ",
            $end,
            " LIMIT 1"
        )
    };
}

/// What leaves with a request that waited for a person.
macro_rules! of_pending {
    ($table:literal) => {
        unlocked!(
            $table,
            "DELETE FROM ",
            $table,
            " WHERE (tenant, request_id, user_id) IN
                (SELECT c.tenant, c.request_id, c.user_id FROM
                    (SELECT tenant, id FROM pending_requests WHERE expires_at <= $1
                    ORDER BY expires_at, tenant, id LIMIT $2) p
                CROSS JOIN ",
            $table,
            " c WHERE c.tenant = p.tenant AND c.request_id = p.id)"
        )
    };
}

pub(super) const PENDING: SweepRule = SweepRule {
    table: "pending_requests",
    delete: &[
        of_pending!("pending_approvers"),
        of_pending!("pending_screens"),
        of_pending!("pending_votes"),
        unlocked!(
            "pending_requests",
            "DELETE FROM pending_requests WHERE (tenant, id) IN
            (SELECT p.tenant, p.id FROM
                (SELECT tenant, id FROM pending_requests WHERE expires_at <= $1
                ORDER BY expires_at, tenant, id LIMIT $2) p
            WHERE NOT EXISTS (SELECT 1 FROM pending_approvers c
                    WHERE c.tenant = p.tenant AND c.request_id = p.id)
                AND NOT EXISTS (SELECT 1 FROM pending_screens c
                    WHERE c.tenant = p.tenant AND c.request_id = p.id)
                AND NOT EXISTS (SELECT 1 FROM pending_votes c
                    WHERE c.tenant = p.tenant AND c.request_id = p.id))"
        ),
    ],
    oldest: oldest!("pending_requests", "expires_at"),
    kept: Kept::ADay,
    tenants: Tenants::All,
};

// A question to a person within a task is asked before the task's end, and waits no longer than the task is kept after it.
const _: () = assert!(LONGEST_WAIT.as_secs() <= KEPT_AFTER_EXPIRY.as_secs());

// INVARIANT: a delegation never expires later than its parent or its task (`core::exchange`, `core::consent`), so a deleted row has
// no valid descendant (one without its parent would be refused), and a task that ended before the oldest delegation that is left
// has none: so much of the index is read, and no row twice. Should one live longer all the same, its task stays with it.
pub(super) const TASKS: SweepRule = SweepRule {
    table: "tasks",
    delete: &[passing_locks!(
        "tasks",
        "DELETE FROM tasks WHERE (tenant, id) IN
        (SELECT t.tenant, t.id FROM tasks t
        WHERE t.expires_at <= $1
            AND t.expires_at < COALESCE((SELECT MIN(d.expires_at) FROM delegations d), $1 + 1)
            AND NOT EXISTS
                (SELECT 1 FROM delegations d WHERE d.tenant = t.tenant AND d.task_id = t.id)
        ORDER BY t.expires_at LIMIT $2"
    )],
    oldest: oldest!("tasks", "expires_at"),
    kept: Kept::ADay,
    tenants: Tenants::All,
};

/// Registrations that were removed, once nothing tells of their tasks any more: first the client, then this.
pub(super) const REGISTRATIONS: SweepRule = SweepRule {
    table: "registrations",
    delete: &[
        passing_locks!("clients", "DELETE FROM clients WHERE (tenant, id) IN
            (SELECT r.tenant, r.client_id FROM registrations r
            WHERE r.removed_at <= $1 AND NOT EXISTS
                (SELECT 1 FROM guest_grants g WHERE g.tenant = r.tenant AND g.client_id = r.client_id)
            ORDER BY r.removed_at LIMIT $2"),
        passing_locks!("registrations", "DELETE FROM registrations WHERE (tenant, client_id) IN
            (SELECT r.tenant, r.client_id FROM registrations r
            WHERE r.removed_at <= $1 AND NOT EXISTS
                (SELECT 1 FROM clients c WHERE c.tenant = r.tenant AND c.id = r.client_id)
            ORDER BY r.removed_at LIMIT $2"),
    ],
    oldest: oldest!("registrations", "removed_at"),
    kept: Kept::ADay,
    tenants: Tenants::All,
};

/// The record, by tenant and age.
macro_rules! recorded {
    ($table:literal, $at:literal, $kept:expr) => {
        TableEnd::Swept(SweepRule {
            table: $table,
            delete: &[unlocked!(
                $table,
                "DELETE FROM ",
                $table,
                " WHERE (tenant, ",
                $at,
                ", id) IN (SELECT tenant, ",
                $at,
                ", id FROM ",
                $table,
                " WHERE tenant = $3 AND ",
                $at,
                " <= $1 ORDER BY ",
                $at,
                ", id LIMIT $2)"
            )],
            oldest: concat!(
                "SELECT MIN(o.ended_at) AS ended_at FROM (SELECT (SELECT r.",
                $at,
                " FROM ",
                $table,
                " r WHERE r.tenant = n.tenant AND r.",
                $at,
                " IS NOT NULL ORDER BY r.",
                $at,
                " LIMIT 1) AS ended_at FROM tenants n) o"
            ),
            kept: $kept,
            tenants: Tenants::Each,
        })
    };
}
