//! The authorization endpoint (OAuth 2.1 section 4.1.1): where the answer goes is decided first, on a page if it cannot be trusted.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use http::HeaderMap;
use writ_authority::Level;
use writ_core::OAuthError;
use writ_core::authorize::{
    self, ErrorWay, FoundRequest, INTERACTION_LIFETIME, Logins, Need, RequestUnusable, UserSession,
};
use writ_core::checks::Endpoint;
use writ_core::client::Client;
use writ_core::id::UserId;
use writ_core::realm::Realm;
use writ_core::request::{self, Arrival, PreparedRequest, RequestContext};
use writ_core::role::within_roles;
use writ_store::StoreError;
use writ_store::request::NewAuthorizationRequest;
use writ_wire::authorization::{self, AuthorizationRequest, REQUEST_URI_PREFIX};
use writ_wire::error::ErrorCode;
use writ_wire::form::Form;
use writ_wire::openid::ResponseMode;

use crate::client::body::RequestBody;
use crate::node::app::App;
use crate::node::client_address::ClientAddress;
use crate::node::guests::GuestLookup;
use crate::node::id_token_hint::HintError;
use crate::node::secret::secret_digest;
use crate::people::client_answer::AuthorizationError;
use crate::people::error::PageError;
use crate::people::passkeys::accepted_passkeys;
use crate::people::redirect::see_other;
use crate::people::remembered::skipped;
use crate::people::request::Query;
use crate::people::request_over::{require_usable, require_working};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route(Endpoint::Authorize.path(), get(by_query).post(by_form))
}

/// `GET /authorize`.
async fn by_query(
    Query(query): Query,
    State(app): State<Arc<App>>,
    peer: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let asked = asked(&app, &query, app.address_of(peer, &headers)).await?;
    let browser = app.browser(&headers).await?;
    let (found, client) = (&asked.found, &asked.client);
    let catalogue = app.fresh_catalogue().await?;
    let session = browser.session.as_ref();
    // A request that needs no page goes on at the consent page too, which answers it at once.
    let page = match next_step(&app, found, client, session, catalogue.realm()).await? {
        Need::Login => "login",
        Need::Consent | Need::Nothing(_) => "consent",
    };
    let mut response = see_other(&format!("/{page}?request={}", asked.handle));
    app.remember(&browser, response.headers_mut());
    Ok(response)
}

/// `POST /authorize` (OpenID Connect Core 3.1.2.1): the same, from a form. A form of another site brings no cookie, so none is
/// read and none is set: the way goes on by GET, with a handle of ours.
async fn by_form(
    State(app): State<Arc<App>>,
    peer: Option<Extension<ClientAddress>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: RequestBody,
) -> Result<Response, PageError> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(PageError::invalid_request(
            "a POST has its parameters in the body alone",
        ));
    }
    let form = body.form()?;
    let asked = asked(&app, &form, app.address_of(peer, &headers)).await?;
    Ok(see_other(&again(&asked)))
}

/// A request that is kept, with its handle.
struct KeptRequest {
    client: Arc<Client>,
    handle: String,
    found: FoundRequest,
}

async fn asked(app: &App, form: &Form, address: Option<IpAddr>) -> Result<KeptRequest, PageError> {
    let client_id = form.required("client_id")?;
    let unknown = || {
        OAuthError::invalid_client("no client has this `client_id`: register one, or send another")
    };
    let lookup = GuestLookup::Request { address };
    let client = app.client_or_guest(client_id, lookup).await?;
    let client = client.ok_or_else(unknown)?;
    if let Some(request_uri) = form.optional("request_uri")? {
        let (handle, found) = pushed(app, &client, request_uri).await?;
        return Ok(KeptRequest {
            client,
            handle,
            found,
        });
    }
    require_working(app, client.id.as_str()).await?;
    front(app, form, address, client).await
}

/// The request by its handle: nothing of it is in the address.
fn again(asked: &KeptRequest) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", asked.client.id.as_str())
        .append_pair(
            "request_uri",
            &format!("{REQUEST_URI_PREFIX}{}", asked.handle),
        )
        .finish();
    format!("{}?{query}", Endpoint::Authorize.path())
}

/// Only `client_id` and `request_uri` count; anything beside them is never merged in (RFC 9126 section 4).
async fn pushed(
    app: &App,
    client: &Client,
    request_uri: &str,
) -> Result<(String, FoundRequest), PageError> {
    let handle = request_uri.strip_prefix(REQUEST_URI_PREFIX);
    let handle = handle.ok_or_else(|| {
        let sentence =
            "`request_uri` is not one of this server: push the request, and send what is answered";
        OAuthError::new(ErrorCode::InvalidRequestUri, sentence)
    })?;
    let found = load(app, handle).await?;
    require_usable(app, &found, client.id.as_str()).await?;
    if found.opened_at.is_none() {
        open(app, &found).await?;
    }
    Ok((handle.to_owned(), found))
}

/// `expires_in` ends with the first visit; from then on the person has their own time.
async fn open(app: &App, found: &FoundRequest) -> Result<(), StoreError> {
    let now = app.clock.now();
    let until = now.plus(INTERACTION_LIFETIME);
    let mut transaction = app.begin().await?;
    transaction.open_request(&found.digest, now, until).await?;
    transaction.commit().await
}

