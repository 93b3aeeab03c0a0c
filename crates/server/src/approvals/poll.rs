//! Polls and long polls of every flow that waits for a person (CIBA sections 10.1 and 11, RFC 8628 sections 3.4 and 3.5,
//! draft-rosomakho-oauth-txn-challenge-00): an error while nobody decided, and one token after an approval.

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
use crate::node::waiting::{AskedBy, WakeReason};
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
    Undecided(Box<UndecidedPoll>),
}

/// Nobody decided yet.
struct UndecidedPoll {
    id: ApprovalId,
    asked: AskedBy,
    answer: OAuthError,
    hasty: Hasty,
    expires_at: Timestamp,
}

/// Whether the request's assertion and proof are used up already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ClaimState {
    /// The first look of a poll claims them.
    Unclaimed,
    Claimed,
}

pub async fn poll_approval(
    mut context: TokenRequestContext<'_>,
    handle: &PollHandle<'_>,
) -> Result<TokenResponse, Failure> {
    let open = match look(&context, handle, ClaimState::Unclaimed).await? {
        Looked::Token(response) => return Ok(*response),
        Looked::Undecided(open) => *open,
    };
    let waiting = |refusal| Err(Failure::Waiting(Box::new(refusal)));
    let (Some(most), Hasty::No) = (context.wait, open.hasty) else {
        return waiting(open.answer);
    };
    let most = most.min(context.now.until(open.expires_at));
    let end = Instant::now() + most;
    loop {
        let Some(place) = context.app.waiting.join(&open.id, open.asked.clone()) else {
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
        Looked::Undecided(open) => waiting(open.answer),
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
    look(context, handle, ClaimState::Claimed).await
}

async fn look(
    context: &TokenRequestContext<'_>,
    handle: &PollHandle<'_>,
    claims: ClaimState,
) -> Result<Looked, Failure> {
    let mut transaction = context.app.begin().await?;
    let digest = secret_digest(handle.text);
    let found = transaction.pending(handle.kind, &digest).await?;
    let client = &context.caller.client.id;
    match pending::poll(found.as_ref(), handle.kind, client, context.now) {
        Poll::Refuse(refusal) => Err(context.refuse(refusal)),
        Poll::Wait(request) => count_poll(context, transaction, request, claims)
            .await
            .map(|open| Looked::Undecided(Box::new(open))),
        Poll::Redeem(request, _) => {
            let redemption = Redemption {
                key: context.caller.key(),
                resource: handle.resource,
                checks: match claims {
                    ClaimState::Unclaimed => context.caller.replay_checks(),
                    ClaimState::Claimed => Vec::new(),
                },
            };
            let redeemed = redeem_approval(context, &mut transaction, request, redemption).await?;
            context
                .commit(transaction, &redeemed.delegation, OAuthError::invalid_grant)
                .await?;
            context.app.waiting.announce_request(request);
            let grant = match handle.kind {
                Kind::Ciba => "ciba",
                Kind::Device => "device_code",
                Kind::Transaction => "transaction_authorization",
                // Its answer is no token: no grant polls for it.
                Kind::Access => "access",
                // Nor for a consent: its browser gets a code.
                Kind::Consent => "authorization_code",
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
    mut transaction: DatabaseTransaction,
    request: &PendingRequest,
    claims: ClaimState,
) -> Result<UndecidedPoll, Failure> {
    let (mut polling, mut hasty) = (request.polling, Hasty::No);
    if claims == ClaimState::Unclaimed {
        context.claim(&mut transaction).await?;
        if let PollOutcome::TooEarly(slower) =
            transaction.poll_pending(&request.id, context.now).await?
        {
            (polling, hasty) = (slower, Hasty::Yes);
        }
        transaction.commit().await?;
        context.caller.remember_keys(context.app);
    }
    Ok(UndecidedPoll {
        id: request.id.clone(),
        asked: AskedBy::of(request),
        answer: polling.answer(hasty),
        hasty,
        expires_at: request.expires_at,
    })
}
