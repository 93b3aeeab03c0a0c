//! `/app/agents`: a row for each agent that acts for this person, with its last act and one button to stop it; all else is folded.

use askama::Template;
use http::StatusCode;
use writ_core::history::{Sum, Total};
use writ_core::pause::PausedBecause;
use writ_wire::time::Timestamp;

use super::activity::{ActivityEntry, Line};
use super::around::{Around, Tab};
use super::headline::letters;
use super::listed_app::ListedApp;
use super::pause_cause;
use super::sentence::{Part, Sentence, fill};
use super::tasks::Entry;
use super::undo::{UndoView, UndoWords};
use super::{
    ClientView, LONGEST_WORDS, MineNotice, Page, PersonView, TaskStateView, TaskView, Texts, clean,
    legible, plain,
};

/// All agents of one person. A task is stopped by `POST /app/stop` with `task`; an agent and everything below it by
/// `POST /app/agents/stop` with `agent`.
#[derive(Clone, Debug)]
pub struct Agents {
    pub person: PersonView,
    pub now: Timestamp,
    pub agents: Vec<AgentEntry>,
    /// Apps that need not ask again: ended by `POST /app/agents/forget` with `client`.
    pub remembered: Vec<RememberedView>,
    /// Those of which the person said "This was not me": let go on by `POST /app/agents/unpause` with `agent`.
    pub paused: Vec<PausedView>,
    pub notice: Option<MineNotice>,
    /// The stop or the pause that can be taken back.
    pub undo: Option<UndoView>,
    /// More tasks live: where the next page begins.
    pub more: Option<String>,
}

/// An app to which the person agreed once.
#[derive(Clone, Debug)]
pub struct RememberedView {
    pub client: ClientView,
    /// When it has to ask again in any case.
    pub until: Timestamp,
}

/// A client that may do and ask nothing until the person lets it.
#[derive(Clone, Debug)]
pub struct PausedView {
    pub client: ClientView,
    pub since: Timestamp,
    pub because: Option<PausedBecause>,
}

#[derive(Clone, Debug)]
pub struct AgentEntry {
    pub client: ClientView,
    /// An operator stopped it for everybody.
    pub suspended: bool,
    pub last_used: Option<Timestamp>,
    /// Newest first.
    pub tasks: Vec<AgentTask>,
    /// When the last of them ends by itself.
    pub until: Option<Timestamp>,
    /// From whom it has parts of tasks that live and that others opened.
    pub through: Vec<String>,
    /// What the person approved one by one and the agent fetched.
    pub totals: Vec<Total>,
    /// What they approved and nobody fetched.
    pub unfetched: Vec<UnfetchedView>,
    /// The last things that it did or asked, newest first.
    pub actions: Vec<ActivityEntry>,
}

#[derive(Clone, Debug)]
pub struct AgentTask {
    pub task: TaskView,
    /// Why it waits, where it does and that is known.
    pub paused_because: Option<PausedBecause>,
    /// Whether the login of who looks at it is new and strong enough to let it go on.
    pub can_resume: bool,
    /// When a token was made in it, as far as is known.
    pub last_token: Option<Timestamp>,
    /// Of its budgets, where known.
    pub spending: Vec<SpendingView>,
}

/// An approval that is good until somebody fetches it.
#[derive(Clone, Debug)]
pub struct UnfetchedView {
    /// In the words of its types.
    pub sentences: Vec<String>,
    /// As people read it.
    pub until: String,
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
        let words = |present: bool| {
            let agents = self.agents.iter();
            let agents = agents.filter(move |agent| agent.is_present() == present);
            agents
                .map(|agent| AgentWords::of(agent, self, texts))
                .collect()
        };
        let template = AgentsTemplate {
            texts,
            title: texts.page_title(&texts.agents.title),
            around: Around::of(&self.person, Tab::Agents, texts),
            notice: self.notice.map(|notice| notice.text(texts)),
            refused: self.notice.is_some_and(MineNotice::is_refusal),
            after_reset: self.after_reset(texts),
            undo: self.undo.as_ref().map(|undo| UndoWords::of(undo, texts)),
            acting: words(true),
            past: words(false),
            remembered: self
                .remembered
                .iter()
                .map(|one| ListedApp::remembered(one, self.now, texts))
                .collect(),
            paused: self
                .paused
                .iter()
                .map(|one| ListedApp::paused(one, self.now, texts))
                .collect(),
            more: self.more.as_deref().map(more),
        };
        let status = self
            .undo
            .as_ref()
            .map_or(StatusCode::OK, |undo| undo.status());
        Page::rendered(&template, status)
            .with_scripts()
            .with_retry_after(self.undo.as_ref().and_then(UndoView::retry_after))
    }
}

