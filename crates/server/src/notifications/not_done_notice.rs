//! "Approved, not done": what people approved for a resource server lapsed, and nobody used it. Sent to everybody who agreed, on
//! every channel that they have; the text may be read on a locked screen, and opens the page of the request.

use std::time::Duration;

use serde_json::json;
use writ_core::id::{ApprovalId, ClientId};
use writ_core::pending::PendingRequest;
use writ_pages::messages::Said;
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;
use writ_wire::resource::ResourceUri;

use super::fan_out::channels_of;
use super::outbox::{Channel, NoticeContent, NoticeDraft, WEBHOOK};
use super::outcome::{DeliveryOutcome, NotSent};
use super::web_push::{PushMessage, page_of, post_message, subscription_of, topic};
use crate::node::app::App;
use crate::node::failure::Failure;

/// How long a notice is tried: longer than any quiet hours.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Notifies everybody who agreed, in the transaction in which an approval of one action lapses. Of other approvals their clients
/// know best.
pub async fn approval_unused(
    app: &App,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
) -> Result<(), Failure> {
    let (Some(asked), Some(decision)) = (&request.asked.access, request.decision()) else {
        return Ok(());
    };
    let content = NoticeContent::NotDone {
        client: request.client.clone(),
        resource: asked.resource.clone(),
    };
    let channels = &app.config.channels;
    let mut targets = Vec::new();
    for vote in &decision.by {
        let own = channels_of(channels, transaction, &vote.user).await?;
        targets.extend(own.into_iter().map(|target| (Some(&vote.user), target)));
    }
    if channels.webhook.is_some() {
        targets.push((None, (Channel::Webhook, WEBHOOK.to_owned())));
    }
    for (user, (channel, target)) in targets {
        let draft = NoticeDraft {
            channel,
            request: Some(&request.id),
            user,
            target: &target,
            content: content.clone(),
            expires_at: app.clock.now().plus(LIFETIME),
        };
        app.outbox().enqueue(transaction, draft).await?;
    }
    Ok(())
}

pub(crate) async fn push(
    app: &App,
    notice: &Notice,
    client: &ClientId,
    resource: &ResourceUri,
) -> Result<DeliveryOutcome, NotSent> {
    let browser = {
        let mut transaction = app.read().await?;
        subscription_of(app, &mut transaction, notice, app.clock.now()).await?
    };
    let (Some(client), Some(request)) = (app.client(client.as_str()).await?, &notice.request)
    else {
        return Ok(no_client());
    };
    let resource = app.catalogue().await?.name_of(resource);
    let (_, texts) = app.notices.words.of(&browser.language);
    let Said { title, body } = texts.not_done(&client, &resource);
    let id = &notice.id;
    let message = PushMessage {
        payload: json!({ "title": title, "body": body, "url": page_of(request), "tag": id }),
        // A topic of its own: no later message replaces it unread.
        topic: topic(id.as_str()),
    };
    post_message(app, notice, &browser, &message).await
}

pub(crate) async fn mail_text(
    app: &App,
    (client, resource): (&ClientId, &ResourceUri),
    request: Option<&ApprovalId>,
    language: &str,
) -> Result<Said, NotSent> {
    let client = app.client(client.as_str()).await?;
    let (client, request) = client.zip(request).ok_or_else(no_client)?;
    let resource = app.catalogue().await?.name_of(resource);
    let (_, texts) = app.notices.words.of(language);
    let url = app.config.url(&page_of(request));
    Ok(texts.not_done_letter(&client, &resource, &url))
}

fn no_client() -> DeliveryOutcome {
    DeliveryOutcome::Failed("there is no such client or request".to_owned())
}
