//! Background work: what is over is deleted (`sweeping.rs`), retired keys once nothing that they signed can be valid, the
//! outbox is sent, events leave for their sinks, and permitted actions of which nobody told in time are recorded. All of it is judged by the time, and done for all
//! nodes: none of it by a node whose clock is wrong.

pub mod events_out;
pub mod sending;
pub mod sweeping;
pub mod traces;
pub mod upstream_groups;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use writ_core::event::{Event, EventName};
use writ_core::signing::{KeyState, removable};
use writ_store::signing::StoredSigningKey;
use writ_store::{DatabaseTransaction, StoreError};

use crate::background::sweeping::{SweepPace, Sweeping};
use crate::node::app::App;
use crate::node::clock::COMPARED_EVERY;
use crate::people::live;
use crate::request::action_event::note_silence;

/// How often it is looked for expired rows and keys while there are none.
const PERIOD: Duration = Duration::from_secs(30);
/// How soon after a round in which something left: under load what is over leaves all the time, not in bursts.
const SOON: Duration = Duration::from_secs(1);
/// How long work rests that a panic ended.
const AFTER_A_FAULT: Duration = Duration::from_secs(5);

/// Runs until `stop` changes. A failure is logged and tried again.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    tokio::join!(
        kept_running("sweep", || sweep_periodically(app.clone(), stop.clone())),
        kept_running("clock", || compare_periodically(app.clone(), stop.clone())),
        kept_running("keys", || make_id_token_keys(app.clone(), stop.clone())),
        kept_running("notices", || sending::run(app.clone(), stop.clone())),
        events_out::run(app.clone(), stop.clone()),
        kept_running("traces", || traces::run(app.clone(), stop.clone())),
        kept_running("upstream groups", || upstream_groups::run(
            app.clone(),
            stop.clone()
        )),
        kept_running("inboxes", || live::close_with(app.clone(), stop.clone()))
    );
}

/// In a task of its own: a panic in one ends no other, and it is begun again.
async fn kept_running<F>(work: &'static str, begin: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    while let Err(error) = tokio::spawn(begin()).await {
        tracing::error!(work, %error, "background work ended by a fault, and begins again");
        tokio::time::sleep(AFTER_A_FAULT).await;
    }
}

/// A turn of work; none while this node's clock is wrong, which would end for all nodes what is not over.
pub(crate) async fn by_a_right_clock<T, E>(
    app: &App,
    work: impl Future<Output = Result<T, E>>,
) -> Result<Option<T>, E>
where
    E: From<StoreError>,
{
    match app.wrong_clock().await? {
        None => work.await.map(Some),
        Some(_) => Ok(None),
    }
}

/// Right after the start, so that the first client finds them, or once the clock is right; a failure is left to the first request
/// that needs one.
async fn make_id_token_keys(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        match complete_id_token_keys(&app).await {
            Ok(Some(())) => return,
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "no key of ID tokens could be made");
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(COMPARED_EVERY) => {}
            _ = stop.changed() => return,
        }
    }
}

/// `None`: not yet, because the clock is wrong.
pub async fn complete_id_token_keys(app: &App) -> Result<Option<()>, StoreError> {
    by_a_right_clock(app, app.complete_id_token_keys()).await
}

async fn sweep_periodically(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut sweeping = Sweeping::new(&app, SweepPace::Shared);
    loop {
        let wait = tokio::select! {
            swept = sweep_round(&app, &mut sweeping) => match swept {
                Ok(0) => PERIOD,
                Ok(swept) => {
                    tracing::debug!(swept, "expired rows removed");
                    SOON
                }
                Err(error) => {
                    tracing::error!(%error, "background work failed");
                    PERIOD
                }
            },
            _ = stop.changed() => return,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
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

/// One round of deletions while nobody else is there; says how many rows.
pub async fn sweep_once(app: &App) -> Result<u64, StoreError> {
    sweep_round(app, &mut Sweeping::new(app, SweepPace::Alone)).await
}

async fn sweep_round(app: &App, sweeping: &mut Sweeping) -> Result<u64, StoreError> {
    let round = async {
        app.take_owed_attempts_back().await?;
        let swept = sweeping.round(app).await?;
        remove_retired_keys(app).await?;
        events_out::forget_sinks(app).await?;
        Ok::<_, StoreError>(swept + note_silence(app).await?)
    };
    Ok(by_a_right_clock(app, round).await?.unwrap_or_default())
}

async fn remove_retired_keys(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
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
