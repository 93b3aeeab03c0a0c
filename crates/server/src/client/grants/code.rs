//! `authorization_code` (OAuth 2.1 section 4.1.3): decided first, then consumed by one guarded statement.

use writ_core::OAuthError;
use writ_core::code::{self, CodeOutcome, Consumed, FoundCode, RedeemedCode};
use writ_core::event::EventName;
use writ_core::mint::{self, Minting};
use writ_core::realm::DecisionContext;
use writ_core::refresh::{Binding, NewRefreshToken};
use writ_core::target;
use writ_jose::{hash, id_token};
use writ_store::DatabaseTransaction;
use writ_wire::token::{CodeRequest, GrantType, TokenResponse};

use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::request::granting::Granting;

use crate::request::granting::Minted;

pub async fn redeem(
    granting: &Granting<'_>,
    request: &CodeRequest,
) -> Result<TokenResponse, Failure> {
    let (app, now) = (granting.app, granting.now);
    let realm = granting.catalogue.realm();
    let digest = secret_digest(&request.code);
    let mut session = app.begin().await?;
    let Some(found) = session.code(&digest).await? else {
        return Err(granting.refuse(code::unknown()));
    };
    let decided = code::redeem(
        &found,
        request,
        &granting.caller.client,
        granting.caller.key(),
        DecisionContext { realm, now },
    );
    let redeemed = match decided {
        CodeOutcome::Redeem(redeemed) => redeemed,
        other => return Err(refuse(granting, session, &found, other).await?),
    };
    granting.claim(&mut session).await?;
    if !session
        .consume_code(&digest, granting.caller.key(), now)
        .await?
    {
        // Another request won between our read and now: it is a use like any other.
        let won = Consumed {
            at: now,
            jkt: granting.caller.key().cloned(),
        };
        let outcome = code::reuse(&won, granting.caller.key(), now);
        return Err(refuse(granting, session, &found, outcome).await?);
    }
    let mut minted = mint(granting, &found, &redeemed)?;
    let refresh = refresh_token(granting, &mut session, &found).await?;
    session
        .insert_event(&granting.token_event(EventName::TokenIssued, &minted, above(&found)))
        .await?;
    granting
        .commit(session, &found.lineage.leaf.id, OAuthError::invalid_grant)
        .await?;
    minted.response.refresh_token = refresh;
    app.metrics.issued("authorization_code");
    Ok(minted.response)
}

fn above(found: &FoundCode) -> (&writ_core::task::Task, &writ_core::delegation::Delegation) {
    (&found.lineage.task, &found.lineage.leaf)
}

/// Refuses; a code that its own client uses again stops everything that came of it (RFC 6749 section 4.1.2).
async fn refuse(
    granting: &Granting<'_>,
    session: DatabaseTransaction,
    found: &FoundCode,
    outcome: CodeOutcome,
) -> Result<Failure, Failure> {
    match outcome {
        CodeOutcome::RefuseAndStop(refusal) => {
            let because = "the code was used twice";
            let reused = (&found.lineage, because);
            granting.refuse_and_stop(session, refusal, reused).await
        }
        CodeOutcome::Refuse(refusal) => Ok(granting.refuse_below(refusal, &found.lineage)),
        CodeOutcome::Redeem(_) => Ok(granting.refuse_below(code::unknown(), &found.lineage)),
    }
}

fn mint(
    granting: &Granting<'_>,
    found: &FoundCode,
    redeemed: &RedeemedCode,
) -> Result<Minted, Failure> {
    let (task, delegation) = above(found);
    let minting = Minting {
        task,
        delegation,
        audience: &redeemed.audience,
        view: &redeemed.view,
        jkt: granting.caller.key(),
        not_after: delegation.expires_at,
    };
    let mut minted = granting.mint(&minting)?;
    if target::has_openid(&delegation.authority, granting.catalogue.realm()) {
        minted.response.id_token = identity(granting, found, &minted)?;
    }
    Ok(minted)
}

/// The ID token beside the access token (OpenID Connect Core 3.1.3.3).
fn identity(
    granting: &Granting<'_>,
    found: &FoundCode,
    minted: &Minted,
) -> Result<Option<String>, Failure> {
    let client = &granting.caller.client;
    let at_hash = hash::at_hash(&minted.response.access_token);
    let context = DecisionContext {
        realm: granting.catalogue.realm(),
        now: granting.now,
    };
    let nonce = found.row.nonce.as_deref();
    let Some(claims) = mint::id_token(
        &found.lineage.task,
        client.id.as_str(),
        nonce,
        at_hash,
        context,
    ) else {
        return Ok(None);
    };
    Ok(Some(id_token::sign(&granting.keys.active, &claims)?))
}

/// A refresh token, if the client may use one; it lives as long as the delegation.
async fn refresh_token(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
    found: &FoundCode,
) -> Result<Option<String>, Failure> {
    let client = &granting.caller.client;
    let leaf = &found.lineage.leaf;
    if let (Some(key), None) = (granting.caller.key(), &leaf.jkt) {
        session.bind_delegation(&leaf.id, key).await?;
    }
    if client.may_use(GrantType::RefreshToken).is_err() {
        return Ok(None);
    }
    let secret = granting.app.random.secret();
    let row = NewRefreshToken {
        digest: secret_digest(&secret),
        client: client.id.clone(),
        delegation: leaf.id.clone(),
        binding: Binding::of(client, granting.caller.key()),
        created_at: granting.now,
        expires_at: leaf.expires_at,
    };
    session.insert_refresh_token(&row).await?;
    Ok(Some(secret))
}
