//! One task of an agent as a person sees it: what it may do, for how long, and whether it can be stopped.

use super::client_name::client_name;
use super::scope::scope_sentence;
use super::sentence::{Sentence, fill};
use super::{LONGEST_WORDS, ScopeView, Texts, clean, legible, plain};

/// What the button just did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MineNotice {
    /// The agent, with all that it does for this person.
    Stopped,
    /// One of its tasks: it may go on in others.
    TaskStopped,
    /// The agent goes on: its person took the stop back.
    StopUndone,
    /// The same, and something else stops it too.
    StillStopped,
    /// The time for that was over, or somebody else stopped the same.
    StopStays,
    /// An agent may ask again.
    Unpaused,
    /// Somebody let it before.
    NotPaused,
    /// A task.
    AlreadyEnded,
    /// All that an agent could do.
    AgentHadEnded,
    /// A task of a guest goes on.
    Resumed,
    /// It goes on only for a person who signed in since it was suspended.
    SignInFirst,
    /// An app has to ask again.
    Forgotten,
}

#[derive(Clone, Debug)]
pub struct TaskView {
    pub id: String,
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
    /// Who holds a piece of it, each below whom it has it from.
    pub holders: Vec<HolderView>,
}

/// An agent in a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderView {
    pub name: String,
    /// How many are above it.
    pub level: usize,
    /// From whom it has its piece; the first one has it from the person.
    pub through: Option<String>,
    pub live: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStateView {
    Active,
    Suspended,
    Completed,
    Stopped,
    Expired,
}

impl MineNotice {
    /// Whether what was asked for was not done, so that it is no success.
    pub(super) const fn is_refusal(self) -> bool {
        match self {
            Self::SignInFirst | Self::StopStays | Self::StillStopped => true,
            Self::Stopped
            | Self::TaskStopped
            | Self::StopUndone
            | Self::Unpaused
            | Self::NotPaused
            | Self::AlreadyEnded
            | Self::AgentHadEnded
            | Self::Resumed
            | Self::Forgotten => false,
        }
    }

    pub(super) fn text(self, texts: &Texts) -> &str {
        match self {
            Self::Stopped => &texts.mine.stopped,
            Self::TaskStopped => &texts.mine.task_stopped,
            Self::StopUndone => &texts.undo.done,
            Self::StillStopped => &texts.undo.still_stopped,
            Self::StopStays => &texts.undo.over,
            Self::Unpaused => &texts.pause.done,
            Self::NotPaused => &texts.pause.over,
            Self::AlreadyEnded => &texts.mine.already_ended,
            Self::AgentHadEnded => &texts.mine.agent_had_ended,
            Self::Resumed => &texts.guest.resumed,
            Self::SignInFirst => &texts.guest.sign_in_first,
            Self::Forgotten => &texts.mine.forgotten,
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
pub(super) struct Entry<'a> {
    pub(super) id: &'a str,
    pub(super) quotation: Option<Sentence>,
    pub(super) sentences: Vec<String>,
    /// Empty where there is only one agent.
    pub(super) tree: Vec<TreeLine>,
    pub(super) opened: String,
    pub(super) expires: String,
    pub(super) state: &'a str,
}

/// One line of a task's tree.
pub(super) struct TreeLine {
    /// How far it is indented.
    pub(super) level: usize,
    pub(super) said: Sentence,
    pub(super) live: bool,
}

impl TreeLine {
    fn of(holder: &HolderView, texts: &Texts) -> Self {
        let name = client_name(&holder.name, texts.locale());
        let said = match holder.through.as_deref() {
            Some(through) => {
                let through = client_name(through, texts.locale());
                let values = [("name", &*name), ("through", &*through)];
                fill(&texts.agents.tree_through, &values)
            }
            None => Sentence::of_value(&name),
        };
        Self {
            level: holder.level.min(DEEPEST_INDENT),
            said,
            live: holder.live,
        }
    }
}

/// Further levels stand below each other: a phone is not wider.
const DEEPEST_INDENT: usize = 4;

impl<'a> Entry<'a> {
    pub(super) fn of(task: &'a TaskView, account: &str, texts: &'a Texts) -> Self {
        let said = task
            .purpose
            .as_deref()
            .map(|purpose| clean(purpose, LONGEST_WORDS));
        let scopes = task.scopes.iter();
        let scopes = scopes.map(|scope| scope_sentence(scope, texts).to_string());
        let identity = task
            .identity
            .then(|| fill(&texts.consent.identity, &[("name", account)]).to_string());
        let tree = task.holders.iter().map(|one| TreeLine::of(one, texts));
        Self {
            id: &task.id,
            quotation: said
                .filter(|said| !said.is_empty())
                .map(|said| texts.quotation(&said)),
            sentences: task
                .sentences
                .iter()
                .map(|sentence| legible(sentence))
                .chain(scopes)
                .chain(identity)
                .collect(),
            tree: match task.holders.len() {
                0 | 1 => Vec::new(),
                _ => tree.collect(),
            },
            opened: plain(&task.opened),
            expires: plain(&task.expires),
            state: task.state.text(texts),
        }
    }
}
