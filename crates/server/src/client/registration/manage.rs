//! A client that registered itself reads, replaces and removes its registration, by the token that it was given (RFC 7592).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use writ_core::OAuthError;
use writ_core::client::Client;
use writ_core::event::{Event, EventName};
use writ_core::guest::{DocumentChange, KeptDocument};
use writ_core::id::ClientId;
use writ_core::registration::dynamic;
use writ_jose::hash;
use writ_store::DatabaseTransaction;
use writ_store::registration::StoredRegistration;
use writ_wire::error::ErrorCode;
use writ_wire::registration_request::{
    RegisteredMetadata, RegistrationRefusal, RegistrationUpdate,
};

use super::{PATH, SaidOnce, bearer, body, information, invalid_token, refusal, text};
use crate::client::answer;
use crate::client::error::{ClientError, ProgramRoute};
use crate::client::grants::guest::suspend_tasks;
use crate::client::incoming::{IncomingRequest, RequestHead};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::registry::parse_client;
use crate::node::secret::secret_digest;
use crate::operate::change::ChangedBy;
use crate::operate::stop::{BATCH, stop_task};

const ROUTE: ProgramRoute = ProgramRoute::RegisteredClient;

/// RFC 7592 section 2.1.
pub(super) async fn read(head: RequestHead) -> Result<Response, ClientError> {
    match registered(&head).await {
        Ok(body) => Ok(answer::json(StatusCode::OK, &body)),
        Err(failure) => Err(head.error(ROUTE, failure)),
    }
}

/// RFC 7592 section 2.2.
pub(super) async fn replace(incoming: IncomingRequest) -> Result<Response, ClientError> {
    match replaced(&incoming).await {
        Ok(body) => Ok(answer::json(StatusCode::OK, &body)),
        Err(failure) => Err(incoming.head.error(ROUTE, failure)),
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
struct Holder<'a> {
    client: ClientId,
    token: &'a str,
    /// Of the token.
    digest: String,
    stored: StoredRegistration,
}

impl<'a> Holder<'a> {
    /// An unknown client and a wrong token look the same.
    async fn of(head: &'a RequestHead) -> Result<Self, Failure> {
        let token = bearer(&head.headers)?;
        let id = head.path.strip_prefix(PATH).unwrap_or_default();
        let client = ClientId::from_text(id.trim_start_matches('/'));
        let digest = secret_digest(token);
        let mut reading = head.app.read().await?;
        let found = reading.registration(&client).await?;
        let stored = found
            .filter(|row| hash::constant_time_eq(row.token_digest.as_bytes(), digest.as_bytes()))
            .ok_or_else(unknown)?;
        let row = reading.client(&client).await?;
        if row.is_none_or(|row| row.stopped) {
            return Err(stopped());
        }
        Ok(Self {
            client,
            token,
            digest,
            stored,
        })
    }

    fn answer(&self, app: &App, metadata: &RegisteredMetadata, secret: Option<&str>) -> Value {
        let said = SaidOnce {
            secret,
            token: self.token,
            registered_at: self.stored.created_at,
        };
        information(app, &self.client, metadata, said)
    }
}

fn unknown() -> Failure {
    invalid_token("the registration access token is wrong, or there is no such client").into()
}

fn stopped() -> Failure {
    OAuthError::new(ErrorCode::AccessDenied, "an operator stopped this client").into()
}

/// Without the secret: only its digest is kept.
async fn registered(head: &RequestHead) -> Result<Value, Failure> {
    let holder = Holder::of(head).await?;
    let metadata: RegisteredMetadata = serde_json::from_str(&holder.stored.metadata)
        .map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(holder.answer(&head.app, &metadata, None))
}

async fn replaced(incoming: &IncomingRequest) -> Result<Value, Failure> {
    let app = &*incoming.head.app;
    let holder = Holder::of(&incoming.head).await?;
    let update = RegistrationUpdate::parse(body(incoming)?, holder.client.as_str());
    let update = update.map_err(refusal)?;
    let metadata = &update.metadata;
    let mut transaction = app.begin().await?;
    let there = transaction
        .change_registration(&holder.client, &holder.digest, &text(metadata)?)
        .await?;
    // From here on no other change comes between.
    let row = transaction.client(&holder.client).await?;
    let row = row.filter(|_| there).ok_or_else(unknown)?;
    if row.stopped {
        return Err(stopped());
    }
    let secret = next_secret(app, &update, row.secret_digest.as_deref())?;
    let before = parse_client(holder.client.as_str(), &row)?;
    let after = dynamic::admit(
        metadata,
        &holder.client,
        secret.digest.clone(),
        &app.config.guests,
    );
    let after = after.map_err(refusal)?;
    let file = text(&dynamic::file(metadata, &holder.client))?;
    transaction
        .replace_registered_client(&holder.client, &file, secret.digest.as_deref())
        .await?;
    apply(
        app,
        &mut transaction,
        Replacement {
            before: &before,
            after: &after,
            metadata,
        },
    )
    .await?;
    transaction.commit().await?;
    app.metrics.registration("changed");
    Ok(holder.answer(app, metadata, secret.said.as_deref()))
}

/// The secret after an update: its digest, and what the answer says of it.
struct NextSecret {
    digest: Option<String>,
    said: Option<String>,
}

/// A client never chooses its secret: it keeps the one that it has, or gets its first.
fn next_secret(
    app: &App,
    update: &RegistrationUpdate,
    now: Option<&str>,
) -> Result<NextSecret, Failure> {
    let sent = update.client_secret.as_deref();
    let is_same = |sent: &str| {
        let digest = secret_digest(sent);
        now.is_some_and(|now| hash::constant_time_eq(digest.as_bytes(), now.as_bytes()))
    };
    if sent.is_some_and(|sent| !is_same(sent)) {
        return Err(refusal(RegistrationRefusal::metadata(
            "`client_secret` is not the one that this client has: it cannot be chosen",
        )));
    }
    let method = update.metadata.token_endpoint_auth_method;
    Ok(match (method.has_secret(), now) {
        (false, _) => NextSecret {
            digest: None,
            said: None,
        },
        (true, Some(now)) => NextSecret {
            digest: Some(now.to_owned()),
            said: sent.map(str::to_owned),
        },
        (true, None) => {
            let made = app.random.secret();
            NextSecret {
                digest: Some(secret_digest(&made)),
                said: Some(made),
            }
        }
    })
}

/// An update that is being written.
#[derive(Clone, Copy)]
struct Replacement<'a> {
    before: &'a Client,
    after: &'a Client,
    metadata: &'a RegisteredMetadata,
}

