//! A poll of the transaction authorization endpoint (draft-rosomakho-oauth-txn-challenge-00), as in `approvals/poll.rs`.

use writ_core::pending::Kind;
use writ_wire::token::TokenResponse;

use crate::approvals::poll::{PollHandle, poll_approval};
use crate::node::failure::Failure;
use crate::request::token_request::TokenRequestContext;

pub async fn redeem(context: TokenRequestContext<'_>, id: &str) -> Result<TokenResponse, Failure> {
    let handle = PollHandle {
        kind: Kind::Transaction,
        text: id,
        // Its one audience is the resource server that challenged.
        resource: &[],
    };
    poll_approval(context, &handle).await
}
