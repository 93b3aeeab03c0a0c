//! Token exchange (RFC 8693): verify both tokens, read everything above them, decide, write the row and its events.

use std::sync::Arc;

use serde_json::json;
use writ_core::OAuthError;
use writ_core::client::Client;
use writ_core::delegation::Delegation;
use writ_core::event::{Event, EventName};
use writ_core::exchange::{self, Actor, ExchangeFacts, Exchanged, Way};
use writ_core::id::DelegationId;
use writ_core::lineage::Lineage;
use writ_core::mint::{Minting, scope_text};
use writ_core::task::Task;
use writ_jose::access_token;
use writ_jose::assertion::{ActorAssertion, ActorAssertionRules, UnverifiedAssertion};
use writ_jose::key::Thumbprint;
use writ_store::DatabaseTransaction;
use writ_store::replay::ReplayClaim;
use writ_store::write::InsertBatch;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::exchange::{ActorToken, ExchangeRequest, TOKEN_TYPE_ACCESS_TOKEN};
use writ_wire::token::TokenResponse;

use crate::client::sighting::see;
use crate::node::failure::Failure;
use crate::request::replay::{KeyClaim, ReplayCheck};
use crate::request::token_request::TokenRequestContext;

/// An actor token whose signature is verified.
struct Verified {
    client: Arc<Client>,
    binds: Thumbprint,
    evidence: Evidence,
}

impl Verified {
    fn assertion(&self) -> Option<(&ActorAssertion, &Client)> {
        match &self.evidence {
            Evidence::Assertion(assertion) => Some((assertion, self.client.as_ref())),
            Evidence::AccessToken(_) => None,
        }
    }
}

/// What shows that the other agent takes part.
enum Evidence {
    /// Used once; signed by a key that becomes the agent's own.
    Assertion(ActorAssertion),
    /// The delegation behind the agent's own token: it must be live too.
    AccessToken(DelegationId),
}

pub async fn exchange(
    context: &TokenRequestContext<'_>,
    request: &ExchangeRequest,
) -> Result<TokenResponse, Failure> {
    let app = context.app;
    let Some(proof) = context.caller.key() else {
        return Err(context.refuse(OAuthError::invalid_request(
            "a DPoP proof is required: send one `DPoP` header",
        )));
    };
    let subject = verify(context, &request.subject_token, "subject token")?;
    let actor = match &request.actor {
        Some(token) => Some(verify_actor(context, token).await?),
        None => None,
    };
    if !see(app, &subject, context.now).await? {
        return Err(context.refuse(OAuthError::invalid_request("the subject token is not live")));
    }
    let mut transaction = app.begin().await?;
    let lineage = lineage(context, &mut transaction, &subject).await?;
    let facts = ExchangeFacts {
        client: &context.caller.client,
        proof,
        subject: &subject,
        lineage: &lineage,
        actor: match &actor {
            Some(actor) => Some(facts_of(context, &mut transaction, actor, &lineage.task).await?),
            None => None,
        },
    };
    let id = DelegationId::make(context.now, app.entropy());
    let exchanged = exchange::exchange(&facts, request, context.decision_context(), id)
        .map_err(|refusal| context.refuse_below(refusal, &lineage))?;
    let checks = claim_keys(context, &mut transaction, actor.as_ref()).await?;
    let response = write(context, &mut transaction, &lineage, &exchanged, checks).await?;
    let delegation = exchanged.new_row.as_ref().unwrap_or(&lineage.leaf);
    context
        .commit(transaction, &delegation.id, OAuthError::invalid_request)
        .await?;
    if let Some((assertion, client)) = actor.as_ref().and_then(Verified::assertion) {
        app.remember_key(&assertion.signer, &client.id);
    }
    app.metrics
        .issued("token_exchange", context.caller.client.profile);
    Ok(response)
}

