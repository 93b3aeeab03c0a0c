//! The worker: takes what is due for itself alone, sends it, and writes down how it went. A node that dies on the way loses
//! nothing: its lease ends and another one sends.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use writ_core::event::{Event, EventName};
use writ_store::notice::Notice;
use writ_wire::time::Timestamp;

use crate::approvals::{deliver as to_client, escalate};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::notifications::outbox::{Channel, Letter};
use crate::notifications::outcome::Outcome;
use crate::notifications::{announce, mail, passkey, seal, web_push, webhook};

/// Notices that one node sends at once.
pub const MAX_AT_ONCE: usize = 64;
/// How long a taken notice is its taker's; longer than any attempt.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often a node looks for what other nodes left, and for steps that are over.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the sending of what was taken may take at the end.
const GRACE: Duration = Duration::from_secs(6);
/// Between attempts; the last one again and again until the notice expires.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(300),
];

/// How long before its end a notice is tried for the last time.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// Runs until `stop` changes. A failure is logged and tried again.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sending = JoinSet::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => log(escalate::turn(&app).await),
            () = app.notices.due.notified() => {}
            Some(_) = sending.join_next() => {}
            _ = stop.changed() => break,
        }
        log(take(&app, &mut sending).await.map(drop));
    }
    let all = async { while sending.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::warn!("notices that were under way did not finish in time");
    }
}

/// Whatever is due now: steps and ends, then notices until none is left. For tests and small tools.
pub async fn once(app: &Arc<App>) -> Result<usize, Failure> {
    escalate::turn(app).await?;
    let mut sending = JoinSet::new();
    let mut sent = 0;
    loop {
        let taken = take(app, &mut sending).await?;
        while sending.join_next().await.is_some() {}
        if taken == 0 {
            return Ok(sent);
        }
        sent += taken;
    }
}

/// Starts what is due, as far as there is room.
async fn take(app: &Arc<App>, sending: &mut JoinSet<()>) -> Result<usize, Failure> {
    let room = MAX_AT_ONCE.saturating_sub(sending.len());
    let now = app.clock.now();
    let next = app.read().await?.next_notice_at(now).await?;
    if room == 0 || next.is_none_or(|at| at > now) {
        return Ok(0);
    }
    let mut session = app.begin().await?;
    let limit = u32::try_from(room).unwrap_or(1);
    let taken = session
        .take_due_notices(now, now.plus(LEASE), limit)
        .await?;
    session.commit().await?;
    let count = taken.len();
    for notice in taken {
        let app = app.clone();
        sending.spawn(async move { log(deliver(&app, &notice).await) });
    }
    Ok(count)
}

async fn deliver(app: &App, notice: &Notice) -> Result<(), Failure> {
    let Some(channel) = Channel::from_row(&notice.kind) else {
        return conclude(app, notice, Outcome::Never("unknown channel".to_owned())).await;
    };
    let outcome = match attempt(app, channel, notice).await {
        Ok(outcome) => outcome,
        Err(failure) => {
            tracing::error!(notice = %notice.id, ?failure, "a notice could not be tried");
            Outcome::Again("fault of the server".to_owned(), None)
        }
    };
    let label = match &outcome {
        Outcome::Delivered(_) | Outcome::Settled => "delivered",
        Outcome::Again(..) => "retried",
        Outcome::Never(_) => "failed",
    };
    app.metrics.notice(channel.as_str(), label);
    conclude(app, notice, outcome).await
}

async fn attempt(app: &App, channel: Channel, notice: &Notice) -> Result<Outcome, Failure> {
    let letter: Letter = app.unseal(&seal::of_notice(&notice.id), &notice.sealed)?;
    match (channel, letter) {
        (Channel::Announce, Letter::Waiting { stage }) => {
            announce::people(app, notice, stage).await
        }
        (Channel::Ping, Letter::Over { .. }) => to_client::ping(app, notice).await,
        (Channel::Push, Letter::Over { answer }) => to_client::push(app, notice, answer).await,
        (Channel::WebPush, Letter::Waiting { .. }) => web_push::send(app, notice).await,
        (Channel::WebPush, Letter::Passkey { what }) => passkey::push(app, notice, what).await,
        (Channel::Mail, letter) => mail::send(app, notice, &letter).await,
        (Channel::Webhook, letter) => webhook::send(app, notice, &letter).await,
        _ => Ok(Outcome::Never("a letter of another channel".to_owned())),
    }
}

async fn conclude(app: &App, notice: &Notice, outcome: Outcome) -> Result<(), Failure> {
    if outcome == Outcome::Settled {
        return Ok(());
    }
    let now = app.clock.now();
    let mut session = app.begin().await?;
    let ended = match &outcome {
        Outcome::Settled => false,
        Outcome::Delivered(how) => session.delivered_notice(&notice.id, how, now).await?,
        Outcome::Never(why) => session.failed_notice(&notice.id, why, now).await?,
        Outcome::Again(why, wait) => {
            let at = next_attempt(notice, *wait, now);
            if at < notice.expires_at {
                session.retry_notice(&notice.id, at, why).await?;
                session.commit().await?;
                return Ok(());
            }
            session.failed_notice(&notice.id, why, now).await?
        }
    };
    if ended {
        session
            .insert_event(&told(app, notice, &outcome, now))
            .await?;
    }
    Ok(session.commit().await?)
}

/// After a pause; a pause that would outlast the notice ends shortly before it does.
fn next_attempt(notice: &Notice, wait: Option<Duration>, now: Timestamp) -> Timestamp {
    let [.., last] = PAUSES;
    let tried = usize::try_from(notice.attempts).unwrap_or(usize::MAX);
    let usual = PAUSES.get(tried.saturating_sub(1)).copied().unwrap_or(last);
    let last_chance = notice.expires_at.minus(LAST_CHANCE);
    match wait {
        Some(wait) => now.plus(wait.max(usual)),
        None if now < last_chance => now.plus(usual).min(last_chance),
        None => now.plus(usual),
    }
}

/// `approval.notified`: the end of a notice, whether it reached anybody or not.
fn told(app: &App, notice: &Notice, outcome: &Outcome, now: Timestamp) -> Event {
    let (reached, how) = match outcome {
        Outcome::Delivered(how) => (true, how.as_str()),
        Outcome::Again(why, _) | Outcome::Never(why) => (false, why.as_str()),
        Outcome::Settled => (true, ""),
    };
    let mut event = Event::new(app.event_id(now), now, EventName::ApprovalNotified).with(json!({
        "notice": notice.id,
        "channel": notice.kind,
        "approval": notice.request,
        "reached": reached,
        "outcome": how,
        "attempts": notice.attempts,
    }));
    event.subject = notice.user.as_ref().map(ToString::to_string);
    event
}

fn log(done: Result<(), Failure>) {
    if let Err(failure) = done {
        tracing::error!(?failure, "the outbox failed");
    }
}
