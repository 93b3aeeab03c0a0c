//! The pause of everything that acts for a person, in one statement whose work is what it pauses: each task waits until its person
//! lets it go on (`resume_task_of`), with an event for each.

use writ_core::event::EventName;
use writ_core::id::UserId;
use writ_core::pause::PausedBecause;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::stop::{StopEvents, task_events};
use crate::store::DatabaseTransaction;

row! { PausedRow { paused: i64 } }

/// `+` keeps SQLite from reading all that are live, where it was not told how many there are.
const HAS_PAUSED: &str = "
    SELECT CAST(1 AS BIGINT) AS paused FROM tasks
    WHERE tenant = $1 AND subject = $2 AND subject_kind = 'person' AND stopped_at IS NULL
        AND +expires_at > $3 AND suspended_at IS NOT NULL AND suspended_because = $4
    LIMIT 1";

macro_rules! theirs {
    () => {
        "t.tenant = $tenant AND t.subject = $subject AND t.subject_kind = 'person'
            AND t.stopped_at IS NULL AND t.suspended_at IS NULL AND t.expires_at > $now"
    };
}

/// SQLite has one writer: what the first statement found is what the next one changes. PostgreSQL records what it changed.
const ON_SQLITE: &str = concat!(
    task_events!(concat!("tasks t WHERE ", theirs!())),
    "; UPDATE tasks AS t SET suspended_at = $now, suspended_because = $because WHERE ",
    theirs!(),
    "; SELECT changes() AS paused"
);
const ON_POSTGRES: &str = concat!(
    "WITH paused AS (UPDATE tasks AS t SET suspended_at = $now, suspended_because = $because WHERE ",
    theirs!(),
    " RETURNING t.tenant, t.id, t.subject, t.client_id, t.purpose, t.transaction_id),
    recorded AS (",
    task_events!("paused t"),
    ") SELECT COUNT(*) AS paused FROM paused"
);

impl DatabaseTransaction {
    /// Pauses all live tasks of this person, who set another password by a link, each with its event; says how many. From this commit on nothing below them is live.
    pub async fn pause_tasks_of(&mut self, user: &UserId, events: StopEvents<'_>) -> Result<u64> {
        let rows = all_by_name!(self, PausedRow, (ON_SQLITE, ON_POSTGRES), {
            tenant: &self.tenant,
            subject: user.as_str(),
            event: events.id.as_str(),
            name: EventName::TaskSuspended.as_str(),
            now: events.now.micros(),
            data: events.data,
            because: PausedBecause::Recovered.as_str(),
        })?;
        let paused = rows.first().map_or(0, |row| row.paused);
        Ok(u64::try_from(paused).unwrap_or_default())
    }

    /// Whether a live task of this person waits for this reason.
    pub async fn has_paused_task(
        &mut self,
        user: &UserId,
        because: PausedBecause,
        now: Timestamp,
    ) -> Result<bool> {
        let (user, because, now) = (user.as_str(), because.as_str(), now.micros());
        let row = optional!(
            self,
            PausedRow,
            HAS_PAUSED,
            &self.tenant,
            user,
            now,
            because
        )?;
        Ok(row.is_some())
    }
}