/// One row at most, its events, and what is used up, in the transaction of the exchange.
async fn write(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    lineage: &Lineage,
    exchanged: &Exchanged,
    checks: Vec<ReplayCheck>,
) -> Result<TokenResponse, Failure> {
    let delegation = exchanged.new_row.as_ref().unwrap_or(&lineage.leaf);
    let task = &lineage.task;
    let minting = Minting {
        task,
        delegation,
        audience: &exchanged.audience,
        view: &exchanged.view,
        jkt: Some(&exchanged.jkt),
        not_after: exchanged.not_after,
    };
    let mut minted = context.mint(&minting)?;
    let mut event = context.token_event(EventName::TokenExchanged, &minted, task, delegation);
    event.reason = Some(exchanged.way.as_str().to_owned());
    let writes = InsertBatch {
        delegation: exchanged.new_row.as_ref(),
        event: Some(&event),
        ..InsertBatch::default()
    };
    let caller = &context.caller;
    caller
        .write(context.app, transaction, checks, writes)
        .await?;
    if exchanged.way == Way::HandOver {
        let event = delegation_made(context, task, delegation);
        transaction.insert_event(&event).await?;
    }
    // Of the token that is issued (RFC 8693 section 2.2.1): the grant of the subject token is another answer's.
    minted.response.scope = Some(scope_text(&exchanged.view));
    minted.response.issued_token_type = Some(TOKEN_TYPE_ACCESS_TOKEN.to_owned());
    Ok(minted.response)
}

/// Another agent holds a part of the task from now on.
fn delegation_made(
    context: &TokenRequestContext<'_>,
    task: &Task,
    delegation: &Delegation,
) -> Event {
    let id = context.app.event_id(context.now);
    Event::new(id, context.now, EventName::DelegationMade)
        .by(&context.caller.client)
        .about(task)
        .under(delegation)
        .permitted()
        .with(json!({
            "holder": delegation.holder,
            "requested_by": delegation.requested_by,
            "parent": delegation.parent,
            "authority": delegation.authority,
            "onward": delegation.onward,
            "delegation_expires_at": delegation.expires_at.rfc3339(),
        }))
}

/// Any fault of a subject or actor token is `invalid_request` (RFC 8693 section 2.2.2).
fn verify(
    context: &TokenRequestContext<'_>,
    token: &str,
    what: &str,
) -> Result<AccessTokenClaims, Failure> {
    access_token::verify(
        token,
        |kid| context.keys.find(kid),
        context.catalogue.issuer.as_str(),
        context.now,
    )
    .map_err(|e| {
        context.refuse(OAuthError::invalid_request(format!(
            "the {what} is not usable: {e}"
        )))
    })
}

async fn lineage(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    claims: &AccessTokenClaims,
) -> Result<Lineage, Failure> {
    let untraceable =
        || OAuthError::invalid_request("the token cannot be traced to its delegation");
    let Some(id) = claims.delegation() else {
        return Err(context.refuse(untraceable()));
    };
    let found = transaction.lineage(&DelegationId::from_text(id)).await?;
    found.ok_or_else(|| context.refuse(untraceable()))
}

async fn verify_actor(
    context: &TokenRequestContext<'_>,
    token: &ActorToken,
) -> Result<Verified, Failure> {
    match token {
        ActorToken::Assertion(text) => by_assertion(context, text).await,
        ActorToken::AccessToken(text) => by_access_token(context, text).await,
    }
}

async fn by_assertion(context: &TokenRequestContext<'_>, text: &str) -> Result<Verified, Failure> {
    let refuse = |e: &dyn std::fmt::Display| {
        context.refuse(OAuthError::invalid_request(format!(
            "the actor token is not usable: {e}"
        )))
    };
    let unverified = UnverifiedAssertion::parse(text).map_err(|e| refuse(&e))?;
    let client = agent(context, unverified.subject()).await?;
    let keys = context.app.client_keys(&client, text, None).await;
    let keys = keys.map_err(|missing| missing.failure(|why| refuse(&why)))?;
    let rules = ActorAssertionRules {
        agent: client.id.as_str(),
        issuer: context.catalogue.issuer.as_str(),
        presenter: context.caller.client.id.as_str(),
        now: context.now,
    };
    let assertion = unverified
        .verify_actor(&keys, &rules)
        .map_err(|e| refuse(&e))?;
    Ok(Verified {
        binds: assertion.binds.clone(),
        evidence: Evidence::Assertion(assertion),
        client,
    })
}

