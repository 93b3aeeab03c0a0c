//! `/app`: what waits for this person now (JOURNEYS, the person with a phone), and the frame of every page below it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use writ_core::authorize::UserSession;
use writ_core::checks::Endpoint;
use writ_core::id::UserId;
use writ_core::pending::PendingRequest;
use writ_pages::{Inbox, InboxEntry, PersonView, Texts};

use crate::node::app::App;
use crate::people::approval::role_view;
use crate::people::authorize::{Ended, see_other};
use crate::people::consent::client_view;
use crate::people::session::Browser;

/// The most requests on one page.
const MAX_REQUESTS: u32 = 100;

pub async fn home() -> Response {
    see_other("/app")
}

pub async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let result = async {
        let browser = app.browser(&headers).await?;
        match &browser.session {
            Some(session) => page(&app, &headers, (&browser, session)).await,
            None => Ok(see_other("/login")),
        }
    };
    match result.await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

/// Who looks, for the frame of a page.
pub async fn person(
    app: &App,
    browser: &Browser,
    session: &UserSession,
) -> Result<PersonView, Ended> {
    Ok(PersonView {
        csrf: browser.csrf(),
        name: session.user.name.clone(),
        waiting: waiting(app, &session.user.id).await?.len(),
        has_zone: session.reads.time_zone.is_some(),
    })
}

/// What this person may decide now: neither what only a later step may bring to them, nor what they agreed to already.
pub async fn waiting(app: &App, user: &UserId) -> Result<Vec<PendingRequest>, Ended> {
    let now = app.clock.now();
    let mut reading = app.read().await?;
    let mut waiting = Vec::new();
    for request in reading.inbox(user, now, MAX_REQUESTS).await? {
        let mut stages = request.asked.stages.iter();
        let agreed = match stages.any(|stage| stage.need > 1) {
            true => reading.votes(&request.id).await?,
            false => Vec::new(),
        };
        let did = agreed.iter().any(|vote| vote.user == *user);
        if !did && request.role_of(user, now).is_some() {
            waiting.push(request);
        }
    }
    Ok(waiting)
}

async fn page(
    app: &App,
    headers: &HeaderMap,
    (browser, session): (&Browser, &UserSession),
) -> Result<Response, Ended> {
    let requests = waiting(app, &session.user.id).await?;
    let texts = app.texts_for(headers, session).await?;
    let mut entries = Vec::new();
    for request in &requests {
        entries.extend(entry(app, &texts, (request, session)).await?);
    }
    let inbox = Inbox {
        person: PersonView {
            csrf: browser.csrf(),
            name: session.user.name.clone(),
            waiting: entries.len(),
            has_zone: session.reads.time_zone.is_some(),
        },
        now: app.clock.now(),
        requests: entries,
    };
    Ok(inbox.page(&texts).into_http().into_response())
}

async fn entry(
    app: &App,
    texts: &Texts,
    (request, session): (&PendingRequest, &UserSession),
) -> Result<Option<InboxEntry>, Ended> {
    let user = &session.user.id;
    let (Some((role, _)), Some(client)) = (
        request.role_of(user, app.clock.now()),
        app.client(request.client.as_str()).await?,
    ) else {
        return Ok(None);
    };
    let catalogue = app.catalogue().await?;
    let details = request.asked.authority.details().iter();
    let sentences = details.filter_map(|detail| {
        let definition = catalogue.types.of(detail)?;
        Some(definition.pieces(detail, texts.locale()))
    });
    let sponsor = client.agent.as_ref().map(|agent| &agent.sponsor);
    Ok(Some(InboxEntry {
        id: request.id.to_string(),
        client: client_view(&client),
        sentences: sentences.collect(),
        asked_at: request.created_at,
        expires_at: request.expires_at,
        role: role_view(role, user, sponsor),
        subject_name: subject_name(app, request, session).await?,
    }))
}

async fn subject_name(
    app: &App,
    request: &PendingRequest,
    session: &UserSession,
) -> Result<String, Ended> {
    match &request.subject {
        Some(subject) if *subject != session.user.id => {
            let stored = app.read().await?.user_by_id(subject).await?;
            Ok(stored.map_or_else(|| subject.to_string(), |stored| stored.user.name))
        }
        _ => Ok(session.user.name.clone()),
    }
}
