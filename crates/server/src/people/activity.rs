//! `/app/activity`: a person's history in words, and all of it as JSON. Written from the record, so it says what was recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use serde_json::Value;
use writ_core::authorize::UserSession;
use writ_core::checks::Endpoint;
use writ_core::event::EventName;
use writ_core::pending::STOPPED;
use writ_pages::{Activity, ActivityEntry, ActivityKind};
use writ_store::event::{EventFilter, StoredEvent};
use writ_wire::form::Form;

use crate::node::app::App;
use crate::people::authorize::{Ended, untrusted};
use crate::people::inbox::person;
use crate::people::login::to_login;
use crate::people::session::Browser;

mod export;

/// Entries of one page.
const PAGE: usize = 50;
/// The most events that are read for one page, and exported at once.
const MOST: u32 = 10_000;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/app/activity", get(show))
        .route("/app/activity/export", get(export::export))
}

async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let form = Form::parse(query.unwrap_or_default().as_bytes());
        let form = form.map_err(|e| untrusted(&e.into()))?;
        let browser = app.browser(&headers).await?;
        let Some(session) = &browser.session else {
            return Ok(to_login("/app/activity"));
        };
        page(&app, &headers, (&form, &browser, session)).await
    };
    finish(&app, result.await)
}

fn finish(app: &App, result: Result<Response, Ended>) -> Response {
    match result {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn events(app: &App, subject: &str) -> Result<Vec<StoredEvent>, Ended> {
    let filter = EventFilter {
        person: Some(subject),
        limit: MOST,
        ..EventFilter::default()
    };
    Ok(app.read().await?.events(filter).await?)
}

async fn page(
    app: &App,
    headers: &HeaderMap,
    (form, browser, session): (&Form, &Browser, &UserSession),
) -> Result<Response, Ended> {
    let before = form.optional("before").map_err(|e| untrusted(&e.into()))?;
    let texts = app.texts_for(headers, session).await?;
    let events = events(app, session.user.id.as_str()).await?;
    let newest = events.iter().rev();
    let older = newest.skip_while(|event| before.is_some_and(|id| event.id.as_str() >= id));
    let mut told = older.filter_map(|event| Some((event, kind(event)?)));
    let shown: Vec<_> = told.by_ref().take(PAGE).collect();
    let last = shown.last().map(|(event, _)| event.id.clone());
    let mut names = Names::default();
    let mut entries = Vec::new();
    for (event, kind) in &shown {
        entries.push(names.entry(app, event, (*kind, texts.locale())).await?);
    }
    let page = Activity {
        person: person(app, browser, session).await?,
        now: app.clock.now(),
        entries,
        older: told.next().and(last),
    };
    Ok(page.page(&texts).into_http().into_response())
}

/// The last things that an agent did for this person, newest first.
pub async fn of_agent(
    app: &App,
    (subject, agent): (&str, &str),
    (most, language): (usize, &str),
) -> Result<Vec<ActivityEntry>, Ended> {
    let filter = EventFilter {
        person: Some(subject),
        agent: Some(agent),
        limit: 100,
        ..EventFilter::default()
    };
    let events = app.read().await?.events(filter).await?;
    let told = events
        .iter()
        .rev()
        .filter_map(|event| Some((event, kind(event)?)));
    let mut names = Names::default();
    let mut entries = Vec::new();
    for (event, kind) in told.take(most) {
        entries.push(names.entry(app, event, (kind, language)).await?);
    }
    Ok(entries)
}

/// Names of clients, each looked up once.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    async fn entry(
        &mut self,
        app: &App,
        event: &StoredEvent,
        (kind, language): (ActivityKind, &str),
    ) -> Result<ActivityEntry, Ended> {
        let agent = match &event.client {
            Some(client) => Some(self.name(app, client).await?),
            None => None,
        };
        let receipt = event.data.get("receipt").and_then(Value::as_str);
        Ok(ActivityEntry {
            at: event.at,
            kind,
            agent,
            what: self.what(app, event, (kind, language)).await?,
            receipt: receipt.map(str::to_owned),
        })
    }

    async fn name(&mut self, app: &App, client: &str) -> Result<String, Ended> {
        if let Some(name) = self.0.get(client) {
            return Ok(name.clone());
        }
        let found = app.client(client).await?;
        let name = found.map_or_else(|| client.to_owned(), |client| client.name.clone());
        self.0.insert(client.to_owned(), name.clone());
        Ok(name)
    }

    async fn what(
        &mut self,
        app: &App,
        event: &StoredEvent,
        (kind, language): (ActivityKind, &str),
    ) -> Result<Option<String>, Ended> {
        let catalogue = app.catalogue().await?;
        match kind {
            ActivityKind::Used => {
                let name = |resource: &String| {
                    let mut known = catalogue.resources.iter();
                    let found = known.find(|(uri, _)| uri.as_str() == resource);
                    found.map_or_else(|| resource.clone(), |(_, known)| known.name.clone())
                };
                Ok(event.resource.as_ref().map(name))
            }
            ActivityKind::HandedOver => match actor(event) {
                Some(actor) => Ok(Some(self.name(app, &actor).await?)),
                None => Ok(None),
            },
            _ => {
                let places = ["/authority", "/asked", "/asked/authority"];
                let authority = places.into_iter().find_map(|place| {
                    let value = event.data.pointer(place)?.clone();
                    serde_json::from_value::<writ_authority::Authority>(value).ok()
                });
                let details = authority.as_ref().map(writ_authority::Authority::details);
                let sentences = details.into_iter().flatten().filter_map(|detail| {
                    Some(catalogue.types.of(detail)?.sentence(detail, language))
                });
                let words = sentences.collect::<Vec<_>>().join(" · ");
                Ok((!words.is_empty()).then_some(words))
            }
        }
    }
}

