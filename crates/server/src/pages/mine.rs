//! The page where a person sees what acts for them and stops a task with one button.

use askama::Template;
use http::StatusCode;

use super::consent::scope_sentence;
use super::sentence::{Part, Sentence, fill};
use super::{LONGEST_WORDS, Page, ScopeView, Texts, clean, plain};

/// What acts for one person.
#[derive(Clone, Debug)]
pub struct Mine {
    pub csrf: String,
    pub subject_name: String,
    pub tasks: Vec<TaskView>,
    pub notice: Option<MineNotice>,
}

/// What the button just did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MineNotice {
    Stopped,
    AlreadyEnded,
}

#[derive(Clone, Debug)]
pub struct TaskView {
    pub id: String,
    pub agent_name: String,
    /// Absent for a plain client.
    pub publisher: Option<String>,
    /// The words that the person approved.
    pub purpose: Option<String>,
    /// What it may do, in the sentences of its types.
    pub sentences: Vec<String>,
    pub scopes: Vec<ScopeView>,
    /// Whether it knows who the person is (`openid`).
    pub identity: bool,
    /// As people read it: [`Texts::moment`].
    pub opened: String,
    pub expires: String,
    pub state: TaskStateView,
    /// Names of all agents that hold a piece of it, the first one first.
    pub chain: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStateView {
    Active,
    Suspended,
    Completed,
    Stopped,
    Expired,
}

impl Mine {
    pub fn page(&self, texts: &Texts) -> Page {
        let account = plain(&self.subject_name);
        let entries = |live: bool| {
            let tasks = self
                .tasks
                .iter()
                .filter(move |task| task.state.is_live() == live);
            tasks.map(|task| Entry::of(task, &account, texts)).collect()
        };
        let template = MineTemplate {
            texts,
            title: texts.page_title(&texts.mine.title),
            view: self,
            signed_in: fill(&texts.mine.signed_in, &[("name", &account)]),
            notice: self.notice.map(|notice| notice.text(texts)),
            live: entries(true),
            ended: entries(false),
        };
        Page::rendered(&template, StatusCode::OK)
    }
}

impl MineNotice {
    fn text(self, texts: &Texts) -> &str {
        match self {
            Self::Stopped => &texts.mine.stopped,
            Self::AlreadyEnded => &texts.mine.already_ended,
        }
    }
}

impl TaskStateView {
    /// Whether something may still be done, or be resumed: then it can be stopped.
    pub fn is_live(self) -> bool {
        match self {
            Self::Active | Self::Suspended => true,
            Self::Completed | Self::Stopped | Self::Expired => false,
        }
    }

    fn text(self, texts: &Texts) -> &str {
        match self {
            Self::Active => &texts.mine.state.active,
            Self::Suspended => &texts.mine.state.suspended,
            Self::Completed => &texts.mine.state.completed,
            Self::Stopped => &texts.mine.state.stopped,
            Self::Expired => &texts.mine.state.expired,
        }
    }
}

/// The finished words of one task.
struct Entry<'a> {
    id: &'a str,
    agent_name: String,
    publisher: Option<Sentence>,
    quotation: Option<Sentence>,
    sentences: Vec<String>,
    chain: Option<String>,
    opened: String,
    expires: String,
    state: &'a str,
    running: bool,
}

impl<'a> Entry<'a> {
    fn of(task: &'a TaskView, account: &str, texts: &'a Texts) -> Self {
        let said = task
            .purpose
            .as_deref()
            .map(|purpose| clean(purpose, LONGEST_WORDS));
        let scopes = task.scopes.iter();
        let scopes = scopes.map(|scope| scope_sentence(scope, texts).to_string());
        let identity = task
            .identity
            .then(|| fill(&texts.consent.identity, &[("name", account)]).to_string());
        let chain: Vec<String> = task.chain.iter().map(|name| plain(name)).collect();
        Self {
            id: &task.id,
            agent_name: clean(&task.agent_name, LONGEST_WORDS),
            publisher: task.publisher.as_deref().map(|name| {
                fill(
                    &texts.mine.publisher,
                    &[("name", &clean(name, LONGEST_WORDS))],
                )
            }),
            quotation: said
                .filter(|said| !said.is_empty())
                .map(|said| fill(&texts.layout.quotation, &[("words", &said)])),
            sentences: task
                .sentences
                .iter()
                .map(|sentence| plain(sentence))
                .chain(scopes)
                .chain(identity)
                .collect(),
            chain: (chain.len() > 1).then(|| chain.join(&texts.mine.chain_separator)),
            opened: plain(&task.opened),
            expires: plain(&task.expires),
            state: task.state.text(texts),
            running: task.state == TaskStateView::Active,
        }
    }
}

#[derive(Template)]
#[template(path = "mine.html")]
struct MineTemplate<'a> {
    texts: &'a Texts,
    title: String,
    view: &'a Mine,
    signed_in: Sentence,
    notice: Option<&'a str>,
    live: Vec<Entry<'a>>,
    ended: Vec<Entry<'a>>,
}
