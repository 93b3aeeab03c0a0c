//! A passkey was added or removed: its person hears of it on every channel that they have, so that nobody does it unnoticed.
//! It says nothing that a locked screen should not show, and opens the page of devices.

use std::time::Duration;

use serde_json::json;
use writ_core::id::UserId;
use writ_pages::messages::{Passkey, Said};
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;

use super::announce::ways;
use super::outbox::{Channel, Draft, Letter, Post, WEBHOOK};
use super::outcome::Outcome;
use super::web_push::{browser_of, hand_over, topic};
use crate::node::app::App;
use crate::node::failure::Failure;

/// How long it is tried: longer than anybody's quiet hours.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
const PAGE: &str = "/app/devices";

/// In the transaction of the change.
pub async fn passkey_changed(
    post: &Post<'_>,
    session: &mut DatabaseTransaction,
    (user, what): (&UserId, Passkey),
) -> Result<(), Failure> {
    let channels = &post.config.channels;
    let mut ways = ways(channels, session, user).await?;
    if channels.webhook.is_some() {
        ways.push((Channel::Webhook, WEBHOOK.to_owned()));
    }
    for (channel, target) in ways {
        let draft = Draft {
            channel,
            request: None,
            user: Some(user),
            target: &target,
            letter: Letter::Passkey { what },
            expires_at: post.now.plus(PATIENCE),
        };
        post.write(session, draft).await?;
    }
    Ok(())
}

pub(crate) async fn push(app: &App, notice: &Notice, what: Passkey) -> Result<Outcome, Failure> {
    let found = {
        let mut session = app.read().await?;
        browser_of(app, &mut session, notice, app.clock.now()).await?
    };
    let browser = match found {
        Ok(browser) => browser,
        Err(outcome) => return Ok(outcome),
    };
    let (_, texts) = app.notices.words.of(&browser.language);
    let said = texts.passkey(what);
    let (id, Said { title, body }) = (&notice.id, said);
    let message = json!({ "title": title, "body": body, "url": PAGE, "tag": id });
    // One of its own: no later message makes it disappear unread.
    hand_over(app, notice, (&browser, &topic(id.as_str())), &message).await
}

pub(crate) fn letter(app: &App, what: Passkey, language: &str) -> Said {
    let (_, texts) = app.notices.words.of(language);
    texts.passkey_letter(what, &app.config.url(PAGE))
}
