//! `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 sections 3.4 and 3.5): a poll, as in `approvals/poll.rs`.

use writ_core::pending::Kind;
use writ_wire::token::{DeviceTokenRequest, TokenResponse};

use crate::approvals::poll::{PollHandle, poll_approval};
use crate::node::failure::Failure;
use crate::request::token_request::TokenRequestContext;

pub async fn redeem(
    context: TokenRequestContext<'_>,
    request: &DeviceTokenRequest,
) -> Result<TokenResponse, Failure> {
    let handle = PollHandle {
        kind: Kind::Device,
        text: &request.device_code,
        resource: &request.resource,
    };
    poll_approval(context, &handle).await
}
