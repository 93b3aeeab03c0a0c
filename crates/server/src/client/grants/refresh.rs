//! `refresh_token` (OAuth 2.1 section 4.3): a public client's is rotated by one guarded statement (LESSONS 35).

use writ_core::OAuthError;
use writ_core::delegation::{self, Delegation};
use writ_core::event::EventName;
use writ_core::id::DelegationId;
use writ_core::mint::Minting;
use writ_core::realm::DecisionContext;
use writ_core::refresh::{self, FoundRefreshToken, NewRefreshToken, RefreshOutcome, Refreshed};
use writ_store::DatabaseTransaction;
use writ_wire::token::{RefreshRequest, TokenResponse};

use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::request::granting::Granting;

pub async fn refresh(
    granting: &Granting<'_>,
    request: &RefreshRequest,
) -> Result<TokenResponse, Failure> {
    let app = granting.app;
    let digest = secret_digest(&request.refresh_token);
    let mut session = app.begin().await?;
    let Some(found) = session.refresh_token(&digest).await? else {
        return Err(granting.refuse(refresh::unknown()));
    };
    let client = &granting.caller.client;
    let context = DecisionContext {
        realm: granting.catalogue.realm(),
        now: granting.now,
    };
    let refreshed = match refresh::refresh(&found, request, client, granting.caller.key(), context)
    {
        RefreshOutcome::Refresh(refreshed) => refreshed,
        other => return Err(refuse(granting, session, &found, other).await?),
    };
    granting.claim(&mut session).await?;
    let rotated = rotate(granting, &mut session, &found, &refreshed).await?;
    let narrower = narrower(granting, &found, &refreshed);
    let row = narrower.as_ref().unwrap_or(&found.lineage.leaf);
    if let Some(row) = &narrower {
        session.insert_delegation(row).await?;
    }
    let minting = Minting {
        task: &found.lineage.task,
        delegation: row,
        audience: &refreshed.audience,
        view: &refreshed.view,
        jkt: granting.caller.key(),
        not_after: found.row.expires_at,
    };
    let mut minted = granting.mint(&minting)?;
    let event = granting.token_event(
        EventName::TokenRefreshed,
        &minted,
        (&found.lineage.task, row),
    );
    session.insert_event(&event).await?;
    granting
        .commit(session, &row.id, OAuthError::invalid_grant)
        .await?;
    minted.response.refresh_token = rotated;
    app.metrics.issued("refresh_token");
    Ok(minted.response)
}

async fn rotate(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
    found: &FoundRefreshToken,
    refreshed: &Refreshed,
) -> Result<Option<String>, Failure> {
    if !refreshed.rotate {
        return Ok(None);
    }
    if !session
        .consume_refresh_token(&found.row.digest, granting.caller.key(), granting.now)
        .await?
    {
        // The loser of a race: refused, nothing revoked.
        return Err(granting.refuse_below(refresh::unknown(), &found.lineage));
    }
    let secret = granting.app.random.secret();
    let next = NewRefreshToken {
        digest: secret_digest(&secret),
        created_at: granting.now,
        ..found.row.clone()
    };
    session.insert_refresh_token(&next).await?;
    Ok(Some(secret))
}

/// Asking for less writes a new, narrower row below the grant; the refresh token keeps its measure.
fn narrower(
    granting: &Granting<'_>,
    found: &FoundRefreshToken,
    refreshed: &Refreshed,
) -> Option<Delegation> {
    if !refreshed.narrowed.reduced {
        return None;
    }
    let leaf = &found.lineage.leaf;
    let id = DelegationId::make(granting.now, granting.app.entropy());
    let issuer = granting.catalogue.issuer.as_str();
    let act = leaf.act.as_ref();
    Some(Delegation {
        path: delegation::path(Some(&leaf.path), &id),
        parent: Some(leaf.id.clone()),
        act: act.map(|act| delegation::act(issuer, &leaf.holder, &id, act.act.as_deref())),
        id,
        authority: refreshed.narrowed.authority.clone(),
        jkt: granting.caller.key().cloned(),
        created_at: granting.now,
        ..leaf.clone()
    })
}

/// Refuses; a refresh token that was rotated away and comes again stops the grant (LESSONS 35).
async fn refuse(
    granting: &Granting<'_>,
    session: DatabaseTransaction,
    found: &FoundRefreshToken,
    outcome: RefreshOutcome,
) -> Result<Failure, Failure> {
    match outcome {
        RefreshOutcome::RefuseAndStop(refusal) => {
            let because = "the refresh token was used twice";
            let reused = (&found.lineage, because);
            granting.refuse_and_stop(session, refusal, reused).await
        }
        RefreshOutcome::Refuse(refusal) => Ok(granting.refuse_below(refusal, &found.lineage)),
        RefreshOutcome::Refresh(_) => Ok(granting.refuse_below(refresh::unknown(), &found.lineage)),
    }
}
