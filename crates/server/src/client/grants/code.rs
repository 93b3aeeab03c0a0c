//! `authorization_code` (OAuth 2.1 section 4.1.3): decided first, then consumed by one guarded statement.

use writ_core::code::{self, CodeOutcome, Consumed, FoundCode, RedeemedCode};
use writ_core::event::EventName;
use writ_core::lineage::Lineage;
use writ_core::mint::Minting;
use writ_store::DatabaseTransaction;
use writ_wire::claims::PersonClaims;
use writ_wire::token::{CodeRequest, TokenResponse};

use crate::client::end_grant::end_by_server;
use crate::client::grants::guest::{PresentedGrant, check_document};
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::request::token_request::{
    GrantIdentity, IssuedToken, MintedToken, RefreshGrant, TokenRequestContext,
};

pub async fn redeem(
    context: &TokenRequestContext<'_>,
    request: &CodeRequest,
) -> Result<TokenResponse, Failure> {
    let (app, now) = (context.app, context.now);
    let (client, key) = (&context.caller.client, context.caller.key());
    let digest = secret_digest(&request.code);
    let mut transaction = app.begin().await?;
    let Some(found) = transaction.code(&digest).await? else {
        return Err(context.refuse(code::unknown()));
    };
    let redeemed = match code::redeem(&found, request, client, key, context.decision_context()) {
        CodeOutcome::Redeem(redeemed) => redeemed,
        other => return Err(refuse(context, transaction, &found, other).await),
    };
    let lineage = &found.lineage;
    let mut transaction =
        check_document(context, transaction, lineage, PresentedGrant::Code).await?;
    context.claim(&mut transaction).await?;
    if !transaction.consume_code(&digest, key, now).await? {
        // Another request won between our read and now: it is a use like any other.
        let won = Consumed {
            at: now,
            jkt: key.cloned(),
        };
        let outcome = code::reuse(&won, key, now);
        return Err(refuse(context, transaction, &found, outcome).await);
    }
    let leaf = &found.lineage.leaf;
    let person = context.person_of(&mut transaction, &found.lineage).await?;
    let mut minted = mint(context, &found, &redeemed, person)?;
    if let (Some(key), None) = (key, &leaf.jkt) {
        transaction.bind_delegation(&leaf.id, key).await?;
    }
    let grant = RefreshGrant {
        client,
        delegation: leaf,
        key,
    };
    minted.response.refresh_token = context.issue_refresh_token(&mut transaction, grant).await?;
    let issued = IssuedToken {
        event: EventName::TokenIssued,
        task: &found.lineage.task,
        delegation: leaf,
        minted,
    };
    let response = context.record_and_commit(transaction, issued).await?;
    app.metrics
        .issued("authorization_code", context.caller.client.profile);
    Ok(response)
}

/// Refuses; a code that its own client uses again stops everything that came of it (RFC 6749 section 4.1.2).
async fn refuse(
    context: &TokenRequestContext<'_>,
    transaction: DatabaseTransaction,
    found: &FoundCode,
    outcome: CodeOutcome,
) -> Failure {
    let lineage = &found.lineage;
    match outcome {
        CodeOutcome::RefuseAndStop(refusal) => match end(context, transaction, lineage).await {
            Ok(()) => context.refuse_below(refusal, lineage),
            Err(failure) => failure,
        },
        CodeOutcome::Refuse(refusal) => context.refuse_below(refusal, lineage),
        CodeOutcome::Redeem(_) => context.refuse_below(code::unknown(), lineage),
    }
}

async fn end(
    context: &TokenRequestContext<'_>,
    mut transaction: DatabaseTransaction,
    lineage: &Lineage,
) -> Result<(), Failure> {
    let because = "the code was used twice";
    let end = end_by_server(context, &mut transaction, lineage, because);
    let endings = Box::pin(end).await?;
    transaction.commit().await?;
    endings.asked.announce(context.app);
    Ok(())
}

fn mint(
    context: &TokenRequestContext<'_>,
    found: &FoundCode,
    redeemed: &RedeemedCode,
    person: PersonClaims,
) -> Result<MintedToken, Failure> {
    let (task, delegation) = (&found.lineage.task, &found.lineage.leaf);
    let minting = Minting {
        task,
        delegation,
        audience: &redeemed.audience,
        view: &redeemed.view,
        jkt: context.caller.key(),
        not_after: delegation.expires_at,
    };
    let mut minted = context.mint(&minting)?;
    let nonce = found.row.nonce.as_deref();
    let identity = GrantIdentity {
        task,
        delegation,
        nonce,
        person,
    };
    minted.response.id_token = context.id_token(&minted, identity)?;
    Ok(minted)
}
