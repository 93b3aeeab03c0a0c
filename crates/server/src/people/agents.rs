//! `/app/agents`: what acts for this person, and one button to stop a task, or an agent with everything below it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use writ_core::client::Client;
use writ_core::id::{ClientId, TaskId, UserId};
use writ_core::target::has_openid;
use writ_pages::{
    AgentEntry, AgentTask, Agents, ClientView, MineNotice, TaskStateView, TaskView, Texts,
};
use writ_store::StoreError;
use writ_store::delegation::Holder;
use writ_store::task::{LiveCursor, StoredTask, TasksInOrder};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::registry::parse_client;
use crate::operate::change::ChangedBy;
use crate::operate::stop;
use crate::people::activity;
use crate::people::error::PageError;
use crate::people::remembered;
use crate::people::request::{PostedForm, Query, SignedIn, Visitor};
use crate::people::views::{client_view, scopes};

mod approved;
mod resume;

/// Tasks on one page: so many that live, and on the first one those of the newest so many that have ended.
const MAX_TASKS: u32 = 50;
/// Pieces of one task of which the holders are named.
const MAX_HOLDERS: u32 = 64;
/// The newest events of one task among which its last token is looked for.
const MAX_EVENTS: u32 = 100;
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

async fn show(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    let person = visitor.signed_in(PATH)?;
    let after = query.optional("after")?.and_then(cursor);
    page_after(person, None, after).await
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
            let change = app.change(by, app.mended_time());
            let stopped = stop::stop_task(&mut transaction, task, change).await?;
            transaction.commit().await?;
            if stopped {
                app.metrics.stopped(1);
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
    page_after(person, notice, None).await
}

/// Two indexes have the tasks, and each further fact of all of them is one statement: what this page costs does not depend on how
/// many there are.
async fn page_after(
    person: SignedIn<'_>,
    notice: Option<MineNotice>,
    after: Option<LiveCursor>,
) -> Result<Response, PageError> {
    let (app, user) = (person.app, &person.user().id);
    let texts = &person.texts().await?;
    let found = PageOfTasks::of(app, user, after.as_ref()).await?;
    let mut approved = match after {
        None => approved::by_agent(app, user, texts).await?,
        Some(_) => BTreeMap::new(),
    };
    let facts = Facts::of(app, &found, &approved.keys().cloned().collect()).await?;
    let mut by_agent = by_agent(app, texts, &found, &facts).await?;
    for id in approved.keys() {
        if !by_agent.iter().any(|(known, _)| known == id) {
            by_agent.push((id.clone(), Vec::new()));
        }
    }
    let ids: Vec<&str> = by_agent.iter().map(|(id, _)| id.as_str()).collect();
    let mut actions = activity::of_agents(app, user, &ids, texts).await?;
    let agents = by_agent.into_iter().map(|(id, tasks)| {
        let actions = actions.remove(id.as_str()).unwrap_or_default();
        let approved = approved.remove(&id).unwrap_or_default();
        AgentEntry {
            client: facts.client_view(&id),
            suspended: facts.is_stopped(&id),
            last_used: actions.first().map(|action| action.at),
            tasks,
            totals: approved.totals,
            unfetched: approved.unfetched,
            actions,
        }
    });
    let page = Agents {
        person: person.frame().await?,
        agents: agents.collect(),
        remembered: match after {
            None => remembered::views(app, user).await?,
            Some(_) => Vec::new(),
        },
        notice,
        more: found.more.as_ref().map(cursor_text),
    };
    Ok(page.page(texts).into_http().into_response())
}

/// The tasks of one page.
struct PageOfTasks {
    tasks: Vec<StoredTask>,
    /// The last one, if more live after it.
    more: Option<LiveCursor>,
}

impl PageOfTasks {
    /// Those that live, the ones that end last first; on the first page also those of the newest that have ended.
    async fn of(
        app: &App,
        subject: &UserId,
        after: Option<&LiveCursor>,
    ) -> Result<Self, StoreError> {
        let now = app.mended_time();
        let mut reading = app.read().await?;
        let live = reading.live_tasks_of_person(subject, after, now, MAX_TASKS + 1);
        let mut tasks = live.await?;
        let has_more = tasks.len() > MAX_TASKS as usize;
        tasks.truncate(MAX_TASKS as usize);
        let last = tasks.last().filter(|_| has_more);
        let more = last.map(|stored| LiveCursor {
            expires_at: stored.task.expires_at,
            id: stored.task.id.clone(),
        });
        if after.is_none() {
            let newest = TasksInOrder::Subject(subject.as_str());
            let newest = reading.tasks_before(newest, None, MAX_TASKS).await?;
            tasks.extend(
                newest
                    .into_iter()
                    .filter(|task| !state(task, now).is_live()),
            );
        }
        Ok(Self { tasks, more })
    }
}

/// What is known of the tasks of a page and of everybody who has a part in them.
struct Facts {
    holders: Vec<Holder>,
    last_tokens: BTreeMap<TaskId, Timestamp>,
    clients: BTreeMap<String, (bool, Option<Client>)>,
}

impl Facts {
    async fn of(
        app: &App,
        found: &PageOfTasks,
        others: &BTreeSet<ClientId>,
    ) -> Result<Self, StoreError> {
        let ids: Vec<&str> = found.tasks.iter().map(|one| one.task.id.as_str()).collect();
        let mut reading = app.read().await?;
        let mut holders = reading.holders_of(&ids, MAX_HOLDERS).await?;
        let last_tokens = reading.last_tokens(&ids, MAX_EVENTS).await?;
        holders.sort();
        let opened = found.tasks.iter().map(|one| &one.task.client);
        let holding = holders.iter().map(|one| &one.client);
        let all: BTreeSet<&ClientId> = opened.chain(holding).chain(others).collect();
        let all: Vec<&str> = all.into_iter().map(ClientId::as_str).collect();
        let stored = reading.clients_among(&all).await?;
        drop(reading);
        let mut clients = BTreeMap::new();
        for (id, stored) in stored {
            let client = match stored.removed {
                true => None,
                false => Some(parse_client(&id, &stored)?),
            };
            clients.insert(id, (stored.stopped, client));
        }
        Ok(Self {
            holders,
            last_tokens,
            clients,
        })
    }

    fn client(&self, id: &str) -> Option<&Client> {
        self.clients.get(id).and_then(|(_, client)| client.as_ref())
    }

    /// Whether an admin, or a report, has stopped it: read now, because it is a state.
    fn is_stopped(&self, id: &ClientId) -> bool {
        self.clients
            .get(id.as_str())
            .is_some_and(|(stopped, _)| *stopped)
    }

    fn client_view(&self, id: &ClientId) -> ClientView {
        match self.client(id.as_str()) {
            Some(client) => client_view(client),
            None => ClientView {
                name: id.to_string(),
                client_id: id.to_string(),
                agent: None,
            },
        }
    }

    /// Every agent that holds a piece of it, from the first one on.
    fn chain(&self, task: &TaskId) -> Vec<String> {
        let mut names = Vec::new();
        for holder in self.holders.iter().filter(|holder| holder.task == *task) {
            let id = holder.client.as_str();
            let name = self
                .client(id)
                .map_or_else(|| id.to_owned(), |client| client.name.clone());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// The tasks of a page by the agent that opened them.
async fn by_agent(
    app: &App,
    texts: &Texts,
    found: &PageOfTasks,
    facts: &Facts,
) -> Result<Vec<(ClientId, Vec<AgentTask>)>, StoreError> {
    let mut by_agent: Vec<(ClientId, Vec<AgentTask>)> = Vec::new();
    for stored in &found.tasks {
        let agent = &stored.task.client;
        let view = TaskView {
            chain: facts.chain(&stored.task.id),
            ..task_view(app, texts, stored).await?
        };
        let task = AgentTask {
            last_token: match view.state.is_live() {
                true => facts.last_tokens.get(&stored.task.id).copied(),
                false => None,
            },
            task: view,
            spending: Vec::new(),
        };
        match by_agent.iter_mut().find(|(id, _)| id == agent) {
            Some((_, tasks)) => tasks.push(task),
            None => by_agent.push((agent.clone(), vec![task])),
        }
    }
    Ok(by_agent)
}

/// As it stands in the link to the next page.
fn cursor_text(cursor: &LiveCursor) -> String {
    format!("{}.{}", cursor.expires_at.micros(), cursor.id)
}

/// `None` for a text that is no cursor: the first page is shown.
fn cursor(text: &str) -> Option<LiveCursor> {
    let (micros, id) = text.split_once('.')?;
    Some(LiveCursor {
        expires_at: Timestamp::from_micros(micros.parse().ok()?),
        id: TaskId::from_text(id),
    })
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
        state: state(stored, app.mended_time()),
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
