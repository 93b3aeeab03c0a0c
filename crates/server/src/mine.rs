//! `/app`: what acts for this person, and one button to stop it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use writ_core::authorize::Session;
use writ_core::checks::Endpoint;
use writ_core::client::Client;
use writ_core::id::TaskId;
use writ_core::target::has_openid;
use writ_store::task::{StoredTask, TaskFilter};
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::app::App;
use crate::authorize::{Ended, see_other, untrusted};
use crate::consent::scopes;
use crate::login::form_expired;
use crate::pages::{Mine, MineNotice, TaskStateView, TaskView};
use crate::session::Browser;
use crate::stop::{Stopper, stop_task};

/// Tasks on one page.
const MAX_TASKS: u32 = 100;

pub async fn home() -> Response {
    see_other("/app")
}

pub async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let result = async {
        let browser = app.browser(&headers).await?;
        match &browser.session {
            Some(session) => page(&app, &browser, session, None).await,
            None => Ok(see_other("/login")),
        }
    };
    match result.await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

pub async fn stop(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match stopped(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn stopped(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let browser = app.browser(headers).await?;
    let Some(person) = &browser.session else {
        return Ok(see_other("/login"));
    };
    if !browser.sent(&form) {
        return Err(form_expired());
    }
    let task = TaskId::from_text(form.required("task").map_err(|e| untrusted(&e.into()))?);
    let now = app.clock.now();
    let mut session = app.begin().await?;
    let stopper = Stopper::Person(person.user.id.as_str());
    let did = stop_task(&mut session, &task, stopper, (app.event_id(now), now)).await?;
    session.commit().await?;
    if did {
        app.metrics.stopped();
    }
    let notice = if did {
        MineNotice::Stopped
    } else {
        MineNotice::AlreadyEnded
    };
    page(app, &browser, person, Some(notice)).await
}

async fn page(
    app: &App,
    browser: &Browser,
    session: &Session,
    notice: Option<MineNotice>,
) -> Result<Response, Ended> {
    let subject = session.user.id.as_str();
    let mut tasks = Vec::new();
    for (stored, holders) in read(app, subject).await? {
        let chain = names(app, holders).await?;
        let client = app.client(stored.task.client.as_str()).await?;
        tasks.push(task_view(app, &stored, client.as_deref(), chain).await?);
    }
    let mine = Mine {
        csrf: browser.csrf(),
        subject_name: session.user.name.clone(),
        tasks,
        notice,
    };
    Ok(mine.page(&app.texts).into_response())
}

/// The person's tasks, each with every agent that holds a piece of it, from the first one on. Names are looked up after
/// the connection is given back: nobody waits for a second one while holding one.
async fn read(app: &App, subject: &str) -> Result<Vec<(StoredTask, Vec<String>)>, Ended> {
    let filter = TaskFilter {
        subject: Some(subject),
        live_at: None,
        limit: MAX_TASKS,
    };
    let mut reading = app.read().await?;
    let mut tasks = Vec::new();
    for stored in reading.tasks(filter).await? {
        let mut holders = BTreeSet::new();
        for delegation in reading.delegations_of(&stored.task.id).await? {
            holders.insert((delegation.depth(), delegation.holder.to_string()));
        }
        tasks.push((stored, holders.into_iter().map(|(_, id)| id).collect()));
    }
    Ok(tasks)
}

async fn names(app: &App, holders: Vec<String>) -> Result<Vec<String>, Ended> {
    let mut names = Vec::new();
    for id in holders {
        let name = app
            .client(&id)
            .await?
            .map_or(id, |client| client.name.clone());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

async fn task_view(
    app: &App,
    stored: &StoredTask,
    client: Option<&Client>,
    chain: Vec<String>,
) -> Result<TaskView, Ended> {
    let task = &stored.task;
    let catalogue = app.catalogue().await?;
    let lang = app.texts.locale();
    let objects = task.authority.details().iter();
    let sentences = objects.filter_map(|d| catalogue.types.of(d).map(|t| t.sentence(d, lang)));
    Ok(TaskView {
        id: task.id.to_string(),
        agent_name: client.map_or_else(|| task.client.to_string(), |c| c.name.clone()),
        publisher: client
            .and_then(|c| c.agent.as_ref())
            .map(|a| a.publisher.clone()),
        purpose: task.purpose.clone(),
        sentences: sentences.collect(),
        identity: has_openid(&task.authority, catalogue.realm()),
        scopes: scopes(&catalogue, &task.authority),
        opened: app.texts.moment(task.created_at),
        expires: app.texts.moment(task.expires_at),
        state: state(stored, app.clock.now()),
        chain,
    })
}

fn state(stored: &StoredTask, now: Timestamp) -> TaskStateView {
    match stored.stopped_at {
        Some(_) => TaskStateView::Stopped,
        None if now >= stored.task.expires_at => TaskStateView::Expired,
        None => TaskStateView::Active,
    }
}
