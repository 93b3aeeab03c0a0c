//! A client that registered itself replaces its registration (RFC 7592 section 2.2). Where nothing changes nothing is written, and what
//! people agreed to never becomes weaker unseen.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use writ_core::client::Client;
use writ_core::event::{Event, EventName};
use writ_core::guest::{DocumentChange, KeptDocument};
use writ_core::id::ClientId;
use writ_core::registration::dynamic;
use writ_jose::hash;
use writ_store::DatabaseTransaction;
use writ_store::client::StoredClient;
use writ_wire::registration_request::{RegistrationRefusal, RegistrationUpdate};

use super::manage::{Holder, ROUTE, stopped, unknown};
use super::{refusal, summary, text};
use crate::client::answer;
use crate::client::error::ClientError;
use crate::client::grants::guest::suspend_tasks;
use crate::client::incoming::{IncomingRequest, RequestHead};
use crate::node::app::App;
use crate::node::client_keys::NoKeys;
use crate::node::failure::Failure;
use crate::node::outgoing::call_limits::CallReason;
use crate::node::outgoing::fetch::FetchError;
use crate::node::rate_limits::RateLimit;
use crate::node::registry::parse_client;
use crate::node::secret::secret_digest;

pub(super) async fn replace(incoming: IncomingRequest) -> Result<Response, ClientError> {
    match replaced(&incoming).await {
        Ok(body) => Ok(answer::json(StatusCode::OK, &body)),
        Err(failure) => Err(incoming.head.error(ROUTE, failure)),
    }
}

async fn replaced(incoming: &IncomingRequest) -> Result<Value, Failure> {
    let app = &*incoming.head.app;
    let holder = Holder::of(&incoming.head).await?;
    let update = RegistrationUpdate::parse(incoming.body.json()?, holder.client.as_str());
    let update = update.map_err(refusal)?;
    let published = PublishedKeys::of(&incoming.head, &update, &holder.client).await?;
    admit_change(&incoming.head, &update, &holder).await?;
    let mut transaction = app.begin().await?;
    let before = CurrentRegistration::hold(&mut transaction, &holder).await?;
    let secret = next_secret(app, &update, before.row.secret_digest.as_deref())?;
    let after = dynamic::admit(
        &update.metadata,
        &holder.client,
        secret.digest.clone(),
        &app.config.guests,
    );
    let after = after.map_err(refusal)?;
    let replacement = Replacement {
        before,
        after: &after,
        published,
        secret_digest: secret.digest.as_deref(),
        file: text(&dynamic::file(&update.metadata, &holder.client))?,
        metadata: text(&update.metadata)?,
    };
    // Dropped without a commit, the transaction leaves everything as it was.
    if replacement.write(app, &mut transaction).await? {
        transaction.commit().await?;
        app.metrics.registration("changed");
    }
    Ok(holder.answer(app, &update.metadata, secret.said.as_deref()))
}

/// Whatever changes a registration leaves an event, as a registration does: an address has as many of these.
async fn admit_change(
    head: &RequestHead,
    update: &RegistrationUpdate,
    holder: &Holder<'_>,
) -> Result<(), Failure> {
    let (old, new) = (
        summary(holder.metadata())?,
        summary(&text(&update.metadata)?)?,
    );
    let from = head
        .address
        .filter(|_| !new.names_changed_since(&old).is_empty());
    let most = head.app.config.registration.per_address;
    let limits = from.map(|from| RateLimit::of_changes_from(from, most, head.app.clock.now()));
    let limits = limits.into_iter().flatten();
    head.app.admit_request(limits, TOO_MANY).await
}

const TOO_MANY: &str = "too many registrations changed from this address in this hour";

/// Keys at the `jwks_uri` of an update, fetched before the transaction.
enum PublishedKeys {
    /// It has none there.
    None,
    /// The client with those that are there.
    Elsewhere(Box<Client>),
    /// Where they were before, and cannot be had now.
    Unknown,
}

