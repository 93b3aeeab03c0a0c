//! Answers that grant nothing: a person's no, and an answer to a client that was stopped while they read.

use axum::response::Response;
use writ_core::OAuthError;
use writ_core::authorize::{RequestUnusable, UserSession};
use writ_core::consent;
use writ_core::event::{Event, EventName};
use writ_core::pending::Ending;
use writ_store::StoreError;

use super::{CONSENT, ConsentQuestion};
use crate::approvals::close::{Endings, end};
use crate::node::app::App;
use crate::people::error::{PageError, StoppedClient};
use crate::people::request_over::over;

pub(super) async fn deny(app: &App, question: &ConsentQuestion) -> Result<Response, PageError> {
    let refusal = refuse(app, question).await?;
    app.metrics.consent("denied");
    Err(PageError::to_client(&question.found, refusal))
}

/// Uses the request up, and ends the question about it on the person's device, if one waits there.
pub(super) async fn refuse(app: &App, question: &ConsentQuestion) -> Result<OAuthError, PageError> {
    let now = app.mended_time();
    let began = question.begin_change(app).await?;
    let mut transaction = began.ok_or(PageError::SignedOut { page: None })?;
    if !transaction
        .consume_request(&question.found.digest, now)
        .await?
    {
        drop(transaction);
        return Err(over(app, &question.found, RequestUnusable::Used).await?);
    }
    let refusal = consent::denied();
    let mut event = Event::new(app.event_id(now), now, EventName::ConsentDenied)
        .by(&question.client)
        .of_subject(question.session.user.id.as_str())
        .denied(&refusal)
        .with(serde_json::json!({ "asked": question.found.prepared.authority }));
    event.purpose.clone_from(&question.found.prepared.purpose);
    transaction.insert_event(&event).await?;
    // Whatever was asked: they want nothing of this client unasked.
    let (user, client) = (&question.session.user.id, &question.client.id);
    transaction.forget_consents(user, client).await?;
    let endings = match transaction.asked_elsewhere(&question.found.digest).await? {
        Some(id) => end(app, &mut transaction, Ending::Withdrawn(&id), now).await?,
        None => Endings::default(),
    };
    transaction.commit().await?;
    endings.announce(app);
    Ok(refusal)
}

/// A person answered, and their answer counts for nothing.
pub(super) async fn record_stopped(
    app: &App,
    stopped: &StoppedClient,
    session: &UserSession,
) -> Result<(), StoreError> {
    let now = app.mended_time();
    let mut event = Event::new(app.event_id(now), now, EventName::RequestRefused);
    event.client = Some(stopped.id.to_string());
    if let Some(client) = app.client(stopped.id.as_str()).await? {
        event = event.by(&client);
    }
    let event = event
        .of_subject(session.user.id.as_str())
        .denied(&stopped.refusal)
        .with(serde_json::json!({ "endpoint": CONSENT }));
    let mut transaction = app.begin().await?;
    transaction.insert_event(&event).await?;
    transaction.commit().await
}
