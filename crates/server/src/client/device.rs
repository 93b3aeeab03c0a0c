//! The device authorization endpoint (RFC 8628 section 3.1): a device gets its `device_code`, and the `user_code` that a person types
//! at `/device` (`people/device_code.rs`).

use axum::response::Response;
use http::StatusCode;
use writ_core::checks::Endpoint;
use writ_core::client::Client;
use writ_core::device::{
    self, DEVICE_LIFETIME, DEVICES_ENDED_AT_ONCE, DeviceFacts, MAX_WAITING_DEVICES, PreparedDevice,
};
use writ_core::event::{Event, EventName};
use writ_core::id::{ApprovalId, ClientId};
use writ_core::pending::{POLL_INTERVAL, PendingRequest};
use writ_core::request::RequestContext;
use writ_jose::hash;
use writ_store::DatabaseTransaction;
use writ_store::pending::NewPendingRequest;
use writ_wire::device::{DeviceRequest, DeviceResponse, UserCode};
use writ_wire::time::Timestamp;

use crate::client::error::ClientError;
use crate::client::incoming::IncomingRequest;
use crate::node::app::App;
use crate::node::client_address::site;
use crate::node::failure::Failure;
use crate::node::rate_limits::RateLimit;
use crate::node::secret::secret_digest;
use crate::notifications::seal::of_user_code;
use crate::request::client_request::ClientRequest;

/// Path of the page where a person types the code, and of `verification_uri` (RFC 8628 section 3.3).
pub(crate) const PATH: &str = "/device";

/// `POST /device_authorization` (RFC 8628 section 3.1).
pub async fn authorize(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let request = incoming.authenticate(Endpoint::DeviceAuthorization).await?;
    request.answer(StatusCode::OK, start_flow(&request).await)
}

async fn start_flow(request: &ClientRequest) -> Result<DeviceResponse, Failure> {
    let (app, now) = (&request.app, request.now);
    let prepared = prepare(request).await?;
    limit_by_address(request).await?;
    let device_code = app.random.secret();
    let user_code = UserCode::of(u64::from_le_bytes(app.random.bytes()));
    let facts = DeviceFacts {
        id: ApprovalId::make(now, app.entropy()),
        digest: secret_digest(&device_code),
        client: request.client(),
        jkt: request.caller.key().cloned(),
        address: request.address.map(|address| address.to_string()),
        now,
    };
    let pending = device::pending(prepared, facts);
    write_request(request, &pending, &user_code).await?;
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
async fn limit_by_address(request: &ClientRequest) -> Result<(), Failure> {
    let client = request.client();
    let address = request.address.filter(|_| client.is_public());
    let limits = address.map(|address| RateLimit::of_devices(&client.id, address, request.now));
    let sentence = "too many codes of this client were asked for from this address: ask later";
    let limits = limits.into_iter().flatten();
    request.app.admit_request(limits, sentence).await
}

async fn prepare(request: &ClientRequest) -> Result<PreparedDevice, Failure> {
    let (app, now) = (&request.app, request.now);
    let catalogue = app.fresh_catalogue().await?;
    let asked = DeviceRequest::parse(&request.form).map_err(|error| request.refuse(error))?;
    let mut make_ref = app.references(now);
    let mut making = RequestContext {
        realm: catalogue.realm(),
        now,
        mission_intent: app.config.features.mission_intent,
        make_ref: &mut make_ref,
    };
    let strongest = app.strongest();
    device::prepare(&asked, request.client(), strongest, &mut making)
        .map_err(|refusal| request.refuse(refusal))
}

async fn write_request(
    request: &ClientRequest,
    pending: &PendingRequest,
    user_code: &UserCode,
) -> Result<(), Failure> {
    let (app, client, now) = (&request.app, request.client(), request.now);
    let mut transaction = app.begin().await?;
    request.claim(&mut transaction, Vec::new()).await?;
    request.require_active_client(&mut transaction).await?;
    transaction.guard_prompts(None, &client.id, now).await?;
    make_room(&mut transaction, &client.id, now).await?;
    let digest = user_code_digest(user_code);
    let sealed = app.seal(&of_user_code(&pending.id), &user_code.to_string())?;
    transaction
        .insert_pending(NewPendingRequest {
            request: pending,
            user_code: Some(&digest),
            sealed: Some(&sealed),
        })
        .await?;
    // What anybody can ask for is on record when somebody types the code.
    if client.is_proved() {
        let event = event(app, EventName::ApprovalRequested, client, pending);
        transaction.insert_event(&event).await?;
    }
    transaction.commit().await?;
    request.caller.remember_keys(app);
    Ok(())
}

/// Whoever asks for many, from however many networks of one site, ends their own, and keeps nobody out.
async fn make_room(
    transaction: &mut DatabaseTransaction,
    client: &ClientId,
    now: Timestamp,
) -> Result<(), Failure> {
    let most = MAX_WAITING_DEVICES;
    if !transaction.waits_for_devices(client, most, now).await? {
        return Ok(());
    }
    let read = usize::try_from(most).unwrap_or(usize::MAX);
    let waiting = transaction.waiting_devices(client, read, now).await?;
    let site_of = |address: String| address.parse().ok().map(site);
    let held = waiting.into_iter().map(|device| {
        let site = device.address.and_then(site_of);
        (device.id, site)
    });
    for id in device::ending(held.collect(), DEVICES_ENDED_AT_ONCE) {
        transaction.end_device(&id, now).await?;
    }
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