impl Agents {
    /// What is to be done where tasks wait since the person set another password by a link.
    fn after_reset<'a>(&self, texts: &'a Texts) -> Option<&'a str> {
        let mut waiting = self
            .agents
            .iter()
            .flat_map(AgentEntry::paused_by_reset)
            .peekable();
        waiting.peek()?;
        Some(match waiting.all(|task| task.can_resume) {
            true => &texts.pause.after_reset_now,
            false => &texts.pause.after_reset_here,
        })
    }
}

/// The path of the next page.
fn more(after: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("after", after);
    format!("/app/agents?{}", query.finish())
}

impl AgentEntry {
    /// Whether it acts, or may fetch what the person approved.
    fn is_present(&self) -> bool {
        self.is_acting() || !self.unfetched.is_empty()
    }

    /// Whether something of it can be stopped.
    fn is_acting(&self) -> bool {
        self.live_tasks().next().is_some() || !self.through.is_empty()
    }

    /// Whether nothing of it goes on before somebody says so.
    fn is_paused(&self) -> bool {
        let paused = |state| state == TaskStateView::Suspended;
        let paused = self.live_tasks().next().is_some() && self.live_tasks().all(paused);
        self.suspended || paused && self.through.is_empty()
    }

    /// Its tasks that wait since their person set another password by a link.
    fn paused_by_reset(&self) -> impl Iterator<Item = &AgentTask> {
        let waiting = self.tasks.iter().filter(|task| task.waits());
        waiting.filter(|task| task.paused_because == Some(PausedBecause::Recovered))
    }

    /// Why nothing of it goes on, where that is one cause.
    fn paused_because<'a>(&self, texts: &'a Texts) -> Option<&'a str> {
        if self.suspended {
            return Some(&texts.pause.operator);
        }
        let waiting = self.tasks.iter().filter(|task| task.waits());
        let mut causes = waiting.map(|task| task.paused_because);
        let first = causes.next().filter(|_| self.is_paused())?;
        causes
            .all(|cause| cause == first)
            .then(|| pause_cause::of_task(first, texts))
    }

    fn live_tasks(&self) -> impl Iterator<Item = TaskStateView> {
        let states = self.tasks.iter().map(|task| task.task.state);
        states.filter(|state| state.is_live())
    }
}

impl AgentTask {
    fn waits(&self) -> bool {
        self.task.state == TaskStateView::Suspended
    }
}

/// The finished words of one agent.
struct AgentWords<'a> {
    id: &'a str,
    name: String,
    letters: String,
    publisher: Option<(Sentence, bool)>,
    state: &'a str,
    mark: &'static str,
    /// Why it waits.
    cause: Option<&'a str>,
    /// Whether one of its tasks waits: then all of them are shown at once.
    waits: bool,
    /// From whom it has its part.
    through: Option<Sentence>,
    /// What it did last, and when; of one that did nothing, until when it may.
    last: Sentence,
    at: Option<Sentence>,
    live: bool,
    totals: Vec<Sentence>,
    unfetched: Vec<Sentence>,
    tasks: Vec<TaskWords<'a>>,
    actions: Vec<Line<'a>>,
}

