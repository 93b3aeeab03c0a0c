//! The worker of the outbox: leases due notices, sends them and records the outcome. If a node dies while sending, its leases end
//! and another node sends: each notice is sent at least once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use writ_core::event::{Event, EventName};
use writ_pages::messages::AccountNews;
use writ_store::notice::Notice;
use writ_wire::time::Timestamp;

use crate::approvals::{deliver as client_callback, escalate};
use crate::background::by_a_right_clock;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::notifications::outbox::{Channel, NoticeContent};
use crate::notifications::outcome::{DeliveryOutcome, NotSent};
use crate::notifications::{
    account_notice, fan_out, link_mail, mail, not_done_notice, reach_notice, seal, stop_notice,
    used_twice_notice, web_push, webhook,
};
use crate::operate::forgotten;

/// Notices that one node sends at once.
pub const MAX_AT_ONCE: usize = 64;
/// Lifetime of a lease; longer than any attempt.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often a node looks for notices of other nodes, and for stages and requests whose time is over.
const PERIOD: Duration = Duration::from_secs(1);
/// How long attempts that are under way may take at shutdown.
const GRACE: Duration = Duration::from_secs(6);
/// Pauses between attempts; the last one repeats until the notice expires.
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
            _ = ticks.tick() => log(escalate_due(&app).await),
            () = app.notices.due.notified() => {}
            Some(_) = sending.join_next() => {}
            _ = stop.changed() => break,
        }
        log(send_leased(&app, &mut sending).await.map(drop));
    }
    let all = async { while sending.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::warn!("notices that were under way did not finish in time");
    }
}

/// Sends what is due now: escalations and expiries first, then notices until none is left. For tests.
pub async fn send_due(app: &Arc<App>) -> Result<usize, Failure> {
    escalate_due(app).await?;
    let mut sending = JoinSet::new();
    let mut sent = 0;
    loop {
        let taken = send_leased(app, &mut sending).await?;
        while sending.join_next().await.is_some() {}
        if taken == 0 {
            return Ok(sent);
        }
        sent += taken;
    }
}

async fn escalate_due(app: &App) -> Result<(), Failure> {
    by_a_right_clock(app, escalate::turn(app)).await.map(drop)
}

async fn send_leased(app: &Arc<App>, sending: &mut JoinSet<()>) -> Result<usize, Failure> {
    let sent = by_a_right_clock(app, lease_and_send(app, sending)).await?;
    Ok(sent.unwrap_or_default())
}

/// Leases due notices, as many as may be sent at once, and starts to send them; says how many.
async fn lease_and_send(app: &Arc<App>, sending: &mut JoinSet<()>) -> Result<usize, Failure> {
    let room = MAX_AT_ONCE.saturating_sub(sending.len());
    let now = app.clock.now();
    let next = app.read().await?.next_notice_at(now).await?;
    if room == 0 || next.is_none_or(|at| at > now) {
        return Ok(0);
    }
    let mut transaction = app.begin().await?;
    let limit = u32::try_from(room).unwrap_or(1);
    let taken = transaction
        .take_due_notices(now, now.plus(LEASE), limit)
        .await?;
    transaction.commit().await?;
    let count = taken.len();
    for notice in taken {
        let app = app.clone();
        sending.spawn(async move { log(deliver(&app, &notice).await) });
    }
    Ok(count)
}

async fn deliver(app: &App, notice: &Notice) -> Result<(), Failure> {
    let Some(channel) = Channel::from_row(&notice.kind) else {
        return conclude(
            app,
            notice,
            DeliveryOutcome::Failed("unknown channel".to_owned()),
        )
        .await;
    };
    let outcome = match attempt(app, channel, notice).await {
        Ok(outcome) | Err(NotSent::Outcome(outcome)) => outcome,
        Err(NotSent::Failure(failure)) => {
            tracing::error!(notice = %notice.id, ?failure, "a notice could not be tried");
            DeliveryOutcome::Retry("fault of the server".to_owned(), None)
        }
    };
    let label = match &outcome {
        DeliveryOutcome::Delivered(_) | DeliveryOutcome::Recorded => "delivered",
        DeliveryOutcome::Retry(..) => "retried",
        DeliveryOutcome::Failed(_) => "failed",
    };
    app.metrics.notice(channel.as_str(), label);
    conclude(app, notice, outcome).await
}

