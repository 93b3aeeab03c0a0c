//! A person's new password, set by themself with a passkey, or with the one until now: it ends every other login of theirs, and they are told.

use axum::response::Response;
use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::password::{PasswordPlace, check_new};
use writ_pages::{SettingsNotice, SettingsProblem};
use writ_wire::form::Form;

use super::Outcome;
use super::proof::{ProvenChange, prove};
use crate::node::passwords::PasswordNotHashed;
use crate::notifications::account_notice::password_changed;
use crate::people::error::{PageError, StepError};
use crate::people::request::SignedIn;

/// What is wrong with the new one is said only to who proved that they may change it.
pub(super) async fn set(person: SignedIn<'_>, form: &Form) -> Outcome {
    let app = person.app;
    let new = form.optional("new_password")?.unwrap_or_default();
    let again = form.optional("new_password_again")?.unwrap_or_default();
    let proven = prove(person, form).await?;
    if new != again {
        return Err(StepError::Problem(SettingsProblem::Differs));
    }
    let place = PasswordPlace {
        user: &proven.stored.user.name,
        host: app.config.host(),
    };
    check_new(new, place).map_err(|fault| StepError::Problem(SettingsProblem::Password(fault)))?;
    let hashed = app
        .passwords
        .hash(new.to_owned(), app.random.bytes(), person.hash_for());
    let hash = hashed.await.map_err(|error| match error {
        PasswordNotHashed::PoolFull => StepError::Problem(SettingsProblem::Busy),
        PasswordNotHashed::Failed(cause) => StepError::Page(PageError::broken(cause)),
    })?;
    commit(person, &proven, &hash).await
}

async fn commit(person: SignedIn<'_>, proven: &ProvenChange, hash: &str) -> Outcome {
    let (app, user, now) = (person.app, person.id(), person.app.clock.now());
    let mut transaction = person.begin_change().await?;
    let before = &proven.stored.password_hash;
    let replaced = transaction.replace_password(user, before, hash);
    if !replaced.await? {
        // Another change was faster: the old one is not the old one any more.
        return Err(StepError::Problem(SettingsProblem::PasswordWrong));
    }
    let this = person.browser.digest();
    let ended = transaction.end_other_sessions(user, &this, now).await?;
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(user.as_str())
        .with(json!({
            "by": "subject", "setting": "password", "proof": proven.by, "sessions_ended": ended,
        }));
    transaction.insert_event(&event).await?;
    password_changed(&app.outbox(), &mut transaction, user).await?;
    transaction.commit().await?;
    app.notices.wake();
    Ok(SettingsNotice::PasswordChanged)
}

/// The browser of the change stays known; no other one does.
pub(super) async fn keep_browser(
    person: SignedIn<'_>,
    response: &mut Response,
) -> Result<(), PageError> {
    let stored = person.app.read().await?.user_by_id(person.id()).await?;
    let Some(stored) = stored else { return Ok(()) };
    let known = person
        .app
        .know_browser(person.headers, &stored, response.headers_mut());
    known.map_err(PageError::broken)
}
