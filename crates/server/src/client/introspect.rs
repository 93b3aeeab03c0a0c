//! Introspection (RFC 7662): for the resource that a token is for, and nobody else; state is read uncached.

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::id::DelegationId;
use writ_core::introspection;
use writ_jose::access_token;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::introspection::IntrospectionResponse;
use writ_wire::time::Timestamp;

use crate::client::answer::json;
use crate::client::caller::Arrived;
use crate::client::token::read_form;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::caller::Caller;

pub async fn introspect(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match asked(&app, &headers, &body).await {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(failure) => app.answer_failure(Endpoint::Introspect, failure).await,
    }
}

async fn asked(
    app: &App,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<IntrospectionResponse, Failure> {
    let form = read_form(headers, body)?;
    form.refuse_repeats(&[]).map_err(OAuthError::from)?;
    let now = app.clock.now();
    let arrived = Arrived {
        endpoint: Endpoint::Introspect,
        headers,
        form: &form,
        url: &app.urls.introspect,
        now,
        profile: &OnceLock::new(),
    };
    let caller = app.caller(&arrived).await?;
    let token = form
        .required("token")
        .map_err(|e| app.refused(e.into(), |event| event.by(&caller.client)))?;
    consume(app, &caller).await?;
    answer(app, &caller, token, now).await
}

/// The assertion's `jti`, if the caller has one.
async fn consume(app: &App, caller: &Caller) -> Result<(), Failure> {
    let singles = caller.singles();
    if singles.is_empty() {
        return Ok(());
    }
    let mut session = app.begin().await?;
    if let Some(used) = app.claim(&mut session, singles).await? {
        return Err(app.refused(used, |event| event.by(&caller.client)));
    }
    Ok(session.commit().await?)
}

/// Whatever is wrong with the token looks the same from outside (RFC 7662 section 2.2).
async fn answer(
    app: &App,
    caller: &Caller,
    token: &str,
    now: Timestamp,
) -> Result<IntrospectionResponse, Failure> {
    let keys = app.keys().await?;
    let verified =
        access_token::verify(token, |kid| keys.find(kid), app.config.issuer.as_str(), now);
    let Ok(claims) = verified else {
        return Ok(IntrospectionResponse::INACTIVE);
    };
    if !may_ask(app, &claims, caller).await? {
        return Ok(IntrospectionResponse::INACTIVE);
    }
    let Some(delegation) = claims.delegation().map(DelegationId::from_text) else {
        return Ok(IntrospectionResponse::INACTIVE);
    };
    let lineage = app.read().await?.lineage(&delegation).await?;
    Ok(lineage.map_or(IntrospectionResponse::INACTIVE, |lineage| {
        introspection::answer(claims, &lineage, now)
    }))
}

/// A resource that was registered a moment ago counts.
async fn may_ask(app: &App, claims: &AccessTokenClaims, caller: &Caller) -> Result<bool, Failure> {
    if introspection::may_ask(claims, &caller.client, app.catalogue().await?.realm()) {
        return Ok(true);
    }
    Ok(introspection::may_ask(
        claims,
        &caller.client,
        app.fresh_catalogue().await?.realm(),
    ))
}
