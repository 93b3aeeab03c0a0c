//! The device flow (RFC 8628): `/device_authorization` for the device, `/device` for whoever types its code. A code takes
//! a request and approves nothing: that is the approval screen's, with all its rules (LESSONS 32).

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::client::Client;
use writ_core::device::{self, DEVICE_LIFETIME, DeviceFacts, MAX_WAITING_DEVICES, PreparedDevice};
use writ_core::event::{Event, EventName};
use writ_core::id::ApprovalId;
use writ_core::pending::{POLL_INTERVAL, PendingRequest};
use writ_core::request::RequestContext;
use writ_jose::hash;
use writ_store::pending::NewPendingRequest;
use writ_wire::device::{DeviceRequest, DeviceResponse, UserCode};
use writ_wire::error::ErrorCode;
use writ_wire::form::Form;
use writ_wire::registration::Profile;
use writ_wire::time::Timestamp;

use crate::client::answer::json;
use crate::client::caller::Arrived;
use crate::client::par::references;
use crate::client::token::read_form;
use crate::node::app::App;
use crate::node::client_address::ClientAddress;
use crate::node::failure::Failure;
use crate::node::rate_limits::Tries;
use crate::node::secret::secret_digest;
use crate::notifications::seal::of_user_code;
use crate::request::caller::Caller;

/// Of the person's page, and of `verification_uri` (RFC 8628 section 3.3).
pub(crate) const PATH: &str = "/device";

/// RFC 8628 section 3.1.
pub async fn authorize(
    State(app): State<Arc<App>>,
    peer: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let profile = OnceLock::new();
    let address = app.address_of(peer, &headers);
    let response = match asked(&app, (&headers, &profile), (&body, address)).await {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(failure) => {
            app.answer_failure(Endpoint::DeviceAuthorization, failure)
                .await
        }
    };
    app.with_nonce(response, profile.get())
}

async fn asked(
    app: &App,
    (headers, profile): (&HeaderMap, &OnceLock<Profile>),
    (body, address): (&[u8], Option<IpAddr>),
) -> Result<DeviceResponse, Failure> {
    let form = read_form(headers, body)?;
    let now = app.clock.now();
    let arrived = Arrived {
        endpoint: Endpoint::DeviceAuthorization,
        headers,
        form: &form,
        url: &app.urls.device_authorization,
        now,
        profile,
    };
    let caller = app.caller(&arrived).await?;
    let prepared = prepare(app, &form, &caller.client, now)
        .await?
        .map_err(|refusal| app.refused(refusal, |e| e.by(&caller.client)))?;
    leave_room(app, &caller.client, (address, now)).await?;
    let device_code = app.random.secret();
    let user_code = UserCode::of(u64::from_le_bytes(app.random.bytes()));
    let facts = DeviceFacts {
        id: ApprovalId::make(now, app.entropy()),
        digest: secret_digest(&device_code),
        client: &caller.client,
        jkt: caller.key().cloned(),
        address: address.map(|address| address.to_string()),
        now,
    };
    let request = device::pending(prepared, facts);
    commit(app, &caller, &request, (&user_code, now)).await?;
    let verification_uri = app.config.url(PATH);
    Ok(DeviceResponse {
        device_code,
        verification_uri_complete: Some(format!("{verification_uri}?user_code={user_code}")),
        verification_uri,
        user_code: user_code.to_string(),
        expires_in: DEVICE_LIFETIME.as_secs(),
        interval: Some(u64::from(POLL_INTERVAL)),
    })
}

/// Anybody may ask in the name of a public client: one address does not use up all codes that may wait for it.
async fn leave_room(
    app: &App,
    client: &Client,
    (address, now): (Option<IpAddr>, Timestamp),
) -> Result<(), Failure> {
    let address = address.filter(|_| client.is_public());
    let Some(tries) = address.and_then(|address| Tries::of_devices(&client.id, address, now))
    else {
        return Ok(());
    };
    if app.may_try(&tries).await? {
        return Ok(());
    }
    let sentence = "too many codes of this client were asked for from this address: ask later";
    let refusal = OAuthError::new(ErrorCode::TemporarilyUnavailable, sentence);
    Err(app.refused(refusal, |event| event.by(client)))
}

async fn prepare(
    app: &App,
    form: &Form,
    client: &Client,
    now: Timestamp,
) -> Result<Result<PreparedDevice, OAuthError>, Failure> {
    let catalogue = app.fresh_catalogue().await?;
    let request = match DeviceRequest::parse(form) {
        Ok(request) => request,
        Err(error) => return Ok(Err(error.into())),
    };
    let mut make_ref = references(app, now);
    let mut making = RequestContext {
        realm: catalogue.realm(),
        now,
        mission_intent: app.config.features.mission_intent,
        make_ref: &mut make_ref,
    };
    Ok(device::prepare(
        &request,
        client,
        app.config.strongest(),
        &mut making,
    ))
}

async fn commit(
    app: &App,
    caller: &Caller,
    request: &PendingRequest,
    (user_code, now): (&UserCode, Timestamp),
) -> Result<(), Failure> {
    let client = &caller.client;
    let mut session = app.begin().await?;
    let refuse = |refusal: OAuthError| app.refused(refusal, |e| e.by(client));
    if let Some(foreign) = app.claim_keys(&mut session, caller, now).await? {
        return Err(refuse(foreign));
    }
    if let Some(used) = app.claim(&mut session, caller.singles()).await? {
        return Err(refuse(used));
    }
    let stored = session.client(&client.id).await?;
    if stored.is_none_or(|stored| stored.stopped) {
        return Err(refuse(OAuthError::invalid_client("this client is stopped")));
    }
    session.guard_prompts(None, &client.id, now).await?;
    if session.waiting_devices(&client.id, now).await? >= MAX_WAITING_DEVICES {
        return Err(refuse(OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "too many codes of this client wait: let some expire",
        )));
    }
    let digest = user_code_digest(user_code);
    let sealed = app.seal(&of_user_code(&request.id), &user_code.to_string())?;
    session
        .insert_pending(NewPendingRequest {
            request,
            user_code: Some(&digest),
            sealed: Some(&sealed),
        })
        .await?;
    let event = event(app, EventName::ApprovalRequested, client, request);
    session.insert_event(&event).await?;
    session.commit().await?;
    app.remember_keys(caller);
    Ok(())
}

pub(crate) fn event(
    app: &App,
    name: EventName,
    client: &Client,
    request: &PendingRequest,
) -> Event {
    let now = app.clock.now();
    let mut event = Event::new(app.event_id(now), now, name).by(client);
    event.purpose.clone_from(&request.asked.reason);
    event.with(serde_json::json!({
        "approval": request.id,
        "kind": request.kind.as_str(),
        "authority": request.asked.authority,
        "level": request.asked.level,
        "expires_at": request.expires_at.rfc3339(),
    }))
}

/// What is kept of a user code. It is short, but good for minutes, and of no use without a login.
pub(crate) fn user_code_digest(code: &UserCode) -> String {
    hash::digest_text(&[b"user code", code.as_str().as_bytes()])
}
