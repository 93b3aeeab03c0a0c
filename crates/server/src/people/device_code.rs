//! `/device` (RFC 8628 section 3.3): a person types the code that their terminal shows. A right one makes the request theirs;
//! opening a link, and even sending the code, approves nothing (RFC 8628 section 5.4).

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use writ_core::budget::OverBudget;
use writ_core::client::User;
use writ_core::device::{self, Typed};
use writ_core::event::EventName;
use writ_core::id::ApprovalId;
use writ_core::pending::{Asked, PendingRequest};
use writ_core::realm::Realm;
use writ_core::role::within_roles;
use writ_pages::{DeviceCode, DeviceCodeProblem};
use writ_store::DatabaseTransaction;
use writ_store::attempts::Admission;
use writ_store::standing::Pair;
use writ_wire::device::UserCode;
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::approvals::create::{
    Deciding, deciding_people, earlier_prompts, guard_prompts, within_budget,
};
use crate::client::device::{PATH, event, user_code_digest};
use crate::node::app::App;
use crate::node::rate_limits::RateLimit;
use crate::people::error::{PageError, StepError};
use crate::people::redirect::see_other;
use crate::people::request::{PostedForm, Query, SignedIn, Visitor};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route(PATH, get(show).post(submit))
}

/// `GET /device`: `user_code` of `verification_uri_complete` fills the field in, and does nothing else.
async fn show(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    let code = shown(&query);
    let person = visitor.signed_in(&address(&code))?;
    page(person, code, None).await
}

/// `POST /device`: a right code makes the request this person's, and leads to the approval screen.
async fn submit(posted: PostedForm) -> Result<Response, PageError> {
    let form = posted.unchecked();
    let code = shown(form);
    let person = posted.visitor.signed_in(&address(&code))?;
    let taken = match posted.is_ours() {
        true => take(person, form).await,
        false => Err(StepError::Problem(DeviceCodeProblem::FormExpired)),
    };
    match taken {
        Ok(id) => Ok(see_other(&format!("/app/requests/{id}"))),
        Err(error) => page(person, code, Some(error.problem()?)).await,
    }
}

/// RFC 8628 section 5.1: a try is counted before the code is looked at, so that many at once are no way around.
async fn take(
    person: SignedIn<'_>,
    form: &Form,
) -> Result<ApprovalId, StepError<DeviceCodeProblem>> {
    let (app, now) = (person.app, person.app.clock.now());
    let tries = RateLimit::of_device_codes(person.id(), now);
    if let Admission::PausedUntil(until) = app.admit_attempt(&tries).await? {
        let retry_after = now.until(until);
        return Err(StepError::Problem(DeviceCodeProblem::TooMany {
            retry_after,
        }));
    }
    let typed = form.optional("user_code").ok().flatten();
    let taken = match typed.and_then(UserCode::parse) {
        Some(code) => taken(person, &code, now).await,
        None => Ok(None),
    };
    match &taken {
        Ok(Some(_)) | Err(StepError::Problem(_)) => app.uncount_attempt(&tries).await,
        Err(StepError::Page(_)) => app.owe_attempts([&tries]),
        Ok(None) => {}
    }
    taken?.ok_or(StepError::Problem(DeviceCodeProblem::Wrong))
}

