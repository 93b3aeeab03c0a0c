//! Consent that is not asked for again: whether it is skipped, and what a decision leaves for the next time.

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
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::people::request::SignedIn;
use crate::people::views::client_view;

/// Why this person need not be asked about this request.
pub async fn skipped(
    app: &App,
    found: &FoundRequest,
    client: &Client,
    session: Option<&UserSession>,
    realm: Realm<'_>,
) -> Result<Option<SkippedConsent>, StoreError> {
    let Some(session) = session else {
        return Ok(None);
    };
    if !may_skip_consent(&found.prepared, client) {
        return Ok(None);
    }
    match client.openid.consent {
        ConsentRule::EachTime => Ok(None),
        ConsentRule::FirstParty => Ok(Some(SkippedConsent::FirstParty)),
        ConsentRule::Remembered => {
            let holder = ConsentHolder {
                user: &session.user.id,
                client: &client.id,
                redirect_uri: &found.prepared.redirect_uri,
            };
            let mut reading = app.read().await?;
            let kept = reading.remembered_scopes(holder, app.clock.now()).await?;
            let covered = kept.cover(&asked(&found.prepared.authority, realm));
            Ok(covered.then_some(SkippedConsent::Remembered))
        }
    }
}

/// Whether a yes to this request is remembered.
pub fn is_remembered(found: &FoundRequest, client: &Client) -> bool {
    client.openid.consent == ConsentRule::Remembered && may_skip_consent(&found.prepared, client)
}

/// In the transaction of a yes: to what the person agreed.
pub async fn remember(
    transaction: &mut DatabaseTransaction,
    holder: ConsentHolder<'_>,
    task: &Task,
    realm: Realm<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let scopes = asked(&task.authority, realm);
    transaction
        .remember_consent(holder, &scopes, now, now.plus(REMEMBERED_FOR))
        .await
}

/// The apps that need not ask this person again, as their page shows them.
pub async fn views(app: &App, user: &UserId) -> Result<Vec<RememberedView>, StoreError> {
    let mut reading = app.read().await?;
    let ids = reading.remembered_clients(user, app.clock.now()).await?;
    drop(reading);
    let mut views = Vec::new();
    for id in ids {
        if let Some(client) = app.client(id.as_str()).await? {
            let client = client_view(&client);
            views.push(RememberedView { client });
        }
    }
    Ok(views)
}

/// The person wants to be asked again. Whether anything was remembered.
pub async fn forget(person: SignedIn<'_>, client: &ClientId) -> Result<bool, StoreError> {
    let (app, user, now) = (person.app, &person.user().id, person.app.clock.now());
    let mut transaction = app.begin().await?;
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
