//! What the consent form says of a guest: a client that nobody registered, known by the host of its document.

use super::sentence::{Sentence, fill};
use super::{LONGEST_WORDS, Texts, clean, plain};

/// A guest, beside what is said of every client.
#[derive(Clone, Debug)]
pub struct GuestView {
    /// How it calls itself, if it does; cleaned here.
    pub says: Option<String>,
    /// Whether this request shows that it is the host by whose name it goes.
    pub verified: bool,
    /// The code goes to a program on the person's own device.
    pub on_device: bool,
    /// It has no document, but registered itself.
    pub registered_itself: bool,
    /// Its document is another one than this person last agreed to.
    pub changed: bool,
    pub lifetimes: Vec<LifetimeView>,
}

/// How long it may act, if the person chooses so; the first is chosen.
#[derive(Clone, Debug)]
pub struct LifetimeView {
    /// Comes back as `lifetime`: `day`, `week` or `month`.
    pub value: &'static str,
    /// As people read it.
    pub expires: String,
}

/// The finished words.
pub(super) struct GuestWords<'a> {
    pub(super) says: Sentence,
    pub(super) badge: &'a str,
    pub(super) verified: bool,
    pub(super) warnings: Vec<&'a str>,
    pub(super) how_long: &'a str,
    pub(super) lifetimes: Vec<(&'static str, Sentence)>,
}

impl<'a> GuestWords<'a> {
    pub(super) fn of(view: &GuestView, texts: &'a Texts) -> Self {
        let text = &texts.guest;
        let says = view.says.as_deref().map(|says| clean(says, LONGEST_WORDS));
        let says = says.filter(|says| !says.is_empty());
        let itself = view.registered_itself.then_some(&*text.registered_itself);
        let device = view.on_device.then_some(&*text.on_device);
        let changed = view.changed.then_some(&*text.changed);
        Self {
            says: match says {
                Some(says) => fill(&text.says, &[("name", &says)]),
                None => fill(&text.says_nothing, &[]),
            },
            badge: match view.verified {
                true => &text.verified,
                false => &text.not_verified,
            },
            verified: view.verified,
            warnings: itself.into_iter().chain(device).chain(changed).collect(),
            how_long: &text.how_long,
            lifetimes: view
                .lifetimes
                .iter()
                .map(|one| (one.value, lifetime(one, texts)))
                .collect(),
        }
    }

    /// What stands before the parts that can be ticked.
    pub(super) fn lines(&self) -> Vec<String> {
        let warnings = self.warnings.iter().map(|warning| (*warning).to_owned());
        warnings.collect()
    }

    /// What stands among the limits.
    pub(super) fn limits(&self) -> Vec<String> {
        let lifetimes = self.lifetimes.iter().map(|(_, words)| words.to_string());
        std::iter::once(self.how_long.to_owned())
            .chain(lifetimes)
            .collect()
    }
}

fn lifetime(view: &LifetimeView, texts: &Texts) -> Sentence {
    let text = match view.value {
        "week" => &texts.guest.week,
        "month" => &texts.guest.month,
        _ => &texts.guest.day,
    };
    fill(text, &[("expires", &plain(&view.expires))])
}
