//! Consent that is not asked for again: whether it is skipped, what a decision leaves for the next time, and what a person takes back.
//! Whatever else ends it does so in the store, with the rows that it changes.

use std::sync::Arc;

use writ_core::authorize::{FoundRequest, UserSession};
use writ_core::client::{Client, ConsentRule};
use writ_core::event::{Event, EventName};
use writ_core::id::{ClientId, UserId};
use writ_core::realm::Realm;
use writ_core::remembered::{REMEMBERED_FOR, SkippedConsent, asked, may_skip_consent};
use writ_core::task::Task;
use writ_pages::RememberedView;
use writ_store::remembered_consent::ConsentHolder;
use writ_store::{DatabaseTransaction, StoreError};

use crate::node::app::App;
use crate::people::error::PageError;
use crate::people::request::SignedIn;
use crate::people::views::client_view;

/// A request, and the person of whom it asks something.
#[derive(Clone, Copy)]
pub struct AskedPerson<'a> {
    pub found: &'a FoundRequest,
    pub user: &'a UserId,
    pub realm: Realm<'a>,
}

impl<'a> AskedPerson<'a> {
    fn holder(&self, client: &'a Client) -> ConsentHolder<'a> {
        ConsentHolder {
            user: self.user,
            client: &client.id,
            redirect_uri: &self.found.prepared.redirect_uri,
        }
    }
}

/// How long what is remembered must hold.
#[derive(Clone, Copy)]
enum Reading {
    /// At this moment.
    Now,
    /// Until the end of the transaction.
    Held,
}

/// Why this person need not be asked about this request: for which page comes next. Asked again by [`still_skipped`].
pub async fn skipped(
    app: &App,
    found: &FoundRequest,
    client: &Client,
    session: Option<&UserSession>,
    realm: Realm<'_>,
) -> Result<Option<SkippedConsent>, PageError> {
    let skips = client.openid.consent != ConsentRule::EachTime;
    let (Some(session), true) = (session, skips) else {
        return Ok(None);
    };
    let asked = AskedPerson {
        found,
        user: &session.user.id,
        realm,
    };
    judge(app, &mut app.read().await?, asked, Reading::Now).await
}

/// In the transaction that makes the code: whether nobody need be asked, for the same reason. Who takes a consent back waits for this
/// transaction, or was first.
pub async fn still_skipped(
    app: &App,
    transaction: &mut DatabaseTransaction,
    asked: AskedPerson<'_>,
    skipped: SkippedConsent,
) -> Result<bool, PageError> {
    let now = judge(app, transaction, asked, Reading::Held).await?;
    Ok(now == Some(skipped))
}

/// By the client's record as it is in the database, on no node older than that.
async fn judge(
    app: &App,
    transaction: &mut DatabaseTransaction,
    person: AskedPerson<'_>,
    reading: Reading,
) -> Result<Option<SkippedConsent>, PageError> {
    let prepared = &person.found.prepared;
    let client = app.working_client_in(transaction, &person.found.client);
    let Some(client) = client.await? else {
        return Ok(None);
    };
    let rule = client.openid.consent;
    if rule == ConsentRule::EachTime || !may_skip_consent(prepared, &client) {
        return Ok(None);
    }
    // Nobody would see where the answer goes.
    client.redirect_uri(Some(&prepared.redirect_uri))?;
    if rule == ConsentRule::FirstParty {
        return Ok(Some(SkippedConsent::FirstParty));
    }
    let (holder, now) = (person.holder(&client), app.clock.now());
    let asked = asked(&prepared.authority, &client, person.realm);
    let kept = match reading {
        Reading::Now => transaction.remembered_scopes(holder, now).await?,
        Reading::Held => {
            let held = transaction.hold_remembered_scopes(holder, &asked, now);
            held.await?
        }
    };
    Ok(kept.cover(&asked).then_some(SkippedConsent::Remembered))
}

/// Whether a yes to this request is remembered.
pub fn is_remembered(found: &FoundRequest, client: &Client) -> bool {
    client.openid.consent == ConsentRule::Remembered && may_skip_consent(&found.prepared, client)
}

/// In the transaction of a yes, which holds the session, so that a new password ends what is written here: to what the person agreed. What
/// they left out of it is asked again.
pub async fn remember(
    app: &App,
    transaction: &mut DatabaseTransaction,
    person: AskedPerson<'_>,
    task: &Task,
) -> Result<(), StoreError> {
    let client = app.working_client_in(transaction, &person.found.client);
    let remembers = |one: &Arc<Client>| one.openid.consent == ConsentRule::Remembered;
    let Some(client) = client.await?.filter(remembers) else {
        return Ok(());
    };
    let (holder, now) = (person.holder(&client), app.clock.now());
    let asked_for = person.found.prepared.authority.scopes().iter();
    let left_out = asked_for.filter(|one| !task.authority.scopes().contains(*one));
    transaction.forget_scopes(holder, left_out).await?;
    if !is_remembered(person.found, &client) {
        return Ok(());
    }
    let scopes = asked(&task.authority, &client, person.realm);
    transaction
        .remember_consent(holder, &scopes, now, now.plus(REMEMBERED_FOR))
        .await
}

/// The apps that need not ask this person again, as their page shows them.
pub async fn views(app: &App, user: &UserId) -> Result<Vec<RememberedView>, StoreError> {
    let mut reading = app.read().await?;
    let ids = reading.remembered_clients(user, app.mended_time()).await?;
    drop(reading);
    let mut views = Vec::new();
    for (id, until) in ids {
        if let Some(client) = app.client(id.as_str()).await? {
            let client = client_view(&client);
            views.push(RememberedView { client, until });
        }
    }
    Ok(views)
}

/// The person wants to be asked again. Whether anything was remembered.
pub async fn forget(person: SignedIn<'_>, client: &ClientId) -> Result<bool, PageError> {
    let (app, user, now) = (person.app, &person.user().id, person.app.mended_time());
    let mut transaction = person.begin_change().await?;
    let forgotten = transaction.forget_consents(user, client).await?;
    if forgotten {
        let event = Event::new(app.event_id(now), now, EventName::ConsentForgotten);
        let mut event = event.of_subject(user.as_str());
        event.client = Some(client.to_string());
        transaction.insert_event(&event).await?;
    }
    transaction.commit().await?;
    Ok(forgotten)
}
