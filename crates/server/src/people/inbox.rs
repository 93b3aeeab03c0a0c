//! `/app`: the requests that this person may decide now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use writ_core::client::User;
use writ_core::id::UserId;
use writ_core::pause::PausedBecause;
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
        None => Err(PageError::SignedOut { page: None }),
    }
}

/// What this person may decide now: neither what only a later stage may bring to them, nor what they agreed to already.
pub async fn open_requests(app: &App, user: &UserId) -> Result<Vec<PendingRequest>, StoreError> {
    let now = app.mended_time();
    let mut reading = app.read().await?;
    let mut open = reading.inbox(user, now, MAX_REQUESTS).await?;
    let several = open.iter().filter(|request| request.may_need_several());
    let several: Vec<&str> = several.map(|request| request.id.as_str()).collect();
    let voted = match several.is_empty() {
        true => BTreeSet::new(),
        false => reading.voted_among(&several, user).await?,
    };
    open.retain(|request| !voted.contains(&request.id) && request.role_of(user, now).is_some());
    Ok(open)
}

async fn page(person: SignedIn<'_>) -> Result<Response, PageError> {
    let requests = open_requests(person.app, &person.user().id).await?;
    let texts = person.texts().await?;
    let names = subject_names(person.app, &requests, person.user()).await?;
    let mut entries = Vec::new();
    for request in &requests {
        entries.extend(entry(person, &texts, request, &names).await?);
    }
    let (now, because) = (person.app.mended_time(), PausedBecause::Recovered);
    let mut reading = person.app.read().await?;
    let inbox = Inbox {
        person: person.frame_with(entries.len()),
        now,
        requests: entries,
        paused_by_reset: reading.has_paused_task(person.id(), because, now).await?,
    };
    Ok(inbox.page(&texts).into_http().into_response())
}

async fn entry(
    person: SignedIn<'_>,
    texts: &Texts,
    request: &PendingRequest,
    names: &BTreeMap<String, String>,
) -> Result<Option<InboxEntry>, StoreError> {
    let (app, user) = (person.app, person.user());
    let (Some((role, _)), Some(client)) = (
        request.role_of(&user.id, app.mended_time()),
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
        through: request
            .asked
            .access
            .as_ref()
            .map(|asked| catalogue.name_of(&asked.resource)),
        sentences: sentences.collect(),
        asked_at: request.created_at,
        expires_at: request.expires_at,
        role: role_view(role, &user.id, sponsor),
        subject_name: match &request.subject {
            Some(subject) if *subject != user.id => {
                let known = names.get(subject.as_str());
                known.cloned().unwrap_or_else(|| subject.to_string())
            }
            _ => user.name.clone(),
        },
    }))
}

/// Of those about whom somebody else decides. One statement, where there are any.
async fn subject_names(
    app: &App,
    requests: &[PendingRequest],
    user: &User,
) -> Result<BTreeMap<String, String>, StoreError> {
    let subjects = requests
        .iter()
        .filter_map(|request| request.subject.as_ref());
    let others: BTreeSet<&UserId> = subjects.filter(|subject| **subject != user.id).collect();
    let others: Vec<&str> = others.into_iter().map(UserId::as_str).collect();
    match others.is_empty() {
        true => Ok(BTreeMap::new()),
        false => app.read().await?.names_of(&others).await,
    }
}
