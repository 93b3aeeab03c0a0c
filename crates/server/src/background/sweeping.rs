//! What is over leaves as fast as it comes: in batches that are as large as a short time allows, so that nobody waits long for one,
//! until nothing is left; one node at a time, by a lease.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;
use writ_core::event::{Event, EventName};
use writ_core::history;
use writ_core::id::ClientId;
use writ_store::StoreError;
use writ_store::lease::Lease;
use writ_store::sweep::{SweepRule, SweepTime, SweptBatch, rules};
use writ_wire::time::Timestamp;

use crate::background::events_out;
use crate::node::app::App;

/// What a batch may take on SQLite, where nobody else writes meanwhile.
const ALONE: Duration = Duration::from_millis(4);
/// The same on PostgreSQL, where nobody waits for it.
const BESIDE: Duration = Duration::from_millis(25);
/// After a batch others have so many times as long as it took.
const REST: u32 = 3;
/// Who is later than this, after an outage or in a heavy hour, leaves others only as much as it takes.
const LATE: Duration = Duration::from_secs(120);
const REST_WHEN_LATE: u32 = 1;
/// The first batch of each table; the next ones follow from the time that it took.
const FIRST: u32 = 64;
const SMALLEST: u32 = 8;
const LARGEST: u32 = 8192;
/// Batches of one table in a round; in the next one, which begins soon after, every table is looked at again.
const PASSES: u32 = 64;
/// Clients that are removed in one round, each in a transaction of its own.
const CLIENTS: u32 = 200;
/// Longer than any batch: a node that died is replaced after so long.
const LEASE: Duration = Duration::from_secs(30);
/// What only one node does at a time.
pub const LEASE_NAME: &str = "sweep";
/// How often the types of this node are marked as in use; they leave after thirteen months.
const TYPES_NOTED: Duration = Duration::from_secs(24 * 3600);

/// Whether others are given time between two batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepPace {
    /// They get three times as long as a batch took.
    Shared,
    /// Nobody else is there.
    Alone,
}

/// The sweep of one node: what it has learnt of batches.
pub struct Sweeping {
    holder: String,
    pace: SweepPace,
    sizes: BTreeMap<&'static str, u32>,
    rest: u32,
    types_noted_at: Option<Timestamp>,
}

impl Sweeping {
    pub fn new(app: &App, pace: SweepPace) -> Self {
        Self {
            holder: app.random.identifier(),
            pace,
            sizes: BTreeMap::new(),
            rest: REST,
            types_noted_at: None,
        }
    }

    /// One round: until nothing is over, or long enough; nothing at all while another node sweeps. Says how many rows left.
    pub async fn round(&mut self, app: &App) -> Result<u64, StoreError> {
        self.note_types(app).await?;
        if !self.holds_lease(app).await? {
            return Ok(0);
        }
        let swept = self.sweep(app).await;
        let (lease, now) = (self.lease(), app.clock.now());
        let mut transaction = app.begin().await?;
        transaction.give_lease_back(lease, now).await?;
        transaction.commit().await?;
        swept
    }

    async fn sweep(&mut self, app: &App) -> Result<u64, StoreError> {
        let mut swept = app.store.sweep_crowds(LARGEST).await?;
        let time = time(app).await?;
        let over = over(app, time).await?;
        self.rest = match over.iter().any(|(_, lag)| *lag > LATE) {
            true => REST_WHEN_LATE,
            false => REST,
        };
        let over: Vec<_> = over.into_iter().map(|(rule, _)| rule).collect();
        // Twice, because what hangs from a row may have kept it until all of that had left.
        for _ in 0..2 {
            swept += self.sweep_tables(app, over.clone(), time).await?;
        }
        Ok(swept + remove_unused_clients(app).await? + forget_guests(app).await?)
    }

    /// In turn, a batch of each, so that no table waits for the end of another.
    async fn sweep_tables(
        &mut self,
        app: &App,
        mut left: Vec<&'static SweepRule>,
        time: SweepTime,
    ) -> Result<u64, StoreError> {
        let (mut swept, mut failed) = (0, None);
        for _ in 0..PASSES {
            let mut more = Vec::new();
            for rule in left {
                match self.batch(app, rule, time).await {
                    Ok((batch, size)) => {
                        swept += batch.all();
                        if batch.rows >= u64::from(size) {
                            more.push(rule);
                        }
                    }
                    Err(error) if error.is_unavailable() => return Err(error),
                    // The other tables do not wait for this one to be mended.
                    Err(error) => failed = Some(error),
                }
            }
            left = more;
            if left.is_empty() || !self.holds_lease(app).await? {
                break;
            }
        }
        failed.map_or(Ok(swept), Err)
    }

    async fn batch(
        &mut self,
        app: &App,
        rule: &'static SweepRule,
        time: SweepTime,
    ) -> Result<(SweptBatch, u32), StoreError> {
        let size = self.sizes.get(rule.table).copied().unwrap_or(FIRST);
        let batch = app.store.sweep_batch(rule, time, size).await?;
        app.metrics.swept(&batch);
        let aim = match app.store.has_one_writer() {
            true => ALONE,
            false => BESIDE,
        };
        if batch.rows > 0 {
            self.sizes.insert(rule.table, next_size(size, &batch, aim));
        }
        if self.pace == SweepPace::Shared {
            sleep(batch.busy * self.rest).await;
        }
        Ok((batch, size))
    }

