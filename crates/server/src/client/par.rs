//! Pushed authorization requests (RFC 9126): validated when pushed, consumed at the decision.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use writ_core::OAuthError;
use writ_core::authorize::REQUEST_LIFETIME;
use writ_core::checks::Endpoint;
use writ_core::event::{Event, EventName};
use writ_core::id::TransactionId;
use writ_core::request::{self, Arrival, PreparedRequest, RequestContext};
use writ_store::request::NewAuthorizationRequest;
use writ_wire::authorization::{
    AuthorizationRequest, PushedAuthorizationResponse, REQUEST_URI_PREFIX,
};
use writ_wire::form::Form;
use writ_wire::registration::Profile;
use writ_wire::time::Timestamp;

use crate::client::answer::json;
use crate::client::caller::Arrived;
use crate::client::token::read_form;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::request::caller::Caller;

pub async fn push(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let profile = OnceLock::new();
    let response = match pushed(&app, (&headers, &profile), &body).await {
        Ok(answer) => json(StatusCode::CREATED, &answer),
        Err(failure) => app.answer_failure(Endpoint::Par, failure).await,
    };
    app.with_nonce(response, profile.get())
}

async fn pushed(
    app: &App,
    (headers, profile): (&HeaderMap, &OnceLock<Profile>),
    body: &[u8],
) -> Result<PushedAuthorizationResponse, Failure> {
    let form = read_form(headers, body)?;
    let now = app.clock.now();
    let arrived = Arrived {
        endpoint: Endpoint::Par,
        headers,
        form: &form,
        url: &app.urls.par,
        now,
        profile,
    };
    let caller = app.caller(&arrived).await?;
    let prepared = prepare(app, &form, &caller, now)
        .await?
        .map_err(|refusal| app.refused(refusal, |e| e.by(&caller.client)))?;
    let secret = app.random.secret();
    commit(app, &caller, &prepared, (&secret, now)).await?;
    Ok(PushedAuthorizationResponse {
        request_uri: format!("{REQUEST_URI_PREFIX}{secret}"),
        expires_in: REQUEST_LIFETIME.as_secs(),
    })
}

async fn prepare(
    app: &App,
    form: &Form,
    caller: &Caller,
    now: Timestamp,
) -> Result<Result<PreparedRequest, OAuthError>, Failure> {
    let catalogue = app.fresh_catalogue().await?;
    let request = match AuthorizationRequest::parse(form) {
        Ok(request) => request,
        Err(error) => return Ok(Err(error.into())),
    };
    if request.client_id != caller.client.id.as_str() {
        return Ok(Err(OAuthError::invalid_request(
            "`client_id` is not the client that authenticated",
        )));
    }
    let mut make_ref = references(app, now);
    let mut making = RequestContext {
        realm: catalogue.realm(),
        now,
        mission_intent: app.config.features.mission_intent,
        make_ref: &mut make_ref,
    };
    let arrival = Arrival::Pushed {
        proof: caller.key(),
    };
    Ok(request::prepare(
        request,
        &caller.client,
        arrival,
        &mut making,
    ))
}

async fn commit(
    app: &App,
    caller: &Caller,
    prepared: &PreparedRequest,
    (secret, now): (&str, Timestamp),
) -> Result<(), Failure> {
    let mut session = app.begin().await?;
    let refuse = |refusal: OAuthError| app.refused(refusal, |e| e.by(&caller.client));
    if let Some(foreign) = app.claim_keys(&mut session, caller, now).await? {
        return Err(refuse(foreign));
    }
    if let Some(used) = app.claim(&mut session, caller.singles()).await? {
        return Err(refuse(used));
    }
    if session
        .client(&caller.client.id)
        .await?
        .is_none_or(|stored| stored.stopped)
    {
        return Err(refuse(OAuthError::invalid_client("this client is stopped")));
    }
    let digest = secret_digest(secret);
    let expires_at = now.plus(REQUEST_LIFETIME);
    let request = NewAuthorizationRequest {
        digest: &digest,
        client: &caller.client.id,
        prepared,
        created_at: now,
        expires_at,
    };
    session.insert_request(request).await?;
    session
        .insert_event(&proposed(app, caller, prepared, now))
        .await?;
    session.commit().await?;
    app.remember_keys(caller);
    Ok(())
}

fn proposed(app: &App, caller: &Caller, prepared: &PreparedRequest, now: Timestamp) -> Event {
    let mut event = Event::new(app.event_id(now), now, EventName::TaskProposed).by(&caller.client);
    event.purpose.clone_from(&prepared.purpose);
    event.with(serde_json::json!({ "authority": prepared.authority }))
}

/// Names of consented objects; each survives every narrowing. An authority is sorted by them, so each is later than the
/// one before: people and resources see the order in which the client asked.
pub fn references(app: &App, now: Timestamp) -> impl FnMut() -> String + '_ {
    let mut at = now;
    move || {
        let id = TransactionId::make(at, app.entropy());
        at = at.plus(Duration::from_millis(1));
        id.as_str().replace(TransactionId::PREFIX, "ref_")
    }
}
