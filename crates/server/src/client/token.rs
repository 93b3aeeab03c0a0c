//! The token endpoint (OAuth 2.1 section 3.2): parse, identify, then the grant's own file.

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_wire::error::ErrorCode;
use writ_wire::form::Form;
use writ_wire::registration::Profile;
use writ_wire::token::{GrantType, TokenRequest, TokenResponse};

use crate::approvals::long_poll;
use crate::client::answer::json;
use crate::client::caller::Arrived;
use crate::client::grants;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::granting::Granting;

const FORM: &str = "application/x-www-form-urlencoded";

pub async fn token(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let profile = OnceLock::new();
    let (endpoint, result) = respond(&app, (&headers, &profile), &body).await;
    let held = match &result {
        Ok(_) => waits(endpoint),
        Err(Failure::Waiting(refusal)) => refusal.code == ErrorCode::AuthorizationPending,
        Err(_) => false,
    };
    let mut response = match result {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(failure) => app.answer_failure(endpoint, failure).await,
    };
    if held {
        long_poll::say_applied(&mut response, &headers);
    }
    app.with_nonce(response, profile.get())
}

/// Grants that a person answers.
const fn waits(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::Token(GrantType::Ciba | GrantType::DeviceCode)
    )
}

async fn respond(
    app: &App,
    (headers, profile): (&HeaderMap, &OnceLock<Profile>),
    body: &[u8],
) -> (Endpoint, Result<TokenResponse, Failure>) {
    // A request without a readable grant is counted at the commonest one.
    let unknown = Endpoint::Token(GrantType::AuthorizationCode);
    let parsed = read_form(headers, body)
        .and_then(|form| Ok((TokenRequest::parse(&form).map_err(OAuthError::from)?, form)));
    match parsed {
        Ok((request, form)) => {
            let endpoint = Endpoint::Token(request.grant_type());
            (
                endpoint,
                grant(app, (headers, profile), (request, &form)).await,
            )
        }
        Err(failure) => (unknown, Err(failure)),
    }
}

async fn grant(
    app: &App,
    (headers, profile): (&HeaderMap, &OnceLock<Profile>),
    (request, form): (TokenRequest, &Form),
) -> Result<TokenResponse, Failure> {
    let now = app.clock.now();
    let endpoint = Endpoint::Token(request.grant_type());
    let arrived = Arrived {
        endpoint,
        headers,
        form,
        url: &app.urls.token,
        now,
        profile,
    };
    let caller = app.caller(&arrived).await?;
    if let Err(refusal) = caller.client.may_use(request.grant_type()) {
        return Err(app.refused(refusal, |e| e.by(&caller.client)));
    }
    let granting = Granting {
        app,
        caller,
        catalogue: app.catalogue().await?,
        keys: app.keys().await?,
        now,
        wait: long_poll::preference(headers),
    };
    match request {
        TokenRequest::Code(request) => grants::code::redeem(&granting, &request).await,
        TokenRequest::Refresh(request) => grants::refresh::refresh(&granting, &request).await,
        TokenRequest::ClientCredentials(request) => {
            grants::credentials::own_work(granting, &request).await
        }
        TokenRequest::Exchange(request) => grants::exchange::exchange(&granting, &request).await,
        TokenRequest::Ciba(request) => grants::ciba::redeem(granting, &request).await,
        TokenRequest::Device(request) => grants::device::redeem(granting, &request).await,
    }
}

/// The form of a client endpoint.
pub fn read_form(headers: &HeaderMap, body: &[u8]) -> Result<Form, Failure> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(FORM) {
        return Err(
            OAuthError::invalid_request(format!("the content type must be `{FORM}`")).into(),
        );
    }
    Ok(Form::parse(body).map_err(OAuthError::from)?)
}
