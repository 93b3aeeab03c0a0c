//! What a person approved is fetched (CIBA 10.1 and 11, RFC 8628 sections 3.4 and 3.5, draft-rosomakho-oauth-txn-challenge-00): a poll, perhaps a long one,
//! and at the end one token. The same for every flow that waits for a person.

use tokio::time::Instant;
use writ_core::OAuthError;
use writ_core::id::ApprovalId;
use writ_core::pending::{self, Hasty, Kind, PendingRequest, Poll};
use writ_store::DatabaseTransaction;
use writ_store::pending::PollOutcome;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;
use writ_wire::token::TokenResponse;

use super::redeem::{Redemption, redeem_approval};
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::node::waiting::WakeReason;
use crate::request::token_request::TokenRequestContext;

/// What a client polls with.
pub struct PollHandle<'a> {
    pub kind: Kind,
    /// `auth_req_id`, `device_code` or `transaction_authorization_id`.
    pub text: &'a str,
    pub resource: &'a [ResourceUri],
}

/// What one look found.
enum Looked {
    Token(Box<TokenResponse>),
    Open(Open),
}

/// Nobody decided yet.
struct Open {
    id: ApprovalId,
    answer: OAuthError,
    hasty: Hasty,
    expires_at: Timestamp,
}

/// Whether the request's assertion and proof are used up already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claims {
    /// The first look of a poll claims them.
    Open,
    Made,
}

pub async fn poll_approval(
    mut context: TokenRequestContext<'_>,
    handle: &PollHandle<'_>,
) -> Result<TokenResponse, Failure> {
    let open = match look(&context, handle, Claims::Open).await? {
        Looked::Token(response) => return Ok(*response),
        Looked::Open(open) => open,
    };
    let waiting = |refusal| Err(Failure::Waiting(Box::new(refusal)));
    let (Some(most), Hasty::No) = (context.wait, open.hasty) else {
        return waiting(open.answer);
    };
    let most = most.min(context.now.until(open.expires_at));
    let end = Instant::now() + most;
    loop {
        let Some(place) = context.app.waiting.join(&open.id) else {
            return waiting(open.answer);
        };
        // It may have been decided before the place was taken.
        if let Looked::Token(response) = again(&mut context, handle).await? {
            return Ok(*response);
        }
        match place.wait_until(end).await {
            // Not every change is a decision: somebody opened the request, or was told of it.
            WakeReason::Changed => {}
            WakeReason::Replaced => return waiting(open.answer),
            WakeReason::TimedOut => break,
        }
    }
    match again(&mut context, handle).await? {
        Looked::Token(response) => Ok(*response),
        Looked::Open(open) => waiting(open.answer),
    }
}

/// As it is now; a second look of the same poll.
async fn again(
    context: &mut TokenRequestContext<'_>,
    handle: &PollHandle<'_>,
) -> Result<Looked, Failure> {
    context.now = context.app.clock.now();
    context.catalogue = context.app.catalogue().await?;
    context.keys = context.app.keys().await?;
    look(context, handle, Claims::Made).await
}

async fn look(
    context: &TokenRequestContext<'_>,
    handle: &PollHandle<'_>,
    claims: Claims,
) -> Result<Looked, Failure> {
    let mut session = context.app.begin().await?;
    let digest = secret_digest(handle.text);
    let found = session.pending(handle.kind, &digest).await?;
    let client = &context.caller.client.id;
    match pending::poll(found.as_ref(), handle.kind, client, context.now) {
        Poll::Refuse(refusal) => Err(context.refuse(refusal)),
        Poll::Wait(request) => count_poll(context, session, request, claims)
            .await
            .map(Looked::Open),
        Poll::Redeem(request, _) => {
            let redemption = Redemption {
                key: context.caller.key(),
                resource: handle.resource,
                checks: match claims {
                    Claims::Open => context.caller.replay_checks(),
                    Claims::Made => Vec::new(),
                },
            };
            let redeemed = redeem_approval(context, &mut session, request, redemption).await?;
            context
                .commit(session, &redeemed.delegation, OAuthError::invalid_grant)
                .await?;
            context.app.waiting.announce_request(request);
            let grant = match handle.kind {
                Kind::Ciba => "ciba",
                Kind::Device => "device_code",
                Kind::Transaction => "transaction_authorization",
            };
            let profile = context.caller.client.profile;
            context.app.metrics.issued(grant, profile);
            Ok(Looked::Token(Box::new(redeemed.response)))
        }
    }
}

/// Counts the poll; a second look of the same poll counts nothing.
async fn count_poll(
    context: &TokenRequestContext<'_>,
    mut session: DatabaseTransaction,
    request: &PendingRequest,
    claims: Claims,
) -> Result<Open, Failure> {
    let (mut polling, mut hasty) = (request.polling, Hasty::No);
    if claims == Claims::Open {
        context.claim(&mut session).await?;
        if let PollOutcome::TooEarly(slower) =
            session.poll_pending(&request.id, context.now).await?
        {
            (polling, hasty) = (slower, Hasty::Yes);
        }
        session.commit().await?;
        context.caller.remember_keys(context.app);
    }
    Ok(Open {
        id: request.id.clone(),
        answer: polling.answer(hasty),
        hasty,
        expires_at: request.expires_at,
    })
}
