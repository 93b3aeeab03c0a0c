//! `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 sections 3.4 and 3.5): like every approval that is fetched.

use writ_core::pending::Kind;
use writ_wire::token::{DeviceTokenRequest, TokenResponse};

use crate::approvals::poll::{self, Handle};
use crate::node::failure::Failure;
use crate::request::granting::Granting;

pub async fn redeem(
    granting: Granting<'_>,
    request: &DeviceTokenRequest,
) -> Result<TokenResponse, Failure> {
    let handle = Handle {
        kind: Kind::Device,
        text: &request.device_code,
        resource: &request.resource,
    };
    poll::fetch(granting, &handle).await
}
