//! A person takes back that they stopped an agent: the button is good for ten seconds, and then there is time to prove who they are, as
//! strongly as when they agreed, because an agent that drives the browser can tap too (docs/stop.md).

use std::time::Duration;

use axum::response::Response;
use serde_json::{Value, json};
use writ_authority::Level;
use writ_core::id::{ClientId, EventId};
use writ_pages::{ClientView, MineNotice, UndoAct, UndoProblem, UndoProofs, UndoStep, UndoView};
use writ_store::DatabaseTransaction;
use writ_store::StoreError;
use writ_store::undo::UndoableStop;
use writ_wire::form::Form;

use super::{PATH, Said, page, page_after};
use crate::node::app::App;
use crate::node::waiting::{StoppedAsker, StoppedQuestions};
use crate::operate::stop::StoppedAgent;
use crate::operate::undo::{Undoing, undo_stop};
use crate::people::error::PageError;
use crate::people::passkeys::{ProvenAct, accepted_passkeys, by_passkey};
use crate::people::password::{PasswordProblem, check_own};
use crate::people::request::{PostedForm, SignedIn};
use crate::people::views::client_view;

/// From the stop to the button that asks to take it back.
const OFFERED: Duration = Duration::from_secs(10);
/// From that button to the proof.
const PROVING: Duration = Duration::from_secs(120);

/// A stop that may be taken back, and what the page asks for.
pub(super) struct OfferedUndo {
    stop: EventId,
    client: ClientId,
    step: UndoStep,
}

impl OfferedUndo {
    fn of(stop: &UndoableStop, step: UndoStep) -> Self {
        Self {
            stop: stop.id.clone(),
            client: stop.client.clone(),
            step,
        }
    }

    pub(super) async fn view(self, app: &App) -> Result<UndoView, StoreError> {
        let client = app.client(self.client.as_str()).await?;
        let unknown = || ClientView {
            name: self.client.to_string(),
            client_id: self.client.to_string(),
            agent: None,
        };
        Ok(UndoView {
            act: UndoAct::Stop(self.stop.to_string()),
            client: client.map_or_else(unknown, |client| client_view(&client)),
            step: self.step,
        })
    }
}

/// In the transaction of the stop. Nothing is offered where no consent would live again, or nobody could prove enough.
pub(super) async fn offer(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    agent: &ClientId,
    stopped: &StoppedAgent,
) -> Result<Option<OfferedUndo>, PageError> {
    let stop = UndoableStop {
        id: stopped.id.clone(),
        subject: person.id().clone(),
        client: agent.clone(),
        stopped_at: stopped.at,
        until: stopped.at.plus(OFFERED),
    };
    if stopped.tasks + stopped.delegations == 0 {
        return Ok(None);
    }
    if enough(person, transaction, &stop).await?.is_none() {
        return Ok(None);
    }
    transaction.insert_undoable_stop(&stop).await?;
    Ok(Some(OfferedUndo::of(&stop, UndoStep::Offered)))
}

/// What this person can prove themselves by: a consent by passkey is not taken up again by a password.
async fn enough(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    stop: &UndoableStop,
) -> Result<Option<UndoProofs>, PageError> {
    let consents = transaction.stopped_consents(stop).await?;
    let passkeys = accepted_passkeys(person.app, transaction, person.id()).await?;
    Ok(
        match (consents.tasks, consents.stronger, passkeys.is_empty()) {
            (0, ..) => None,
            (_, 0, true) => Some(UndoProofs::Password),
            (_, 0, false) => Some(UndoProofs::Either),
            (_, _, true) => None,
            (_, _, false) => Some(UndoProofs::Passkey),
        },
    )
}

pub(super) async fn undo(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let id = EventId::from_text(form.required("stop")?);
    let (app, now) = (person.app, person.app.clock.now());
    let mut reading = app.read().await?;
    let Some(stop) = reading.undoable_stop(&id, person.id(), now).await? else {
        return page(person, Some(MineNotice::StopStays)).await;
    };
    let Some(enough) = enough(person, &mut reading, &stop).await? else {
        return page(person, Some(MineNotice::StopStays)).await;
    };
    drop(reading);
    let given = |field| Ok::<_, PageError>(form.optional(field)?.filter(|text| !text.is_empty()));
    match (given("assertion")?, given("password")?, enough) {
        (Some(_), ..) => prove_by_passkey(person, form, &stop, enough).await,
        (None, Some(password), UndoProofs::Password | UndoProofs::Either) => {
            match check_own(person, password).await {
                Ok(_) => {
                    let began = person.begin_change().await?;
                    finish(person, began, &stop, json!(Level::Password)).await
                }
                Err(error) => {
                    let problem = error.map(PasswordProblem::at_settings).problem()?;
                    let problem = UndoProblem::Password(problem);
                    ask(person, &stop, enough, Some(problem)).await
                }
            }
        }
        (None, Some(_), UndoProofs::Passkey) | (None, None, _) => {
            ask(person, &stop, enough, None).await
        }
    }
}

/// The page that asks for the proof; the first time there is more time from here on.
async fn ask(
    person: SignedIn<'_>,
    stop: &UndoableStop,
    with: UndoProofs,
    problem: Option<UndoProblem>,
) -> Result<Response, PageError> {
    let now = person.app.clock.now();
    let mut transaction = person.begin_change().await?;
    transaction.ask_undo(stop, now, now.plus(PROVING)).await?;
    transaction.commit().await?;
    let step = UndoStep::Proof { with, problem };
    let said = Said {
        undo: Some(OfferedUndo::of(stop, step)),
        ..Said::default()
    };
    page_after(person, said, None).await
}

async fn prove_by_passkey(
    person: SignedIn<'_>,
    form: &Form,
    stop: &UndoableStop,
    enough: UndoProofs,
) -> Result<Response, PageError> {
    let mut transaction = person.begin_change().await?;
    let act = ProvenAct::undo(stop.id.as_str());
    match by_passkey(person, &mut transaction, &act, form).await? {
        Some(proof) => finish(person, transaction, stop, proof.recorded()).await,
        None => {
            // Its challenge is used up.
            transaction.commit().await?;
            ask(person, stop, enough, Some(UndoProblem::Passkey)).await
        }
    }
}

async fn finish(
    person: SignedIn<'_>,
    mut transaction: DatabaseTransaction,
    stop: &UndoableStop,
    proof: Value,
) -> Result<Response, PageError> {
    let app = person.app;
    let undone = undo_stop(app, &mut transaction, stop, proof).await?;
    transaction.commit().await?;
    if undone != Undoing::Refused {
        app.waiting.announce_stop(&StoppedQuestions {
            subject: stop.subject.clone(),
            asker: StoppedAsker::Client(stop.client.clone()),
        });
    }
    let notice = match undone {
        Undoing::GoesOn => MineNotice::StopUndone,
        Undoing::StillStopped => MineNotice::StillStopped,
        Undoing::Refused => MineNotice::StopStays,
    };
    page(person, Some(notice)).await
}
