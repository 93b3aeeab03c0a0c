//! Events that leave this server: each sink of the configuration has a row, and each event that it has not had yet another one
//! (`events_due`), written by a trigger in the statement of the event. What is due is a set, not a place in a sequence: an event whose
//! transaction commits late is found all the same.

use std::collections::BTreeMap;

use writ_wire::time::Timestamp;

use super::{EventRow, StoredEvent, event_columns};
use crate::error::{Result, StoreError};
use crate::json::{self, time};
use crate::store::DatabaseTransaction;

/// A sink that a server had in its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSink {
    pub name: String,
    /// By a server that has it in its configuration.
    pub seen_at: Timestamp,
    /// Nothing is written for it since.
    pub closed_at: Option<Timestamp>,
    /// When the first event happened that it has not had.
    pub oldest: Option<Timestamp>,
}

row! { SinkRow { name: String, seen_at: i64, closed_at: Option<i64>, oldest: Option<i64> } }

row! { DueRow { at: i64 } }

row! { AttemptRow { event_id: String, attempts: i64 } }

row! { SentRow { event_id: String } }

/// Sinks that one query returns: a configuration has far fewer.
const SINKS_AT_ONCE: i64 = 256;
const IDS: &str = "a list of events";

const NOTE: &str = "
    INSERT INTO event_sinks (tenant, name, seen_at) VALUES ($1, $2, $3)
    ON CONFLICT (tenant, name) DO UPDATE SET seen_at = excluded.seen_at, closed_at = NULL";

const SINKS: &str = "
    SELECT s.name, s.seen_at, s.closed_at,
        (SELECT d.at FROM events_due d WHERE d.tenant = s.tenant AND d.sink = s.name
        ORDER BY d.event_id LIMIT 1) AS oldest
    FROM event_sinks s WHERE s.tenant = $1 ORDER BY s.name LIMIT $2";

const FIRST: &str = "
    SELECT at FROM events_due WHERE tenant = $1 AND sink = $2 ORDER BY event_id LIMIT 1";

/// $3 the last id before.
const DUE: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM (SELECT event_id FROM events_due WHERE tenant = $1 AND sink = $2 AND event_id > $3
        ORDER BY event_id LIMIT $4) d
    CROSS JOIN events e WHERE e.tenant = $1 AND e.id = d.event_id ORDER BY e.id"
);

/// Within the first and the last of them in the database's own order, so that no other plan reads all that is due.
macro_rules! these {
    (sqlite) => {
        these!(
            "(SELECT MIN(value) FROM json_each($ids))",
            "(SELECT MAX(value) FROM json_each($ids))",
            "IN (SELECT value FROM json_each($ids))"
        )
    };
    (postgres) => {
        these!(
            "(SELECT MIN(i) FROM json_array_elements_text(CAST($ids AS json)) i)",
            "(SELECT MAX(i) FROM json_array_elements_text(CAST($ids AS json)) i)",
            "= ANY (ARRAY(SELECT json_array_elements_text(CAST($ids AS json))))"
        )
    };
    ($first:literal, $last:literal, $listed:literal) => {
        concat!(
            "tenant = $tenant AND sink = $sink AND event_id >= ",
            $first,
            " AND event_id <= ",
            $last,
            " AND event_id ",
            $listed
        )
    };
}

macro_rules! begin {
    ($kind:ident) => {
        concat!(
            "UPDATE events_due SET attempts = attempts + 1 WHERE ",
            these!($kind),
            " RETURNING event_id, attempts"
        )
    };
}
const BEGIN_ON_SQLITE: &str = begin!(sqlite);
const BEGIN_ON_POSTGRES: &str = begin!(postgres);

macro_rules! sent {
    ($kind:ident) => {
        concat!(
            "DELETE FROM events_due WHERE ",
            these!($kind),
            " RETURNING event_id"
        )
    };
}
const SENT_ON_SQLITE: &str = sent!(sqlite);
const SENT_ON_POSTGRES: &str = sent!(postgres);

/// Of the first $4.
const GIVE_UP: &str = "
    DELETE FROM events_due WHERE at <= $3 AND (tenant, sink, event_id) IN
        (SELECT tenant, sink, event_id FROM events_due WHERE tenant = $1 AND sink = $2
        ORDER BY event_id LIMIT $4)";

/// Events that the record does not have any more, of the first $3.
const GIVE_UP_GONE: &str = "
    DELETE FROM events_due WHERE (tenant, sink, event_id) IN
        (SELECT d.tenant, d.sink, d.event_id FROM
            (SELECT tenant, sink, event_id FROM events_due WHERE tenant = $1 AND sink = $2
            ORDER BY event_id LIMIT $3) d
        WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.tenant = d.tenant AND e.id = d.event_id))";

