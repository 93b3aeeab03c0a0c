//! What "This was not me" does, as it is said before and after: who says it speaks for themselves alone.

use super::sections::OverText;
use super::sentence::{Sentence, fill};
use super::{Texts, plain};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportView {
    /// The agent is stopped and paused for the person.
    Agent,
    /// The resource server that asked, as it is registered, may ask the person nothing for a while.
    Resource { resource: String },
    /// Both: another resource's question for the same client was reported before.
    ResourceAndAgent { resource: String },
    /// Of who decides for somebody else: the request is denied and the admin is told, and nothing else is stopped.
    Told,
}

impl ReportView {
    pub(super) fn resource(&self) -> String {
        match self {
            Self::Resource { resource } | Self::ResourceAndAgent { resource } => plain(resource),
            Self::Agent | Self::Told => String::new(),
        }
    }

    /// Beside the button. `name`: of the agent; `person`: for whom it would act.
    pub(super) fn hint(&self, name: &str, person: &str, texts: &Texts) -> Sentence {
        let text = &texts.approval;
        let words = match self {
            Self::Agent => &text.not_me_hint,
            Self::Resource { .. } => &text.not_me_hint_through,
            Self::ResourceAndAgent { .. } => &text.not_me_hint_both,
            Self::Told => &text.not_me_hint_told,
        };
        let resource = self.resource();
        let values = [("resource", &*resource), ("name", name), ("person", person)];
        fill(words, &values)
    }

    /// On the receipt.
    pub(super) fn done(&self, name: &str, texts: &Texts) -> Sentence {
        let text = &texts.receipt;
        let words = match self {
            Self::Agent => &text.paused,
            Self::Resource { .. } => &text.silenced,
            Self::ResourceAndAgent { .. } => &text.silenced_both,
            Self::Told => &text.told,
        };
        let resource = self.resource();
        fill(words, &[("resource", &*resource), ("name", name)])
    }

    /// In the place of the request.
    pub(super) fn over<'a>(&self, texts: &'a Texts) -> &'a OverText {
        match self {
            Self::Agent => &texts.over.not_me,
            Self::Resource { .. } => &texts.over.silenced,
            Self::ResourceAndAgent { .. } => &texts.over.silenced_both,
            Self::Told => &texts.over.told,
        }
    }
}
