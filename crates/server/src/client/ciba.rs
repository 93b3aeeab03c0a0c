//! The backchannel authentication endpoint (CIBA 7): a client asks, a person is asked on their own device, and the answer waits
//! under an `auth_req_id`. Parse, verify what is signed, then load, decide and write in one transaction.

mod person;
mod signed;

use axum::response::Response;
use http::StatusCode;
use writ_core::checks::Endpoint;
use writ_core::ciba;
use writ_core::pending::{Delivery, PreparedApproval};
use writ_core::request::RequestContext;
use writ_wire::ciba::{BackchannelRequest, BackchannelResponse};

use crate::approvals::create::{ApprovalContext, NewApproval, check_code, create_approval};
use crate::client::error::ClientError;
use crate::client::incoming::IncomingRequest;
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;
use crate::request::replay::ReplayCheck;

pub async fn authorize(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let request = incoming.authenticate(Endpoint::Backchannel).await?;
    request.answer(StatusCode::OK, ask_person(&request).await)
}

async fn ask_person(request: &ClientRequest) -> Result<BackchannelResponse, Failure> {
    let context = ApprovalContext::of(request).await?;
    let read = signed::read(request).await?;
    let prepared = prepare(&context, &read.request)?;
    let hinted = person::hinted(&context, &read.request).await?;
    check_code(&context, read.request.user_code.as_ref(), &hinted).await?;
    let new = NewApproval {
        prepared,
        hinted: &hinted,
        checks: read
            .signed
            .as_ref()
            .map(ReplayCheck::of_request)
            .into_iter()
            .collect(),
        notification_token: read.request.client_notification_token.as_deref(),
    };
    let created = create_approval(&context, new).await?;
    let pending = created.request;
    let is_polled = pending.asked.delivery != Delivery::Push;
    Ok(BackchannelResponse {
        auth_req_id: created.handle,
        expires_in: request.now.until(pending.expires_at).as_secs(),
        interval: is_polled.then_some(pending.polling.interval),
        number_to_match: pending.asked.number,
    })
}

fn prepare(
    context: &ApprovalContext<'_>,
    asked: &BackchannelRequest,
) -> Result<PreparedApproval, Failure> {
    let (request, app) = (context.request, &context.request.app);
    let mut make_ref = app.references(request.now);
    let mut making = RequestContext {
        realm: context.catalogue.realm(),
        now: request.now,
        mission_intent: false,
        make_ref: &mut make_ref,
    };
    let strongest = app.strongest();
    ciba::prepare(asked, request.client(), strongest, &mut making)
        .map_err(|refusal| request.refuse(refusal))
}
