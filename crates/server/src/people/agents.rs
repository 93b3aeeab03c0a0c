//! `/app/agents`: what acts for this person, and one button to stop a task, or an agent with everything below it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use writ_core::id::{ClientId, TaskId, UserId};
use writ_core::target::has_openid;
use writ_pages::{
    AgentEntry, AgentTask, Agents, ClientView, MineNotice, TaskStateView, TaskView, Texts,
};
use writ_store::StoreError;
use writ_store::task::{StoredTask, TaskFilter};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::operate::change::ChangedBy;
use crate::operate::stop;
use crate::people::activity;
use crate::people::error::PageError;
use crate::people::remembered;
use crate::people::request::{PostedForm, SignedIn, Visitor};
use crate::people::views::{client_view, scopes};

mod approved;
mod resume;

use approved::AgentApprovals;

/// Tasks on one page: so many that live, and those of the newest so many that have ended.
const MAX_TASKS: u32 = 100;
const PATH: &str = "/app/agents";

/// What a button asks to stop.
enum Target {
    Task(TaskId),
    Agent(ClientId),
}

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PATH, get(show))
        .route("/app/agents/stop", post(stop_agent))
        .route("/app/stop", post(stop_task))
        .route("/app/resume", post(resume::resume_task))
        .route("/app/agents/forget", post(forget))
}

async fn show(visitor: Visitor) -> Result<Response, PageError> {
    page(visitor.signed_in(PATH)?, None).await
}

async fn stop_task(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let task = TaskId::from_text(form.required("task")?);
    stop(person, Target::Task(task)).await
}

async fn stop_agent(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let agent = ClientId::from_text(form.required("agent")?);
    stop(person, Target::Agent(agent)).await
}

async fn forget(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let client = ClientId::from_text(form.required("client")?);
    let notice = match remembered::forget(person, &client).await? {
        true => MineNotice::Forgotten,
        false => MineNotice::AlreadyEnded,
    };
    page(person, Some(notice)).await
}

async fn stop(person: SignedIn<'_>, target: Target) -> Result<Response, PageError> {
    let notice = match carry_out(person.app, &person.user().id, &target).await? {
        true => MineNotice::Stopped,
        false => MineNotice::AlreadyEnded,
    };
    page(person, Some(notice)).await
}

/// Whether there was anything to stop.
async fn carry_out(app: &App, person: &UserId, target: &Target) -> Result<bool, PageError> {
    let by = ChangedBy::Subject(person.as_str());
    let mut transaction = app.begin().await?;
    match target {
        Target::Task(task) => {
            let change = app.change(by, app.clock.now());
            let stopped = stop::stop_task(&mut transaction, task, change).await?;
            transaction.commit().await?;
            if stopped {
                app.metrics.stopped();
            }
            Ok(stopped)
        }
        Target::Agent(agent) => {
            let stopped = stop::stop_agent(app, &mut transaction, person, agent, by).await?;
            transaction.commit().await?;
            stopped.endings.announce(app);
            Ok(!stopped.is_nothing())
        }
    }
}

async fn page(person: SignedIn<'_>, notice: Option<MineNotice>) -> Result<Response, PageError> {
    let (app, user) = (person.app, &person.user().id);
    let texts = &person.texts().await?;
    let mut by_agent = by_agent(app, texts, user).await?;
    let mut approved = approved::by_agent(app, user, texts).await?;
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
        agents.push(entry(app, user, texts, agent).await?);
    }
    let page = Agents {
        person: person.frame().await?,
        agents,
        remembered: remembered::views(app, user).await?,
        notice,
    };
    Ok(page.page(texts).into_http().into_response())
}

/// The person's tasks by the agent that opened them.
async fn by_agent(
    app: &App,
    texts: &Texts,
    subject: &UserId,
) -> Result<Vec<(ClientId, Vec<AgentTask>)>, StoreError> {
    let mut by_agent: Vec<(ClientId, Vec<AgentTask>)> = Vec::new();
    for (stored, holders) in tasks_with_holders(app, subject).await? {
        let agent = stored.task.client.clone();
        let view = TaskView {
            chain: names(app, holders).await?,
            ..task_view(app, texts, &stored).await?
        };
        let task = AgentTask {
            last_token: match view.state {
                TaskStateView::Active | TaskStateView::Suspended => {
                    approved::last_token(app, &stored.task.id).await?
                }
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
    approved: AgentApprovals,
}

async fn entry(
    app: &App,
    subject: &UserId,
    texts: &Texts,
    agent: AgentFacts,
) -> Result<AgentEntry, StoreError> {
    let id = &agent.id;
    let client = app.client(id.as_str()).await?;
    let actions = activity::of_agent(app, subject, id, texts).await?;
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
) -> Result<BTreeMap<ClientId, bool>, StoreError> {
    let mut reading = app.read().await?;
    let mut suspended = BTreeMap::new();
    for id in ids {
        let stored = reading.client(id).await?;
        suspended.insert(id.clone(), stored.is_some_and(|stored| stored.stopped));
    }
    Ok(suspended)
}

/// The person's tasks, those that live first, each with every agent that holds a piece of it, from the first one on. Names
/// are looked up after the connection is given back: no request waits for a second one while holding one.
async fn tasks_with_holders(
    app: &App,
    subject: &UserId,
) -> Result<Vec<(StoredTask, Vec<String>)>, StoreError> {
    let now = app.clock.now();
    let newest = TaskFilter {
        subject: Some(subject.as_str()),
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
    found.extend(others.filter(|task| !state(task, now).is_live()));
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

async fn names(app: &App, holders: Vec<String>) -> Result<Vec<String>, StoreError> {
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

/// The task as the page shows it, without its delegations.
async fn task_view(app: &App, texts: &Texts, stored: &StoredTask) -> Result<TaskView, StoreError> {
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
        chain: Vec::new(),
    })
}

fn state(stored: &StoredTask, now: Timestamp) -> TaskStateView {
    match stored.stopped_at {
        Some(_) => TaskStateView::Stopped,
        None if now >= stored.task.expires_at => TaskStateView::Expired,
        None if stored.suspended_at.is_some() => TaskStateView::Suspended,
        None => TaskStateView::Active,
    }
}
