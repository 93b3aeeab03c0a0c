//! The letter with a link by which somebody finishes an invitation, a reset or a change of address. It goes to one address, and is not
//! kept back by quiet hours: whoever asked for it waits for it. The link stands in no row but sealed.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use writ_core::account_link::LinkKind;
use writ_core::id::UserId;
use writ_pages::messages::{LinkLetter, Said};
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;
use writ_wire::time::Timestamp;

use super::outbox::{Channel, NoticeContent, NoticeDraft, OutboxContext};
use super::outcome::{DeliveryOutcome, NotSent};
use super::web_push::{PushMessage, known_subscription, post_message, topic};
use crate::config::{Config, host_of};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;

/// How long what is to be found out about a forgotten password may wait.
const FORGOTTEN_LIFETIME: Duration = Duration::from_secs(3600);

/// A link on its way to an address.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SentLink {
    pub kind: LinkKind,
    pub to: String,
    /// Its secret.
    pub link: String,
}

impl fmt::Debug for SentLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentLink")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Sends it, in the transaction that makes the link.
pub async fn mail_link(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    (link, expires_at): (SentLink, Timestamp),
) -> Result<(), Failure> {
    let draft = NoticeDraft {
        channel: Channel::Mail,
        request: None,
        user: Some(user),
        target: user.as_str(),
        content: NoticeContent::Link(link),
        expires_at,
    };
    outbox.enqueue(transaction, draft).await
}

/// Somebody said that they forgot the password of this name. The same is written of any name.
pub async fn password_forgotten(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    name: &str,
) -> Result<(), Failure> {
    let draft = NoticeDraft {
        channel: Channel::Announce,
        request: None,
        user: None,
        target: "people",
        content: NoticeContent::Forgotten {
            name: name.to_owned(),
        },
        expires_at: outbox.now.plus(FORGOTTEN_LIFETIME),
    };
    outbox.enqueue(transaction, draft).await
}

/// Tells every browser that gets the person's notifications that a link is on its way. What is told opens nothing: it ends the link.
pub async fn tell_devices(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    (secret, expires_at): (&str, Timestamp),
) -> Result<(), Failure> {
    for device in transaction.subscriptions_of(user).await? {
        let draft = NoticeDraft {
            channel: Channel::WebPush,
            request: None,
            user: Some(user),
            target: &device.digest,
            content: NoticeContent::ResetAsked {
                link: secret_digest(secret),
            },
            expires_at,
        };
        outbox.enqueue(transaction, draft).await?;
    }
    Ok(())
}

/// Quiet hours keep it back no more than the letter.
pub(crate) async fn push_reset_asked(
    app: &App,
    notice: &Notice,
    link: &str,
) -> Result<DeliveryOutcome, NotSent> {
    let browser = known_subscription(app, &mut app.read().await?, notice).await?;
    let (_, texts) = app.notices.words.of(&browser.language);
    let Said { title, body } = texts.reset_asked();
    let id = &notice.id;
    let message = PushMessage {
        payload: json!({ "title": title, "body": body, "url": not_me_page(link), "tag": id }),
        topic: topic(id.as_str()),
    };
    post_message(app, notice, &browser, &message).await
}

/// Where a link is ended, by what it is stored by: whoever has that opens nothing.
fn not_me_page(link: &str) -> String {
    format!("/account/not-me?link={link}")
}

/// Where the link of this secret leads.
pub fn link_url(config: &Config, kind: LinkKind, link: &str) -> String {
    let page = match kind.sets_password() {
        true => "/account",
        false => "/app/settings/address",
    };
    config.url(&format!("{page}?link={link}"))
}

/// For this person, in their language.
pub(crate) fn mail_text(app: &App, sent: &SentLink, (name, language): (&str, &str)) -> Said {
    let (_, texts) = app.notices.words.of(language);
    let url = link_url(&app.config, sent.kind, &sent.link);
    let not_me = app.config.url(&not_me_page(&secret_digest(&sent.link)));
    let config = &app.config;
    texts.link_letter(&LinkLetter {
        kind: sent.kind,
        name,
        place: config
            .brand
            .name()
            .unwrap_or_else(|| host_of(&config.issuer)),
        url: &url,
        not_me: &not_me,
    })
}
