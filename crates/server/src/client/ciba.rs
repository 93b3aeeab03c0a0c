//! The backchannel authentication endpoint (CIBA 7): a client asks, a person is asked on their own device, and the answer waits
//! under an `auth_req_id`. Parse, verify what is signed, then load, decide and write in one transaction.

mod person;
mod signed;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::ciba;
use writ_core::pending::{Delivery, PreparedApproval};
use writ_core::request::RequestContext;
use writ_wire::ciba::{BackchannelRequest, BackchannelResponse};
use writ_wire::error::ErrorCode;
use writ_wire::registration::Profile;

use crate::approvals::create::{self, Ask, Denied, Question, check_code};
use crate::client::answer::json;
use crate::client::caller::Arrived;
use crate::client::denied;
use crate::client::par::references;
use crate::client::token::read_form;
use crate::node::app::App;
use crate::node::client_address::ClientAddress;
use crate::node::failure::Failure;
use crate::request::replay::Single;

pub async fn ask(
    State(app): State<Arc<App>>,
    peer: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let profile = OnceLock::new();
    let address = app.address_of(peer, &headers);
    let response = match asked(&app, (&headers, &profile), (&body, address)).await {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(denied) => refused(&app, denied).await,
    };
    app.with_nonce(response, profile.get())
}

/// CIBA 13: what policy denies is 403; everything else as at the token endpoint.
async fn refused(app: &App, denied: Denied) -> Response {
    let forbidden = matches!(&denied.failure,
        Failure::Refused(refusal, _) if refusal.code == ErrorCode::AccessDenied);
    let mut response = denied::refused(app, Endpoint::Backchannel, denied).await;
    if forbidden && response.status() == StatusCode::BAD_REQUEST {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    response
}

async fn asked(
    app: &App,
    (headers, profile): (&HeaderMap, &OnceLock<Profile>),
    (body, address): (&[u8], Option<IpAddr>),
) -> Result<BackchannelResponse, Denied> {
    let form = read_form(headers, body)?;
    let now = app.clock.now();
    let arrived = Arrived {
        endpoint: Endpoint::Backchannel,
        headers,
        form: &form,
        url: &app.urls.backchannel,
        now,
        profile,
    };
    let ask = Ask {
        app,
        caller: app.caller(&arrived).await?,
        catalogue: app.fresh_catalogue().await?,
        address,
        now,
    };
    let read = signed::read(&form, &ask.caller.client, (app.config.issuer.as_str(), now))
        .map_err(|refusal| ask.refuse(refusal))?;
    let prepared = prepare(&ask, &read.request).map_err(|refusal| ask.refuse(refusal))?;
    let hinted = person::hinted(&ask, &read.request).await?;
    check_code(&ask, read.request.user_code.as_ref(), &hinted).await?;
    let question = Question {
        prepared,
        hinted: &hinted,
        singles: read
            .signed
            .as_ref()
            .map(Single::of_request)
            .into_iter()
            .collect(),
        notification_token: read.request.client_notification_token.as_deref(),
    };
    let create::Asked { handle, request } = create::commit(&ask, question).await?;
    let is_polled = request.asked.delivery != Delivery::Push;
    Ok(BackchannelResponse {
        auth_req_id: handle,
        expires_in: now.until(request.expires_at).as_secs(),
        interval: is_polled.then_some(request.polling.interval),
        number_to_match: request.asked.number,
    })
}

fn prepare(ask: &Ask<'_>, request: &BackchannelRequest) -> Result<PreparedApproval, OAuthError> {
    let mut make_ref = references(ask.app, ask.now);
    let mut making = RequestContext {
        realm: ask.catalogue.realm(),
        now: ask.now,
        mission_intent: false,
        make_ref: &mut make_ref,
    };
    let strongest = ask.app.config.strongest();
    ciba::prepare(request, &ask.caller.client, strongest, &mut making)
}
