//! `urn:openid:params:grant-type:ciba` (CIBA 10.1, 11).

use writ_core::pending::Kind;
use writ_wire::token::{CibaTokenRequest, TokenResponse};

use crate::approvals::poll::{PollHandle, poll_approval};
use crate::node::failure::Failure;
use crate::request::token_request::TokenRequestContext;

pub async fn redeem(
    context: TokenRequestContext<'_>,
    request: &CibaTokenRequest,
) -> Result<TokenResponse, Failure> {
    let handle = PollHandle {
        kind: Kind::Ciba,
        text: &request.auth_req_id,
        resource: &request.resource,
    };
    poll_approval(context, &handle).await
}
