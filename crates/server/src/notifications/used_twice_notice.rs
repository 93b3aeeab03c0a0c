//! Notices about access that ended because a refresh token was used twice: sent to the person of the task on every channel that they
//! have at any hour, because somebody else may hold it. The text may be read on a locked screen; it opens the page of what happened.

use std::time::Duration;

use serde_json::json;
use writ_core::id::{ClientId, UserId};
use writ_pages::messages::Said;
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;

use super::fan_out::channels_of;
use super::outbox::{Channel, NoticeContent, NoticeDraft, OutboxContext, WEBHOOK};
use super::outcome::{DeliveryOutcome, NotSent};
use super::web_push::{PushMessage, known_subscription, post_message, topic};
use crate::node::app::App;
use crate::node::failure::Failure;

/// How long a notice is tried.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
const PAGE: &str = "/app/activity";

/// Notifies the person, in the transaction that ends the task.
pub async fn access_used_twice(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    person: &UserId,
    client: &ClientId,
) -> Result<(), Failure> {
    let channels = &outbox.config.channels;
    let mut targets = channels_of(channels, transaction, person).await?;
    if channels.webhook.is_some() {
        targets.push((Channel::Webhook, WEBHOOK.to_owned()));
    }
    for (channel, target) in targets {
        let draft = NoticeDraft {
            channel,
            request: None,
            user: Some(person),
            target: &target,
            content: NoticeContent::UsedTwice {
                client: client.clone(),
            },
            expires_at: outbox.now.plus(LIFETIME),
        };
        outbox.enqueue(transaction, draft).await?;
    }
    Ok(())
}

pub(crate) async fn push(
    app: &App,
    notice: &Notice,
    client: &ClientId,
) -> Result<DeliveryOutcome, NotSent> {
    let browser = known_subscription(app, &mut app.read().await?, notice).await?;
    let Some(client) = app.client(client.as_str()).await? else {
        return Ok(no_client());
    };
    let (_, texts) = app.notices.words.of(&browser.language);
    let Said { title, body } = texts.used_twice(&client);
    let id = &notice.id;
    let message = PushMessage {
        payload: json!({ "title": title, "body": body, "url": PAGE, "tag": id }),
        // A topic of its own: no later message replaces it unread.
        topic: topic(id.as_str()),
    };
    post_message(app, notice, &browser, &message).await
}

pub(crate) async fn mail_text(
    app: &App,
    client: &ClientId,
    language: &str,
) -> Result<Said, NotSent> {
    let client = app.client(client.as_str()).await?;
    let client = client.ok_or_else(no_client)?;
    let (_, texts) = app.notices.words.of(language);
    Ok(texts.used_twice_letter(&client, &app.config.url(PAGE)))
}

fn no_client() -> DeliveryOutcome {
    DeliveryOutcome::Failed("there is no such client".to_owned())
}
