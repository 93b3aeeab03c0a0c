//! What `/app/agents` lists: tasks by the agent that opened them, who else acts in them, and what was approved one by one.

use std::collections::{BTreeMap, BTreeSet};

use axum::response::{IntoResponse, Response};
use writ_core::client::Client;
use writ_core::id::{ClientId, TaskId, UserId};
use writ_core::target::has_openid;
use writ_pages::{
    AgentEntry, AgentTask, Agents, ClientView, HolderView, TaskStateView, TaskView, Texts,
};
use writ_store::StoreError;
use writ_store::delegation::Holder;
use writ_store::task::{LiveCursor, StoredTask, TasksInOrder};
use writ_wire::time::Timestamp;

use super::tree::{self, Node};
use super::{Said, approved, resume, unpause};
use crate::node::app::App;
use crate::node::registry::parse_client;
use crate::people::activity;
use crate::people::error::PageError;
use crate::people::remembered;
use crate::people::request::SignedIn;
use crate::people::views::{client_view, scopes};

/// Tasks on one page: so many that live, and on the first one those of the newest so many that have ended.
const MAX_TASKS: u32 = 50;
/// Pieces of one task of which the holders are named.
const MAX_HOLDERS: u32 = 64;
/// Agents on one page that act in tasks which others opened.
const MAX_BELOW: usize = 100;

/// Two indexes have the tasks, and each further fact of all of them is one statement: what this page costs does not depend on how
/// many there are.
pub(super) async fn page_after(
    person: SignedIn<'_>,
    said: Said,
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
    let mut by_agent = by_agent(person, texts, &found, &facts).await?;
    let mut through = facts.through(&found);
    for id in approved.keys().chain(through.keys()) {
        if !by_agent.iter().any(|(known, _)| known == id) {
            by_agent.push((id.clone(), Vec::new()));
        }
    }
    let ids: Vec<&str> = by_agent.iter().map(|(id, _)| id.as_str()).collect();
    let mut actions = activity::of_agents(app, user, &ids, texts).await?;
    let agents = by_agent.into_iter().map(|(id, listed)| {
        let actions = actions.remove(id.as_str()).unwrap_or_default();
        let approved = approved.remove(&id).unwrap_or_default();
        AgentEntry {
            client: facts.client_view(&id),
            suspended: facts.is_stopped(&id),
            last_used: actions.first().map(|action| action.at),
            until: listed.iter().filter_map(|one| one.ends_at).max(),
            tasks: listed.into_iter().map(|one| one.view).collect(),
            through: through.remove(&id).unwrap_or_default(),
            totals: approved.totals,
            unfetched: approved.unfetched,
            actions,
        }
    });
    let page = Agents {
        person: person.frame().await?,
        now: app.mended_time(),
        agents: agents.collect(),
        remembered: match after {
            None => remembered::views(app, user).await?,
            Some(_) => Vec::new(),
        },
        paused: match after {
            None => unpause::views(app, user).await?,
            Some(_) => Vec::new(),
        },
        notice: said.notice,
        undo: match (said.undo, said.unpause) {
            (Some(undo), _) => Some(undo.view(app).await?),
            (None, Some(unpause)) => Some(unpause.view(app).await?),
            (None, None) => None,
        },
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
    now: Timestamp,
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
        let last_tokens = reading.last_tokens(&ids).await?;
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
            now: app.mended_time(),
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

    fn name(&self, id: &ClientId) -> String {
        self.client(id.as_str())
            .map_or_else(|| id.to_string(), |client| client.name.clone())
    }

    fn nodes(&self, task: &TaskId) -> Vec<Node<'_>> {
        let holders = self.holders.iter().filter(|one| one.task == *task);
        tree::nodes(&holders.collect::<Vec<_>>(), self.now)
    }

    fn holder_views(&self, task: &TaskId) -> Vec<HolderView> {
        let nodes = self.nodes(task).into_iter();
        let views = nodes.map(|node| HolderView {
            name: self.name(node.client),
            level: node.level,
            through: node.through.map(|id| self.name(id)),
            live: node.live,
        });
        views.collect()
    }

    /// Agents that act in live tasks which others opened, and by whom they came in.
    fn through(&self, found: &PageOfTasks) -> BTreeMap<ClientId, Vec<String>> {
        let mut by_agent: BTreeMap<ClientId, Vec<String>> = BTreeMap::new();
        let live = |stored: &&StoredTask| state(stored, self.now) == TaskStateView::Active;
        for stored in found.tasks.iter().filter(live) {
            for node in self.nodes(&stored.task.id) {
                let Some(above) = node.through.filter(|_| node.live) else {
                    continue;
                };
                if by_agent.len() == MAX_BELOW && !by_agent.contains_key(node.client) {
                    return by_agent;
                }
                let names = by_agent.entry(node.client.clone()).or_default();
                let name = self.name(above);
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        by_agent
    }
}

/// A task of a page, and when it ends if it lives.
struct ListedTask {
    view: AgentTask,
    ends_at: Option<Timestamp>,
}

/// The tasks of a page by the agent that opened them.
async fn by_agent(
    person: SignedIn<'_>,
    texts: &Texts,
    found: &PageOfTasks,
    facts: &Facts,
) -> Result<Vec<(ClientId, Vec<ListedTask>)>, StoreError> {
    let mut by_agent: Vec<(ClientId, Vec<ListedTask>)> = Vec::new();
    for stored in &found.tasks {
        let agent = &stored.task.client;
        let view = TaskView {
            holders: facts.holder_views(&stored.task.id),
            ..task_view(person.app, texts, stored).await?
        };
        let is_live = view.state.is_live();
        let last_token = facts.last_tokens.get(&stored.task.id).copied();
        let task = ListedTask {
            view: AgentTask {
                last_token: last_token.filter(|_| is_live),
                task: view,
                paused_because: stored.suspended_because,
                can_resume: resume::may_resume(person, stored),
                spending: Vec::new(),
            },
            ends_at: is_live.then_some(stored.task.expires_at),
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
pub(super) fn cursor(text: &str) -> Option<LiveCursor> {
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
        holders: Vec::new(),
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
