//! Clients that register themselves (RFC 7591): with an initial access token, or openly within limits. Whatever they ask for, they
//! become guests; the answer says what was registered.

mod manage;
mod update;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{MethodFilter, any};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use writ_core::OAuthError;
use writ_core::client::Client;
use writ_core::event::{Event, EventName};
use writ_core::id::ClientId;
use writ_core::registration::dynamic::{self, MetadataSummary, RegistrationMode};
use writ_store::DatabaseTransaction;
use writ_store::registration::NewRegistration;
use writ_wire::error::ErrorCode;
use writ_wire::registration_request::{RegisteredMetadata, RegistrationRefusal};
use writ_wire::time::Timestamp;

use crate::client::answer;
use crate::client::error::{ClientError, ProgramRoute};
use crate::client::incoming::{IncomingRequest, RequestHead, program_route};
use crate::node::app::App;
use crate::node::client_address::site;
use crate::node::failure::Failure;
use crate::node::rate_limits::RateLimit;
use crate::node::secret::secret_digest;

/// Of the registration endpoint; below it each client has a place of its own (RFC 7592).
pub const PATH: &str = "/register";

const MANAGED: &str = "/register/{id}";

pub fn routes(app: &App) -> Router<Arc<App>> {
    if app.config.registration.mode == RegistrationMode::Off {
        return Router::new().route(PATH, any(off)).route(MANAGED, any(off));
    }
    let managed = program_route(MethodFilter::GET, manage::read)
        .merge(program_route(MethodFilter::PUT, update::replace))
        .merge(program_route(MethodFilter::DELETE, manage::remove));
    Router::new()
        .route(PATH, program_route(MethodFilter::POST, register))
        .route(MANAGED, managed)
}

/// Nothing is here; a program is told so in its own words.
async fn off(head: RequestHead) -> Response {
    let refusal = OAuthError::new(ErrorCode::AccessDenied, OFF);
    let error = head.error(ProgramRoute::RegistrationOff, refusal.into());
    error.into_answer().await
}

const OFF: &str = "no client registers itself here (`registration.mode` is `off`): ask an operator of this server to register it";

async fn register(incoming: IncomingRequest) -> Result<Response, ClientError> {
    match add(&incoming).await {
        Ok(body) => Ok(answer::json(StatusCode::CREATED, &body)),
        Err(failure) => Err(incoming.head.error(ProgramRoute::Registration, failure)),
    }
}

async fn add(incoming: &IncomingRequest) -> Result<Value, Failure> {
    let (app, headers) = (&*incoming.head.app, &incoming.head.headers);
    let now = app.clock.now();
    let invite = match app.config.registration.mode {
        RegistrationMode::Token => Some(invited(app, headers, now).await?),
        RegistrationMode::Open | RegistrationMode::Off => None,
    };
    let metadata = RegisteredMetadata::parse(incoming.body.json()?).map_err(refusal)?;
    let address = incoming.head.address;
    let new = NewClient::make(app, metadata, address, now)?;
    if invite.is_none() {
        let most = app.config.registration.per_address;
        let limits = address.map(|from| RateLimit::of_registrations_from(from, most, now));
        let limits = limits.into_iter().flatten();
        app.admit_request(limits, TOO_MANY).await?;
    }
    new.write(app, invite.as_deref(), now).await?;
    app.metrics.registration("registered");
    Ok(new.answer(app))
}

const TOO_MANY: &str = "too many clients registered from this address in this hour: keep the client that was registered, or try again in the next one";

/// The digest of an initial access token that is good for one more; it is counted when the client is written.
async fn invited(app: &App, headers: &HeaderMap, now: Timestamp) -> Result<String, Failure> {
    let digest = secret_digest(bearer(headers, INITIAL)?);
    match app.read().await?.is_invited(&digest, now).await? {
        true => Ok(digest),
        false => Err(not_invited().into()),
    }
}

const INITIAL: &str = "an initial access token is required, as `Authorization: Bearer`: an operator makes one by `writ client invite`";

fn not_invited() -> OAuthError {
    invalid_token("the initial access token is unknown, expired or used up")
}

fn invalid_token(sentence: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, sentence)
}

/// RFC 6750 section 2.1. `wanted` is the sentence for a request without one.
fn bearer<'a>(headers: &'a HeaderMap, wanted: &str) -> Result<&'a str, OAuthError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(|| invalid_token(wanted))?;
    if values.next().is_some() {
        return Err(OAuthError::invalid_request(
            "more than one `Authorization` header",
        ));
    }
    let text = value.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(invalid_token(
            "the `Authorization` header is not `Bearer` and a token",
        )),
    }
}

fn refusal(refusal: RegistrationRefusal) -> Failure {
    OAuthError::new(refusal.code, refusal.sentence).into()
}

