//! A person lets a client ask them again of which they said "This was not me". By a passkey where they have one, else by the password: an agent
//! that drives the browser can tap too (docs/stop.md).

use axum::response::Response;
use serde_json::{Value, json};
use writ_authority::Level;
use writ_core::id::{ClientId, UserId};
use writ_pages::{
    ClientView, MineNotice, PausedView, UndoAct, UndoProblem, UndoProofs, UndoStep, UndoView,
};
use writ_store::standing::{Pair, PausedClient};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::form::Form;

use super::{PATH, Said, page, page_after};
use crate::node::app::App;
use crate::operate::change::ChangedBy;
use crate::operate::stop::stop_agent;
use crate::operate::suspend::lift_pause;
use crate::people::error::PageError;
use crate::people::passkeys::{ProvenAct, accepted_passkeys, by_passkey};
use crate::people::password::{PasswordProblem, check_own};
use crate::people::request::{PostedForm, SignedIn};
use crate::people::views::client_view;

/// A pause about whose end the page asks for a proof.
pub(super) struct AskedUnpause {
    client: ClientId,
    with: UndoProofs,
    problem: Option<UndoProblem>,
}

impl AskedUnpause {
    pub(super) async fn view(self, app: &App) -> Result<UndoView, StoreError> {
        Ok(UndoView {
            act: UndoAct::Pause,
            client: named(app, &self.client).await?,
            step: UndoStep::Proof {
                with: self.with,
                problem: self.problem,
            },
        })
    }
}

/// What this person paused.
pub(super) async fn views(app: &App, user: &UserId) -> Result<Vec<PausedView>, StoreError> {
    let paused = app.read().await?.paused_clients(user).await?;
    let mut views = Vec::new();
    for one in paused {
        views.push(PausedView {
            client: named(app, &one.client).await?,
            since: one.at,
            because: one.because,
        });
    }
    Ok(views)
}

async fn named(app: &App, id: &ClientId) -> Result<ClientView, StoreError> {
    let client = app.client(id.as_str()).await?;
    let unknown = || ClientView {
        name: id.to_string(),
        client_id: id.to_string(),
        agent: None,
    };
    Ok(client.map_or_else(unknown, |client| client_view(&client)))
}

pub(super) async fn unpause(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(PATH)?;
    let (app, subject) = (person.app, person.id());
    let client = &ClientId::from_text(form.required("agent")?);
    let mut reading = app.read().await?;
    let Some(paused) = reading.paused_client(Pair { subject, client }).await? else {
        return page(person, Some(MineNotice::NotPaused)).await;
    };
    let passkeys = accepted_passkeys(app, &mut reading, subject).await?;
    drop(reading);
    let with = match passkeys.is_empty() {
        true => UndoProofs::Password,
        false => UndoProofs::Passkey,
    };
    let given = |field| Ok::<_, PageError>(form.optional(field)?.filter(|text| !text.is_empty()));
    match (given("assertion")?, given("password")?, with) {
        (Some(_), ..) => prove_by_passkey(person, form, &paused, with).await,
        (None, Some(password), UndoProofs::Password) => match check_own(person, password).await {
            Ok(_) => {
                let began = person.begin_change().await?;
                finish(person, began, &paused, json!(Level::Password)).await
            }
            Err(error) => {
                let problem = error.map(PasswordProblem::at_settings).problem()?;
                let problem = UndoProblem::Password(problem);
                ask(person, &paused, with, Some(problem)).await
            }
        },
        (None, ..) => ask(person, &paused, with, None).await,
    }
}

/// The page that asks for the proof.
async fn ask(
    person: SignedIn<'_>,
    paused: &PausedClient,
    with: UndoProofs,
    problem: Option<UndoProblem>,
) -> Result<Response, PageError> {
    let said = Said {
        unpause: Some(AskedUnpause {
            client: paused.client.clone(),
            with,
            problem,
        }),
        ..Said::default()
    };
    page_after(person, said, None).await
}

async fn prove_by_passkey(
    person: SignedIn<'_>,
    form: &Form,
    paused: &PausedClient,
    with: UndoProofs,
) -> Result<Response, PageError> {
    let mut transaction = person.begin_change().await?;
    let act = ProvenAct::unpause(paused.client.as_str());
    match by_passkey(person, &mut transaction, &act, form).await? {
        Some(proof) => finish(person, transaction, paused, proof.recorded()).await,
        None => {
            // Its challenge is used up.
            transaction.commit().await?;
            ask(person, paused, with, Some(UndoProblem::Passkey)).await
        }
    }
}

async fn finish(
    person: SignedIn<'_>,
    mut transaction: DatabaseTransaction,
    paused: &PausedClient,
    proof: Value,
) -> Result<Response, PageError> {
    let (app, subject) = (person.app, person.id());
    let change = app.change(ChangedBy::Subject(subject.as_str()), app.clock.now());
    let lifted = lift_pause(&mut transaction, subject, paused, proof, change).await?;
    // What it began at the very moment of the pause has been dead since, and does not live again.
    let by = ChangedBy::Subject(subject.as_str());
    let stopped = stop_agent(app, &mut transaction, subject, &paused.client, by).await?;
    transaction.commit().await?;
    stopped.endings.announce(app);
    let notice = match lifted {
        true => MineNotice::Unpaused,
        false => MineNotice::NotPaused,
    };
    page(person, Some(notice)).await
}
