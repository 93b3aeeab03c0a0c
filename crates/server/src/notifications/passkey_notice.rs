//! Notices about an added or removed passkey: sent to its user on every channel that they have, so that an attacker cannot add one
//! unnoticed. The text may be read on a locked screen; it opens the page of devices.

use std::time::Duration;

use serde_json::json;
use writ_core::id::UserId;
use writ_pages::messages::{Passkey, Said};
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;

use super::fan_out::channels_of;
use super::outbox::{Channel, NoticeContent, NoticeDraft, OutboxContext, WEBHOOK};
use super::outcome::{DeliveryOutcome, NotSent};
use super::web_push::{PushMessage, post_message, subscription_of, topic};
use crate::node::app::App;
use crate::node::failure::Failure;

/// How long a notice is tried: longer than any quiet hours.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
const PAGE: &str = "/app/devices";

/// Notifies the user, in the transaction of the change.
pub async fn passkey_changed(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    what: Passkey,
) -> Result<(), Failure> {
    let channels = &outbox.config.channels;
    let mut targets = channels_of(channels, transaction, user).await?;
    if channels.webhook.is_some() {
        targets.push((Channel::Webhook, WEBHOOK.to_owned()));
    }
    for (channel, target) in targets {
        let draft = NoticeDraft {
            channel,
            request: None,
            user: Some(user),
            target: &target,
            content: NoticeContent::Passkey { what },
            expires_at: outbox.now.plus(LIFETIME),
        };
        outbox.enqueue(transaction, draft).await?;
    }
    Ok(())
}

pub(crate) async fn push(
    app: &App,
    notice: &Notice,
    what: Passkey,
) -> Result<DeliveryOutcome, NotSent> {
    let browser = {
        let mut reading = app.read().await?;
        subscription_of(app, &mut reading, notice, app.clock.now()).await?
    };
    let (_, texts) = app.notices.words.of(&browser.language);
    let said = texts.passkey(what);
    let (id, Said { title, body }) = (&notice.id, said);
    let message = PushMessage {
        payload: json!({ "title": title, "body": body, "url": PAGE, "tag": id }),
        // A topic of its own: no later message replaces it unread.
        topic: topic(id.as_str()),
    };
    post_message(app, notice, &browser, &message).await
}

pub(crate) fn mail_text(app: &App, what: Passkey, language: &str) -> Said {
    let (_, texts) = app.notices.words.of(language);
    texts.passkey_letter(what, &app.config.url(PAGE))
}
