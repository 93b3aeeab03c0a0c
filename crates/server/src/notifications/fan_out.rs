//! Fan-out of an approval stage: one notice of the stage becomes a notice for each channel of each of its approvers, and for the
//! webhook, in one database transaction.

use writ_core::id::UserId;
use writ_core::pending::PendingRequest;
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;
use writ_wire::time::Timestamp;

use super::outbox::{Channel, NoticeContent, NoticeDraft, WEBHOOK};
use super::outcome::{DeliveryOutcome, NotSent};
use crate::config::Channels;
use crate::node::app::App;
use crate::node::failure::Failure;

pub(crate) async fn notify_approvers(
    app: &App,
    notice: &Notice,
    stage: usize,
) -> Result<DeliveryOutcome, NotSent> {
    let now = app.clock.now();
    let mut transaction = app.begin().await?;
    let request = open_request(&mut transaction, notice, now).await?;
    if request.asked.safeguards.subject_first && stage > request.stage {
        // The subject of this copy has not agreed: nobody else is asked yet.
        return Ok(request_over());
    }
    let (outbox, channels) = (app.outbox(), &app.config.channels);
    for user in request.asked.stages.get(stage).iter().flat_map(|s| &s.of) {
        for (channel, target) in channels_of(channels, &mut transaction, user).await? {
            let draft = NoticeDraft {
                channel,
                user: Some(user),
                target: &target,
                ..webhook_draft(&request, stage)
            };
            outbox.enqueue(&mut transaction, draft).await?;
        }
    }
    if channels.webhook.is_some() {
        let draft = webhook_draft(&request, stage);
        outbox.enqueue(&mut transaction, draft).await?;
    }
    // Another node may have done the same in the meantime: then nothing is committed here.
    if transaction
        .delivered_notice(&notice.id, "announced", now)
        .await?
    {
        transaction.commit().await?;
    }
    Ok(DeliveryOutcome::Recorded)
}

/// The request of a notice, or the newer copy of the same question, if it is still open.
pub(crate) async fn open_request(
    transaction: &mut DatabaseTransaction,
    notice: &Notice,
    now: Timestamp,
) -> Result<PendingRequest, NotSent> {
    let Some(id) = &notice.request else {
        return Err(request_over().into());
    };
    let found = match transaction.pending_by_id(id).await? {
        Some(older) if older.is_superseded() => transaction.newest_copy(&older).await?,
        found => found,
    };
    let open = found.filter(|request| request.is_open(now));
    open.ok_or_else(|| request_over().into())
}

/// A request that is decided or expired is not notified of.
pub(crate) fn request_over() -> DeliveryOutcome {
    DeliveryOutcome::Failed("the request is over".to_owned())
}

/// The notice of a stage for the webhook.
fn webhook_draft(request: &PendingRequest, stage: usize) -> NoticeDraft<'_> {
    NoticeDraft {
        channel: Channel::Webhook,
        request: Some(&request.id),
        user: None,
        target: WEBHOOK,
        content: NoticeContent::Waiting { stage },
        expires_at: request.expires_at,
    }
}

/// The channels by which a user is notified, each with its target.
pub(crate) async fn channels_of(
    channels: &Channels,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
) -> Result<Vec<(Channel, String)>, Failure> {
    let browsers = transaction.subscriptions_of(user).await?.into_iter();
    let mut found: Vec<_> = browsers
        .map(|subscription| (Channel::WebPush, subscription.digest))
        .collect();
    let settings = transaction.settings(user).await?;
    let wants_mail = settings.is_some_and(|settings| settings.email.is_some());
    if wants_mail && channels.mail.is_some() {
        found.push((Channel::Mail, user.to_string()));
    }
    Ok(found)
}