    fn lease(&self) -> Lease<'_> {
        Lease {
            name: LEASE_NAME,
            holder: &self.holder,
            length: LEASE,
        }
    }

    /// Taken or renewed.
    async fn holds_lease(&self, app: &App) -> Result<bool, StoreError> {
        let now = app.clock.now();
        let mut transaction = app.begin().await?;
        let held = transaction.take_lease(self.lease(), now).await?;
        transaction.commit().await?;
        Ok(held)
    }

    async fn note_types(&mut self, app: &App) -> Result<(), StoreError> {
        let now = app.clock.now();
        if self
            .types_noted_at
            .is_none_or(|at| now >= at.plus(TYPES_NOTED))
        {
            app.catalogue.keep_types(&app.store, now).await?;
            self.types_noted_at = Some(now);
        }
        Ok(())
    }
}

/// Of the tables that have rows that are over; and how late each is, for the metrics.
async fn over(
    app: &App,
    time: SweepTime,
) -> Result<Vec<(&'static SweepRule, Duration)>, StoreError> {
    let mut over = Vec::new();
    for rule in rules() {
        let lag = app.store.sweep_lag(rule, time).await?;
        app.metrics.sweep_lag(rule.table, lag.unwrap_or_default());
        over.extend(lag.map(|lag| (rule, lag)));
    }
    Ok(over)
}

async fn time(app: &App) -> Result<SweepTime, StoreError> {
    let now = app.sweep_time().await?;
    let record_kept = match app.config.audit.kept {
        Some(kept) => Some(events_out::kept_for_sinks(app, kept, now).await?),
        None => None,
    };
    Ok(SweepTime { now, record_kept })
}

/// As many rows as would have taken `aim`; never more than twice as many as the last time.
fn next_size(size: u32, batch: &SweptBatch, aim: Duration) -> u32 {
    let busy = batch.busy.as_micros().max(1);
    let rows = u128::from(batch.rows) * aim.as_micros() / busy;
    let rows = u32::try_from(rows).unwrap_or(LARGEST);
    rows.min(size.saturating_mul(2)).clamp(SMALLEST, LARGEST)
}

/// Clients that registered themselves and that nobody used in time, a bounded number of them in one round.
async fn remove_unused_clients(app: &App) -> Result<u64, StoreError> {
    let now = app.sweep_time().await?;
    let mut reading = app.read().await?;
    let expired = reading.expired_registrations(now, CLIENTS).await?;
    drop(reading);
    let mut removed = 0;
    for client in expired {
        let mut transaction = app.begin().await?;
        if !transaction.delete_unused_client(&client, now).await? {
            continue;
        }
        let event = removal(app, &client, "nobody used it in time");
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        app.metrics.registration("expired");
        removed += 1;
    }
    Ok(removed)
}

/// Guests that nobody let do anything for thirteen months.
async fn forget_guests(app: &App) -> Result<u64, StoreError> {
    let ended = app.sweep_time().await?.minus(history::KEPT);
    let mut reading = app.read().await?;
    let forgotten = reading.forgotten_guests(ended, CLIENTS).await?;
    drop(reading);
    let mut removed = 0;
    for guest in forgotten {
        let mut transaction = app.begin().await?;
        if !transaction.delete_forgotten_guest(&guest, ended).await? {
            continue;
        }
        let event = removal(app, &guest, "nobody let it do anything for thirteen months");
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        removed += 1;
    }
    Ok(removed)
}

fn removal(app: &App, client: &ClientId, because: &str) -> Event {
    let now = app.clock.now();
    let mut event = Event::new(app.event_id(now), now, EventName::ClientRemoved)
        .with(json!({ "by": "registration", "because": because }));
    event.client = Some(client.to_string());
    event
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LARGEST, SMALLEST, SweptBatch, next_size};

    const AIM: Duration = Duration::from_millis(4);

    fn after(size: u32, rows: u64, busy: Duration) -> u32 {
        let tables = Vec::new();
        next_size(size, &SweptBatch { rows, tables, busy }, AIM)
    }

    #[test]
    fn a_batch_follows_the_time_that_the_last_one_took() {
        assert_eq!(after(100, 100, Duration::from_millis(4)), 100);
        assert_eq!(after(100, 100, Duration::from_millis(8)), 50, "too slow");
        assert_eq!(after(100, 100, Duration::from_millis(3)), 133, "faster");
        assert_eq!(
            after(100, 100, Duration::from_micros(1)),
            200,
            "at most twice as many"
        );
        assert_eq!(
            after(1000, 10, Duration::from_micros(40)),
            1000,
            "few rows, fast"
        );
        assert_eq!(after(100, 100, Duration::from_secs(9)), SMALLEST);
        assert_eq!(after(LARGEST, u64::from(LARGEST), Duration::ZERO), LARGEST);
    }
}
