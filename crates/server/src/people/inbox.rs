//! `/app`: the requests that this person may decide now.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use writ_core::client::User;
use writ_core::id::UserId;
use writ_core::pending::PendingRequest;
use writ_pages::{Inbox, InboxEntry, Texts};
use writ_store::StoreError;

use crate::node::app::App;
use crate::people::approval::role_view;
use crate::people::error::PageError;
use crate::people::redirect::see_other;
use crate::people::request::{SignedIn, Visitor};
use crate::people::views::client_view;

/// The most requests on one page.
const MAX_REQUESTS: u32 = 100;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/", get(home)).route("/app", get(show))
}

async fn home() -> Response {
    see_other("/app")
}

/// A login that names no page leads here.
async fn show(visitor: Visitor) -> Result<Response, PageError> {
    match visitor.session() {
        Some(person) => page(person).await,
        None => Ok(see_other("/login")),
    }
}

/// What this person may decide now: neither what only a later stage may bring to them, nor what they agreed to already.
pub async fn open_requests(app: &App, user: &UserId) -> Result<Vec<PendingRequest>, StoreError> {
    let now = app.clock.now();
    let mut reading = app.read().await?;
    let mut open = Vec::new();
    for request in reading.inbox(user, now, MAX_REQUESTS).await? {
        let agreed = match request.may_need_several() {
            true => reading.votes(&request.id).await?,
            false => Vec::new(),
        };
        let did = agreed.iter().any(|vote| vote.user == *user);
        if !did && request.role_of(user, now).is_some() {
            open.push(request);
        }
    }
    Ok(open)
}

async fn page(person: SignedIn<'_>) -> Result<Response, PageError> {
    let requests = open_requests(person.app, &person.user().id).await?;
    let texts = person.texts().await?;
    let mut entries = Vec::new();
    for request in &requests {
        entries.extend(entry(person.app, person.user(), &texts, request).await?);
    }
    let inbox = Inbox {
        person: person.frame_with(entries.len()),
        now: person.app.clock.now(),
        requests: entries,
    };
    Ok(inbox.page(&texts).into_http().into_response())
}

async fn entry(
    app: &App,
    user: &User,
    texts: &Texts,
    request: &PendingRequest,
) -> Result<Option<InboxEntry>, StoreError> {
    let (Some((role, _)), Some(client)) = (
        request.role_of(&user.id, app.clock.now()),
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
        role: role_view(role, &user.id, sponsor),
        subject_name: subject_name(app, request, user).await?,
    }))
}

async fn subject_name(
    app: &App,
    request: &PendingRequest,
    user: &User,
) -> Result<String, StoreError> {
    match &request.subject {
        Some(subject) if *subject != user.id => {
            let stored = app.read().await?.user_by_id(subject).await?;
            Ok(stored.map_or_else(|| subject.to_string(), |stored| stored.user.name))
        }
        _ => Ok(user.name.clone()),
    }
}
