//! What a person takes back with a proof as strong as their consent, because an agent can tap too: the stop of an agent, in time; or the pause
//! that "This was not me" made.

use std::time::Duration;

use http::StatusCode;

use super::sentence::{Sentence, fill};
use super::{ClientView, SettingsProblem, Texts};

/// What its person may take back by a `POST` with what [`UndoAct`] says, and `password` or `assertion`.
#[derive(Clone, Debug)]
pub struct UndoView {
    pub act: UndoAct,
    pub client: ClientView,
    pub step: UndoStep,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoAct {
    /// At `/app/agents/undo`, with `stop`.
    Stop(String),
    /// Of the client: at `/app/agents/unpause`, with `agent`.
    Pause,
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
    /// Where its form goes, and the field that says what is taken back.
    pub(super) path: &'static str,
    pub(super) field: &'static str,
    pub(super) value: &'a str,
    pub(super) title: Sentence,
    pub(super) lead: &'a str,
    pub(super) with_password: &'a str,
    pub(super) with_passkey: &'a str,
    pub(super) keep: &'a str,
    pub(super) failed: &'a str,
    pub(super) asks: bool,
    pub(super) by_password: bool,
    pub(super) by_passkey: bool,
    pub(super) problem: Option<&'a str>,
}

impl<'a> UndoWords<'a> {
    pub(super) fn of(view: &'a UndoView, texts: &'a Texts) -> Self {
        let (undo, pause) = (&texts.undo, &texts.pause);
        let with = match view.step {
            UndoStep::Offered => None,
            UndoStep::Proof { with, .. } => Some(with),
        };
        let name = view.client.shown_name(texts);
        let words = |title: &str, problem: &'a str| Self {
            path: "/app/agents/undo",
            field: "stop",
            value: "",
            title: fill(title, &[("name", &name)]),
            lead: &undo.lead,
            with_password: &undo.by_password,
            with_passkey: &undo.by_passkey,
            keep: &undo.keep,
            failed: &undo.failed,
            asks: with.is_some(),
            by_password: matches!(with, Some(UndoProofs::Password | UndoProofs::Either)),
            by_passkey: matches!(with, Some(UndoProofs::Passkey | UndoProofs::Either)),
            problem: view.problem().map(|one| match one {
                UndoProblem::Password(problem) => problem.text(texts),
                UndoProblem::Passkey => problem,
            }),
        };
        match &view.act {
            UndoAct::Stop(stop) => Self {
                value: stop,
                ..words(&undo.title, &undo.not_proven)
            },
            UndoAct::Pause => Self {
                path: "/app/agents/unpause",
                field: "agent",
                value: &view.client.client_id,
                lead: &pause.lead,
                with_password: &pause.by_password,
                with_passkey: &pause.by_passkey,
                keep: &pause.keep,
                failed: &pause.failed,
                ..words(&pause.title, &pause.not_proven)
            },
        }
    }
}
