//! `client_credentials` (OAuth 2.1 section 4.2): an agent's own work, in a task of its own.

use std::sync::Arc;

use writ_core::OAuthError;
use writ_core::credentials::{self, OwnWork, OwnWorkIds};
use writ_core::event::EventName;
use writ_core::id::{ApprovalId, DelegationId, TaskId, TransactionId};
use writ_core::mint::Minting;
use writ_core::request::RequestContext;
use writ_store::write::InsertBatch;
use writ_wire::error::ErrorCode;
use writ_wire::token::{ClientCredentialsRequest, TokenResponse};

use crate::node::failure::Failure;
use crate::node::registry::Catalogue;
use crate::request::token_request::TokenRequestContext;

pub async fn own_work(
    context: TokenRequestContext<'_>,
    request: &ClientCredentialsRequest,
) -> Result<TokenResponse, Failure> {
    let app = context.app;
    let (context, work) = match decide(&context, request, &context.catalogue) {
        Ok(work) => (context, work),
        // The resource may have been registered a moment ago.
        Err(refusal) => retry(context, request, refusal).await?,
    };
    let minting = Minting {
        task: &work.task,
        delegation: &work.delegation,
        audience: &work.audience,
        view: &work.view,
        jkt: context.caller.key(),
        not_after: work.task.expires_at,
    };
    let minted = context.mint(&minting)?;
    let event = context.token_event(
        EventName::TokenIssued,
        &minted,
        &work.task,
        &work.delegation,
    );
    let writes = InsertBatch {
        task: Some(&work.task),
        delegation: Some(&work.delegation),
        event: Some(&event),
        ..InsertBatch::default()
    };
    let mut transaction = app.begin().await?;
    context.claim_keys(&mut transaction).await?;
    let caller = &context.caller;
    let checks = caller.replay_checks();
    caller.write(app, &mut transaction, checks, writes).await?;
    context
        .commit(transaction, &work.delegation.id, stopped)
        .await?;
    app.metrics
        .issued("client_credentials", context.caller.client.profile);
    Ok(minted.response)
}

fn stopped(sentence: String) -> OAuthError {
    OAuthError::new(ErrorCode::UnauthorizedClient, sentence)
}

fn decide(
    context: &TokenRequestContext<'_>,
    request: &ClientCredentialsRequest,
    catalogue: &Catalogue,
) -> Result<OwnWork, OAuthError> {
    let (app, now) = (context.app, context.now);
    let mut make_ref = app.references(now);
    let mut making = RequestContext {
        realm: catalogue.realm(),
        now,
        mission_intent: false,
        make_ref: &mut make_ref,
    };
    let ids = OwnWorkIds {
        task: TaskId::make(now, app.entropy()),
        delegation: DelegationId::make(now, app.entropy()),
        approval: ApprovalId::make(now, app.entropy()),
        transaction: TransactionId::make(now, app.entropy()),
        salt: app.random.secret(),
    };
    let caller = &context.caller;
    credentials::own_work(request, &caller.client, caller.key(), &mut making, ids)
}

async fn retry<'a>(
    context: TokenRequestContext<'a>,
    request: &ClientCredentialsRequest,
    refusal: OAuthError,
) -> Result<(TokenRequestContext<'a>, OwnWork), Failure> {
    let catalogue = context.app.fresh_catalogue().await?;
    if Arc::ptr_eq(&catalogue, &context.catalogue) {
        return Err(context.refuse(refusal));
    }
    match decide(&context, request, &catalogue) {
        Ok(work) => {
            let context = TokenRequestContext {
                catalogue,
                ..context
            };
            Ok((context, work))
        }
        Err(refusal) => Err(context.refuse(refusal)),
    }
}
