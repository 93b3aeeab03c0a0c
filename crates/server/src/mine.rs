//! `/app/agents`: what acts for this person, and one button to stop a task, or an agent with everything below it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::HeaderMap;
use writ_core::authorize::Session;
use writ_core::checks::Endpoint;
use writ_core::id::{ClientId, TaskId};
use writ_core::target::has_openid;
use writ_store::task::{StoredTask, TaskFilter};
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::activity;
use crate::app::App;
use crate::authorize::{Ended, untrusted};
use crate::consent::{client_view, scopes};
use crate::inbox::person;
use crate::login::{form_expired, to_login};
use crate::pages::{
    AgentEntry, AgentTask, Agents, ClientView, MineNotice, TaskStateView, TaskView, Texts,
};
use crate::session::Browser;
use crate::stop::{Stopper, stop_task};

/// Tasks on one page, and stopped with one tap.
const MAX_TASKS: u32 = 100;
const MAX_STOPPED: u32 = 1000;
/// The last things that an agent did.
const ACTIONS: usize = 5;

/// What a button asks to stop.
enum What {
    Task(TaskId),
    Agent(ClientId),
}

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/app/agents", get(show))
        .route("/app/agents/stop", post(stop_agent))
        .route("/app/stop", post(stop))
}

async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let result = async {
        let browser = app.browser(&headers).await?;
        match &browser.session {
            Some(session) => page(&app, &headers, (&browser, session), None).await,
            None => Ok(to_login("/app/agents")),
        }
    };
    finish(&app, result.await)
}

async fn stop(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let result = async {
        let form = Form::parse(&body).map_err(|e| untrusted(&e.into()))?;
        let task = form.required("task").map_err(|e| untrusted(&e.into()))?;
        let what = What::Task(TaskId::from_text(task));
        stopped(&app, &headers, (&form, what)).await
    };
    finish(&app, result.await)
}

async fn stop_agent(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let result = async {
        let form = Form::parse(&body).map_err(|e| untrusted(&e.into()))?;
        let agent = form.required("agent").map_err(|e| untrusted(&e.into()))?;
        let what = What::Agent(ClientId::from_text(agent));
        stopped(&app, &headers, (&form, what)).await
    };
    finish(&app, result.await)
}

fn finish(app: &App, result: Result<Response, Ended>) -> Response {
    match result {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn stopped(
    app: &App,
    headers: &HeaderMap,
    (form, what): (&Form, What),
) -> Result<Response, Ended> {
    let browser = app.browser(headers).await?;
    let Some(person) = &browser.session else {
        return Ok(to_login("/app/agents"));
    };
    if !browser.sent(form) {
        return Err(form_expired());
    }
    let now = app.clock.now();
    let mut session = app.begin().await?;
    let tasks = match what {
        What::Task(task) => vec![task],
        What::Agent(agent) => {
            let subject = &person.user.id;
            session
                .live_tasks_between(subject, &agent, now, MAX_STOPPED)
                .await?
        }
    };
    let mut did = false;
    for task in tasks {
        let stopper = Stopper::Person(person.user.id.as_str());
        if stop_task(&mut session, &task, stopper, (app.event_id(now), now)).await? {
            app.metrics.stopped();
            did = true;
        }
    }
    session.commit().await?;
    let notice = if did {
        MineNotice::Stopped
    } else {
        MineNotice::AlreadyEnded
    };
    page(app, headers, (&browser, person), Some(notice)).await
}

async fn page(
    app: &App,
    headers: &HeaderMap,
    (browser, session): (&Browser, &Session),
    notice: Option<MineNotice>,
) -> Result<Response, Ended> {
    let texts = app.languages.of_request(headers);
    let subject = session.user.id.as_str();
    let mut by_agent: Vec<(ClientId, Vec<AgentTask>)> = Vec::new();
    for (stored, holders) in read(app, subject).await? {
        let chain = names(app, holders).await?;
        let agent = stored.task.client.clone();
        let task = AgentTask {
            task: task_view(app, texts, (&stored, chain)).await?,
            spending: Vec::new(),
        };
        match by_agent.iter_mut().find(|(id, _)| *id == agent) {
            Some((_, tasks)) => tasks.push(task),
            None => by_agent.push((agent, vec![task])),
        }
    }
    let suspended = suspended(app, by_agent.iter().map(|(id, _)| id)).await?;
    let mut agents = Vec::new();
    for (id, tasks) in by_agent {
        let suspended = suspended.get(&id).copied().unwrap_or_default();
        agents.push(entry(app, (subject, &id, texts), (tasks, suspended)).await?);
    }
    let page = Agents {
        person: person(app, browser, session).await?,
        agents,
        notice,
    };
    Ok(page.page(texts).into_response())
}

async fn entry(
    app: &App,
    (subject, id, texts): (&str, &ClientId, &Texts),
    (tasks, suspended): (Vec<AgentTask>, bool),
) -> Result<AgentEntry, Ended> {
    let client = app.client(id.as_str()).await?;
    let who = (subject, id.as_str());
    let actions = activity::of_agent(app, who, (ACTIONS, texts.locale())).await?;
    Ok(AgentEntry {
        client: match &client {
            Some(client) => client_view(client),
            None => ClientView {
                name: id.to_string(),
                client_id: id.to_string(),
                agent: None,
            },
        },
        suspended,
        last_used: actions.first().map(|action| action.at),
        tasks,
        actions,
    })
}

/// Which of them an admin, or a report, has stopped: read now, because it is a state.
async fn suspended(
    app: &App,
    ids: impl Iterator<Item = &ClientId>,
) -> Result<BTreeMap<ClientId, bool>, Ended> {
    let mut reading = app.read().await?;
    let mut suspended = BTreeMap::new();
    for id in ids {
        let stored = reading.client(id).await?;
        suspended.insert(id.clone(), stored.is_some_and(|stored| stored.stopped));
    }
    Ok(suspended)
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
    texts: &Texts,
    (stored, chain): (&StoredTask, Vec<String>),
) -> Result<TaskView, Ended> {
    let task = &stored.task;
    let catalogue = app.catalogue().await?;
    let lang = texts.locale();
    let objects = task.authority.details().iter();
    let sentences = objects.filter_map(|d| catalogue.types.of(d).map(|t| t.sentence(d, lang)));
    Ok(TaskView {
        id: task.id.to_string(),
        purpose: task.purpose.clone(),
        sentences: sentences.collect(),
        identity: has_openid(&task.authority, catalogue.realm()),
        scopes: scopes(&catalogue, &task.authority),
        opened: texts.moment(task.created_at),
        expires: texts.moment(task.expires_at),
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