impl<'a> AgentWords<'a> {
    fn of(view: &'a AgentEntry, page: &Agents, texts: &'a Texts) -> Self {
        let text = &texts.agents;
        let (state, mark) = match (view.is_paused(), view.is_acting()) {
            (true, _) => (&text.paused, "paused"),
            (false, true) => (&text.acting, "acting"),
            (false, false) => (&text.idle, "idle"),
        };
        let tasks = view.tasks.iter();
        let name = view.client.shown_name(texts);
        let (last, at) = last(view, page.now, texts);
        Self {
            id: &view.client.client_id,
            letters: letters(&name),
            name,
            publisher: view.client.agent.as_ref().map(|agent| {
                let name = clean(&agent.publisher, LONGEST_WORDS);
                (Sentence::of_value(&name), agent.publisher_verified)
            }),
            state,
            mark,
            cause: view.paused_because(texts),
            waits: view.tasks.iter().any(AgentTask::waits),
            through: through(view, texts),
            last,
            at,
            live: view.is_acting(),
            totals: view.totals.iter().map(|one| total(one, texts)).collect(),
            unfetched: view
                .unfetched
                .iter()
                .map(|one| unfetched(one, texts))
                .collect(),
            tasks: tasks
                .map(|task| TaskWords::of(task, &page.person.name, texts))
                .collect(),
            actions: view
                .actions
                .iter()
                .map(|entry| Line::of(entry, texts))
                .collect(),
        }
    }
}

fn through(view: &AgentEntry, texts: &Texts) -> Option<Sentence> {
    let names = view.through.iter().map(|name| plain(name));
    let names = names.collect::<Vec<_>>().join(&texts.mine.chain_separator);
    (!names.is_empty()).then(|| fill(&texts.agents.through, &[("name", &names)]))
}

/// The last act, and when it was.
fn last(view: &AgentEntry, now: Timestamp, texts: &Texts) -> (Sentence, Option<Sentence>) {
    let (text, when) = (&texts.agents, |at| texts.when(at, now));
    let until = view.until.filter(|_| view.is_acting());
    let until = until.map(|at| fill(&text.until, &[("at", &when(at))]));
    match (view.actions.first(), view.last_used) {
        (Some(last), _) => {
            let at = Sentence::of_value(&when(last.at));
            (last.in_short(texts), Some(at))
        }
        (None, Some(at)) => (fill(&text.last_used, &[("at", &when(at))]), until),
        (None, None) => (fill(&text.never_used, &[]), until),
    }
}

fn total(total: &Total, texts: &Texts) -> Sentence {
    let text = &texts.agents;
    let (text, sum) = match (&total.sum, total.decisions) {
        (Sum::Exact(sum), 1) => (&text.approved_one, sum),
        (Sum::Exact(sum), _) => (&text.approved_many, sum),
        (Sum::AtLeast(sum), _) => (&text.approved_least, sum),
    };
    let amount = texts.amount(sum, &total.unit);
    let count = total.decisions.to_string();
    fill(text, &[("amount", &*amount), ("count", &*count)])
}

fn unfetched(view: &UnfetchedView, texts: &Texts) -> Sentence {
    let what = view.sentences.iter().map(|one| plain(one));
    let what = what.collect::<Vec<_>>().join(" · ");
    let values = [("what", &*what), ("until", &*view.until)];
    fill(&texts.agents.unfetched_one, &values)
}

/// One task of an agent.
struct TaskWords<'a> {
    entry: Entry<'a>,
    live: bool,
    /// Why it waits, where it does.
    paused: Option<&'a str>,
    can_resume: bool,
    last_token: String,
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
                sentence: legible(&one.sentence),
                spent: fill(&texts.agents.spent, &[("spent", &spent), ("left", &left)]),
                percent: one.percent_spent.min(100),
            }
        });
        Self {
            entry: Entry::of(&view.task, &plain(account), texts),
            live: view.task.state.is_live(),
            paused: view
                .waits()
                .then(|| pause_cause::of_task(view.paused_because, texts)),
            can_resume: view.can_resume,
            last_token: match view.last_token {
                Some(at) => texts.moment(at),
                None => texts.agents.no_token.clone(),
            },
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
    /// Whether the notice says that something was not done.
    refused: bool,
    after_reset: Option<&'a str>,
    undo: Option<UndoWords<'a>>,
    acting: Vec<AgentWords<'a>>,
    past: Vec<AgentWords<'a>>,
    remembered: Vec<ListedApp<'a>>,
    paused: Vec<ListedApp<'a>>,
    more: Option<String>,
}
