//! Pushed authorization requests (RFC 9126): validated when pushed, consumed at the decision.

use axum::response::Response;
use http::StatusCode;
use writ_core::OAuthError;
use writ_core::authorize::REQUEST_LIFETIME;
use writ_core::checks::Endpoint;
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_core::request::{self, Arrival, PreparedRequest, RequestContext};
use writ_store::request::NewAuthorizationRequest;
use writ_wire::authorization::{
    AuthorizationRequest, PushedAuthorizationResponse, REQUEST_URI_PREFIX,
};

use crate::client::error::ClientError;
use crate::client::incoming::IncomingRequest;
use crate::node::failure::Failure;
use crate::node::id_token_hint::HintError;
use crate::node::secret::secret_digest;
use crate::request::client_request::ClientRequest;

pub async fn push(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let request = incoming.authenticate(Endpoint::Par).await?;
    request.answer(StatusCode::CREATED, push_request(&request).await)
}

async fn push_request(request: &ClientRequest) -> Result<PushedAuthorizationResponse, Failure> {
    limit_by_address(request).await?;
    let prepared = prepare(request).await?;
    let secret = request.app.random.secret();
    write_request(request, &prepared, &secret).await?;
    Ok(PushedAuthorizationResponse {
        request_uri: format!("{REQUEST_URI_PREFIX}{secret}"),
        expires_in: REQUEST_LIFETIME.as_secs(),
    })
}

/// Anybody may push in the name of a public client. Guests were counted before they were looked up.
async fn limit_by_address(request: &ClientRequest) -> Result<(), Failure> {
    let client = request.client();
    match client.is_public() && !client.is_guest() {
        true => request.app.admit_front_request(request.address).await,
        false => Ok(()),
    }
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
    let hinted = match &parsed.openid.id_token_hint {
        Some(hint) => Some(hinted(request, hint).await?),
        None => None,
    };
    let mut make_ref = app.references(request.now);
    let mut making = RequestContext {
        realm: catalogue.realm(),
        now: request.now,
        mission_intent: app.config.features.mission_intent,
        make_ref: &mut make_ref,
    };
    let arrival = Arrival::Pushed {
        proof: caller.key(),
        signer: caller.assertion.as_ref().map(|signed| &signed.thumbprint),
    };
    let prepared = request::prepare(parsed, &caller.client, arrival, &mut making);
    let prepared = prepared.map_err(|refusal| request.refuse(refusal))?;
    Ok(PreparedRequest { hinted, ..prepared })
}

/// Whom the client's `id_token_hint` names.
async fn hinted(request: &ClientRequest, hint: &str) -> Result<UserId, Failure> {
    let client = request.client().id.as_str();
    match request.app.hinted_by(client, hint).await {
        Ok(hinted) => Ok(UserId::from_text(hinted.sub)),
        Err(HintError::Refused(refusal)) => Err(request.refuse(refusal)),
        Err(HintError::Store(error)) => Err(error.into()),
    }
}

async fn write_request(
    request: &ClientRequest,
    prepared: &PreparedRequest,
    secret: &str,
) -> Result<(), Failure> {
    let (app, now) = (&request.app, request.now);
    let mut transaction = app.begin().await?;
    request.claim(&mut transaction, Vec::new()).await?;
    request.require_active_client(&mut transaction).await?;
    let digest = secret_digest(secret);
    let new = NewAuthorizationRequest {
        digest: &digest,
        client: &request.client().id,
        prepared,
        created_at: now,
        expires_at: now.plus(REQUEST_LIFETIME),
        opened_at: None,
    };
    transaction.insert_request(new).await?;
    // What anybody can push is on record when a person answers, as what comes in the front channel.
    if request.client().is_proved() {
        let event = proposed(request, prepared);
        transaction.insert_event(&event).await?;
    }
    transaction.commit().await?;
    request.caller.remember_keys(app);
    Ok(())
}

fn proposed(request: &ClientRequest, prepared: &PreparedRequest) -> Event {
    let id = request.app.event_id(request.now);
    let mut event = Event::new(id, request.now, EventName::TaskProposed).by(request.client());
    event.purpose.clone_from(&prepared.purpose);
    event.with(serde_json::json!({ "authority": prepared.authority }))
}