/// The agent that acts now.
fn actor(event: &StoredEvent) -> Option<String> {
    let path = event.actor_path.as_deref()?;
    path.split('>').next().map(str::to_owned)
}

/// What is told to people; the rest is for auditors.
fn kind(event: &StoredEvent) -> Option<ActivityKind> {
    let is = |name: EventName| event.name == name.as_str();
    let narrowed = event.data.get("narrowed").and_then(Value::as_bool);
    // Asked once more: the person was asked once.
    if event.data.get("superseded_by").is_some() {
        return None;
    }
    let kinds = [
        (EventName::ConsentGiven, ActivityKind::Consented),
        (EventName::ConsentNarrowed, ActivityKind::Consented),
        (EventName::ConsentDenied, ActivityKind::ConsentDenied),
        (EventName::ApprovalRequested, ActivityKind::Asked),
        (EventName::ApprovalExpired, ActivityKind::Expired),
        (EventName::TokenIssued, ActivityKind::Used),
        (EventName::ApprovalRedeemed, ActivityKind::Used),
        (EventName::TaskRevoked, ActivityKind::Stopped),
        (EventName::DelegationStopped, ActivityKind::Stopped),
        (EventName::LoginFailed, ActivityKind::SignInFailed),
    ];
    if is(EventName::ApprovalApproved) {
        let complete = event.data.get("complete").and_then(Value::as_bool);
        return Some(match (complete, narrowed) {
            (Some(false), _) => ActivityKind::Agreed,
            (_, Some(true)) => ActivityKind::ApprovedLess,
            _ => ActivityKind::Approved,
        });
    }
    if is(EventName::ApprovalDenied) {
        return Some(match event.reason.as_deref() {
            Some("not me") => ActivityKind::NotMe,
            Some(STOPPED) => ActivityKind::Stopped,
            _ => ActivityKind::Denied,
        });
    }
    if is(EventName::TokenExchanged) {
        return Some(match event.reason.as_deref() {
            Some("hand over") => ActivityKind::HandedOver,
            _ => ActivityKind::Used,
        });
    }
    if is(EventName::LoginSucceeded) {
        return Some(match event.data.get("method").and_then(Value::as_str) {
            Some("passkey") => ActivityKind::SignedInWithPasskey,
            _ => ActivityKind::SignedIn,
        });
    }
    if is(EventName::UserChanged) {
        return Some(match event.data.get("passkey").and_then(Value::as_str) {
            Some("added") => ActivityKind::PasskeyAdded,
            Some("removed") => ActivityKind::PasskeyRemoved,
            _ => ActivityKind::SettingsChanged,
        });
    }
    kinds
        .into_iter()
        .find_map(|(name, kind)| is(name).then_some(kind))
}
