//! `/app/agents`: what acts for this person, and one button to stop a task, or an agent with everything below it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::HeaderMap;
use writ_core::authorize::UserSession;
use writ_core::checks::Endpoint;
use writ_core::id::{ClientId, TaskId, UserId};
use writ_core::target::has_openid;
use writ_pages::{
    AgentEntry, AgentTask, Agents, ClientView, MineNotice, TaskStateView, TaskView, Texts,
};
use writ_store::task::{StoredTask, TaskFilter};
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::operate::stop::{self, Stopper, stop_task};
use crate::people::activity;
use crate::people::authorize::{Ended, untrusted};
use crate::people::consent::{client_view, scopes};
use crate::people::inbox::person;
use crate::people::login::{form_expired, to_login};
use crate::people::session::Browser;

mod approved;

use approved::Approved;

/// Tasks on one page: so many that live, and those of the newest so many that have ended.
const MAX_TASKS: u32 = 100;
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
    let notice = if carry_out(app, &person.user.id, &what).await? {
        MineNotice::Stopped
    } else {
        MineNotice::AlreadyEnded
    };
    page(app, headers, (&browser, person), Some(notice)).await
}

/// Whether there was anything to stop.
async fn carry_out(app: &App, person: &UserId, what: &What) -> Result<bool, Ended> {
    let now = app.clock.now();
    let stopper = Stopper::Person(person.as_str());
    let mut session = app.begin().await?;
    let did = match what {
        What::Task(task) => {
            let event = (app.event_id(now), now);
            let did = stop_task(&mut session, task, stopper, event).await?;
            session.commit().await?;
            if did {
                app.metrics.stopped();
            }
            did
        }
        What::Agent(agent) => {
            let stopped = stop::stop_agent(app, &mut session, (person, agent), stopper).await?;
            session.commit().await?;
            stopped.endings.announce(app);
            !stopped.is_nothing()
        }
    };
    Ok(did)
}

async fn page(
    app: &App,
    headers: &HeaderMap,
    (browser, session): (&Browser, &UserSession),
    notice: Option<MineNotice>,
) -> Result<Response, Ended> {
    let texts = &app.texts_for(headers, session).await?;
    let subject = session.user.id.as_str();
    let mut by_agent = by_agent(app, texts, subject).await?;
    let mut approved = approved::by_agent(app, &session.user.id, texts).await?;
    for id in approved.keys() {
        if !by_agent.iter().any(|(known, _)| known == id) {
            by_agent.push((id.clone(), Vec::new()));
        }
    }
    let suspended = suspended(app, by_agent.iter().map(|(id, _)| id)).await?;
    let mut agents = Vec::new();
    for (id, tasks) in by_agent {
        let suspended = suspended.get(&id).copied().unwrap_or_default();
        let agent = AgentFacts {
            approved: approved.remove(&id).unwrap_or_default(),
            id,
            tasks,
            suspended,
        };
        agents.push(entry(app, (subject, texts), agent).await?);
    }
    let page = Agents {
        person: person(app, browser, session).await?,
        agents,
        notice,
    };
    Ok(page.page(texts).into_http().into_response())
}

/// The person's tasks by the agent that opened them.
async fn by_agent(
    app: &App,
    texts: &Texts,
    subject: &str,
) -> Result<Vec<(ClientId, Vec<AgentTask>)>, Ended> {
    let mut by_agent: Vec<(ClientId, Vec<AgentTask>)> = Vec::new();
    for (stored, holders) in read(app, subject).await? {
        let chain = names(app, holders).await?;
        let agent = stored.task.client.clone();
        let view = task_view(app, texts, (&stored, chain)).await?;
        let task = AgentTask {
            last_token: match view.state {
                TaskStateView::Active => approved::last_token(app, &stored.task.id).await?,
                _ => None,
            },
            task: view,
            spending: Vec::new(),
        };
        match by_agent.iter_mut().find(|(id, _)| *id == agent) {
            Some((_, tasks)) => tasks.push(task),
            None => by_agent.push((agent, vec![task])),
        }
    }
    Ok(by_agent)
}

/// What is known of one agent of this person.
struct AgentFacts {
    id: ClientId,
    tasks: Vec<AgentTask>,
    suspended: bool,
    approved: Approved,
}

async fn entry(
    app: &App,
    (subject, texts): (&str, &Texts),
    agent: AgentFacts,
) -> Result<AgentEntry, Ended> {
    let id = &agent.id;
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
        suspended: agent.suspended,
        last_used: actions.first().map(|action| action.at),
        tasks: agent.tasks,
        totals: agent.approved.totals,
        unfetched: agent.approved.unfetched,
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

/// The person's tasks, those that live first, each with every agent that holds a piece of it, from the first one on. Names
/// are looked up after the connection is given back: nobody waits for a second one while holding one.
async fn read(app: &App, subject: &str) -> Result<Vec<(StoredTask, Vec<String>)>, Ended> {
    let now = app.clock.now();
    let newest = TaskFilter {
        subject: Some(subject),
        live_at: None,
        limit: MAX_TASKS,
    };
    let live = TaskFilter {
        live_at: Some(now),
        ..newest
    };
    let mut reading = app.read().await?;
    let mut found = reading.tasks(live).await?;
    let others = reading.tasks(newest).await?.into_iter();
    found.extend(others.filter(|task| state(task, now) != TaskStateView::Active));
    let mut tasks = Vec::new();
    for stored in found {
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
