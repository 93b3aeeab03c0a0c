//! Consent to a guest: its document is fetched afresh, the page says what nobody here can vouch for, and the grant keeps what the
//! document said.

use serde_json::json;
use writ_core::OAuthError;
use writ_core::client::Client;
use writ_core::consent::{GrantedConsent, guest_end};
use writ_core::event::{Event, EventName};
use writ_core::guest::{self, DocumentChange, GuestLifetime, KeptDocument};
use writ_core::registration::dynamic;
use writ_core::requirements::AskedUse;
use writ_pages::{AskedTypeView, GuestView, LifetimeView, Texts, title_of};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use super::ConsentQuestion;
use crate::node::app::App;
use crate::node::registry::why_stopped;
use crate::people::error::PageError;

/// What the page says of a guest, shown from `since` on; `None` for every other client.
pub(super) async fn view(
    app: &App,
    question: &ConsentQuestion,
    since: Timestamp,
) -> Result<Option<GuestView>, PageError> {
    let (client, prepared) = (&*question.client, &question.found.prepared);
    let Some(guest) = &client.guest else {
        return Ok(None);
    };
    Ok(Some(GuestView {
        says: (guest.host.as_ref() != Some(&guest.says)).then(|| guest.says.clone()),
        verified: guest::is_verified(client, prepared),
        on_device: guest::is_on_device(&prepared.redirect_uri),
        registered_itself: guest.host.is_none(),
        changed: has_changed(app, question).await?,
        lifetimes: lifetimes(app, question, since),
        still_asked: still_asked(question, &question.texts),
    }))
}

/// For how long it may act; what the resources say is chosen.
fn lifetimes(app: &App, question: &ConsentQuestion, since: Timestamp) -> Vec<LifetimeView> {
    let (prepared, realm) = (&question.found.prepared, question.catalogue.realm());
    let preselected = guest::preselected_lifetime(prepared, realm);
    let offered = guest::offered_lifetimes(prepared, realm).iter();
    let views = offered.map(|lifetime| {
        let ends_at = guest_end(prepared, since, *lifetime);
        LifetimeView {
            value: lifetime.as_str(),
            expires: app.when_in(&question.texts, &question.session, ends_at),
            preselected: *lifetime == preselected,
        }
    });
    views.collect()
}

fn still_asked(question: &ConsentQuestion, texts: &Texts) -> Vec<AskedTypeView> {
    let authority = &question.found.prepared.authority;
    let asked = guest::still_asked(authority, question.catalogue.realm());
    let views = asked.into_iter().map(|(definition, uses)| AskedTypeView {
        title: title_of(definition, texts.locale()),
        above_limit: uses == AskedUse::AboveLimit,
    });
    views.collect()
}

async fn has_changed(app: &App, question: &ConsentQuestion) -> Result<bool, StoreError> {
    let client = &*question.client;
    let subject = question.session.user.id.as_str();
    let mut reading = app.read().await?;
    let kept = reading.newest_guest_grant(&client.id, subject).await?;
    Ok(kept.is_some_and(|kept| kept.compare_with(client) != DocumentChange::None))
}

/// The document as it is now still names where the code would go.
pub(super) fn check_redirect(client: &Client, redirect_uri: &str) -> Result<(), PageError> {
    client.redirect_uri(Some(redirect_uri))?;
    Ok(())
}

/// What the person chose; a day where the form does not say.
pub(super) fn lifetime(form: &Form, client: &Client) -> Result<Option<GuestLifetime>, PageError> {
    let Some(text) = form.optional("lifetime")?.filter(|_| client.is_guest()) else {
        return Ok(None);
    };
    let lifetime = GuestLifetime::parse(text);
    let unknown = || OAuthError::invalid_request("`lifetime` is `day`, `week` or `month`");
    Ok(Some(lifetime.ok_or_else(unknown)?))
}

/// The row that a guest's tasks hang from, before its first one.
pub(super) async fn register(
    app: &App,
    transaction: &mut DatabaseTransaction,
    question: &ConsentQuestion,
) -> Result<(), PageError> {
    let client = &*question.client;
    if !client.is_guest() {
        return Ok(());
    }
    if dynamic::is_dynamic(client.id.as_str()) {
        // The one who expires what nobody used, and this, never both go on.
        return match transaction.use_registration(&client.id).await? {
            true => Ok(()),
            false => {
                let why = why_stopped(transaction, &client.id).await?;
                let refusal = why.unwrap_or_else(OAuthError::client_removed);
                Err(PageError::client_stopped(client.id.clone(), refusal))
            }
        };
    }
    let now = app.clock.now();
    if transaction.keep_guest_until(&client.id, now).await? {
        return Ok(());
    }
    let file = serde_json::to_string(&guest::file(client)).map_err(PageError::broken)?;
    let first = transaction.insert_client(&client.id, &file, None, now);
    if !first.await? {
        // Another visit came first: every visit holds this row before the rows of the person, or two would wait for each other.
        transaction.keep_guest_until(&client.id, now).await?;
        return Ok(());
    }
    let document = KeptDocument::of(client);
    let event = Event::new(app.event_id(now), now, EventName::GuestRegistered)
        .by(client)
        .of_subject(question.session.user.id.as_str())
        .with(json!({ "profile": "guest", "document": document }));
    Ok(transaction.insert_event(&event).await?)
}

/// What the document said, with its grant; a change since this person's last one is an event.
pub(super) async fn keep_document(
    app: &App,
    transaction: &mut DatabaseTransaction,
    question: &ConsentQuestion,
    approved: &GrantedConsent,
) -> Result<(), PageError> {
    let client = &*question.client;
    if !client.is_guest() {
        return Ok(());
    }
    let subject = question.session.user.id.as_str();
    let document = KeptDocument::of(client);
    let before = transaction.newest_guest_grant(&client.id, subject).await?;
    let is_other = |before: &KeptDocument| before.compare_with(client) != DocumentChange::None;
    if let Some(before) = before.filter(is_other) {
        let now = app.clock.now();
        let event = Event::new(app.event_id(now), now, EventName::GuestChanged)
            .by(client)
            .about(&approved.task)
            .with(json!({ "profile": "guest", "before": before, "document": document }));
        transaction.insert_event(&event).await?;
    }
    transaction
        .insert_guest_grant(&approved.task, &document)
        .await?;
    let end = approved.task.expires_at;
    transaction.keep_guest_until(&client.id, end).await?;
    Ok(())
}

/// What the record says of the client beside the consent.
pub(super) fn evidence(question: &ConsentQuestion) -> Option<serde_json::Value> {
    let client = &*question.client;
    client.guest.as_ref()?;
    Some(if guest::is_verified(client, &question.found.prepared) {
        json!({ "profile": "guest", "assurance": "verified", "evidence": ["domain"] })
    } else {
        json!({ "profile": "guest", "assurance": "unverified", "evidence": [] })
    })
}
