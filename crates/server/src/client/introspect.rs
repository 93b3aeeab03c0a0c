//! Introspection (RFC 7662): for the resource that a token is for, and nobody else; state is read uncached.

use axum::response::Response;
use http::StatusCode;
use writ_core::checks::Endpoint;
use writ_core::id::DelegationId;
use writ_core::introspection;
use writ_jose::access_token;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::form::Form;
use writ_wire::introspection::IntrospectionResponse;

use crate::client::error::ClientError;
use crate::client::incoming::IncomingRequest;
use crate::client::sighting::see;
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;

pub async fn introspect(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let endpoint = Endpoint::Introspect;
    let form = read_form(&incoming).map_err(|failure| incoming.head.error(endpoint, failure))?;
    let request = incoming.authenticate_form(endpoint, form).await?;
    request.answer(StatusCode::OK, introspect_token(&request).await)
}

fn read_form(incoming: &IncomingRequest) -> Result<Form, Failure> {
    let form = incoming.body.form()?;
    form.refuse_repeats(&[])?;
    Ok(form)
}

async fn introspect_token(request: &ClientRequest) -> Result<IntrospectionResponse, Failure> {
    let token = request.form.required("token");
    let token = token.map_err(|error| request.refuse(error))?;
    consume_assertion(request).await?;
    answer(request, token).await
}

/// The assertion's `jti`, if the caller has one.
async fn consume_assertion(request: &ClientRequest) -> Result<(), Failure> {
    let (app, caller) = (&request.app, &request.caller);
    let checks = caller.replay_checks();
    if checks.is_empty() {
        return Ok(());
    }
    let mut transaction = app.begin().await?;
    caller.claim(app, &mut transaction, checks).await?;
    Ok(transaction.commit().await?)
}

/// Whatever is wrong with the token looks the same from outside (RFC 7662 section 2.2).
async fn answer(request: &ClientRequest, token: &str) -> Result<IntrospectionResponse, Failure> {
    let (app, now) = (&request.app, request.now);
    let keys = app.keys().await?;
    let issuer = app.config.issuer.as_str();
    let verified = access_token::verify(token, |kid| keys.find(kid), issuer, now);
    let Ok(claims) = verified else {
        return Ok(IntrospectionResponse::INACTIVE);
    };
    if !may_ask(request, &claims).await? {
        return Ok(IntrospectionResponse::INACTIVE);
    }
    if !see(app, &claims, now).await? {
        return Ok(IntrospectionResponse::INACTIVE);
    }
    let Some(delegation) = claims.delegation().map(DelegationId::from_text) else {
        return Ok(IntrospectionResponse::INACTIVE);
    };
    let catalogue = app.catalogue().await?;
    let lineage = app.read().await?.lineage(&delegation).await?;
    let context = catalogue.context(now);
    Ok(lineage.map_or(IntrospectionResponse::INACTIVE, |lineage| {
        introspection::answer(claims, &lineage, context)
    }))
}

/// A resource that was registered a moment ago counts.
async fn may_ask(request: &ClientRequest, claims: &AccessTokenClaims) -> Result<bool, Failure> {
    let (app, client) = (&request.app, request.client());
    if introspection::may_ask(claims, client, app.catalogue().await?.realm()) {
        return Ok(true);
    }
    let fresh = app.fresh_catalogue().await?;
    Ok(introspection::may_ask(claims, client, fresh.realm()))
}
