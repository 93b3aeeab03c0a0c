//! `urn:openid:params:grant-type:ciba` (CIBA 10.1, 11).

use writ_core::pending::Kind;
use writ_wire::token::{CibaTokenRequest, TokenResponse};

use crate::approvals::poll::{self, Handle};
use crate::node::failure::Failure;
use crate::request::granting::Granting;

pub async fn redeem(
    granting: Granting<'_>,
    request: &CibaTokenRequest,
) -> Result<TokenResponse, Failure> {
    let handle = Handle {
        kind: Kind::Ciba,
        text: &request.auth_req_id,
        resource: &request.resource,
    };
    poll::fetch(granting, &handle).await
}
