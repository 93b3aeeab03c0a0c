//! `POST /upstream/{provider}/logout`: a provider says that somebody is signed out there (OpenID Connect Back-Channel Logout). The sessions that
//! it opened here end; tasks of agents go on, as with every logout.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_core::upstream::logout::{
    LOGIN_UNDER_WAY, LoggedOut, LogoutClaims, LogoutRules, ProviderLogout,
};
use writ_jose::assertion::MAX_FUTURE;
use writ_jose::hash;
use writ_jose::jws::UnverifiedJwt;
use writ_store::replay::ReplayClaim;
use writ_store::upstream_account::{EndedSessions, UpstreamSubject};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::error::ErrorCode;
use writ_wire::time::Timestamp;

use super::answer;
use super::body::RequestBody;
use crate::config::UpstreamProvider;
use crate::node::app::App;
use crate::node::client_address::ClientAddress;
use crate::node::upstream::{ReachedProvider, UpstreamError};

pub const PATH: &str = "/upstream/{provider}/logout";
pub const JWKS_PATH: &str = "/upstream/{provider}/jwks";
const LOGOUT_TOKEN: &str = "logout_token";
/// `typ`, where the token has one (section 2.4); some providers say `JWT` of all that they sign.
const TYPES: [&str; 2] = ["logout+jwt", "JWT"];

/// The public key by which this server proves at the provider who it is, for the provider (RFC 7517 section 5).
pub async fn jwks(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let mut all = app.config.upstreams.iter();
    let provider = all.find(|one| one.name == name);
    let key = provider.and_then(|provider| provider.client_key.as_ref());
    match key {
        Some(key) => answer::json(StatusCode::OK, &json!({ "keys": [key.public_jwk()] })),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub async fn logout(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    peer: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: RequestBody,
) -> Response {
    let Some(provider) = app.config.upstreams.iter().find(|one| one.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let address = app.address_of(peer, &headers);
    match end(&app, provider, &body).await {
        Ok(()) => {
            let uncached = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            (StatusCode::OK, uncached).into_response()
        }
        Err(UpstreamError::Ours(fault)) => app.fault(&fault),
        Err(error) => refused(&app, provider, &error, address),
    }
}

/// Section 2.8. Whoever sends what is no logout token proved nothing.
fn refused(
    app: &App,
    provider: &UpstreamProvider,
    error: &UpstreamError,
    address: Option<IpAddr>,
) -> Response {
    let provider = provider.name.as_str();
    tracing::info!(provider, "a provider's logout is refused");
    tracing::debug!(provider, error = ?error.to_string(), "the logout");
    app.note_refusal(PATH, ErrorCode::InvalidRequest);
    match app.strangers.admit_unproved(address, app.clock.now()) {
        Ok(()) => {
            let body = json!({ "error": ErrorCode::InvalidRequest.as_str(), "error_description": error.to_string() });
            answer::json(StatusCode::BAD_REQUEST, &body)
        }
        Err(_) => StatusCode::TOO_MANY_REQUESTS.into_response(),
    }
}

async fn end(
    app: &App,
    provider: &UpstreamProvider,
    body: &RequestBody,
) -> Result<(), UpstreamError> {
    let form = body.form().map_err(|_| wrong("the body is no form"))?;
    let token = form.required(LOGOUT_TOKEN).map_err(wrong)?;
    let logout = verified(app, provider, token).await?;
    let now = app.mended_time();
    let mut transaction = app.begin().await?;
    let once = ReplayClaim {
        digest: hash::digest_text(&[
            b"upstream-logout",
            provider.issuer.as_bytes(),
            logout.jti.as_bytes(),
        ]),
        expires_at: logout.accepted_until.plus(MAX_FUTURE),
    };
    if transaction.claim_once(&[once]).await?.is_some() {
        return Err(wrong("the logout token was used before"));
    }
    let issuer = provider.issuer.as_str();
    let ended = end_sessions(&mut transaction, issuer, &logout.of, now).await?;
    for user in ended {
        let event = Event::new(app.event_id(now), now, EventName::LogoutSucceeded)
            .of_subject(user.as_str())
            .with(json!({ "by": "upstream", "upstream": provider.issuer }));
        transaction.insert_event(&event).await?;
    }
    Ok(transaction.commit().await?)
}

/// Whose sessions ended, each.
async fn end_sessions(
    transaction: &mut DatabaseTransaction,
    issuer: &str,
    of: &LoggedOut,
    now: Timestamp,
) -> Result<Vec<UserId>, StoreError> {
    let (sid, subject, which) = match of {
        LoggedOut::Session { sid, subject } => {
            (Some(sid), subject.as_deref(), EndedSessions::Unnamed)
        }
        LoggedOut::Subject(subject) => (None, Some(subject.as_str()), EndedSessions::All),
    };
    // First of all: a sign-in that is under way waits for this or is waited for, also one of somebody who is nobody here yet.
    for digest in of.marks(issuer) {
        let until = now.plus(LOGIN_UNDER_WAY).plus(MAX_FUTURE);
        transaction
            .note_upstream_logout(&digest, now, until)
            .await?;
    }
    let account = match subject.map(|subject| UpstreamSubject { issuer, subject }) {
        Some(subject) => transaction.upstream_account(subject).await?,
        None => None,
    };
    // A login of theirs comes wholly before this or after it.
    if let Some(account) = &account {
        transaction.hold_user(&account.user).await?;
    }
    let mut ended = match sid {
        Some(sid) => transaction.end_upstream_sid(issuer, sid, now).await?,
        None => Vec::new(),
    };
    if let Some(account) = &account {
        let more = transaction.end_upstream_sessions(&account.user, issuer, which, now);
        ended.extend(more.await?);
    }
    let account = account.map(|account| account.user);
    for user in ended.iter().chain(&account) {
        transaction.forget_upstream_tokens(user, issuer).await?;
    }
    Ok(ended)
}

/// By a key that the provider publishes.
async fn verified(
    app: &App,
    provider: &UpstreamProvider,
    token: &str,
) -> Result<ProviderLogout, UpstreamError> {
    let jwt = UnverifiedJwt::parse_client_assertion(token).map_err(wrong)?;
    let typ = jwt.header().typ.is_none() || TYPES.iter().any(|typ| jwt.typ_is(typ));
    if !typ {
        return Err(wrong("`typ` is another kind of JWT"));
    }
    let kid = jwt.header().kid.as_deref();
    let reached = ReachedProvider::open(app, provider).await?;
    let keys = reached.signing_keys(kid).await?;
    let signer = keys
        .candidates(kid)
        .find(|key| jwt.verify_signature(key).is_ok());
    let signer = signer.ok_or_else(|| wrong("no key of the provider signed it"))?;
    let claims: LogoutClaims = jwt.verify(signer).map_err(wrong)?;
    let rules = LogoutRules {
        issuer: &provider.issuer,
        client_id: &provider.client_id,
        now: app.mended_time(),
    };
    claims.judge(rules).map_err(wrong)
}

fn wrong(why: impl std::fmt::Display) -> UpstreamError {
    UpstreamError::Refused(why.to_string())
}
