//! Notices about passkeys and the password of a person: sent to them on every channel that they have, so that nobody changes these
//! unnoticed; quiet hours keep none back. The text may be read on a locked screen; it opens the page where they are changed.

use std::time::Duration;

use serde_json::json;
use writ_core::id::UserId;
use writ_pages::messages::{AccountNews, Passkey, Reach, Said};
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;
use writ_store::push::PushSubscription;

use super::fan_out::channels_of;
use super::outbox::{Channel, NoticeContent, NoticeDraft, OutboxContext, WEBHOOK};
use super::outcome::{DeliveryOutcome, NotSent};
use super::reach_notice::EarlierBrowser;
use super::web_push::{BrowserSubscription, PushMessage, known_subscription, post_message, topic};
use crate::node::app::App;
use crate::node::failure::Failure;

/// How long a notice is tried.
pub(super) const LIFETIME: Duration = Duration::from_secs(24 * 3600);
const DEVICES: &str = "/app/devices";
const SETTINGS: &str = "/app/settings";
const UPSTREAM: &str = "/app/upstream";

/// Whether a letter to the same address brings the link.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum IsMailed {
    Yes,
    No,
}

/// Notifies the user, in the transaction of the change.
pub async fn passkey_changed(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    what: Passkey,
) -> Result<(), Failure> {
    notify(outbox, transaction, user, NoticeContent::Passkey { what }).await
}

/// The same of an account at a provider by which they sign in from now on.
pub async fn upstream_linked(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
) -> Result<(), Failure> {
    notify(outbox, transaction, user, NoticeContent::UpstreamLinked).await
}

/// The same of a new password.
pub async fn password_changed(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
) -> Result<(), Failure> {
    notify(outbox, transaction, user, NoticeContent::Password).await
}

/// An operator lets the user set another password. By mail it is not said where the link itself is mailed.
pub async fn reset_begun(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    is_mailed: IsMailed,
) -> Result<(), Failure> {
    let mut targets = targets(outbox, transaction, user).await?;
    targets.retain(|(channel, _)| is_mailed == IsMailed::No || *channel != Channel::Mail);
    let content = NoticeContent::ResetBegun;
    enqueue(outbox, transaction, user, (targets, content)).await
}

/// The user set another password by a link. These browsers are told that, and of nothing else any more.
pub async fn recovered(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    ended: &[PushSubscription],
) -> Result<(), Failure> {
    let content = NoticeContent::Recovered { before: None };
    notify(outbox, transaction, user, content).await?;
    for row in ended {
        let draft = NoticeDraft {
            channel: Channel::WebPush,
            request: None,
            user: Some(user),
            target: &row.digest,
            content: NoticeContent::Recovered {
                before: Some(EarlierBrowser::of(row)),
            },
            expires_at: outbox.now.plus(LIFETIME),
        };
        outbox.enqueue(transaction, draft).await?;
    }
    Ok(())
}

/// What a notice tells its user of their account, if that is what it does.
pub(crate) const fn news(content: &NoticeContent) -> Option<AccountNews> {
    match content {
        NoticeContent::Passkey { what } => Some(AccountNews::Passkey(*what)),
        NoticeContent::Password => Some(AccountNews::Password),
        NoticeContent::UpstreamLinked => Some(AccountNews::UpstreamLinked),
        NoticeContent::ResetBegun => Some(AccountNews::ResetBegun),
        NoticeContent::Recovered { .. } => Some(AccountNews::Recovered),
        _ => None,
    }
}

pub(super) async fn notify(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    content: NoticeContent,
) -> Result<(), Failure> {
    let targets = targets(outbox, transaction, user).await?;
    enqueue(outbox, transaction, user, (targets, content)).await
}

/// Every channel that the user has.
async fn targets(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
) -> Result<Vec<(Channel, String)>, Failure> {
    let channels = &outbox.config.channels;
    let mut targets = channels_of(channels, transaction, user).await?;
    if channels.webhook.is_some() {
        targets.push((Channel::Webhook, WEBHOOK.to_owned()));
    }
    Ok(targets)
}

async fn enqueue(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    (targets, content): (Vec<(Channel, String)>, NoticeContent),
) -> Result<(), Failure> {
    for (channel, target) in targets {
        let draft = NoticeDraft {
            channel,
            request: None,
            user: Some(user),
            target: &target,
            content: content.clone(),
            expires_at: outbox.now.plus(LIFETIME),
        };
        outbox.enqueue(transaction, draft).await?;
    }
    Ok(())
}

pub(crate) async fn push(
    app: &App,
    notice: &Notice,
    what: AccountNews,
) -> Result<DeliveryOutcome, NotSent> {
    let browser = known_subscription(app, &mut app.read().await?, notice).await?;
    post(app, notice, &browser, what).await
}

pub(crate) fn mail_text(app: &App, what: AccountNews, language: &str) -> Said {
    let (_, texts) = app.notices.words.of(language);
    texts.account_letter(what, &app.config.url(page(what)))
}

pub(super) async fn post(
    app: &App,
    notice: &Notice,
    browser: &BrowserSubscription,
    what: AccountNews,
) -> Result<DeliveryOutcome, NotSent> {
    let (_, texts) = app.notices.words.of(&browser.language);
    let said = texts.account(what);
    let (id, Said { title, body }) = (&notice.id, said);
    let message = PushMessage {
        payload: json!({ "title": title, "body": body, "url": page(what), "tag": id }),
        // A topic of its own: no later message replaces it unread.
        topic: topic(id.as_str()),
    };
    post_message(app, notice, browser, &message).await
}

const fn page(what: AccountNews) -> &'static str {
    match what {
        AccountNews::Passkey(_)
        | AccountNews::Reach(Reach::BrowserAdded | Reach::BrowserRemoved) => DEVICES,
        AccountNews::UpstreamLinked => UPSTREAM,
        AccountNews::Password
        | AccountNews::ResetBegun
        | AccountNews::Recovered
        | AccountNews::Reach(Reach::Email | Reach::EmailAsked | Reach::QuietHours) => SETTINGS,
    }
}
