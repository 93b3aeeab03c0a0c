//! `refresh_token` (OAuth 2.1 section 4.3): a public client's is rotated by one guarded statement.

use writ_core::delegation::{self, Delegation};
use writ_core::event::EventName;
use writ_core::id::DelegationId;
use writ_core::mint::Minting;
use writ_core::refresh::{self, FoundRefreshToken, NewRefreshToken, RefreshOutcome, Refreshed};
use writ_core::request::OPENID;
use writ_store::DatabaseTransaction;
use writ_wire::token::{RefreshRequest, TokenResponse};

use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::request::token_request::{IssuedToken, TokenRequestContext};

pub async fn refresh(
    context: &TokenRequestContext<'_>,
    request: &RefreshRequest,
) -> Result<TokenResponse, Failure> {
    let app = context.app;
    let (client, key) = (&context.caller.client, context.caller.key());
    let digest = secret_digest(&request.refresh_token);
    let mut transaction = app.begin().await?;
    let Some(found) = transaction.refresh_token(&digest).await? else {
        return Err(context.refuse(refresh::unknown()));
    };
    let refreshed = match refresh::refresh(&found, request, client, key, context.decision_context())
    {
        RefreshOutcome::Refresh(refreshed) => refreshed,
        RefreshOutcome::Refuse(refusal) => {
            return Err(context.refuse_below(refusal, &found.lineage));
        }
        // It was rotated away and comes again: somebody else has it, so the grant is stopped.
        RefreshOutcome::RefuseAndStop(refusal) => {
            let (lineage, because) = (&found.lineage, "the refresh token was used twice");
            let refused = context.refuse_and_stop(transaction, refusal, lineage, because);
            return Err(refused.await);
        }
    };
    context.claim(&mut transaction).await?;
    let rotated = rotate(context, &mut transaction, &found, &refreshed).await?;
    let narrower = narrower(context, &found, &refreshed);
    let row = narrower.as_ref().unwrap_or(&found.lineage.leaf);
    if let Some(row) = &narrower {
        transaction.insert_delegation(row).await?;
    }
    let minting = Minting {
        task: &found.lineage.task,
        delegation: row,
        audience: &refreshed.audience,
        view: &refreshed.view,
        jkt: key,
        not_after: found.row.expires_at,
    };
    let mut minted = context.mint(&minting)?;
    minted.response.refresh_token = rotated;
    // The same login as before, and no `nonce` (OpenID Connect Core 12.2); nothing for whoever left `openid` out.
    if request
        .scope
        .as_ref()
        .is_none_or(|scope| scope.contains(OPENID))
    {
        minted.response.id_token = context.id_token(&minted, &found.lineage.task, row, None)?;
    }
    let issued = IssuedToken {
        event: EventName::TokenRefreshed,
        task: &found.lineage.task,
        delegation: row,
        minted,
    };
    let response = context.record_and_commit(transaction, issued).await?;
    app.metrics.issued("refresh_token");
    Ok(response)
}

async fn rotate(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    found: &FoundRefreshToken,
    refreshed: &Refreshed,
) -> Result<Option<String>, Failure> {
    if !refreshed.rotate {
        return Ok(None);
    }
    if !transaction
        .consume_refresh_token(&found.row.digest, context.caller.key(), context.now)
        .await?
    {
        // The loser of a race: refused, nothing revoked.
        return Err(context.refuse_below(refresh::unknown(), &found.lineage));
    }
    let secret = context.app.random.secret();
    let next = NewRefreshToken {
        digest: secret_digest(&secret),
        created_at: context.now,
        ..found.row.clone()
    };
    transaction.insert_refresh_token(&next).await?;
    Ok(Some(secret))
}

/// Asking for less writes a new, narrower row below the grant; the refresh token keeps its measure.
fn narrower(
    context: &TokenRequestContext<'_>,
    found: &FoundRefreshToken,
    refreshed: &Refreshed,
) -> Option<Delegation> {
    if !refreshed.narrowed.reduced {
        return None;
    }
    let leaf = &found.lineage.leaf;
    let id = DelegationId::make(context.now, context.app.entropy());
    let issuer = context.catalogue.issuer.as_str();
    let act = leaf.act.as_ref();
    Some(Delegation {
        path: delegation::path(Some(&leaf.path), &id),
        parent: Some(leaf.id.clone()),
        act: act.map(|act| delegation::act(issuer, &leaf.holder, &id, act.act.as_deref())),
        id,
        authority: refreshed.narrowed.authority.clone(),
        jkt: context.caller.key().cloned(),
        created_at: context.now,
        ..leaf.clone()
    })
}
