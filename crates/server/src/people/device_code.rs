//! `/device` (RFC 8628 section 3.3): a person types the code that their terminal shows. A right one makes the request theirs;
//! opening a link, and even sending the code, approves nothing (LESSONS 32).

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::HeaderMap;
use writ_core::authorize::UserSession;
use writ_core::checks::Endpoint;
use writ_core::client::User;
use writ_core::device::{self, Typed};
use writ_core::event::EventName;
use writ_core::id::ApprovalId;
use writ_core::pending::PendingRequest;
use writ_pages::{DeviceCode, DeviceCodeProblem};
use writ_wire::device::UserCode;
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::approvals::create::{Deciding, deciders};
use crate::client::device::{PATH, event, user_code_digest};
use crate::node::app::App;
use crate::node::rate_limits::Tries;
use crate::people::authorize::{Ended, see_other, untrusted};
use crate::people::inbox::person;
use crate::people::login::{signed_in, to_login};
use crate::people::session::Browser;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route(PATH, get(show).post(submit))
}

/// `GET /device`: `user_code` of `verification_uri_complete` fills the field in, and does nothing else (LESSONS 32).
async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let form =
            Form::parse(query.unwrap_or_default().as_bytes()).map_err(|e| untrusted(&e.into()))?;
        let browser = app.browser(&headers).await?;
        let code = shown(&form);
        let Some(session) = signed_in(&browser) else {
            return Ok(login_first(&code));
        };
        page(&app, &headers, (&browser, session), (code, None)).await
    };
    match result.await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

/// `POST /device`: a right code makes the request this person's, and leads to the approval screen.
async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match enter(&app, &headers, &body).await {
        Ok(response) => response,
        Err(ended) => app.end(Endpoint::Authorize, ended),
    }
}

async fn enter(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Ended> {
    let form = Form::parse(body).map_err(|e| untrusted(&e.into()))?;
    let browser = app.browser(headers).await?;
    let code = shown(&form);
    let Some(session) = signed_in(&browser) else {
        return Ok(login_first(&code));
    };
    let problem = if browser.sent(&form) {
        match take(app, &form, &session.user).await? {
            Ok(id) => return Ok(see_other(&format!("/app/requests/{id}"))),
            Err(problem) => problem,
        }
    } else {
        DeviceCodeProblem::FormExpired
    };
    page(app, headers, (&browser, session), (code, Some(problem))).await
}

/// RFC 8628 section 5.1: a try is counted before the code is looked at, so that many at once are no way around.
async fn take(
    app: &App,
    form: &Form,
    user: &User,
) -> Result<Result<ApprovalId, DeviceCodeProblem>, Ended> {
    let now = app.clock.now();
    let tries = Tries::by(&user.id, now);
    if !app.may_try(&tries).await? {
        return Ok(Err(DeviceCodeProblem::TooMany));
    }
    let typed = form.optional("user_code").ok().flatten();
    let taken = match typed.and_then(UserCode::parse) {
        Some(code) => taken(app, &code, user, now).await?,
        None => None,
    };
    if taken.is_some() {
        app.forgive_try(&tries).await?;
    }
    Ok(taken.ok_or(DeviceCodeProblem::Wrong))
}

/// The one who takes it is the subject; somebody else's code is as wrong as one that nobody made.
async fn taken(
    app: &App,
    code: &UserCode,
    user: &User,
    now: Timestamp,
) -> Result<Option<ApprovalId>, Ended> {
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
    let mut session = app.begin().await?;
    let stored = session.client(&client.id).await?;
    if stored.is_none_or(|stored| stored.stopped) {
        return Ok(None);
    }
    let deciding = Deciding {
        authority: &request.asked.authority,
        client: &client,
        subject: user,
        task: None,
    };
    let Ok(deciders) = deciders(&mut session, &deciding, catalogue.realm()).await? else {
        return Ok(None);
    };
    let Some(asked) = device::taken(&request, deciders) else {
        return Ok(None);
    };
    if !session
        .take_pending(&request.id, &user.id, &asked, now)
        .await?
    {
        return Ok(None);
    }
    let event =
        event(app, EventName::ApprovalNotified, &client, &request).of_subject(user.id.as_str());
    session.insert_event(&event).await?;
    session.commit().await?;
    app.waiting.announce_request(&PendingRequest {
        asked,
        ..request.clone()
    });
    Ok(Some(request.id))
}

async fn page(
    app: &App,
    headers: &HeaderMap,
    (browser, session): (&Browser, &UserSession),
    (user_code, problem): (String, Option<DeviceCodeProblem>),
) -> Result<Response, Ended> {
    let view = DeviceCode {
        person: person(app, browser, session).await?,
        user_code,
        problem,
    };
    let texts = app.texts_for(headers, session).await?;
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

fn login_first(code: &str) -> Response {
    if code.is_empty() {
        return to_login(PATH);
    }
    to_login(&format!("{PATH}?user_code={code}"))
}