/// A client that is about to be registered, with what is said once.
struct NewClient {
    client: Client,
    metadata: RegisteredMetadata,
    secret: Option<String>,
    token: String,
    /// From where, but for loopback: all may come from there.
    from: Option<IpAddr>,
    at: Timestamp,
}

impl NewClient {
    fn make(
        app: &App,
        metadata: RegisteredMetadata,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let id = dynamic::make_id(now, app.entropy());
        let method = metadata.token_endpoint_auth_method;
        let secret = method.has_secret().then(|| app.random.secret());
        let digest = secret.as_deref().map(secret_digest);
        let client = dynamic::admit(&metadata, &id, digest, &app.config.guests).map_err(refusal)?;
        Ok(Self {
            client,
            metadata,
            secret,
            token: app.random.secret(),
            from: address.filter(|address| !address.is_loopback()).map(site),
            at: now,
        })
    }

    /// One transaction: the client, its registration, the use of the initial access token, and the event.
    async fn write(&self, app: &App, invite: Option<&str>, now: Timestamp) -> Result<(), Failure> {
        let id = &self.client.id;
        let file = text(&dynamic::file(&self.metadata, id))?;
        let secret = self.secret.as_deref().map(secret_digest);
        let mut transaction = app.begin().await?;
        if let Some(digest) = invite
            && !transaction.use_invite(digest, now).await?
        {
            return Err(not_invited().into());
        }
        if !transaction
            .insert_client(id, &file, secret.as_deref(), now)
            .await?
        {
            return Err(Failure::Broken(format!("client `{id}` exists already")));
        }
        let metadata = text(&self.metadata)?;
        let new = NewRegistration {
            client: id,
            token_digest: &secret_digest(&self.token),
            metadata: &metadata,
            expires_at: app.config.registration.expires_at(now),
            site: self.from.filter(|_| invite.is_none()),
        };
        transaction.insert_registration(new, now).await?;
        let said = summary(&metadata)?;
        let event = Event::new(app.event_id(now), now, EventName::ClientRegistered)
            .by(&self.client)
            .with(json!({
                "by": "registration", "profile": "guest", "assurance": "unverified",
                "invited": invite.is_some(), "members": said.names(), "metadata_hash": said.digest,
            }));
        transaction.insert_event(&event).await?;
        if invite.is_none() {
            make_room(app, &mut transaction, now).await?;
        }
        Ok(transaction.commit().await?)
    }

    fn answer(&self, app: &App) -> Value {
        let said = SaidOnce {
            secret: self.secret.as_deref(),
            token: &self.token,
            registered_at: self.at,
        };
        information(app, &self.client.id, &self.metadata, said)
    }
}

/// Whoever registers many clients, from however many networks of one site, ends their own that no person agreed to, and keeps nobody out.
async fn make_room(
    app: &App,
    transaction: &mut DatabaseTransaction,
    now: Timestamp,
) -> Result<(), Failure> {
    let rules = app.config.registration;
    let waiting = transaction.count_unused_registrations().await?;
    let ended = rules.ended_of(waiting);
    if ended == 0 {
        return Ok(());
    }
    for client in transaction.unused_of_crowded_sites(ended).await? {
        // Until then each of them expires.
        let until = now.plus(rules.unused);
        if !transaction.delete_unused_client(&client, until).await? {
            continue;
        }
        let mut event = Event::new(app.event_id(now), now, EventName::ClientRemoved).with(
            json!({ "by": "registration", "because": "too many registered, and nobody used it" }),
        );
        event.client = Some(client.to_string());
        transaction.insert_event(&event).await?;
        app.metrics.registration("expired");
    }
    Ok(())
}

/// What an answer says beside the metadata.
#[derive(Clone, Copy)]
struct SaidOnce<'a> {
    secret: Option<&'a str>,
    token: &'a str,
    registered_at: Timestamp,
}

/// RFC 7591 section 3.2.1, RFC 7592 section 3.
fn information(
    app: &App,
    id: &ClientId,
    metadata: &RegisteredMetadata,
    said: SaidOnce<'_>,
) -> Value {
    let uri = app.config.url(&format!("{PATH}/{id}"));
    let mut answer = json!({
        "client_id": id,
        "client_id_issued_at": said.registered_at.seconds(),
        "registration_client_uri": uri,
        "registration_access_token": said.token,
    });
    if let Value::Object(answer) = &mut answer {
        if let Some(secret) = said.secret {
            answer.insert("client_secret".to_owned(), secret.into());
            answer.insert("client_secret_expires_at".to_owned(), 0.into());
        }
        if let Ok(Value::Object(metadata)) = serde_json::to_value(metadata) {
            answer.extend(metadata);
        }
    }
    answer
}

fn summary(metadata: &str) -> Result<MetadataSummary, Failure> {
    MetadataSummary::of(metadata).map_err(|error| Failure::Broken(error.to_string()))
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::Broken(error.to_string()))
}
