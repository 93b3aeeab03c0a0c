//! The transaction authorization endpoint (draft-rosomakho-oauth-txn-challenge-00): a client brings the challenge with which a
//! resource server refused it, a person is asked, and the answer waits under a `transaction_authorization_id`, polled here. Only
//! where the feature is switched on.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::MethodFilter;
use http::StatusCode;
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::pending::PreparedApproval;
use writ_core::request::RequestContext;
use writ_core::transaction;
use writ_jose::assertion::{AssertionError, TransactionChallenge, TransactionRules};
use writ_store::replay::ReplayClaim;
use writ_wire::token::{GrantType, TokenResponse};
use writ_wire::transaction::{PresentedChallenge, TransactionRequest, TransactionResponse};

use crate::approvals::create::{
    ApprovalContext, HintedPerson, NewApproval, check_code, create_approval, verify_own_token,
};
use crate::client::error::ClientError;
use crate::client::grants;
use crate::client::incoming::{IncomingRequest, program_route};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;
use crate::request::replay::ReplayCheck;
use crate::request::token_request::TokenRequestContext;

pub fn routes(app: &App) -> Router<Arc<App>> {
    if app.config.features.transaction_challenge {
        let route = program_route(MethodFilter::POST, authorize);
        Router::new().route(Endpoint::Transaction.path(), route)
    } else {
        Router::new()
    }
}

async fn authorize(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let request = incoming.authenticate(Endpoint::Transaction).await?;
    match read_request(&request) {
        Ok(TransactionRequest::Present(presented)) => {
            request.answer(StatusCode::OK, ask_person(&request, &presented).await)
        }
        Ok(TransactionRequest::Poll(id)) => request.answer_poll(poll(&request, &id).await),
        Err(failure) => request.answer(StatusCode::OK, Err::<(), _>(failure)),
    }
}

/// What a client that asks by CIBA may do, it may do here.
fn read_request(request: &ClientRequest) -> Result<TransactionRequest, Failure> {
    let allowed = request.client().may_use(GrantType::Ciba);
    allowed.map_err(|refusal| request.refuse(refusal))?;
    TransactionRequest::parse(&request.form).map_err(|error| request.refuse(error))
}

async fn poll(request: &ClientRequest, id: &str) -> Result<TokenResponse, Failure> {
    let context = TokenRequestContext::of(request).await?;
    grants::transaction::redeem(context, id).await
}

/// Nothing of the challenge is believed before its signature is verified.
async fn ask_person(
    request: &ClientRequest,
    presented: &PresentedChallenge,
) -> Result<TransactionResponse, Failure> {
    let context = ApprovalContext::of(request).await?;
    let judged = judge(&context, &presented.challenge).map_err(|r| request.refuse(r))?;
    let hinted = requester(&context, presented, &judged.challenge).await?;
    check_code(&context, presented.user_code.as_ref(), &hinted).await?;
    let new = NewApproval {
        prepared: judged.prepared,
        hinted: &hinted,
        checks: vec![ReplayCheck::of_challenge(&judged.challenge)],
        notification_token: None,
    };
    let created = create_approval(&context, new).await?;
    let pending = created.request;
    let path = format!("/app/requests/{}", pending.id);
    Ok(TransactionResponse {
        transaction_authorization_id: created.handle,
        expires_in: request.now.until(pending.expires_at).as_secs(),
        interval: Some(u64::from(pending.polling.interval)),
        authorization_uri: Some(request.app.config.url(&path)),
        number_to_match: pending.asked.number,
    })
}

/// A verified challenge, and what the person is to be asked.
struct JudgedChallenge {
    challenge: TransactionChallenge,
    prepared: PreparedApproval,
}

fn judge(context: &ApprovalContext<'_>, text: &str) -> Result<JudgedChallenge, OAuthError> {
    let (request, app) = (context.request, &context.request.app);
    let unusable = |error: AssertionError| {
        OAuthError::invalid_request(format!("`transaction_challenge` is not usable: {error}"))
    };
    let realm = context.catalogue.realm();
    let issuer = TransactionChallenge::unverified_issuer(text).map_err(unusable)?;
    let (resource, keys) = transaction::challenger(&issuer, realm)?;
    let rules = TransactionRules {
        resource: resource.uri.as_str(),
        issuer: realm.issuer.as_str(),
        now: request.now,
    };
    let challenge = TransactionChallenge::verify(text, keys, &rules).map_err(unusable)?;
    let mut make_ref = app.references(request.now);
    let mut making = RequestContext {
        realm,
        now: request.now,
        mission_intent: false,
        make_ref: &mut make_ref,
    };
    let (client, strongest) = (request.client(), app.strongest());
    let prepared = transaction::prepare(&challenge, client, resource, strongest, &mut making)?;
    Ok(JudgedChallenge {
        challenge,
        prepared,
    })
}

/// The person and the chain of the asking agent's own token, which the challenge must be about.
async fn requester(
    context: &ApprovalContext<'_>,
    presented: &PresentedChallenge,
    challenge: &TransactionChallenge,
) -> Result<HintedPerson, Failure> {
    let token = presented.subject_token.as_ref().ok_or_else(|| {
        context.refuse(OAuthError::invalid_request(
            "parameter `subject_token` is missing: the person and the task are those of your current token",
        ))
    })?;
    let claims = verify_own_token(context, token).await?;
    transaction::requester(challenge, &claims).map_err(|refusal| context.refuse(refusal))?;
    Ok(HintedPerson {
        subject: claims.sub.clone(),
        asking: Some(claims),
    })
}

impl ReplayCheck {
    /// A challenge is good once, by resource server.
    fn of_challenge(challenge: &TransactionChallenge) -> Self {
        Self {
            claim: ReplayClaim {
                digest: challenge.replay_digest(),
                expires_at: challenge.accepted_until,
            },
            used: OAuthError::invalid_request(
                "the challenge was used before: send your request to the resource again, and take its new one",
            ),
        }
    }
}
