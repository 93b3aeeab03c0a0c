//! UserInfo (OpenID Connect Core 5.3): for a token of the issuer with scope `openid`, or of a plain client whose grant has it;
//! bound tokens with proof. Which claims, the granted scopes say (section 5.4).

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::id::{DelegationId, UserId};
use writ_core::scope::OPENID;
use writ_jose::access_token;
use writ_wire::claims::{AccessTokenClaims, PersonClaims};
use writ_wire::error::ErrorCode;
use writ_wire::registration::Profile;
use writ_wire::resource::ResourceUri;
use writ_wire::scope::Scope;

use crate::client::answer::json;
use crate::client::error::ClientError;
use crate::client::incoming::{IncomingRequest, RequestHead};
use crate::client::presented_token::{PresentedToken, check_binding, invalid_token};
use crate::client::sighting::see;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::client_request::AuthorizationHeader;
use crate::request::person_claims::person_claims;

pub async fn userinfo(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let IncomingRequest { head, body } = incoming;
    let claims = async {
        body.unused()?;
        claims_of_user(&head).await
    };
    match claims.await {
        Ok(claims) => Ok(json(StatusCode::OK, &claims)),
        Err(failure) => Err(ClientError {
            authorization: token_header(&head.headers),
            ..head.error(Endpoint::Userinfo, failure)
        }),
    }
}

/// Whoever sent no access token is told no error by the challenge, also if there was another `Authorization` (RFC 6750 section 3.1).
fn token_header(headers: &HeaderMap) -> AuthorizationHeader {
    match PresentedToken::of(headers) {
        Ok(None) => AuthorizationHeader::Absent,
        Ok(Some(_)) | Err(_) => AuthorizationHeader::Sent,
    }
}

async fn claims_of_user(head: &RequestHead) -> Result<UserInfo, Failure> {
    let presented = PresentedToken::of(&head.headers)?.ok_or_else(|| invalid_token(NO_TOKEN))?;
    let app = &head.app;
    let now = app.clock.now();
    let keys = app.keys().await?;
    let issuer = app.config.issuer.as_str();
    let claims = access_token::verify(presented.token, |kid| keys.find(kid), issuer, now)
        .map_err(|e| invalid_token(&e.to_string()))?;
    if claims.aud != issuer && !good_for_another_audience(app, &claims).await? {
        return Err(invalid_token("the token is meant for another audience").into());
    }
    if claims.aud == issuer && !scopes_of(&claims).contains(OPENID) {
        return Err(lacks_openid().into());
    }
    check_binding(head, Endpoint::Userinfo, &presented, &claims).await?;
    if !see(app, &claims, now).await? {
        return Err(invalid_token("the token is not live").into());
    }
    person(app, &claims).await
}

/// A plain client's token for a resource, if it is bound to a key or the resource's record says so: else a bearer token that one
/// resource saw would open another place. Agents ask for the issuer as `resource`.
async fn good_for_another_audience(app: &App, claims: &AccessTokenClaims) -> Result<bool, Failure> {
    let client = app.client(&claims.client_id).await?;
    if !client.is_some_and(|client| client.profile == Profile::Oauth21) {
        return Ok(false);
    }
    if claims.cnf.is_some() {
        return Ok(true);
    }
    let catalogue = app.catalogue().await?;
    let audience = ResourceUri::parse(&claims.aud).ok();
    let resource = audience.and_then(|uri| catalogue.resources.get(&uri));
    Ok(resource.is_some_and(|r| r.userinfo && r.uri.as_str() == claims.aud))
}

fn scopes_of(claims: &AccessTokenClaims) -> Scope {
    let text = claims.scope.as_deref().unwrap_or_default();
    Scope::parse(text).unwrap_or_default()
}

fn lacks_openid() -> OAuthError {
    OAuthError::new(
        ErrorCode::InsufficientScope,
        "the token lacks scope `openid`",
    )
}

/// Live, and who it is: what the granted scopes promise (OpenID Connect Core 5.4).
async fn person(app: &App, claims: &AccessTokenClaims) -> Result<UserInfo, Failure> {
    let untraceable = || invalid_token("the token is not live");
    let delegation = claims
        .delegation()
        .map(DelegationId::from_text)
        .ok_or_else(untraceable)?;
    let catalogue = app.catalogue().await?;
    let mut transaction = app.read().await?;
    let lineage = transaction.lineage(&delegation).await?;
    let context = catalogue.context(app.clock.now());
    let lineage = lineage.filter(|found| found.is_live(context));
    let lineage = lineage.ok_or_else(untraceable)?;
    let (granted, issuer) = (&lineage.leaf.authority, &app.config.issuer);
    if !granted.scopes_at(issuer).contains(OPENID) {
        return Err(lacks_openid().into());
    }
    let id = UserId::from_text(claims.sub.as_str());
    let user = transaction.user_by_id(&id).await?;
    let sub = user.ok_or_else(untraceable)?.user.id;
    let claims = person_claims(&mut transaction, granted, issuer, &id).await?;
    Ok(UserInfo {
        sub: sub.to_string(),
        claims,
    })
}

/// The answer (OpenID Connect Core 5.3.2).
#[derive(Serialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    claims: PersonClaims,
}

const NO_TOKEN: &str =
    "send the access token in the header, as `Authorization: Bearer` or `Authorization: DPoP`";
