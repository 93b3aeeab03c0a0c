//! What a sink did not take for as long as it is kept, and sinks that are gone.

use std::time::Duration;

use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_store::StoreError;
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::metrics::CountedEvents;

/// For a sink that no server had in its configuration for so long nothing more is kept.
pub const UNSEEN: Duration = Duration::from_secs(7 * 24 * 3600);
/// Whoever saw it open has committed by then.
const CLOSED_FOR: Duration = Duration::from_secs(24 * 3600);
/// Events that are given up in one transaction.
pub(super) const PIECE: u32 = 1000;
/// The time in an id and that of its event are not further apart.
pub const MARGIN: Duration = Duration::from_secs(3600);

/// What a sink did not take in time is not sent any more; an event says so, which is due to it too.
pub(super) async fn give_up(app: &App, sink: &str, until: Timestamp) -> Result<(), StoreError> {
    loop {
        let mut transaction = app.begin().await?;
        let lost = transaction.give_up_due(sink, until, PIECE).await?;
        if lost > 0 {
            let now = app.clock.now();
            let data = json!({ "sink": sink, "events": lost, "until": until.rfc3339() });
            let event = Event::new(app.event_id(now), now, EventName::EventsLost).with(data);
            transaction.insert_event(&event).await?;
        }
        transaction.commit().await?;
        note_lost(app, sink, lost);
        if lost < u64::from(PIECE) {
            return Ok(());
        }
    }
}

pub(super) fn note_lost(app: &App, sink: &str, lost: u64) {
    if lost > 0 {
        tracing::error!(
            sink,
            lost,
            "events that a sink did not take in time are lost to it"
        );
        app.metrics
            .events_out
            .events(sink, CountedEvents::Lost, lost);
    }
}

/// For sinks that no server has in its configuration any more nothing is kept: first nothing more is written, then what is left goes.
pub async fn forget_sinks(app: &App) -> Result<(), StoreError> {
    let now = app.sweep_time().await?;
    let sinks = app.read().await?.sinks().await?;
    for sink in sinks {
        match sink.closed_at {
            None if sink.seen_at.plus(UNSEEN) <= now => {
                let mut transaction = app.begin().await?;
                transaction.close_sink(&sink, now).await?;
                transaction.commit().await?;
            }
            Some(closed_at) if closed_at.plus(CLOSED_FOR) <= now => {
                // No clock was so far ahead.
                give_up(app, &sink.name, now.plus(CLOSED_FOR)).await?;
                let mut transaction = app.begin().await?;
                transaction.remove_sink(&sink.name, closed_at).await?;
                transaction.commit().await?;
            }
            None | Some(_) => {}
        }
    }
    Ok(())
}

/// How long the record is kept, so that nothing leaves it that a sink has not had.
pub async fn kept_for_sinks(
    app: &App,
    kept: Duration,
    now: Timestamp,
) -> Result<Duration, StoreError> {
    let sinks = app.read().await?.sinks().await?;
    let oldest = sinks.iter().filter_map(|sink| sink.oldest).min();
    Ok(oldest.map_or(kept, |oldest| kept.max(oldest.until(now) + MARGIN)))
}
