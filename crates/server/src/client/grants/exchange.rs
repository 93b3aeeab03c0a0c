//! Token exchange (RFC 8693, DESIGN 6): verify both tokens, read everything above them, decide, write one row and one event.

use std::sync::Arc;

use writ_core::OAuthError;
use writ_core::client::{Authentication, Client};
use writ_core::event::EventName;
use writ_core::exchange::{self, Actor, ExchangeFacts, Exchanged};
use writ_core::id::DelegationId;
use writ_core::lineage::Lineage;
use writ_core::mint::Minting;
use writ_core::realm::DecisionContext;
use writ_jose::access_token;
use writ_jose::assertion::{ActorAssertion, ActorAssertionRules, UnverifiedAssertion};
use writ_jose::key::Thumbprint;
use writ_store::DatabaseTransaction;
use writ_store::replay::ReplayClaim;
use writ_store::write::InsertBatch;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::exchange::{ActorToken, ExchangeRequest, TOKEN_TYPE_ACCESS_TOKEN};
use writ_wire::token::TokenResponse;

use crate::node::failure::Failure;
use crate::request::granting::Granting;
use crate::request::replay::{Proved, Single};

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
    granting: &Granting<'_>,
    request: &ExchangeRequest,
) -> Result<TokenResponse, Failure> {
    let app = granting.app;
    let Some(proof) = granting.caller.key() else {
        return Err(granting.refuse(OAuthError::invalid_request(
            "a DPoP proof is required: send one `DPoP` header",
        )));
    };
    let subject = verify(granting, &request.subject_token, "subject token")?;
    let actor = match &request.actor {
        Some(token) => Some(verify_actor(granting, token).await?),
        None => None,
    };
    let mut session = app.begin().await?;
    let lineage = lineage(granting, &mut session, &subject).await?;
    let facts = ExchangeFacts {
        client: &granting.caller.client,
        proof,
        subject: &subject,
        lineage: &lineage,
        actor: match &actor {
            Some(actor) => Some(facts_of(granting, &mut session, actor).await?),
            None => None,
        },
    };
    let fresh = DelegationId::make(granting.now, app.entropy());
    let context = DecisionContext {
        realm: granting.catalogue.realm(),
        now: granting.now,
    };
    let exchanged = exchange::exchange(&facts, request, context, fresh)
        .map_err(|refusal| granting.refuse_below(refusal, &lineage))?;
    let singles = claim_keys(granting, &mut session, actor.as_ref()).await?;
    let minted = write(granting, &mut session, (&lineage, &exchanged), singles).await?;
    let delegation = exchanged.new_row.as_ref().unwrap_or(&lineage.leaf);
    granting
        .commit(session, &delegation.id, OAuthError::invalid_request)
        .await?;
    if let Some((assertion, client)) = actor.as_ref().and_then(Verified::assertion) {
        app.remember_key(&assertion.signer, &client.id);
    }
    app.metrics.issued("token_exchange");
    Ok(minted)
}

async fn write(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
    (lineage, exchanged): (&Lineage, &Exchanged),
    singles: Vec<Single>,
) -> Result<TokenResponse, Failure> {
    let delegation = exchanged.new_row.as_ref().unwrap_or(&lineage.leaf);
    let minting = Minting {
        task: &lineage.task,
        delegation,
        audience: &exchanged.audience,
        view: &exchanged.view,
        jkt: Some(&exchanged.jkt),
        not_after: exchanged.not_after,
    };
    let mut minted = granting.mint(&minting)?;
    let mut event = granting.token_event(
        EventName::TokenExchanged,
        &minted,
        (&lineage.task, delegation),
    );
    event.reason = Some(exchanged.way.as_str().to_owned());
    let writes = InsertBatch {
        delegation: exchanged.new_row.as_ref(),
        event: Some(&event),
        ..InsertBatch::default()
    };
    granting.write(session, singles, writes).await?;
    minted.response.issued_token_type = Some(TOKEN_TYPE_ACCESS_TOKEN.to_owned());
    Ok(minted.response)
}

/// Any fault of a subject or actor token is `invalid_request` (RFC 8693 section 2.2.2).
fn verify(granting: &Granting<'_>, token: &str, what: &str) -> Result<AccessTokenClaims, Failure> {
    access_token::verify(
        token,
        |kid| granting.keys.find(kid),
        granting.catalogue.issuer.as_str(),
        granting.now,
    )
    .map_err(|e| {
        granting.refuse(OAuthError::invalid_request(format!(
            "the {what} is not usable: {e}"
        )))
    })
}

