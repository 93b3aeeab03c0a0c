//! Somebody said at the login that they forgot the password of a name. Whether there is such a person is found out here, where nobody
//! waits for the answer: so the answer and its time say nothing. A link goes to a confirmed address alone.

use serde_json::json;
use writ_core::account_link::LinkKind;
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;

use super::account_link::{LinkDraft, SecondProof, issue};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::notifications::link_mail::{SentLink, mail_link, tell_devices};
use crate::notifications::outcome::{DeliveryOutcome, NotSent};

pub(crate) async fn answer(
    app: &App,
    notice: &Notice,
    name: &str,
) -> Result<DeliveryOutcome, NotSent> {
    let now = app.clock.now();
    let mut transaction = app.begin().await?;
    if let Some((user, to)) = receiver(app, &mut transaction, name).await? {
        send(app, &mut transaction, &user, to).await?;
    }
    // Another node may have done the same in the meantime: then nothing is committed here.
    if transaction
        .delivered_notice(&notice.id, "answered", now)
        .await?
    {
        transaction.commit().await?;
        app.notices.wake();
    }
    Ok(DeliveryOutcome::Recorded)
}

/// Whom a link can reach, and where.
async fn receiver(
    app: &App,
    transaction: &mut DatabaseTransaction,
    name: &str,
) -> Result<Option<(UserId, String)>, Failure> {
    let stored = transaction.user_by_name(name).await?;
    let stored = stored.filter(|stored| stored.has_password() && !stored.user.disabled);
    let (Some(stored), Some(_)) = (stored, &app.config.channels.mail) else {
        return Ok(None);
    };
    let settings = transaction.settings(&stored.user.id).await?;
    let email = settings.and_then(|settings| settings.email);
    Ok(email.map(|email| (stored.user.id, email)))
}

async fn send(
    app: &App,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    to: String,
) -> Result<(), Failure> {
    let (kind, outbox) = (LinkKind::Forgotten, app.outbox());
    let draft = LinkDraft {
        user,
        kind,
        address: None,
        // Without a passkey an operator gives them a code: no browser shows one, because an agent may drive it, or may have turned
        // notifications on in one of its own.
        second: SecondProof::Another,
    };
    let Some(issued) = issue(&outbox, transaction, draft).await? else {
        return Ok(());
    };
    let until = issued.expires_at;
    tell_devices(&outbox, transaction, user, (&issued.secret, until)).await?;
    let sent = SentLink {
        kind,
        to,
        link: issued.secret,
    };
    mail_link(&outbox, transaction, user, (sent, issued.expires_at)).await?;
    let event = Event::new(app.event_id(outbox.now), outbox.now, EventName::UserChanged)
        .of_subject(user.as_str())
        .with(json!({ "by": "anybody", "setting": "reset", "state": "asked" }));
    Ok(transaction.insert_event(&event).await?)
}
