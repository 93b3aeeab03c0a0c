//! Pushed authorization requests (RFC 9126): validated when pushed, consumed at the decision.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
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
use writ_wire::time::Timestamp;

use crate::client::error::ClientError;
use crate::client::incoming::IncomingRequest;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::request::client_request::ClientRequest;

pub async fn push(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let request = incoming.authenticate(Endpoint::Par).await?;
    request.answer(StatusCode::CREATED, push_request(&request).await)
}

async fn push_request(request: &ClientRequest) -> Result<PushedAuthorizationResponse, Failure> {
    let prepared = prepare(request).await?;
    let secret = request.app.random.secret();
    write_request(request, &prepared, &secret).await?;
    Ok(PushedAuthorizationResponse {
        request_uri: format!("{REQUEST_URI_PREFIX}{secret}"),
        expires_in: REQUEST_LIFETIME.as_secs(),
    })
}

async fn prepare(request: &ClientRequest) -> Result<PreparedRequest, Failure> {
    let (app, caller) = (&request.app, &request.caller);
    let catalogue = app.fresh_catalogue().await?;
    let parsed = AuthorizationRequest::parse(&request.form).map_err(|e| request.refuse(e))?;
    if parsed.client_id != caller.client.id.as_str() {
        return Err(request.refuse(OAuthError::invalid_request(
            "`client_id` is not the client that authenticated",
        )));
    }
    let mut make_ref = references(app, request.now);
    let mut making = RequestContext {
        realm: catalogue.realm(),
        now: request.now,
        mission_intent: app.config.features.mission_intent,
        make_ref: &mut make_ref,
    };
    let arrival = Arrival::Pushed {
        proof: caller.key(),
    };
    request::prepare(parsed, &caller.client, arrival, &mut making)
        .map_err(|refusal| request.refuse(refusal))
}

async fn write_request(
    request: &ClientRequest,
    prepared: &PreparedRequest,
    secret: &str,
) -> Result<(), Failure> {
    let (app, now) = (&request.app, request.now);
    let mut session = app.begin().await?;
    request.claim(&mut session, Vec::new()).await?;
    request.require_active_client(&mut session).await?;
    let digest = secret_digest(secret);
    let new = NewAuthorizationRequest {
        digest: &digest,
        client: &request.client().id,
        prepared,
        created_at: now,
        expires_at: now.plus(REQUEST_LIFETIME),
        opened_at: None,
    };
    session.insert_request(new).await?;
    session.insert_event(&proposed(request, prepared)).await?;
    session.commit().await?;
    request.caller.remember_keys(app);
    Ok(())
}

fn proposed(request: &ClientRequest, prepared: &PreparedRequest) -> Event {
    let id = request.app.event_id(request.now);
    let mut event = Event::new(id, request.now, EventName::TaskProposed).by(request.client());
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
