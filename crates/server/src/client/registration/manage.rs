//! A client that registered itself reads and removes its registration, by the token that it was given (RFC 7592); [`super::update`]
//! replaces it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use writ_core::OAuthError;
use writ_core::event::{Event, EventName};
use writ_core::id::ClientId;
use writ_jose::hash;
use writ_store::registration::StoredRegistration;
use writ_store::stop::TasksOf;
use writ_wire::error::ErrorCode;
use writ_wire::registration_request::RegisteredMetadata;

use super::{PATH, SaidOnce, bearer, information, invalid_token};
use crate::client::answer;
use crate::client::error::{ClientError, ProgramRoute};
use crate::client::incoming::RequestHead;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::rate_limits::RateLimit;
use crate::node::secret::secret_digest;
use crate::operate::change::ChangedBy;
use crate::operate::stop::BulkEvents;

pub(super) const ROUTE: ProgramRoute = ProgramRoute::RegisteredClient;

/// RFC 7592 section 2.1.
pub(super) async fn read(head: RequestHead) -> Result<Response, ClientError> {
    match registered(&head).await {
        Ok(body) => Ok(answer::json(StatusCode::OK, &body)),
        Err(failure) => Err(head.error(ROUTE, failure)),
    }
}

/// RFC 7592 section 2.3.
pub(super) async fn remove(head: RequestHead) -> Result<Response, ClientError> {
    match removed(&head).await {
        Ok(()) => {
            let uncached = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            Ok((StatusCode::NO_CONTENT, uncached, Body::empty()).into_response())
        }
        Err(failure) => Err(head.error(ROUTE, failure)),
    }
}

/// Whoever holds the token of a registration.
pub(super) struct Holder<'a> {
    pub(super) client: ClientId,
    token: &'a str,
    /// Of the token.
    pub(super) digest: String,
    stored: StoredRegistration,
}

impl<'a> Holder<'a> {
    /// An unknown client and a wrong token look the same. Each request is counted, for the client only once its token was seen.
    pub(super) async fn of(head: &'a RequestHead) -> Result<Self, Failure> {
        let (app, now) = (&*head.app, head.app.mended_time());
        let from = head.address;
        let from = from.map(|address| RateLimit::of_management_from(address, now));
        app.admit_request(from.into_iter().flatten(), TOO_MANY)
            .await?;
        let token = bearer(&head.headers, OWN)?;
        let id = head.path.strip_prefix(PATH).unwrap_or_default();
        let client = ClientId::from_text(id.trim_start_matches('/'));
        let digest = secret_digest(token);
        let mut reading = app.read().await?;
        let stored = reading.registration(&client).await?;
        let row = reading.client(&client).await?;
        drop(reading);
        let stored = stored
            .filter(|row| hash::constant_time_eq(row.token_digest.as_bytes(), digest.as_bytes()))
            .ok_or_else(unknown)?;
        let limit = RateLimit::of_management(&client, now);
        app.admit_request([limit], TOO_MANY).await?;
        if row.ok_or_else(unknown)?.stopped {
            return Err(stopped());
        }
        Ok(Self {
            client,
            token,
            digest,
            stored,
        })
    }

    /// What was registered when the request came, as JSON.
    pub(super) fn metadata(&self) -> &str {
        &self.stored.metadata
    }

    pub(super) fn answer(
        &self,
        app: &App,
        metadata: &RegisteredMetadata,
        secret: Option<&str>,
    ) -> Value {
        let said = SaidOnce {
            secret,
            token: self.token,
            registered_at: self.stored.created_at,
        };
        information(app, &self.client, metadata, said)
    }
}

const OWN: &str =
    "the `registration_access_token` of this client is required, as `Authorization: Bearer`";
const TOO_MANY: &str =
    "too many requests about this registration, or from this address, in this hour";

pub(super) fn unknown() -> Failure {
    invalid_token("the registration access token is wrong, or there is no such client").into()
}

pub(super) fn stopped() -> Failure {
    OAuthError::new(ErrorCode::AccessDenied, "an operator stopped this client").into()
}

/// Without the secret: only its digest is kept.
async fn registered(head: &RequestHead) -> Result<Value, Failure> {
    let holder = Holder::of(head).await?;
    let metadata: RegisteredMetadata = serde_json::from_str(&holder.stored.metadata)
        .map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(holder.answer(&head.app, &metadata, None))
}

/// From the commit on nothing that it was granted is live.
async fn removed(head: &RequestHead) -> Result<(), Failure> {
    let holder = Holder::of(head).await?;
    let (app, client) = (&*head.app, &holder.client);
    let now = app.mended_time();
    let mut transaction = app.begin().await?;
    transaction.begin_stop().await?;
    let held = transaction
        .hold_registration(client, &holder.digest)
        .await?;
    if !held || !transaction.remove_client(client, now).await? {
        return Err(unknown());
    }
    transaction.remove_registration(client, now).await?;
    transaction.end_codes(client, now).await?;
    let events = BulkEvents::new(app.change(ChangedBy::Registration, now));
    let of = TasksOf::Client(client);
    transaction.stop_tasks(of, events.of_stop()).await?;
    let mut event = Event::new(app.event_id(now), now, EventName::ClientRemoved)
        .with(json!({ "by": "registration", "profile": "guest" }));
    event.client = Some(client.to_string());
    transaction.insert_event(&event).await?;
    transaction.commit().await?;
    app.metrics.registration("removed");
    Ok(())
}