/// The one who takes it is the subject; somebody else's code is as wrong as one that was never made.
async fn taken(
    person: SignedIn<'_>,
    code: &UserCode,
    now: Timestamp,
) -> Result<Option<ApprovalId>, StepError<DeviceCodeProblem>> {
    let (app, user) = (person.app, person.user());
    let digest = user_code_digest(code);
    let found = app.read().await?.pending_by_user_code(&digest).await?;
    let request = match (device::typed(found.as_ref(), &user.id, now), found) {
        (Typed::Take, Some(request)) => request,
        (Typed::Theirs, Some(request)) => return Ok(Some(request.id)),
        _ => return Ok(None),
    };
    let Some(client) = app.client(request.client.as_str()).await? else {
        return Ok(None);
    };
    let catalogue = app.catalogue().await?;
    let mut transaction = person.begin_change().await?;
    let stored = transaction.client(&client.id).await?;
    let pair = Pair {
        subject: &user.id,
        client: &client.id,
    };
    if stored.is_none_or(|stored| stored.stopped) || transaction.is_paused(pair).await? {
        return Ok(None);
    }
    let deciding = Deciding {
        authority: &request.asked.authority,
        client: &client,
        subject: user,
        asking: None,
    };
    let asked = asked(&mut transaction, &deciding, &request, catalogue.realm()).await?;
    let Some(asked) = asked else {
        return Ok(None);
    };
    let request = PendingRequest {
        subject: Some(user.id.clone()),
        asked,
        ..request
    };
    if !bind(app, &mut transaction, &request, user, now).await? {
        return Ok(None);
    }
    let about = |name| event(app, name, &client, &request).of_subject(user.id.as_str());
    if !client.is_proved() {
        let requested = about(EventName::ApprovalRequested);
        transaction.insert_event(&requested).await?;
    }
    let notified = about(EventName::ApprovalNotified);
    transaction.insert_event(&notified).await?;
    transaction.commit().await?;
    app.waiting.announce_request(&request);
    Ok(Some(request.id))
}

/// What is asked of whoever typed the code, and of those who decide after them; `None` where nobody could.
async fn asked(
    transaction: &mut DatabaseTransaction,
    deciding: &Deciding<'_>,
    request: &PendingRequest,
    realm: Realm<'_>,
) -> Result<Option<Asked>, StepError<DeviceCodeProblem>> {
    within_roles(deciding.authority, &deciding.subject.roles, realm)
        .map_err(|_| StepError::Problem(DeviceCodeProblem::BeyondRoles))?;
    let people = deciding_people(transaction, deciding, realm).await?;
    let deciders = people.deciders().ok();
    Ok(deciders.and_then(|deciders| device::taken(request, deciders)))
}

/// Makes it this person's. Whoever types a code asks themself; where others decide after them, the question costs the same
/// budgets as one by CIBA. `false`: somebody else was first.
async fn bind(
    app: &App,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    user: &User,
    now: Timestamp,
) -> Result<bool, StepError<DeviceCodeProblem>> {
    let (id, asked) = (&request.id, &request.asked);
    let mut people = asked.stages.iter().flat_map(|stage| &stage.of);
    if people.all(|other| *other == user.id) {
        return Ok(transaction.take_pending(id, &user.id, asked, now).await?);
    }
    if guard_prompts(transaction, request, now).await?.is_err() {
        return Ok(false);
    }
    let earlier = earlier_prompts(transaction, request, now).await?;
    if !transaction.take_pending(id, &user.id, asked, now).await? {
        return Ok(false);
    }
    let budget = within_budget(app, transaction, request, earlier, now).await?;
    let over = |over: OverBudget| {
        let retry_after = over.retry_after;
        StepError::Problem(DeviceCodeProblem::AskedTooOften { retry_after })
    };
    budget.map_err(over).map(|()| true)
}

async fn page(
    person: SignedIn<'_>,
    user_code: String,
    problem: Option<DeviceCodeProblem>,
) -> Result<Response, PageError> {
    let view = DeviceCode {
        person: person.frame().await?,
        user_code,
        problem,
    };
    let texts = person.texts().await?;
    Ok(view.page(&texts).into_http().into_response())
}

/// As typed or filled in, if it can be a code at all: nothing else of a link is shown.
fn shown(form: &Form) -> String {
    let typed = form.optional("user_code").ok().flatten();
    typed
        .and_then(UserCode::parse)
        .map(|code| code.to_string())
        .unwrap_or_default()
}

/// Of the page with this code filled in.
fn address(code: &str) -> String {
    match code.is_empty() {
        true => PATH.to_owned(),
        false => format!("{PATH}?user_code={code}"),
    }
}
