//! One step of a request becomes a notice for each way to each of its people, in one transaction.

use writ_core::id::UserId;
use writ_core::pending::PendingRequest;
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;
use writ_wire::time::Timestamp;

use super::outbox::{Channel, Draft, Letter, WEBHOOK, write};
use super::outcome::Outcome;
use crate::config::Channels;
use crate::node::app::App;
use crate::node::failure::Failure;

pub(crate) async fn people(app: &App, notice: &Notice, stage: usize) -> Result<Outcome, Failure> {
    let now = app.clock.now();
    let mut session = app.begin().await?;
    let Some(request) = waiting(&mut session, notice, now).await? else {
        return Ok(over());
    };
    for user in request.asked.stages.get(stage).iter().flat_map(|s| &s.of) {
        for (channel, target) in ways(&app.config.channels, &mut session, user).await? {
            let draft = draft(channel, (&request, Some(user)), &target, stage);
            write(app, &mut session, draft).await?;
        }
    }
    if app.config.channels.webhook.is_some() {
        let draft = draft(Channel::Webhook, (&request, None), WEBHOOK, stage);
        write(app, &mut session, draft).await?;
    }
    // Another node may have done all this while this one was slow.
    if session
        .delivered_notice(&notice.id, "announced", now)
        .await?
    {
        session.commit().await?;
    }
    Ok(Outcome::Settled)
}

/// The request of a notice, or the newer copy of the same question, if it is still open.
pub(crate) async fn waiting(
    session: &mut DatabaseTransaction,
    notice: &Notice,
    now: Timestamp,
) -> Result<Option<PendingRequest>, Failure> {
    let Some(id) = &notice.request else {
        return Ok(None);
    };
    let found = match session.pending_by_id(id).await? {
        Some(older) if older.is_superseded() => session.newest_copy(&older).await?,
        found => found,
    };
    Ok(found.filter(|request| request.is_open(now)))
}

/// Nobody is disturbed for what is over.
pub(crate) fn over() -> Outcome {
    Outcome::Never("the request is over".to_owned())
}

/// By which ways one person hears.
pub(crate) async fn ways(
    channels: &Channels,
    session: &mut DatabaseTransaction,
    user: &UserId,
) -> Result<Vec<(Channel, String)>, Failure> {
    let browsers = session.subscriptions_of(user).await?.into_iter();
    let mut ways: Vec<_> = browsers
        .map(|subscription| (Channel::WebPush, subscription.digest))
        .collect();
    let settings = session.settings(user).await?;
    let wants_mail = settings.is_some_and(|settings| settings.email.is_some());
    if wants_mail && channels.mail.is_some() {
        ways.push((Channel::Mail, user.to_string()));
    }
    Ok(ways)
}

fn draft<'a>(
    channel: Channel,
    (request, user): (&'a PendingRequest, Option<&'a UserId>),
    target: &'a str,
    stage: usize,
) -> Draft<'a> {
    Draft {
        channel,
        request: Some(&request.id),
        user,
        target,
        letter: Letter::Waiting { stage },
        expires_at: request.expires_at,
    }
}
