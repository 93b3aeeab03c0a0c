//! Background work: expired rows are deleted in bounded batches, retired keys once nothing that they signed can be valid, and the
//! outbox is sent.

pub mod sending;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use writ_core::event::{Event, EventName};
use writ_core::signing::{KeyState, removable};
use writ_store::signing::StoredSigningKey;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::clock::COMPARED_EVERY;
use crate::people::live;

/// How often expired rows and keys are deleted.
const PERIOD: Duration = Duration::from_secs(30);
/// Rows of each kind that are deleted in one transaction.
const BATCH: u32 = 1000;
/// Unused registrations that are removed in one round, each in a transaction of its own.
const UNUSED_BATCH: u32 = 200;
/// The most batches of one round; the next round goes on.
const MOST_BATCHES: u32 = 32;

/// Runs until `stop` changes. A failure is logged and tried again.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    tokio::join!(
        sweep_periodically(app.clone(), stop.clone()),
        compare_periodically(app.clone(), stop.clone()),
        make_id_token_keys(app.clone()),
        sending::run(app.clone(), stop.clone()),
        live::close_with(app, stop)
    );
}

/// Right after the start, so that the first client finds them; a failure is left to the first request that needs one.
async fn make_id_token_keys(app: Arc<App>) {
    if let Err(error) = app.complete_id_token_keys().await {
        tracing::error!(%error, "no key of ID tokens could be made");
    }
}

async fn sweep_periodically(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                if let Err(error) = sweep_once(&app).await {
                    tracing::error!(%error, "background work failed");
                }
            }
            _ = stop.changed() => return,
        }
    }
}

/// A failure is met by requests too, and said there.
async fn compare_periodically(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(COMPARED_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                if let Err(error) = app.compare_clock().await {
                    tracing::debug!(%error, "the clocks cannot be compared");
                }
            }
            _ = stop.changed() => return,
        }
    }
}

/// One round of deletions; says how many rows.
pub async fn sweep_once(app: &App) -> Result<u64, StoreError> {
    let now = app.sweep_time().await?;
    let swept = delete_expired(app, now).await? + remove_unused_clients(app, now).await?;
    remove_retired_keys(app, now).await?;
    Ok(swept)
}

async fn delete_expired(app: &App, now: Timestamp) -> Result<u64, StoreError> {
    let mut swept = 0;
    for _ in 0..MOST_BATCHES {
        let batch = app.store.sweep(now, BATCH).await?;
        swept += batch;
        if batch < u64::from(BATCH) {
            break;
        }
    }
    if swept > 0 {
        tracing::debug!(swept, "expired rows removed");
    }
    Ok(swept)
}

/// Clients that registered themselves and that nobody used in time, a bounded number of them in one round.
async fn remove_unused_clients(app: &App, now: Timestamp) -> Result<u64, StoreError> {
    let mut reading = app.read().await?;
    let expired = reading.expired_registrations(now, UNUSED_BATCH).await?;
    drop(reading);
    let mut removed = 0;
    for client in expired {
        let mut transaction = app.begin().await?;
        if !transaction.delete_unused_client(&client, now).await? {
            continue;
        }
        let mut event = Event::new(app.event_id(now), now, EventName::ClientRemoved)
            .with(json!({ "by": "registration", "because": "nobody used it in time" }));
        event.client = Some(client.to_string());
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        app.metrics.registration("expired");
        removed += 1;
    }
    Ok(removed)
}

async fn remove_retired_keys(app: &App, now: Timestamp) -> Result<(), StoreError> {
    let old = |rows: Vec<StoredSigningKey>| {
        rows.into_iter().filter(move |row| {
            let retired_at = row.retired_at.filter(|_| row.state == KeyState::Retiring);
            retired_at.is_some_and(|at| removable(at, now))
        })
    };
    let mut reading = app.read().await?;
    let (rows, id_token_rows) = (
        reading.signing_keys().await?,
        reading.id_token_keys().await?,
    );
    drop(reading);
    for row in old(rows) {
        let mut transaction = app.begin().await?;
        let removed = transaction.remove_retired(&row.kid, now).await?;
        commit_removal(app, transaction, &row.kid, removed).await?;
    }
    for row in old(id_token_rows) {
        let mut transaction = app.begin().await?;
        let removed = transaction.remove_retired_id_token_key(&row.kid, now);
        let removed = removed.await?;
        commit_removal(app, transaction, &row.kid, removed).await?;
    }
    Ok(())
}

async fn commit_removal(
    app: &App,
    mut transaction: DatabaseTransaction,
    kid: &str,
    removed: bool,
) -> Result<(), StoreError> {
    if removed {
        let now = app.clock.now();
        let event = Event::new(app.event_id(now), now, EventName::KeyRetired)
            .with(json!({ "kid": kid, "state": KeyState::Removed.as_str() }));
        transaction.insert_event(&event).await?;
    }
    transaction.commit().await
}
