//! `/app/agents`: each agent that acts for this person, what it may do and did, and one button to stop it.

use askama::Template;
use http::StatusCode;
use writ_wire::time::Timestamp;

use super::activity::{ActivityEntry, Line};
use super::around::{Around, Tab};
use super::sentence::{Part, Sentence, fill};
use super::tasks::Entry;
use super::{
    ClientView, LONGEST_WORDS, MineNotice, Page, PersonView, TaskView, Texts, clean, plain,
};

/// All agents of one person. A task is stopped by `POST /app/stop` with `task`; an agent and everything below it by
/// `POST /app/agents/stop` with `agent`.
#[derive(Clone, Debug)]
pub struct Agents {
    pub person: PersonView,
    pub agents: Vec<AgentEntry>,
    pub notice: Option<MineNotice>,
}

#[derive(Clone, Debug)]
pub struct AgentEntry {
    pub client: ClientView,
    /// An admin suspended it, or the person reported it.
    pub suspended: bool,
    pub last_used: Option<Timestamp>,
    /// Newest first.
    pub tasks: Vec<AgentTask>,
    /// The last things that it did or asked, newest first.
    pub actions: Vec<ActivityEntry>,
}

#[derive(Clone, Debug)]
pub struct AgentTask {
    pub task: TaskView,
    /// Of its budgets, where known.
    pub spending: Vec<SpendingView>,
}

/// Amounts as people read them.
#[derive(Clone, Debug)]
pub struct SpendingView {
    pub sentence: String,
    pub spent: String,
    pub left: String,
    /// 0 to 100.
    pub percent_spent: u8,
}

impl Agents {
    pub fn page(&self, texts: &Texts) -> Page {
        let words = |acting: bool| {
            let agents = self.agents.iter();
            let agents = agents.filter(move |agent| agent.is_acting() == acting);
            agents
                .map(|agent| AgentWords::of(agent, &self.person.name, texts))
                .collect()
        };
        let template = AgentsTemplate {
            texts,
            title: texts.page_title(&texts.agents.title),
            around: Around::of(&self.person, Tab::Agents, texts),
            notice: self.notice.map(|notice| notice.text(texts)),
            acting: words(true),
            past: words(false),
        };
        Page::rendered(&template, StatusCode::OK).with_scripts()
    }
}

impl AgentEntry {
    /// Whether something of it can be stopped.
    fn is_acting(&self) -> bool {
        self.tasks.iter().any(|task| task.task.state.is_live())
    }
}

/// The finished words of one agent.
struct AgentWords<'a> {
    id: &'a str,
    name: String,
    publisher: Option<(Sentence, bool)>,
    state: &'a str,
    mark: &'static str,
    last_used: Sentence,
    tasks: Vec<TaskWords<'a>>,
    actions: Vec<Line<'a>>,
}

impl<'a> AgentWords<'a> {
    fn of(view: &'a AgentEntry, account: &str, texts: &'a Texts) -> Self {
        let text = &texts.agents;
        let (state, mark) = match (view.suspended, view.is_acting()) {
            (true, _) => (&text.paused, ""),
            (false, true) => (&text.acting, "verified"),
            (false, false) => (&text.idle, "over"),
        };
        let tasks = view.tasks.iter();
        Self {
            id: &view.client.client_id,
            name: view.client.shown_name(),
            publisher: view.client.agent.as_ref().map(|agent| {
                let name = clean(&agent.publisher, LONGEST_WORDS);
                let sentence = fill(&text.publisher, &[("name", &name)]);
                (sentence, agent.publisher_verified)
            }),
            state,
            mark,
            last_used: match view.last_used {
                Some(at) => fill(&text.last_used, &[("at", &texts.moment(at))]),
                None => fill(&text.never_used, &[]),
            },
            tasks: tasks
                .map(|task| TaskWords::of(task, account, texts))
                .collect(),
            actions: view
                .actions
                .iter()
                .map(|entry| Line::of(entry, texts))
                .collect(),
        }
    }
}

/// One task of an agent.
struct TaskWords<'a> {
    entry: Entry<'a>,
    live: bool,
    spending: Vec<SpendingWords>,
}

struct SpendingWords {
    sentence: String,
    spent: Sentence,
    percent: u8,
}

impl<'a> TaskWords<'a> {
    fn of(view: &'a AgentTask, account: &str, texts: &'a Texts) -> Self {
        let spending = view.spending.iter().map(|one| {
            let (spent, left) = (plain(&one.spent), plain(&one.left));
            SpendingWords {
                sentence: plain(&one.sentence),
                spent: fill(&texts.agents.spent, &[("spent", &spent), ("left", &left)]),
                percent: one.percent_spent.min(100),
            }
        });
        Self {
            entry: Entry::of(&view.task, &plain(account), texts),
            live: view.task.state.is_live(),
            spending: spending.collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "agents.html")]
struct AgentsTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    notice: Option<&'a str>,
    acting: Vec<AgentWords<'a>>,
    past: Vec<AgentWords<'a>>,
}
