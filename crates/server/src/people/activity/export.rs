//! `/app/activity/export`: what is kept about one person's consents, approvals, receipts and stops, as JSON to take away.

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use writ_core::authorize::UserSession;
use writ_store::StoreError;
use writ_store::consent::StoredConsent;
use writ_store::event::StoredEvent;
use writ_store::receipt::StoredReceipt;

use super::{Arc, HeaderMap, IntoResponse, Response, State, finish};
use crate::client::answer;
use crate::node::app::App;
use crate::people::authorize::Ended;
use crate::people::login::to_login;

/// The most events; the newest count.
const MAX_EVENTS: u32 = super::MOST;
/// The most consents, and the most receipts, each with everything that was shown; the newest count.
const MAX_TEXTS: u32 = 1000;

pub(super) async fn export(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let result = async {
        let browser = app.browser(&headers).await?;
        let Some(session) = &browser.session else {
            return Ok(to_login("/app/activity"));
        };
        let body = document(&app, session).await?;
        let mut response = answer::json(StatusCode::OK, &body).into_response();
        response.headers_mut().insert(
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"activity.json\""),
        );
        Ok(response)
    };
    finish(&app, result.await)
}

/// Only rows of this person: events of which they are the subject, consents that they gave, receipts of what they decided.
async fn document(app: &App, person: &UserSession) -> Result<Value, Ended> {
    let user = &person.user.id;
    let mut reading = app.read().await?;
    let consents = reading.consents_of(user, MAX_TEXTS).await?;
    let receipts = reading.receipts_of(user, MAX_TEXTS).await?;
    drop(reading);
    let events = super::events(app, user.as_str()).await?;
    let named = |prefixes: &[&str]| -> Vec<Value> {
        let found = events.iter().filter(|event| {
            let name = event.name.as_str();
            prefixes.iter().any(|prefix| name.starts_with(prefix))
        });
        found.map(short).collect()
    };
    let is_all = |found: usize, most: u32| u32::try_from(found).is_ok_and(|found| found < most);
    let complete = is_all(events.len(), MAX_EVENTS)
        && is_all(consents.len(), MAX_TEXTS)
        && is_all(receipts.len(), MAX_TEXTS);
    Ok(json!({
        "subject": user,
        "name": person.user.name,
        "exported_at": app.clock.now().rfc3339(),
        "limits": { "events": MAX_EVENTS, "consents": MAX_TEXTS, "receipts": MAX_TEXTS },
        "complete": complete,
        "consents": consents.iter().map(consent).collect::<Result<Vec<_>, _>>()?,
        "approvals": named(&["approval."]),
        "receipts": receipts.iter().map(receipt).collect::<Result<Vec<_>, _>>()?,
        "stops": named(&["task.revoked", "delegation.stopped"]),
        "events": events,
    }))
}

/// Enough to find the whole of it among the events.
fn short(event: &StoredEvent) -> Value {
    json!({
        "event": event.id,
        "at": event.at.rfc3339(),
        "name": event.name,
        "client": event.client,
        "task": event.task,
        "reason": event.reason,
        "request": event.data.get("request"),
        "receipt": event.data.get("receipt"),
    })
}

fn consent(stored: &StoredConsent) -> Result<Value, StoreError> {
    let mut consent = serde_json::to_value(stored)
        .map_err(|e| StoreError::Corrupt(format!("consent `{}`: {e}", stored.id)))?;
    if let Some(members) = consent.as_object_mut() {
        members.insert("at".to_owned(), Value::from(stored.at.rfc3339()));
    }
    Ok(consent)
}

/// The signed document, as `/app/receipts/{id}/document` hands it out.
fn receipt(stored: &StoredReceipt) -> Result<Value, StoreError> {
    serde_json::from_str(&stored.document)
        .map_err(|e| StoreError::Corrupt(format!("receipt `{}`: {e}", stored.id)))
}