async fn attempt(app: &App, channel: Channel, notice: &Notice) -> Result<DeliveryOutcome, NotSent> {
    let content: NoticeContent = app.unseal(&seal::of_notice(&notice.id), &notice.sealed)?;
    match (channel, content) {
        (Channel::Announce, NoticeContent::Waiting { stage }) => {
            fan_out::notify_approvers(app, notice, stage).await
        }
        (Channel::Announce, NoticeContent::Forgotten { name }) => {
            forgotten::answer(app, notice, &name).await
        }
        (Channel::Announce, NoticeContent::Stopped(stop)) => {
            stop_notice::notify_client(app, notice, stop).await
        }
        (Channel::Ping, NoticeContent::Over { .. }) => {
            Ok(client_callback::ping(app, notice).await?)
        }
        (Channel::Push, NoticeContent::Over { answer }) => {
            Ok(client_callback::push(app, notice, answer).await?)
        }
        (Channel::WebPush, NoticeContent::Waiting { .. }) => web_push::send(app, notice).await,
        (Channel::WebPush, NoticeContent::Reach { what, before }) => {
            reach_notice::push(app, notice, what, before).await
        }
        (Channel::WebPush, NoticeContent::Recovered { before }) => {
            reach_notice::push_to(app, notice, AccountNews::Recovered, before).await
        }
        (Channel::WebPush, NoticeContent::NotDone { client, resource }) => {
            not_done_notice::push(app, notice, &client, &resource).await
        }
        (Channel::WebPush, NoticeContent::UsedTwice { client }) => {
            used_twice_notice::push(app, notice, &client).await
        }
        (Channel::Mail, content) => mail::send(app, notice, &content).await,
        (Channel::Webhook, content) => webhook::send(app, notice, &content).await,
        (Channel::WebPush, NoticeContent::ResetAsked { link }) => {
            link_mail::push_reset_asked(app, notice, &link).await
        }
        (Channel::WebPush, content) => match account_notice::news(&content) {
            Some(news) => account_notice::push(app, notice, news).await,
            None => Ok(of_another_channel()),
        },
        _ => Ok(of_another_channel()),
    }
}

fn of_another_channel() -> DeliveryOutcome {
    DeliveryOutcome::Failed("a letter of another channel".to_owned())
}

async fn conclude(app: &App, notice: &Notice, outcome: DeliveryOutcome) -> Result<(), Failure> {
    if outcome == DeliveryOutcome::Recorded {
        return Ok(());
    }
    let now = app.mended_time();
    let mut transaction = app.begin().await?;
    let ended = match &outcome {
        DeliveryOutcome::Recorded => false,
        DeliveryOutcome::Delivered(how) => {
            transaction.delivered_notice(&notice.id, how, now).await?
        }
        DeliveryOutcome::Failed(why) => transaction.failed_notice(&notice.id, why, now).await?,
        DeliveryOutcome::Retry(why, wait) => {
            let at = next_attempt(notice, *wait, now);
            if at < notice.expires_at {
                transaction.retry_notice(&notice.id, at, why).await?;
                transaction.commit().await?;
                return Ok(());
            }
            transaction.failed_notice(&notice.id, why, now).await?
        }
    };
    if ended {
        transaction
            .insert_event(&notified_event(app, notice, &outcome, now))
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// After a pause; a pause that would outlast the notice ends shortly before it does.
fn next_attempt(notice: &Notice, wait: Option<Duration>, now: Timestamp) -> Timestamp {
    let [.., last] = PAUSES;
    let tried = usize::try_from(notice.attempts).unwrap_or(usize::MAX);
    let pause = PAUSES.get(tried.saturating_sub(1)).copied().unwrap_or(last);
    let last_chance = notice.expires_at.minus(LAST_CHANCE);
    match wait {
        Some(wait) => now.plus(wait.max(pause)),
        None if now < last_chance => now.plus(pause).min(last_chance),
        None => now.plus(pause),
    }
}

/// The event `approval.notified`: how the notice ended, delivered or not.
fn notified_event(app: &App, notice: &Notice, outcome: &DeliveryOutcome, now: Timestamp) -> Event {
    let (reached, how) = match outcome {
        DeliveryOutcome::Delivered(how) => (true, how.as_str()),
        DeliveryOutcome::Retry(why, _) | DeliveryOutcome::Failed(why) => (false, why.as_str()),
        DeliveryOutcome::Recorded => (true, ""),
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