/// The agent's own access token: `aud` exactly the issuer, `sub` that agent, no `act`, bound to a key.
async fn by_access_token(
    context: &TokenRequestContext<'_>,
    text: &str,
) -> Result<Verified, Failure> {
    let claims = verify(context, text, "actor token")?;
    let refuse = |sentence: &str| context.refuse(OAuthError::invalid_request(sentence));
    if claims.aud != context.catalogue.issuer.as_str() {
        return Err(refuse(
            "the actor token is meant for a resource: only one for the issuer is an actor token",
        ));
    }
    let (None, Some(delegation)) = (&claims.act, &claims.dlg) else {
        return Err(refuse(
            "the actor token acts for somebody: only an agent's own is an actor token",
        ));
    };
    let binds = claims
        .cnf
        .as_ref()
        .and_then(|cnf| Thumbprint::parse(&cnf.jkt));
    let binds = binds.ok_or_else(|| refuse("the actor token is bound to no key"))?;
    let client = agent(context, &claims.sub).await?;
    let delegation = DelegationId::from_text(delegation.as_str());
    Ok(Verified {
        client,
        binds,
        evidence: Evidence::AccessToken(delegation),
    })
}

async fn agent(context: &TokenRequestContext<'_>, id: &str) -> Result<Arc<Client>, Failure> {
    let found = context
        .app
        .client(id)
        .await?
        .filter(|client| client.is_agent());
    found.ok_or_else(|| {
        context.refuse(OAuthError::invalid_request(
            "the actor token names no agent of this server",
        ))
    })
}

/// State of the actor, read uncached: stopped agents, owners and tokens act for nobody, and a paused agent not for whoever paused it.
async fn facts_of<'a>(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    actor: &'a Verified,
    task: &Task,
) -> Result<Actor<'a>, Failure> {
    let state = transaction
        .actor_state(&actor.client.id, &actor.binds, task.subject.as_str())
        .await?;
    let dead = match &actor.evidence {
        Evidence::Assertion(_) => false,
        Evidence::AccessToken(delegation) => {
            let own = |l: &Lineage| l.leaf.act.is_none() && l.leaf.holder == actor.client.id;
            let lineage = transaction.lineage(delegation).await?;
            !lineage
                .is_some_and(|lineage| lineage.is_live(context.decision_context()) && own(&lineage))
        }
    };
    let Some(state) = state.filter(|state| state.active && !dead) else {
        return Err(context.refuse(OAuthError::invalid_request(
            "the actor token's agent is stopped",
        )));
    };
    Ok(Actor {
        client: &actor.client,
        binds: actor.binds.clone(),
        key_owner: state.key_owner,
    })
}

/// The keys of both agents, and what is still to be claimed, all at once: assertion, proof, actor assertion.
async fn claim_keys(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    actor: Option<&Verified>,
) -> Result<Vec<ReplayCheck>, Failure> {
    let (app, caller) = (context.app, &context.caller);
    let assertion = actor.and_then(Verified::assertion);
    let mut checks = caller.replay_checks();
    checks.extend(assertion.map(|(assertion, _)| ReplayCheck {
        claim: ReplayClaim {
            digest: assertion.replay_digest(),
            expires_at: assertion.accepted_until,
        },
        used: OAuthError::invalid_request(
            "the actor token was used before: make a new one with a fresh `jti`",
        ),
    }));
    let mut keys = caller.key_claims();
    keys.extend(assertion.map(|(assertion, client)| KeyClaim {
        key: &assertion.signer,
        agent: &client.id,
        foreign: OAuthError::invalid_request("the actor token is signed by another agent's key"),
    }));
    caller
        .claim_these_keys(app, transaction, keys, context.now)
        .await?;
    Ok(checks)
}
