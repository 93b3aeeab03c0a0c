//! What the consent form says of a guest: a client that nobody registered, known by the host of its document.

use super::sentence::{Sentence, fill};
use super::{ConsentPage, LONGEST_WORDS, Texts, clean, plain};

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
    /// Types about whose use people are asked each time, whatever is granted here.
    pub still_asked: Vec<AskedTypeView>,
}

/// A type of `authorization_details`.
#[derive(Clone, Debug)]
pub struct AskedTypeView {
    /// In the language of the page.
    pub title: String,
    /// Not about each use: only above an amount.
    pub above_limit: bool,
}

/// How long it may act, if the person chooses so.
#[derive(Clone, Debug)]
pub struct LifetimeView {
    /// Comes back as `lifetime`: `day`, `week` or `month`.
    pub value: &'static str,
    /// As people read it.
    pub expires: String,
    /// Chosen unless the person chooses otherwise.
    pub preselected: bool,
}

/// The finished words.
pub(super) struct GuestWords<'a> {
    pub(super) says: Sentence,
    pub(super) badge: &'a str,
    pub(super) verified: bool,
    pub(super) warnings: Vec<&'a str>,
    pub(super) how_long: &'a str,
    pub(super) lifetimes: Vec<LifetimeWords>,
}

pub(super) struct LifetimeWords {
    pub(super) value: &'static str,
    pub(super) words: Sentence,
    pub(super) preselected: bool,
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
                .map(|one| LifetimeWords {
                    value: one.value,
                    words: lifetime(one, texts),
                    preselected: one.preselected,
                })
                .collect(),
        }
    }

    /// What stands among the limits.
    pub(super) fn limits(&self) -> Vec<String> {
        let lifetimes = self.lifetimes.iter().map(|one| one.words.to_string());
        std::iter::once(self.how_long.to_owned())
            .chain(lifetimes)
            .collect()
    }
}

/// What stands before the parts that can be ticked.
pub(super) fn warnings<'a>(
    view: &ConsentPage,
    guest: Option<&GuestWords<'a>>,
    texts: &'a Texts,
) -> Vec<&'a str> {
    let first = view.first.then_some(&*texts.consent.first);
    let of_guest = guest.iter().flat_map(|guest| &guest.warnings).copied();
    first.into_iter().chain(of_guest).collect()
}

fn lifetime(view: &LifetimeView, texts: &Texts) -> Sentence {
    let text = match view.value {
        "week" => &texts.guest.week,
        "month" => &texts.guest.month,
        _ => &texts.guest.day,
    };
    fill(text, &[("expires", &plain(&view.expires))])
}

/// What is asked again each time; `None` where nothing is.
pub(super) fn still_asked(view: &GuestView, texts: &Texts) -> Option<Sentence> {
    let types = view.still_asked.iter().map(|asked| {
        let title = plain(&asked.title);
        match asked.above_limit {
            true => fill(&texts.guest.asked_above, &[("type", &title)]).to_string(),
            false => title,
        }
    });
    let types: Vec<String> = types.collect();
    let types = types.join(&texts.consent.list_separator);
    (!types.is_empty()).then(|| fill(&texts.guest.still_asked, &[("types", &types)]))
}
