//! A poll of the transaction authorization endpoint (draft-rosomakho-oauth-txn-challenge-00): like every approval that is fetched.

use writ_core::pending::Kind;
use writ_wire::token::TokenResponse;

use crate::approvals::poll::{self, Handle};
use crate::node::failure::Failure;
use crate::request::granting::Granting;

pub async fn redeem(granting: Granting<'_>, id: &str) -> Result<TokenResponse, Failure> {
    let handle = Handle {
        kind: Kind::Transaction,
        text: id,
        // Its one audience is the resource server that challenged.
        resource: &[],
    };
    poll::fetch(granting, &handle).await
}
