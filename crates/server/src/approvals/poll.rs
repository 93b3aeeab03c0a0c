//! What a person approved is fetched (CIBA 10.1 and 11, RFC 8628 sections 3.4 and 3.5, SPECS 10.5): a poll, perhaps a long one,
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

use super::redeem::{Fetch, make};
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::node::waiting::Woken;
use crate::request::granting::Granting;

/// What a client polls with.
pub struct Handle<'a> {
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

/// Whether this request's assertion and proof are used up already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Singles {
    Fresh,
    Used,
}

pub async fn fetch(
    mut granting: Granting<'_>,
    handle: &Handle<'_>,
) -> Result<TokenResponse, Failure> {
    let open = match look(&granting, handle, Singles::Fresh).await? {
        Looked::Token(response) => return Ok(*response),
        Looked::Open(open) => open,
    };
    let waiting = |refusal| Err(Failure::Waiting(Box::new(refusal)));
    let (Some(most), Hasty::No) = (granting.wait, open.hasty) else {
        return waiting(open.answer);
    };
    let most = most.min(granting.now.until(open.expires_at));
    let end = Instant::now() + most;
    loop {
        let Some(place) = granting.app.waiting.join(&open.id) else {
            return waiting(open.answer);
        };
        // It may have been decided before the place was taken.
        if let Looked::Token(response) = again(&mut granting, handle).await? {
            return Ok(*response);
        }
        match place.wait_until(end).await {
            // Not every change is a decision: somebody opened the request, or was told of it.
            Woken::Changed => {}
            Woken::Replaced => return waiting(open.answer),
            Woken::TimedOut => break,
        }
    }
    match again(&mut granting, handle).await? {
        Looked::Token(response) => Ok(*response),
        Looked::Open(open) => waiting(open.answer),
    }
}

/// As it is now; a second look of the same poll.
async fn again(granting: &mut Granting<'_>, handle: &Handle<'_>) -> Result<Looked, Failure> {
    granting.now = granting.app.clock.now();
    granting.catalogue = granting.app.catalogue().await?;
    granting.keys = granting.app.keys().await?;
    look(granting, handle, Singles::Used).await
}

async fn look(
    granting: &Granting<'_>,
    handle: &Handle<'_>,
    singles: Singles,
) -> Result<Looked, Failure> {
    let mut session = granting.app.begin().await?;
    let digest = secret_digest(handle.text);
    let found = session.pending(handle.kind, &digest).await?;
    let client = &granting.caller.client.id;
    match pending::poll(found.as_ref(), handle.kind, client, granting.now) {
        Poll::Refuse(refusal) => Err(granting.refuse(refusal)),
        Poll::Wait(request) => poll(granting, session, request, singles)
            .await
            .map(Looked::Open),
        Poll::Redeem(request, _) => {
            let fetch = Fetch {
                key: granting.caller.key(),
                resource: handle.resource,
                singles: match singles {
                    Singles::Fresh => granting.caller.singles(),
                    Singles::Used => Vec::new(),
                },
            };
            let made = make(granting, &mut session, request, fetch).await?;
            granting
                .commit(session, &made.delegation, OAuthError::invalid_grant)
                .await?;
            granting.app.waiting.announce_request(request);
            granting.app.metrics.issued(match handle.kind {
                Kind::Ciba => "ciba",
                Kind::Device => "device_code",
                Kind::Transaction => "transaction_authorization",
            });
            Ok(Looked::Token(Box::new(made.response)))
        }
    }
}

/// Counts the poll; a second look of the same poll counts nothing.
async fn poll(
    granting: &Granting<'_>,
    mut session: DatabaseTransaction,
    request: &PendingRequest,
    singles: Singles,
) -> Result<Open, Failure> {
    let (mut polling, mut hasty) = (request.polling, Hasty::No);
    if singles == Singles::Fresh {
        granting.claim(&mut session).await?;
        if let PollOutcome::TooEarly(slower) =
            session.poll_pending(&request.id, granting.now).await?
        {
            (polling, hasty) = (slower, Hasty::Yes);
        }
        session.commit().await?;
        granting.app.remember_keys(&granting.caller);
    }
    Ok(Open {
        id: request.id.clone(),
        answer: polling.answer(hasty),
        hasty,
        expires_at: request.expires_at,
    })
}