const CLOSE: &str = "
    UPDATE event_sinks SET closed_at = $4
    WHERE tenant = $1 AND name = $2 AND seen_at = $3 AND closed_at IS NULL";

const REMOVE: &str = "
    DELETE FROM event_sinks WHERE tenant = $1 AND name = $2 AND closed_at <= $3";

impl DatabaseTransaction {
    /// This sink stands in a configuration: it is owed every event from now on, if it was not before.
    pub async fn note_sink(&mut self, name: &str, now: Timestamp) -> Result<()> {
        execute!(self, NOTE, &self.tenant, name, now.micros())?;
        Ok(())
    }

    pub async fn sinks(&mut self) -> Result<Vec<StoredSink>> {
        let rows = all!(self, SinkRow, SINKS, &self.tenant, SINKS_AT_ONCE)?;
        Ok(rows.into_iter().map(SinkRow::read).collect())
    }

    /// When the first event happened that this sink has not had.
    pub async fn first_due(&mut self, sink: &str) -> Result<Option<Timestamp>> {
        let row = optional!(self, DueRow, FIRST, &self.tenant, sink)?;
        Ok(row.map(|row| time(row.at)))
    }

    /// What this sink has not had, after this id, by id, which is nearly the order of time.
    pub async fn due_events(
        &mut self,
        sink: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        let (after, limit) = (after.unwrap_or_default(), i64::from(limit));
        let rows = all!(self, EventRow, DUE, &self.tenant, sink, after, limit)?;
        rows.into_iter().map(EventRow::read).collect()
    }

    /// Which of these are sent from now on, and the how manieth time; others were sent meanwhile. Commit it before they are sent: of
    /// each event one attempt alone is the first, whoever makes the others.
    pub async fn begin_sending(
        &mut self,
        sink: &str,
        ids: &[&str],
    ) -> Result<BTreeMap<String, u32>> {
        let rows = all_by_name!(self, AttemptRow, (BEGIN_ON_SQLITE, BEGIN_ON_POSTGRES), {
            tenant: &self.tenant,
            sink: sink,
            ids: json::write(&ids, IDS)?,
        })?;
        let read = |row: AttemptRow| {
            let attempts = u32::try_from(row.attempts);
            let attempts = attempts.map_err(|_| StoreError::corrupt("`events_due.attempts`"))?;
            Ok((row.event_id, attempts))
        };
        rows.into_iter().map(read).collect()
    }

    /// The sink has these; says how many of them it was still owed.
    pub async fn end_sending(&mut self, sink: &str, ids: &[&str]) -> Result<usize> {
        let rows = all_by_name!(self, SentRow, (SENT_ON_SQLITE, SENT_ON_POSTGRES), {
            tenant: &self.tenant,
            sink: sink,
            ids: json::write(&ids, IDS)?,
        })?;
        Ok(rows
            .iter()
            .filter(|row| ids.contains(&row.event_id.as_str()))
            .count())
    }

    /// Events of until then are not sent any more, of the first `limit`; says how many.
    pub async fn give_up_due(&mut self, sink: &str, until: Timestamp, limit: u32) -> Result<u64> {
        let (until, limit) = (until.micros(), i64::from(limit));
        execute!(self, GIVE_UP, &self.tenant, sink, until, limit)
    }

    /// Nor are those that left the record; says how many of the first `limit`.
    pub async fn give_up_gone(&mut self, sink: &str, limit: u32) -> Result<u64> {
        execute!(self, GIVE_UP_GONE, &self.tenant, sink, i64::from(limit))
    }

    /// Nothing more is written for it, unless a server had it in its configuration since `sink` was read.
    pub async fn close_sink(&mut self, sink: &StoredSink, now: Timestamp) -> Result<()> {
        let seen_at = sink.seen_at.micros();
        execute!(self, CLOSE, &self.tenant, &sink.name, seen_at, now.micros())?;
        Ok(())
    }

    /// The sink itself, if it was closed until then.
    pub async fn remove_sink(&mut self, name: &str, until: Timestamp) -> Result<()> {
        execute!(self, REMOVE, &self.tenant, name, until.micros())?;
        Ok(())
    }
}

impl SinkRow {
    fn read(self) -> StoredSink {
        StoredSink {
            name: self.name,
            seen_at: time(self.seen_at),
            closed_at: self.closed_at.map(time),
            oldest: self.oldest.map(time),
        }
    }
}
