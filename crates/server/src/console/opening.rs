//! The console is opened with a passkey in that browser (WebAuthn section 7.2), and closed by its operator.

use axum::response::Response;
use serde_json::{Value, json};
use writ_authority::Level;
use writ_core::event::{Event, EventName};
use writ_core::operator::OperatorRole;
use writ_pages::{EntranceProblem, EntranceStep};
use writ_store::DatabaseTransaction;
use writ_wire::form::Form;

use super::HOME;
use super::request::{ConsoleOperator, entrance, step};
use super::session::{digest_of, forget_cookie, set_cookie};
use crate::people::error::PageError;
use crate::people::login::own_page;
use crate::people::passkeys::{ProvenAct, by_passkey};
use crate::people::redirect::see_other;
use crate::people::request::{PostedForm, SignedIn};
use crate::people::wrong_clock::require_right_clock;

pub async fn enter(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(HOME)?;
    let app = person.app;
    require_right_clock(app).await?;
    let next = next_page(form)?;
    let mut transaction = person.begin_change().await?;
    let stored = transaction.user_by_id(person.id()).await?;
    let Some(role) = stored.and_then(|stored| stored.operator_role) else {
        drop(transaction);
        return Ok(entrance(person, EntranceStep::NotOperator).await?);
    };
    let proof = by_passkey(person, &mut transaction, &ProvenAct::OpenConsole, form).await?;
    let Some(proof) = proof else {
        // Its challenge is used up.
        record_failure(person, &mut transaction).await?;
        transaction.commit().await?;
        app.notices.wake();
        let problem = Some(EntranceProblem::NotProven);
        let step = step(person, next, problem).await?;
        return Ok(entrance(person, step).await?);
    };
    let cookie = app.random.secret();
    open(person, &mut transaction, (role, &cookie), proof.recorded()).await?;
    transaction.commit().await?;
    let mut response = see_other(&next);
    set_cookie(app, response.headers_mut(), &cookie);
    Ok(response)
}

/// In one transaction with the proof.
async fn open(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
    (role, cookie): (OperatorRole, &str),
    proof: Value,
) -> Result<(), PageError> {
    let (app, now) = (person.app, person.app.mended_time());
    let (session, console) = (person.browser.digest(), digest_of(cookie));
    if !transaction.open_console(&session, &console, now).await? {
        let page = Some(HOME.to_owned());
        return Err(PageError::SignedOut { page });
    }
    let event = Event::new(app.event_id(now), now, EventName::ConsoleOpened)
        .of_subject(person.id().as_str())
        .with(json!({ "operator_role": role, "proof": proof }));
    Ok(transaction.insert_event(&event).await?)
}

async fn record_failure(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
) -> Result<(), PageError> {
    let (app, now) = (person.app, person.app.mended_time());
    let event = Event::new(app.event_id(now), now, EventName::LoginFailed)
        .of_subject(person.id().as_str())
        .with(json!({ "method": Level::Passkey, "within": "console" }));
    Ok(transaction.insert_event(&event).await?)
}

/// A page of the console.
fn next_page(form: &Form) -> Result<String, PageError> {
    let wanted = form.optional("next")?.and_then(own_page);
    let wanted = wanted.filter(|page| page.starts_with(HOME));
    Ok(wanted.unwrap_or_else(|| HOME.to_owned()))
}

/// The person stays signed in at their own pages.
pub async fn leave(operator: ConsoleOperator, posted: PostedForm) -> Result<Response, PageError> {
    posted.checked()?;
    let app = &*posted.visitor.app;
    let now = app.mended_time();
    let mut transaction = operator.begin_change(app).await?;
    if transaction.close_console(operator.session()).await? {
        let event = Event::new(app.event_id(now), now, EventName::ConsoleClosed)
            .of_subject(operator.id.as_str())
            .with(json!({ "by": "subject", "operator_role": operator.role }));
        transaction.insert_event(&event).await?;
    }
    transaction.commit().await?;
    let mut response = see_other("/app");
    forget_cookie(app, response.headers_mut());
    Ok(response)
}