/// A change ends open codes; tasks of people who agreed to a stronger client wait.
async fn apply(
    app: &App,
    transaction: &mut DatabaseTransaction,
    replacement: Replacement<'_>,
) -> Result<(), Failure> {
    let Replacement {
        before,
        after,
        metadata,
    } = replacement;
    let now = app.clock.now();
    let (old, new) = (KeptDocument::of(before), KeptDocument::of(after));
    if old != new {
        transaction.end_codes(&after.id, now).await?;
    }
    for kept in transaction.guest_documents(&after.id).await? {
        let mut compared = new.clone();
        if dynamic::has_remote_keys(metadata) {
            // Which keys there are is seen when they are fetched for the next token.
            compared.keys.clone_from(&kept.keys);
        }
        if kept.compare(&compared) == DocumentChange::Weaker {
            suspend_tasks(app, transaction, after, &kept).await?;
        }
    }
    let data = json!({
        "by": "registration", "profile": "guest", "before": old, "metadata": metadata,
    });
    let event = Event::new(app.event_id(now), now, EventName::ClientChanged);
    transaction
        .insert_event(&event.by(after).with(data))
        .await?;
    Ok(())
}

/// From the commit on nothing that it was granted is live.
async fn removed(head: &RequestHead) -> Result<(), Failure> {
    let holder = Holder::of(head).await?;
    let (app, client) = (&*head.app, &holder.client);
    let now = app.clock.now();
    let mut transaction = app.begin().await?;
    if !transaction
        .remove_registration(client, &holder.digest, now)
        .await?
    {
        return Err(unknown());
    }
    transaction.stop_client(client, now).await?;
    transaction.end_codes(client, now).await?;
    let by = ChangedBy::Registration;
    loop {
        let live = transaction.live_tasks_of_guest(client, now, BATCH).await?;
        if live.is_empty() {
            break;
        }
        for task in live {
            stop_task(&mut transaction, &task, app.change(by, now)).await?;
        }
    }
    let mut event = Event::new(app.event_id(now), now, EventName::ClientRemoved)
        .with(json!({ "by": "registration", "profile": "guest" }));
    event.client = Some(client.to_string());
    transaction.insert_event(&event).await?;
    transaction.commit().await?;
    app.metrics.registration("removed");
    Ok(())
}