/// A request in the front channel is kept like a pushed one, so that everything after is the same.
async fn front(
    app: &App,
    form: &Form,
    address: Option<IpAddr>,
    client: Arc<Client>,
) -> Result<KeptRequest, PageError> {
    let redirect_uri = client.redirect_uri(form.optional("redirect_uri")?)?;
    let prepared = prepare(app, form, &client).await;
    let prepared = prepared.map_err(|unprepared| match unprepared {
        Unprepared::Refused(refusal) => {
            let error = AuthorizationError {
                redirect_uri,
                state: authorization::returned_state(form),
                response_mode: ResponseMode::of(form),
                refusal,
            };
            error.by(ErrorWay::of(&client), &client)
        }
        Unprepared::Store(error) => error.into(),
    })?;
    let now = app.clock.now();
    // Guests were counted before they were looked up.
    if !client.is_guest() {
        app.admit_front_request(address).await?;
    }
    let handle = app.random.secret();
    let found = FoundRequest {
        digest: secret_digest(&handle),
        client: client.id.to_string(),
        prepared,
        created_at: now,
        expires_at: now.plus(INTERACTION_LIFETIME),
        opened_at: Some(now),
        consumed_at: None,
    };
    let request = NewAuthorizationRequest {
        digest: &found.digest,
        client: &client.id,
        prepared: &found.prepared,
        created_at: found.created_at,
        expires_at: found.expires_at,
        opened_at: found.opened_at,
    };
    let mut transaction = app.begin().await?;
    transaction.insert_request(request).await?;
    transaction.commit().await?;
    Ok(KeptRequest {
        client,
        handle,
        found,
    })
}

/// Why a request of the front channel is not kept.
enum Unprepared {
    /// The client is told at its redirect URI.
    Refused(OAuthError),
    Store(StoreError),
}

impl From<OAuthError> for Unprepared {
    fn from(refusal: OAuthError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Unprepared {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<HintError> for Unprepared {
    fn from(error: HintError) -> Self {
        match error {
            HintError::Refused(refusal) => Self::Refused(refusal),
            HintError::Store(error) => Self::Store(error),
        }
    }
}

async fn prepare(app: &App, form: &Form, client: &Client) -> Result<PreparedRequest, Unprepared> {
    let request = AuthorizationRequest::parse(form).map_err(OAuthError::from)?;
    let hinted = match &request.openid.id_token_hint {
        Some(hint) => Some(app.hinted_by(client.id.as_str(), hint).await?.sub),
        None => None,
    };
    let now = app.clock.now();
    let catalogue = app.fresh_catalogue().await?;
    let mut make_ref = app.references(now);
    let mut making = RequestContext {
        realm: catalogue.realm(),
        now,
        mission_intent: app.config.features.mission_intent,
        make_ref: &mut make_ref,
    };
    let prepared = request::prepare(request, client, Arrival::Front, &mut making)?;
    let hinted = hinted.map(UserId::from_text);
    Ok(PreparedRequest { hinted, ..prepared })
}

/// The request behind a handle.
pub async fn load(app: &App, handle: &str) -> Result<FoundRequest, PageError> {
    let found = app.read().await?.request(&secret_digest(handle)).await?;
    Ok(found.ok_or(RequestUnusable::Unknown)?)
}

/// Login or consent, or an error for the client where a person may not be asked: the decision of `core` with what it needs to know
/// of logins here (RFC 9470 section 5). `realm`: as it is now, not as a node remembers it.
pub async fn next_step(
    app: &App,
    found: &FoundRequest,
    client: &Client,
    session: Option<&UserSession>,
    realm: Realm<'_>,
) -> Result<Need, PageError> {
    let logins = Logins {
        realm,
        strongest: strongest(app, session).await?,
        skipped: skipped(app, found, client, session, realm).await?,
    };
    let need = authorize::next(found, client, session, logins, app.mended_time());
    let need = need.map_err(|refusal| {
        let way = ErrorWay::of_request(found, client, session);
        AuthorizationError::of(found, refusal).by(way, client)
    })?;
    // Whoever has to sign in first may be somebody else.
    let (Need::Consent | Need::Nothing(_), Some(session)) = (need, session) else {
        return Ok(need);
    };
    let allowed = within_roles(&found.prepared.authority, &session.user.roles, realm);
    allowed
        .map(|()| need)
        .map_err(|refusal| AuthorizationError::of(found, refusal).beyond_roles(found, client))
}

/// The strongest login that this person can give here, or before they said who they are, that anybody can. A verifier
/// sees people before a screen of an approval, so no login shows a live face.
async fn strongest(app: &App, session: Option<&UserSession>) -> Result<Level, StoreError> {
    let given = session.map_or(Level::Password, |session| session.level);
    if app.passkeys.is_err() {
        return Ok(given);
    }
    let Some(session) = session else {
        return Ok(Level::Passkey);
    };
    let mut reading = app.read().await?;
    let passkeys = accepted_passkeys(app, &mut reading, &session.user.id).await?;
    Ok(if passkeys.is_empty() {
        given
    } else {
        given.max(Level::Passkey)
    })
}