impl PublishedKeys {
    /// A place that nobody can read is refused, unless it is the one that the client has. No person is asked: the call is of whoever
    /// sends the update.
    async fn of(
        head: &RequestHead,
        update: &RegistrationUpdate,
        id: &ClientId,
    ) -> Result<Self, Failure> {
        let (app, from) = (&*head.app, head.address);
        let Some(place) = &update.metadata.jwks_uri else {
            return Ok(Self::None);
        };
        let guests = &app.config.guests;
        let client = dynamic::admit(&update.metadata, id, None, guests).map_err(refusal)?;
        match app
            .with_keys_of_now(client, CallReason::Visit { from })
            .await
        {
            Ok(client) => Ok(Self::Elsewhere(Box::new(client))),
            Err(NoKeys::Unavailable(FetchError::Ours(fault))) => Err(fault.into()),
            Err(_) if is_place_of(app, id, place).await? => Ok(Self::Unknown),
            Err(missing) => Err(refusal(RegistrationRefusal::metadata(missing.to_string()))),
        }
    }
}

async fn is_place_of(app: &App, id: &ClientId, place: &str) -> Result<bool, Failure> {
    let stored = app.read().await?.client(id).await?.ok_or_else(unknown)?;
    let client = parse_client(id.as_str(), &stored)?;
    Ok(client.keys_published_at() == Some(place))
}

/// What is registered now.
struct CurrentRegistration {
    /// As JSON.
    metadata: String,
    row: StoredClient,
}

impl CurrentRegistration {
    /// From here on no other change comes between.
    async fn hold(
        transaction: &mut DatabaseTransaction,
        holder: &Holder<'_>,
    ) -> Result<Self, Failure> {
        let (client, digest) = (&holder.client, &holder.digest);
        if !transaction.hold_registration(client, digest).await? {
            return Err(unknown());
        }
        let stored = transaction.registration(client).await?;
        let row = transaction.client(client).await?.ok_or_else(unknown)?;
        if row.stopped {
            return Err(stopped());
        }
        Ok(Self {
            metadata: stored.ok_or_else(unknown)?.metadata,
            row,
        })
    }

    /// A client that registered itself has one secret; an earlier one that is taken for a while longer ends with the next change.
    fn has_secret_alone(&self, digest: Option<&str>) -> bool {
        self.row.secret_digest.as_deref() == digest && self.row.earlier_secret.is_none()
    }
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
            "`client_secret` is not the one that this client has: send that one, or leave the member out",
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

/// An update that passed all checks.
struct Replacement<'a> {
    before: CurrentRegistration,
    after: &'a Client,
    published: PublishedKeys,
    secret_digest: Option<&'a str>,
    /// Of the client's row.
    file: String,
    /// As JSON.
    metadata: String,
}

impl Replacement<'_> {
    /// With its event; `false` if there is nothing to write.
    async fn write(
        &self,
        app: &App,
        transaction: &mut DatabaseTransaction,
    ) -> Result<bool, Failure> {
        let (old, new) = (summary(&self.before.metadata)?, summary(&self.metadata)?);
        let mut changed = new.names_changed_since(&old);
        if !self.before.has_secret_alone(self.secret_digest) {
            changed.push("client_secret");
        }
        if changed.is_empty() {
            return Ok(false);
        }
        let (id, now) = (&self.after.id, app.clock.now());
        transaction.change_registration(id, &self.metadata).await?;
        transaction
            .replace_registered_client(id, &self.file, self.secret_digest)
            .await?;
        self.measure_grants(app, transaction).await?;
        let data = json!({
            "by": "registration", "profile": "guest", "changed": changed,
            "metadata_hash_before": old.digest, "metadata_hash": new.digest,
        });
        let event = Event::new(app.event_id(now), now, EventName::ClientChanged);
        transaction
            .insert_event(&event.by(self.after).with(data))
            .await?;
        Ok(true)
    }

    /// A change ends open codes; tasks of people who agreed to a stronger client wait from this commit on.
    async fn measure_grants(
        &self,
        app: &App,
        transaction: &mut DatabaseTransaction,
    ) -> Result<(), Failure> {
        let (id, now) = (&self.after.id, app.clock.now());
        let before = parse_client(id.as_str(), &self.before.row)?;
        let document = KeptDocument::of(self.after);
        if KeptDocument::of(&before) != document {
            transaction.end_codes(id, now).await?;
        }
        for kept in transaction.guest_documents(id, now).await? {
            let change = match &self.published {
                PublishedKeys::Elsewhere(published) => kept.compare_with(published),
                PublishedKeys::Unknown => kept.compare_without_keys(self.after),
                PublishedKeys::None => kept.compare_with(self.after),
            };
            if change == DocumentChange::Weaker {
                suspend_tasks(app, transaction, self.after, &kept).await?;
            }
        }
        Ok(())
    }
}
