//! Sends what is due to the sinks of `[events]`: of each sink one node at a time, by a lease, one request after the other. What a sink does
//! not take stays due; how long, its `keep_days` says. No request of a client waits for any of it.

mod given_up;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use writ_store::StoreError;
use writ_store::event::StoredEvent;
use writ_store::lease::Lease;
use writ_wire::time::Timestamp;

use self::given_up::{PIECE, give_up, note_lost};
use super::{by_a_right_clock, kept_running};
use crate::config::EventSink;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::metrics::CountedEvents;
use crate::node::outgoing::otlp::SentOutcome;
use crate::notifications::events_out::{EventRecord, SinkSender};

pub use given_up::{MARGIN, UNSEEN, forget_sinks, kept_for_sinks};

/// How often a node looks for events that are due.
const PERIOD: Duration = Duration::from_secs(1);
/// Longer than any batch: a node that died is replaced after so long.
const LEASE: Duration = Duration::from_secs(30);
/// A lease of this age is taken again before the next batch.
const RENEWED_AFTER: Duration = Duration::from_secs(10);
/// Batches before it is looked whether the server stops.
const BATCHES: u32 = 64;
/// Events that leave in one request have at most so many bytes, as JSON; a longer one leaves alone.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// The first pause after a failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest `Retry-After` that is heeded.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How often a sink is marked as in use.
const NOTED_EVERY: Duration = Duration::from_secs(3600);

/// The worker of one sink on one node.
pub struct SinkWorker {
    sender: SinkSender,
    holder: String,
    lease: String,
    leased_at: Option<Timestamp>,
    noted_at: Option<Timestamp>,
    /// Events of the next request: fewer after one that was refused.
    size: u32,
    /// The event that was refused alone, while it is tried whether the one behind it is taken.
    refused: Option<String>,
    failures: u32,
    rests_until: Option<Timestamp>,
}

/// Whether there may be more to send at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendingProgress {
    More,
    Enough,
}

/// Runs until `stop` changes.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    let mut sinks = JoinSet::new();
    for sink in &*app.config.telemetry.sinks {
        let (app, sink, stop) = (app.clone(), sink.clone(), stop.clone());
        sinks.spawn(kept_running("events", move || {
            send_periodically(app.clone(), sink.clone(), stop.clone())
        }));
    }
    while sinks.join_next().await.is_some() {}
}

async fn send_periodically(app: Arc<App>, sink: EventSink, mut stop: watch::Receiver<bool>) {
    let mut worker = SinkWorker::new(&app, sink);
    while !*stop.borrow() {
        let progress = worker.turn(&app).await.unwrap_or_else(|failure| {
            tracing::error!(sink = worker.name(), ?failure, "events could not be sent");
            SendingProgress::Enough
        });
        if progress == SendingProgress::Enough {
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                _ = stop.changed() => break,
            }
        }
    }
    if let Err(error) = worker.give_lease_back(&app).await {
        tracing::debug!(%error, "a lease ends by itself");
    }
}

/// A worker for each sink of this node. For tests.
pub fn workers(app: &App) -> Vec<SinkWorker> {
    let sinks = app.config.telemetry.sinks.iter().cloned();
    sinks.map(|sink| SinkWorker::new(app, sink)).collect()
}

impl SinkWorker {
    fn new(app: &App, sink: EventSink) -> Self {
        let lease = format!("events:{}", sink.name);
        let sender = SinkSender::new(sink);
        Self {
            size: sender.most(),
            sender,
            holder: app.random.identifier(),
            lease,
            leased_at: None,
            noted_at: None,
            refused: None,
            failures: 0,
            rests_until: None,
        }
    }

    fn name(&self) -> &str {
        &self.sender.sink.name
    }

    /// Sends what is due, unless another node does, or the sink failed a moment ago.
    pub async fn turn(&mut self, app: &App) -> Result<SendingProgress, Failure> {
        let progress = by_a_right_clock(app, self.work(app)).await?;
        Ok(progress.unwrap_or(SendingProgress::Enough))
    }

    async fn work(&mut self, app: &App) -> Result<SendingProgress, Failure> {
        let now = app.clock.now();
        self.note(app, now).await?;
        let first = app.read().await?.first_due(self.name()).await?;
        let lag = first.map_or(Duration::ZERO, |at| at.until(now));
        app.metrics.events_out.lag(self.name(), lag);
        let Some(first) = first.filter(|_| !self.rests(now)) else {
            return Ok(SendingProgress::Enough);
        };
        let kept_since = now.minus(self.sender.sink.kept);
        if first <= kept_since && self.holds_lease(app, now).await? {
            give_up(app, self.name(), kept_since).await?;
        }
        for _ in 0..BATCHES {
            if self.send_batch(app).await? == SendingProgress::Enough {
                return Ok(SendingProgress::Enough);
            }
        }
        Ok(SendingProgress::More)
    }

