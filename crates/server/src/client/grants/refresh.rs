//! `refresh_token` (OAuth 2.1 section 4.3): a public client's is rotated by one guarded statement; one that comes again is judged by
//! `core/src/rotation.rs`.

use writ_core::OAuthError;
use writ_core::delegation::{self, Delegation};
use writ_core::event::EventName;
use writ_core::id::{DelegationId, UserId};
use writ_core::lineage::Lineage;
use writ_core::mint::Minting;
use writ_core::refresh::{
    self, FoundRefreshToken, NewRefreshToken, RefreshOutcome, Refreshed, Rotation,
};
use writ_core::scope::OPENID;
use writ_core::task::Subject;
use writ_store::DatabaseTransaction;
use writ_wire::claims::Act;
use writ_wire::token::{RefreshRequest, TokenResponse};

use crate::client::end_grant::{EndedGrant, GrantEndings, end_by_server};
use crate::client::grants::guest::{PresentedGrant, check_document};
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::notifications::used_twice_notice::access_used_twice;
use crate::request::token_request::{GrantIdentity, IssuedToken, MintedToken, TokenRequestContext};

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
        RefreshOutcome::RefuseAndStop(refusal) => {
            return Err(stolen(context, transaction, refusal, &found.lineage).await);
        }
    };
    let (lineage, presented) = (&found.lineage, PresentedGrant::RefreshToken);
    let mut transaction = check_document(context, transaction, lineage, presented).await?;
    context.claim(&mut transaction).await?;
    let narrower = narrower(context, &found, &refreshed);
    let row = narrower.as_ref().unwrap_or(&found.lineage.leaf);
    let minting = Minting {
        task: &found.lineage.task,
        delegation: row,
        audience: &refreshed.audience,
        view: &refreshed.view,
        jkt: key,
        not_after: found.row.expires_at,
    };
    let mut minted = context.mint(&minting)?;
    minted.response.scope = Some(refreshed.scope.to_string());
    let refresh_token = rotate(context, &mut transaction, &found, &refreshed, &minted).await?;
    minted.response.refresh_token = refresh_token;
    if let Some(row) = &narrower {
        transaction.insert_delegation(row).await?;
    }
    if wants_id_token(request) {
        let identity = GrantIdentity {
            task: &found.lineage.task,
            delegation: row,
            // The same login as before (OpenID Connect Core 12.2).
            nonce: None,
            person: context.person_of(&mut transaction, &found.lineage).await?,
        };
        minted.response.id_token = context.id_token(&minted, identity)?;
    }
    let issued = IssuedToken {
        event: EventName::TokenRefreshed,
        task: &found.lineage.task,
        delegation: row,
        minted,
    };
    let response = context.record_and_commit(transaction, issued).await?;
    app.metrics
        .issued("refresh_token", context.caller.client.profile);
    Ok(response)
}

/// Whoever left `openid` out gets none.
fn wants_id_token(request: &RefreshRequest) -> bool {
    let scope = request.scope.as_ref();
    scope.is_none_or(|scope| scope.contains(OPENID))
}

/// It was rotated away and somebody else has it: the task ends, and its person is told.
async fn stolen(
    context: &TokenRequestContext<'_>,
    transaction: DatabaseTransaction,
    refusal: OAuthError,
    lineage: &Lineage,
) -> Failure {
    match end_and_tell(context, transaction, lineage).await {
        Ok(()) => context.refuse_below(refusal, lineage),
        Err(failure) => failure,
    }
}

async fn end_and_tell(
    context: &TokenRequestContext<'_>,
    mut transaction: DatabaseTransaction,
    lineage: &Lineage,
) -> Result<(), Failure> {
    let because = "the refresh token was used twice";
    let end = end_by_server(context, &mut transaction, lineage, because);
    let GrantEndings { ended, asked } = Box::pin(end).await?;
    if let (EndedGrant::Task, Subject::Person(person)) = (ended, &lineage.task.subject) {
        let (outbox, client) = (context.app.outbox(), &context.caller.client.id);
        let person = UserId::from_text(person.as_str());
        access_used_twice(&outbox, &mut transaction, &person, client).await?;
    }
    transaction.commit().await?;
    asked.announce(context.app);
    Ok(())
}

/// The new refresh token, if this one is rotated. Whoever lost a race for it is refused, and nothing is revoked.
async fn rotate(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    found: &FoundRefreshToken,
    refreshed: &Refreshed,
    minted: &MintedToken,
) -> Result<Option<String>, Failure> {
    let (now, key) = (context.now, context.caller.key());
    let (old, secret) = (&found.row.digest, context.app.random.secret());
    let digest = secret_digest(&secret);
    let won = match &refreshed.rotation {
        Rotation::Keep => return Ok(None),
        Rotation::Successor => {
            transaction
                .consume_refresh_token(old, key, &digest, now)
                .await?
        }
        Rotation::Twin { replaces } => {
            transaction
                .twin_refresh_token(old, replaces, &digest, now)
                .await?
        }
    };
    if !won {
        return Err(context.refuse_below(refresh::unknown(), &found.lineage));
    }
    let next = NewRefreshToken {
        digest,
        access_jti: Some(minted.claims.jti.clone()),
        created_at: now,
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
    let act = leaf.act.as_ref();
    Some(Delegation {
        path: delegation::path(Some(&leaf.path), &id),
        parent: Some(leaf.id.clone()),
        act: act.map(|act| Act {
            dlg: id.to_string(),
            ..act.clone()
        }),
        id,
        authority: refreshed.narrowed.authority.clone(),
        jkt: context.caller.key().cloned(),
        created_at: context.now,
        ..leaf.clone()
    })
}
