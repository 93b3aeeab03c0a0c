//! Taking back the stop of an agent: first a button, in time; then a proof as strong as the consent was, because an agent can tap too.

use std::time::Duration;

use http::StatusCode;

use super::sentence::{Sentence, fill};
use super::{ClientView, SettingsProblem, Texts};

/// A stop that its person may take back by `POST /app/agents/undo` with `stop`, and `password` or `assertion`.
#[derive(Clone, Debug)]
pub struct UndoView {
    pub stop: String,
    pub client: ClientView,
    pub step: UndoStep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoStep {
    /// A button, for a moment.
    Offered,
    /// Whoever asked proves who they are.
    Proof {
        with: UndoProofs,
        problem: Option<UndoProblem>,
    },
}

/// What is proof enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoProofs {
    Password,
    Passkey,
    Either,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoProblem {
    Password(SettingsProblem),
    Passkey,
}

impl UndoView {
    const fn problem(&self) -> Option<UndoProblem> {
        match self.step {
            UndoStep::Offered => None,
            UndoStep::Proof { problem, .. } => problem,
        }
    }

    pub(super) const fn status(&self) -> StatusCode {
        match self.problem() {
            None => StatusCode::OK,
            Some(UndoProblem::Password(problem)) => problem.status(),
            Some(UndoProblem::Passkey) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self.problem() {
            Some(UndoProblem::Password(problem)) => problem.retry_after(),
            Some(UndoProblem::Passkey) | None => None,
        }
    }
}

/// The finished words.
pub(super) struct UndoWords<'a> {
    pub(super) stop: &'a str,
    pub(super) title: Sentence,
    pub(super) asks: bool,
    pub(super) by_password: bool,
    pub(super) by_passkey: bool,
    pub(super) problem: Option<&'a str>,
}

impl<'a> UndoWords<'a> {
    pub(super) fn of(view: &'a UndoView, texts: &'a Texts) -> Self {
        let with = match view.step {
            UndoStep::Offered => None,
            UndoStep::Proof { with, .. } => Some(with),
        };
        Self {
            stop: &view.stop,
            title: fill(&texts.undo.title, &[("name", &view.client.shown_name())]),
            asks: with.is_some(),
            by_password: matches!(with, Some(UndoProofs::Password | UndoProofs::Either)),
            by_passkey: matches!(with, Some(UndoProofs::Passkey | UndoProofs::Either)),
            problem: view.problem().map(|problem| match problem {
                UndoProblem::Password(problem) => problem.text(texts),
                UndoProblem::Passkey => &texts.undo.not_proven,
            }),
        }
    }
}
