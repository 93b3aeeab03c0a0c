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

use crate::client::par::references;
use crate::node::failure::Failure;
use crate::node::registry::Catalogue;
use crate::request::granting::Granting;

pub async fn own_work(
    granting: Granting<'_>,
    request: &ClientCredentialsRequest,
) -> Result<TokenResponse, Failure> {
    let app = granting.app;
    let (granting, work) = match decide(&granting, request, &granting.catalogue) {
        Ok(work) => (granting, work),
        // The resource may have been registered a moment ago.
        Err(refusal) => retry(granting, request, refusal).await?,
    };
    let minting = Minting {
        task: &work.task,
        delegation: &work.delegation,
        audience: &work.audience,
        view: &work.view,
        jkt: granting.caller.key(),
        not_after: work.task.expires_at,
    };
    let minted = granting.mint(&minting)?;
    let event = granting.token_event(
        EventName::TokenIssued,
        &minted,
        (&work.task, &work.delegation),
    );
    let writes = InsertBatch {
        task: Some(&work.task),
        delegation: Some(&work.delegation),
        event: Some(&event),
        ..InsertBatch::default()
    };
    let mut session = app.begin().await?;
    granting.claim_keys(&mut session).await?;
    let singles = granting.caller.singles();
    granting.write(&mut session, singles, writes).await?;
    granting
        .commit(session, &work.delegation.id, stopped)
        .await?;
    app.metrics.issued("client_credentials");
    Ok(minted.response)
}

fn stopped(sentence: String) -> OAuthError {
    OAuthError::new(ErrorCode::UnauthorizedClient, sentence)
}

fn decide(
    granting: &Granting<'_>,
    request: &ClientCredentialsRequest,
    catalogue: &Catalogue,
) -> Result<OwnWork, OAuthError> {
    let (app, now) = (granting.app, granting.now);
    let mut make_ref = references(app, now);
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
    let caller = &granting.caller;
    credentials::own_work(request, &caller.client, caller.key(), &mut making, ids)
}

async fn retry<'a>(
    granting: Granting<'a>,
    request: &ClientCredentialsRequest,
    refusal: OAuthError,
) -> Result<(Granting<'a>, OwnWork), Failure> {
    let catalogue = granting.app.fresh_catalogue().await?;
    if Arc::ptr_eq(&catalogue, &granting.catalogue) {
        return Err(granting.refuse(refusal));
    }
    match decide(&granting, request, &catalogue) {
        Ok(work) => Ok((
            Granting {
                catalogue,
                ..granting
            },
            work,
        )),
        Err(refusal) => Err(granting.refuse(refusal)),
    }
}
