//! A request for a token on its way: what every grant needs, the signature, the event, and the commit.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use writ_core::OAuthError;
use writ_core::delegation::Delegation;
use writ_core::event::{Event, EventName};
use writ_core::id::DelegationId;
use writ_core::lineage::Lineage;
use writ_core::mint::{Minting, scope_text};
use writ_core::task::Task;
use writ_jose::access_token;
use writ_store::write::InsertBatch;
use writ_store::{CommitIsolation, DatabaseTransaction};
use writ_wire::claims::AccessTokenClaims;
use writ_wire::time::Timestamp;
use writ_wire::token::TokenResponse;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::keyring::Keys;
use crate::node::registry::Catalogue;
use crate::request::caller::Caller;
use crate::request::replay::Single;

/// What every grant needs.
pub struct Granting<'a> {
    pub app: &'a App,
    pub caller: Caller,
    pub catalogue: Arc<Catalogue>,
    /// Read before the transaction begins: nobody waits for a second connection while holding one.
    pub keys: Arc<Keys>,
    pub now: Timestamp,
    /// How long the client would like to wait for a person (RFC 7240 section 4.3).
    pub wait: Option<Duration>,
}

/// A token that is signed; it leaves only after the commit.
pub struct Minted {
    pub claims: AccessTokenClaims,
    pub response: TokenResponse,
}

impl Granting<'_> {
    /// Signs the token and builds its answer.
    pub fn mint(&self, minting: &Minting<'_>) -> Result<Minted, Failure> {
        let realm = self.catalogue.realm();
        let claims = minting.claims(realm, self.now, self.app.random.identifier());
        let access_token = access_token::sign(&self.keys.active, &claims)?;
        let scope = scope_text(minting.view);
        let mission = claims
            .mission
            .as_ref()
            .filter(|_| self.app.config.features.mission_intent);
        let response = TokenResponse {
            access_token,
            token_type: minting.token_type(),
            expires_in: self.now.until(minting.expires_at(self.now)).as_secs(),
            refresh_token: None,
            scope: (!scope.is_empty()).then_some(scope),
            authorization_details: minting.view.details().to_vec(),
            id_token: None,
            issued_token_type: None,
            mission_id: mission.map(|m| m.id.clone()),
            mission_expires_at: mission.map(|m| m.expires_at.clone()),
        };
        Ok(Minted { claims, response })
    }

    /// The event of a token: with it alone an auditor knows who, for whom, what and under which limits.
    pub fn token_event(
        &self,
        name: EventName,
        minted: &Minted,
        (task, delegation): (&Task, &Delegation),
    ) -> Event {
        let claims = &minted.claims;
        let mut event = Event::new(self.app.event_id(self.now), self.now, name)
            .by(&self.caller.client)
            .about(task)
            .under(delegation)
            .at_resource(&claims.aud)
            .permitted()
            .with(token_data(minted, delegation));
        event.details_hash = claims.mission.as_ref().map(|m| m.authority_hash.clone());
        event
    }

    /// A refusal after client authentication, with whatever is known of the task.
    pub fn refuse(&self, refusal: OAuthError) -> Failure {
        self.app
            .refused(refusal, |event| event.by(&self.caller.client))
    }

    pub fn refuse_under(
        &self,
        refusal: OAuthError,
        task: &Task,
        delegation: &Delegation,
    ) -> Failure {
        self.app.refused(refusal, |event| {
            event.by(&self.caller.client).about(task).under(delegation)
        })
    }

    pub fn refuse_below(&self, refusal: OAuthError, lineage: &Lineage) -> Failure {
        self.refuse_under(refusal, &lineage.task, &lineage.leaf)
    }

    /// What may be used once came again: everything below the grant that it belongs to is stopped.
    pub async fn refuse_and_stop(
        &self,
        mut session: DatabaseTransaction,
        refusal: OAuthError,
        (lineage, because): (&Lineage, &str),
    ) -> Result<Failure, Failure> {
        if session.stop_delegation(&lineage.leaf.id, self.now).await? {
            let event = self.stopped(because).about(&lineage.task);
            session.insert_event(&event.under(&lineage.leaf)).await?;
        }
        session.commit().await?;
        Ok(self.refuse_below(refusal, lineage))
    }

    fn stopped(&self, because: &str) -> Event {
        let id = self.app.event_id(self.now);
        Event::new(id, self.now, EventName::DelegationStopped)
            .by(&self.caller.client)
            .with(json!({ "because": because }))
    }

    /// Keys, then assertion and proof, in this order everywhere: used up in this transaction, or the request is refused.
    pub async fn claim(&self, session: &mut DatabaseTransaction) -> Result<(), Failure> {
        self.claim_keys(session).await?;
        match self.app.claim(session, self.caller.singles()).await? {
            Some(used) => Err(self.refuse(used)),
            None => Ok(()),
        }
    }

    /// The client's keys become its own, or the request is refused.
    pub async fn claim_keys(&self, session: &mut DatabaseTransaction) -> Result<(), Failure> {
        match self.app.claim_keys(session, &self.caller, self.now).await? {
            Some(foreign) => Err(self.refuse(foreign)),
            None => Ok(()),
        }
    }

    /// What this request uses up and what it leaves behind, in one round trip; or the request is refused.
    pub async fn write(
        &self,
        session: &mut DatabaseTransaction,
        singles: Vec<Single>,
        writes: InsertBatch<'_>,
    ) -> Result<(), Failure> {
        match self.app.write(session, singles, writes).await? {
            Some(refusal) => Err(self.refuse(refusal)),
            None => Ok(()),
        }
    }

    /// Promise 5: a stop never loses a race against a mint. Unless nobody else can have written in between,
    /// everything above is read again after the commit, and unless it lives the token is not sent but refused with
    /// the code of the grant at hand.
    pub async fn commit(
        &self,
        session: DatabaseTransaction,
        delegation: &DelegationId,
        refuse: fn(String) -> OAuthError,
    ) -> Result<(), Failure> {
        let committed = session.commit_reporting_isolation().await?;
        self.app.remember_keys(&self.caller);
        if committed == CommitIsolation::Serial {
            return Ok(());
        }
        if self.app.read().await?.is_live(delegation, self.now).await? {
            return Ok(());
        }
        let mut session = self.app.begin().await?;
        if session.stop_delegation(delegation, self.now).await? {
            let mut event = self.stopped("what it builds on was stopped while it was made");
            event.delegation = Some(delegation.to_string());
            session.insert_event(&event).await?;
        }
        session.commit().await?;
        Err(self.refuse(refuse("what this request builds on was stopped".to_owned())))
    }
}

fn token_data(minted: &Minted, delegation: &Delegation) -> Value {
    let claims = &minted.claims;
    json!({
        "jti": claims.jti,
        "exp": claims.exp,
        "cnf": claims.cnf,
        "token_type": minted.response.token_type,
        "scope": claims.scope,
        "authorization_details": claims.authorization_details,
        "authority": delegation.authority,
        "onward": delegation.onward,
        "delegation_expires_at": delegation.expires_at.rfc3339(),
        "requested_by": delegation.requested_by,
    })
}