    async fn send_batch(&mut self, app: &App) -> Result<SendingProgress, Failure> {
        let now = app.clock.now();
        if !self.holds_lease(app, now).await? {
            return Ok(SendingProgress::Enough);
        }
        let mut reading = app.read().await?;
        let after = self.refused.as_deref();
        let page = reading.due_events(self.name(), after, self.size).await?;
        drop(reading);
        if page.is_empty() {
            return self.nothing_left(app).await;
        }
        let wanted = self.leave_out(app, &page).await?;
        let batch = within_bytes(wanted);
        let attempts = self.begin(app, &batch).await?;
        let records = batch.into_iter().filter_map(|event| {
            let resent = *attempts.get(&event.id)? > 1;
            Some(EventRecord { event, resent })
        });
        let records: Vec<EventRecord<'_>> = records.collect();
        if records.is_empty() {
            return Ok(SendingProgress::More);
        }
        let outcome = self.sender.send(app, &records).await?;
        self.conclude(app, &records, outcome).await
    }

    /// Those that the sink wants; it is not owed the others.
    async fn leave_out<'a>(
        &self,
        app: &App,
        page: &'a [StoredEvent],
    ) -> Result<Vec<&'a StoredEvent>, StoreError> {
        let (wanted, others): (Vec<_>, Vec<_>) = page
            .iter()
            .partition(|event| self.sender.sink.wants(&event.name));
        if !others.is_empty() {
            let ids: Vec<&str> = others.iter().map(|event| event.id.as_str()).collect();
            self.end(app, &ids).await?;
        }
        Ok(wanted)
    }

    /// Written before anything is sent, so that whoever sends one of them again says so.
    async fn begin(
        &self,
        app: &App,
        batch: &[&StoredEvent],
    ) -> Result<BTreeMap<String, u32>, StoreError> {
        if batch.is_empty() {
            return Ok(BTreeMap::new());
        }
        let ids: Vec<&str> = batch.iter().map(|event| event.id.as_str()).collect();
        let mut transaction = app.begin().await?;
        let attempts = transaction.begin_sending(self.name(), &ids).await?;
        transaction.commit().await?;
        Ok(attempts)
    }

    async fn end(&self, app: &App, ids: &[&str]) -> Result<(), StoreError> {
        let mut transaction = app.begin().await?;
        transaction.end_sending(self.name(), ids).await?;
        transaction.commit().await
    }

    async fn conclude(
        &mut self,
        app: &App,
        records: &[EventRecord<'_>],
        outcome: SentOutcome,
    ) -> Result<SendingProgress, Failure> {
        if !matches!(outcome, SentOutcome::Taken { .. }) {
            app.metrics.events_out.failed(self.name());
        }
        match (outcome, records) {
            (SentOutcome::Taken { refused, said }, _) => {
                self.taken(app, records).await?;
                self.count(app, records.len(), refused, &said);
                Ok(SendingProgress::More)
            }
            (SentOutcome::Refused(said), [alone]) if self.refused.is_none() => {
                // The one behind it shows whether this event is wrong, or the sink.
                tracing::warn!(
                    sink = self.name(),
                    event = alone.event.id,
                    said,
                    "an event was refused"
                );
                self.refused = Some(alone.event.id.clone());
                Ok(SendingProgress::More)
            }
            (SentOutcome::Refused(said), [_]) => Ok(self.rest(app, &said, None)),
            (SentOutcome::Refused(_), several) => {
                self.size = u32::try_from(several.len() / 2).unwrap_or(1).max(1);
                Ok(SendingProgress::More)
            }
            (SentOutcome::Failed(said, wait), _) => Ok(self.rest(app, &said, wait)),
        }
    }

    /// The sink works: an event that it refused alone before is wrong.
    async fn taken(&mut self, app: &App, records: &[EventRecord<'_>]) -> Result<(), StoreError> {
        let refused = self.refused.take();
        let ids = records.iter().map(|record| record.event.id.as_str());
        let ids: Vec<&str> = ids.chain(refused.as_deref()).collect();
        self.end(app, &ids).await?;
        self.failures = 0;
        self.size = self.size.saturating_mul(2).min(self.sender.most());
        if let Some(event) = refused {
            tracing::error!(
                sink = self.name(),
                event,
                "a sink refused this event, and takes others"
            );
            let counted = CountedEvents::Refused;
            app.metrics.events_out.events(self.name(), counted, 1);
        }
        Ok(())
    }

    fn count(&self, app: &App, sent: usize, refused: u64, said: &str) {
        let sent = u64::try_from(sent).unwrap_or(u64::MAX);
        let refused = refused.min(sent);
        let (counted, name) = (&app.metrics.events_out, self.name());
        counted.events(name, CountedEvents::Sent, sent - refused);
        if refused > 0 {
            tracing::error!(
                sink = name,
                refused,
                said,
                "a sink refused some of the events"
            );
            counted.events(name, CountedEvents::Refused, refused);
        }
    }

    /// Half of a pause is by chance, so that servers that fail together do not come back together.
    fn rest(&mut self, app: &App, said: &str, wait: Option<Duration>) -> SendingProgress {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let longest = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
        let [chance] = app.random.bytes::<1>();
        let pause = longest / 2 + longest / 2 * u32::from(chance) / u32::from(u8::MAX);
        let pause = wait.map_or(pause, |wait| wait.min(LONGEST_WAIT).max(pause));
        tracing::warn!(
            sink = self.name(),
            said,
            ?pause,
            "a sink does not take events"
        );
        self.failures = self.failures.saturating_add(1).min(u32::BITS - 1);
        self.refused = None;
        self.rests_until = Some(app.clock.now().plus(pause));
        SendingProgress::Enough
    }

    /// No pause is longer than one could be: the clock went back.
    fn rests(&self, now: Timestamp) -> bool {
        let left = self.rests_until.map(|until| now.until(until));
        left.is_some_and(|left| left > Duration::ZERO && left <= LONGEST_WAIT)
    }

    async fn nothing_left(&mut self, app: &App) -> Result<SendingProgress, Failure> {
        if self.refused.is_some() {
            return Ok(self.rest(app, "the only event that is due is refused", None));
        }
        if app.read().await?.first_due(self.name()).await?.is_none() {
            app.metrics.events_out.lag(self.name(), Duration::ZERO);
            return Ok(SendingProgress::Enough);
        }
        // It left the record, by a server of a version that knows no sinks.
        let mut transaction = app.begin().await?;
        let gone = transaction.give_up_gone(self.name(), PIECE).await?;
        transaction.commit().await?;
        note_lost(app, self.name(), gone);
        Ok(match gone {
            0 => SendingProgress::Enough,
            _ => SendingProgress::More,
        })
    }

    /// Taken or renewed.
    async fn holds_lease(&mut self, app: &App, now: Timestamp) -> Result<bool, StoreError> {
        if self
            .leased_at
            .is_some_and(|at| at.is_within(RENEWED_AFTER, now))
        {
            return Ok(true);
        }
        let mut transaction = app.begin().await?;
        let held = transaction.take_lease(self.lease(), now).await?;
        transaction.commit().await?;
        self.leased_at = held.then_some(now);
        Ok(held)
    }

    async fn give_lease_back(&self, app: &App) -> Result<(), StoreError> {
        if self.leased_at.is_none() {
            return Ok(());
        }
        let mut transaction = app.begin().await?;
        transaction
            .give_lease_back(self.lease(), app.clock.now())
            .await?;
        transaction.commit().await
    }

    fn lease(&self) -> Lease<'_> {
        Lease {
            name: &self.lease,
            holder: &self.holder,
            length: LEASE,
        }
    }

    async fn note(&mut self, app: &App, now: Timestamp) -> Result<(), StoreError> {
        if self
            .noted_at
            .is_some_and(|at| at.is_within(NOTED_EVERY, now))
        {
            return Ok(());
        }
        let mut transaction = app.begin().await?;
        transaction.note_sink(self.name(), now).await?;
        transaction.commit().await?;
        self.noted_at = Some(now);
        Ok(())
    }
}

/// As many of the first as fit into one request; one at least.
fn within_bytes(events: Vec<&StoredEvent>) -> Vec<&StoredEvent> {
    let mut bytes = 0;
    let mut batch = Vec::new();
    for event in events {
        bytes += serde_json::to_string(event).map_or(0, |text| text.len());
        if bytes > MAX_BATCH_BYTES && !batch.is_empty() {
            break;
        }
        batch.push(event);
    }
    batch
}
