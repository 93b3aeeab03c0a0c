//! One task of an agent as a person sees it: what it may do, for how long, and whether it can be stopped.

use super::scope::scope_sentence;
use super::sentence::{Sentence, fill};
use super::{LONGEST_WORDS, ScopeView, Texts, clean, legible, plain};

/// What the button just did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MineNotice {
    Stopped,
    AlreadyEnded,
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

impl MineNotice {
    pub(super) fn text(self, texts: &Texts) -> &str {
        match self {
            Self::Stopped => &texts.mine.stopped,
            Self::AlreadyEnded => &texts.mine.already_ended,
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
    pub(super) chain: Option<String>,
    pub(super) opened: String,
    pub(super) expires: String,
    pub(super) state: &'a str,
}

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
        let chain: Vec<String> = task.chain.iter().map(|name| plain(name)).collect();
        Self {
            id: &task.id,
            quotation: said
                .filter(|said| !said.is_empty())
                .map(|said| fill(&texts.layout.quotation, &[("words", &said)])),
            sentences: task
                .sentences
                .iter()
                .map(|sentence| legible(sentence))
                .chain(scopes)
                .chain(identity)
                .collect(),
            chain: (chain.len() > 1).then(|| chain.join(&texts.mine.chain_separator)),
            opened: plain(&task.opened),
            expires: plain(&task.expires),
            state: task.state.text(texts),
        }
    }
}
