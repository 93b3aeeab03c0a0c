//! The token of a push notification (CIBA section 10.3): an approved request of a push client becomes its token.

use std::sync::Arc;

use serde::Serialize;
use writ_core::OAuthError;
use writ_core::id::ApprovalId;
use writ_core::pending::{Delivery, Kind, PendingRequest, State};
use writ_jose::hash;
use writ_store::DatabaseTransaction;
use writ_wire::claims::IdTokenClaims;
use writ_wire::error::ErrorCode;
use writ_wire::token::TokenResponse;

use crate::approvals::redeem::{IssuedApproval, Redemption, redeem_approval};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::caller::Caller;
use crate::request::token_request::TokenRequestContext;

/// An answer that is to be pushed: everything is written in the transaction, nothing is committed.
pub struct PushedToken<'a> {
    pub transaction: DatabaseTransaction,
    /// With the ID token of a push.
    pub response: TokenResponse,
    pub request: PendingRequest,
    context: TokenRequestContext<'a>,
    redeemed: IssuedApproval,
}

/// Redeems an approved request of a push client, whose key is the one that it showed when it asked; bearer only for a client
/// that may have it. The caller writes into the transaction what it sends, and commits by [`PushedToken::commit`]: a failed push loses
/// nothing.
pub async fn deliver<'a>(
    app: &'a App,
    id: &ApprovalId,
    auth_req_id: &str,
) -> Result<PushedToken<'a>, Failure> {
    // Before the transaction: whoever makes a key of ID tokens writes it.
    let keys = app.id_token_keys().await?;
    let mut transaction = app.begin().await?;
    let found = transaction.pending_by_id(id).await?;
    let now = app.clock.now();
    let pushed = |r: &PendingRequest| {
        r.kind == Kind::Ciba
            && r.asked.delivery == Delivery::Push
            && r.state_at(now) == State::Approved
    };
    let request = found
        .filter(pushed)
        .ok_or_else(|| OAuthError::new(ErrorCode::TransactionFailed, "there is nothing to push"))?;
    let client = app.client(request.client.as_str()).await?;
    let client = client
        .ok_or_else(|| OAuthError::new(ErrorCode::TransactionFailed, "the client is gone"))?;
    let context = TokenRequestContext {
        app,
        caller: Arc::new(Caller {
            client,
            proof: None,
            assertion: None,
        }),
        catalogue: app.catalogue().await?,
        keys,
        now,
        wait: None,
    };
    let redemption = Redemption {
        key: request.jkt.as_ref(),
        resource: &[],
        checks: Vec::new(),
    };
    let mut redeemed = redeem_approval(&context, &mut transaction, &request, redemption).await?;
    let response = push_response(&context, &mut redeemed, auth_req_id)?;
    Ok(PushedToken {
        transaction,
        response,
        request,
        context,
        redeemed,
    })
}

impl PushedToken<'_> {
    /// A stop never loses a race here either: unless everything above still lives after the commit, nothing may be sent.
    pub async fn commit(self) -> Result<(), Failure> {
        let delegation = &self.redeemed.delegation;
        self.context
            .commit(self.transaction, delegation, OAuthError::invalid_grant)
            .await?;
        self.context.app.waiting.announce_request(&self.request);
        let profile = self.context.caller.client.profile;
        self.context.app.metrics.issued("ciba", profile);
        Ok(())
    }
}

/// The hash claims of a pushed ID token (CIBA 10.3.1).
#[derive(Serialize)]
struct PushedIdToken<'a> {
    #[serde(flatten)]
    claims: &'a IdTokenClaims,
    #[serde(rename = "urn:openid:params:jwt:claim:auth_req_id")]
    auth_req_id: &'a str,
    #[serde(
        rename = "urn:openid:params:jwt:claim:rt_hash",
        skip_serializing_if = "Option::is_none"
    )]
    rt_hash: Option<String>,
}

fn push_response(
    context: &TokenRequestContext<'_>,
    redeemed: &mut IssuedApproval,
    auth_req_id: &str,
) -> Result<TokenResponse, Failure> {
    let mut response = redeemed.response.clone();
    if let Some(claims) = &redeemed.identity {
        let pushed = PushedIdToken {
            claims,
            auth_req_id,
            rt_hash: response.refresh_token.as_deref().map(hash::at_hash),
        };
        response.id_token = Some(context.sign_id_token(&pushed)?);
    }
    Ok(response)
}
