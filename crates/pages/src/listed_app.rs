//! Apps with one button each, below the agents that act: those that are remembered, and those that the person paused.

use writ_wire::time::Timestamp;

use super::agents::{PausedView, RememberedView};
use super::headline::letters;
use super::sentence::{Sentence, fill};
use super::{ClientView, Texts, pause_cause};

/// An app in a list of its own, with one button.
pub(super) struct ListedApp<'a> {
    pub(super) id: &'a str,
    pub(super) name: String,
    pub(super) letters: String,
    /// Until when, or since when.
    pub(super) said: Sentence,
    /// Why.
    pub(super) cause: Option<&'a str>,
}

impl<'a> ListedApp<'a> {
    pub(super) fn remembered(view: &'a RememberedView, now: Timestamp, texts: &Texts) -> Self {
        let until = texts.when(view.until, now);
        let said = fill(&texts.agents.until, &[("at", &until)]);
        Self::of(&view.client, said, texts)
    }

    pub(super) fn paused(view: &'a PausedView, now: Timestamp, texts: &'a Texts) -> Self {
        let since = texts.when(view.since, now);
        let said = fill(&texts.pause.since, &[("at", &since)]);
        Self {
            cause: Some(pause_cause::of_client(view.because, texts)),
            ..Self::of(&view.client, said, texts)
        }
    }

    fn of(client: &'a ClientView, said: Sentence, texts: &Texts) -> Self {
        let name = client.shown_name(texts);
        Self {
            id: &client.client_id,
            letters: letters(&name),
            name,
            said,
            cause: None,
        }
    }
}