async fn lineage(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
    claims: &AccessTokenClaims,
) -> Result<Lineage, Failure> {
    let untraceable =
        || OAuthError::invalid_request("the token cannot be traced to its delegation");
    let Some(id) = claims.delegation() else {
        return Err(granting.refuse(untraceable()));
    };
    let found = session.lineage(&DelegationId::from_text(id)).await?;
    found.ok_or_else(|| granting.refuse(untraceable()))
}

async fn verify_actor(granting: &Granting<'_>, token: &ActorToken) -> Result<Verified, Failure> {
    match token {
        ActorToken::Assertion(text) => by_assertion(granting, text).await,
        ActorToken::AccessToken(text) => by_access_token(granting, text).await,
    }
}

async fn by_assertion(granting: &Granting<'_>, text: &str) -> Result<Verified, Failure> {
    let refuse = |e: &dyn std::fmt::Display| {
        granting.refuse(OAuthError::invalid_request(format!(
            "the actor token is not usable: {e}"
        )))
    };
    let unverified = UnverifiedAssertion::parse(text).map_err(|e| refuse(&e))?;
    let client = agent(granting, unverified.subject()).await?;
    let Authentication::PrivateKeyJwt(keys) = &client.authentication else {
        return Err(refuse(&"its agent has no registered keys"));
    };
    let rules = ActorAssertionRules {
        agent: client.id.as_str(),
        issuer: granting.catalogue.issuer.as_str(),
        presenter: granting.caller.client.id.as_str(),
        now: granting.now,
    };
    let assertion = unverified
        .verify_actor(keys, &rules)
        .map_err(|e| refuse(&e))?;
    Ok(Verified {
        binds: assertion.binds.clone(),
        evidence: Evidence::Assertion(assertion),
        client,
    })
}

/// The agent's own access token: `aud` exactly the issuer, `sub` that agent, no `act`, bound to a key.
async fn by_access_token(granting: &Granting<'_>, text: &str) -> Result<Verified, Failure> {
    let claims = verify(granting, text, "actor token")?;
    let refuse = |sentence: &str| granting.refuse(OAuthError::invalid_request(sentence));
    if claims.aud != granting.catalogue.issuer.as_str() {
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
    let client = agent(granting, &claims.sub).await?;
    let delegation = DelegationId::from_text(delegation.as_str());
    Ok(Verified {
        client,
        binds,
        evidence: Evidence::AccessToken(delegation),
    })
}

async fn agent(granting: &Granting<'_>, id: &str) -> Result<Arc<Client>, Failure> {
    let found = granting
        .app
        .client(id)
        .await?
        .filter(|client| client.is_agent());
    found.ok_or_else(|| {
        granting.refuse(OAuthError::invalid_request(
            "the actor token names no agent of this server",
        ))
    })
}

/// State of the actor, read uncached: stopped agents, owners and tokens act for nobody.
async fn facts_of<'a>(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
    actor: &'a Verified,
) -> Result<Actor<'a>, Failure> {
    let state = session.actor_state(&actor.client.id, &actor.binds).await?;
    let dead = match &actor.evidence {
        Evidence::Assertion(_) => false,
        Evidence::AccessToken(delegation) => {
            let own = |l: &Lineage| l.leaf.act.is_none() && l.leaf.holder == actor.client.id;
            let lineage = session.lineage(delegation).await?;
            !lineage.is_some_and(|lineage| lineage.is_live(granting.now) && own(&lineage))
        }
    };
    let Some(state) = state.filter(|state| state.active && !dead) else {
        return Err(granting.refuse(OAuthError::invalid_request(
            "the actor token's agent is stopped",
        )));
    };
    Ok(Actor {
        client: &actor.client,
        binds: actor.binds.clone(),
        key_owner: state.key_owner,
    })
}

/// The keys of both agents, and what is still to be claimed, all at once (LESSONS 13): assertion, proof, actor assertion.
async fn claim_keys(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
    actor: Option<&Verified>,
) -> Result<Vec<Single>, Failure> {
    let app = granting.app;
    let assertion = actor.and_then(Verified::assertion);
    let mut singles = granting.caller.singles();
    singles.extend(assertion.map(|(assertion, _)| Single {
        once: ReplayClaim {
            digest: assertion.replay_digest(),
            expires_at: assertion.accepted_until,
        },
        used: OAuthError::invalid_request(
            "the actor token was used before: make a new one with a fresh `jti`",
        ),
    }));
    let mut proved = granting.caller.proved();
    proved.extend(assertion.map(|(assertion, client)| Proved {
        key: &assertion.signer,
        agent: &client.id,
        foreign: OAuthError::invalid_request("the actor token is signed by another agent's key"),
    }));
    match app.claim_proved(session, proved, granting.now).await? {
        Some(foreign) => Err(granting.refuse(foreign)),
        None => Ok(singles),
    }
}
