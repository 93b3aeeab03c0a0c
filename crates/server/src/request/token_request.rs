//! A token request on its way: what every grant needs, the signature, the event, and the commit.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use writ_core::OAuthError;
use writ_core::client::Client;
use writ_core::delegation::Delegation;
use writ_core::event::{Event, EventName};
use writ_core::id::{DelegationId, UserId};
use writ_core::lineage::Lineage;
use writ_core::mint::{self, Minting, scope_text};
use writ_core::realm::DecisionContext;
use writ_core::refresh::{Binding, NewRefreshToken};
use writ_core::target;
use writ_core::task::Task;
use writ_jose::id_token::ID_TOKEN_TYPE;
use writ_jose::key::{Algorithm, Thumbprint};
use writ_jose::{access_token, hash};
use writ_store::{CommitIsolation, DatabaseTransaction};
use writ_wire::claims::{AccessTokenClaims, IdTokenClaims, PersonClaims};
use writ_wire::time::Timestamp;
use writ_wire::token::{GrantType, TokenResponse};

use crate::node::app::App;
use crate::node::failure::{Failure, ServerFault};
use crate::node::keyring::Keys;
use crate::node::registry::Catalogue;
use crate::node::secret::secret_digest;
use crate::request::caller::Caller;
use crate::request::client_request::ClientRequest;
use crate::request::person_claims::person_claims;

/// What every grant needs.
pub struct TokenRequestContext<'a> {
    pub app: &'a App,
    pub caller: Arc<Caller>,
    pub catalogue: Arc<Catalogue>,
    /// Read before the transaction begins: a request that holds a connection never waits for a second one.
    pub keys: Arc<Keys>,
    pub now: Timestamp,
    /// How long the client would like to wait for a person (RFC 7240 section 4.3).
    pub wait: Option<Duration>,
}

/// A token that is signed; it leaves only after the commit.
pub struct MintedToken {
    pub claims: AccessTokenClaims,
    pub response: TokenResponse,
}

/// The client to which a refresh token is issued, the delegation that it renews, and the key that it is bound to.
pub struct RefreshGrant<'a> {
    pub client: &'a Client,
    pub delegation: &'a Delegation,
    pub key: Option<&'a Thumbprint>,
}

/// Whom an ID token is about.
pub struct GrantIdentity<'a> {
    pub task: &'a Task,
    pub delegation: &'a Delegation,
    /// As the client sent it at the authorization endpoint.
    pub nonce: Option<&'a str>,
    pub person: PersonClaims,
}

/// A token of a grant that exists already, and where it stands.
pub struct IssuedToken<'a> {
    pub event: EventName,
    pub task: &'a Task,
    pub delegation: &'a Delegation,
    pub minted: MintedToken,
}

impl<'a> TokenRequestContext<'a> {
    pub async fn of(request: &'a ClientRequest) -> Result<Self, Failure> {
        let app = &request.app;
        Ok(Self {
            app,
            caller: request.caller.clone(),
            catalogue: app.catalogue().await?,
            keys: app.keys_for(&request.caller.client).await?,
            now: request.now,
            wait: request.wait,
        })
    }
}

impl TokenRequestContext<'_> {
    /// What the rules of a grant decide by, beside the facts.
    pub fn decision_context(&self) -> DecisionContext<'_> {
        DecisionContext {
            realm: self.catalogue.realm(),
            now: self.now,
        }
    }

    /// Signs the token and builds its answer.
    pub fn mint(&self, minting: &Minting<'_>) -> Result<MintedToken, Failure> {
        let realm = self.catalogue.realm();
        let claims = minting.claims(realm, self.now, self.app.random.identifier());
        let access_token = access_token::sign(&self.keys.active, &claims)?;
        let mission = claims
            .mission
            .as_ref()
            .filter(|_| self.app.config.features.mission_intent);
        let response = TokenResponse {
            access_token,
            token_type: minting.token_type(),
            expires_in: self.now.until(minting.expires_at(self.now)).as_secs(),
            refresh_token: None,
            // All that is granted, also for other audiences, and empty where nothing is: absent would mean "as asked" (RFC 6749
            // section 5.1).
            scope: Some(scope_text(&minting.delegation.authority)),
            authorization_details: minting.view.details().to_vec(),
            id_token: None,
            issued_token_type: None,
            mission_id: mission.map(|m| m.id.clone()),
            mission_expires_at: mission.map(|m| m.expires_at.clone()),
        };
        Ok(MintedToken { claims, response })
    }

    /// Signs the claims of an ID token with the algorithm that the client registered.
    pub fn sign_id_token<C: Serialize>(&self, claims: &C) -> Result<String, Failure> {
        let keys = &self.keys;
        let wants_rsa = self.caller.client.openid.id_token_algorithm == Algorithm::Rs256;
        match &keys.id_token {
            Some(key) if wants_rsa => Ok(key.sign_jwt(ID_TOKEN_TYPE, claims)?),
            None if wants_rsa => Err(Failure::Broken("there is no key for RS256".to_owned())),
            _ => Ok(keys.active.sign_jwt(ID_TOKEN_TYPE, claims)?),
        }
    }

    /// The ID token beside an access token of a grant that has `openid` (OpenID Connect Core 3.1.3.3, 12.2).
    pub fn id_token(
        &self,
        minted: &MintedToken,
        identity: GrantIdentity<'_>,
    ) -> Result<Option<String>, Failure> {
        let GrantIdentity {
            task,
            delegation,
            nonce,
            person,
        } = identity;
        if !target::has_openid(&delegation.authority, self.catalogue.realm()) {
            return Ok(None);
        }
        let client = self.caller.client.id.as_str();
        let at_hash = hash::at_hash(&minted.response.access_token);
        let claims = mint::id_token(task, client, nonce, at_hash, self.decision_context());
        claims
            .map(|claims| self.sign_id_token(&IdTokenClaims { person, ..claims }))
            .transpose()
    }

    /// What the granted scopes promise of the person of a grant.
    pub async fn person_of(
        &self,
        transaction: &mut DatabaseTransaction,
        lineage: &Lineage,
    ) -> Result<PersonClaims, Failure> {
        let person = UserId::from_text(lineage.task.subject.as_str());
        let (granted, issuer) = (&lineage.leaf.authority, &self.catalogue.issuer);
        Ok(person_claims(transaction, granted, issuer, &person).await?)
    }

    /// A refresh token, if the client may use one; it lives as long as the delegation.
    pub async fn issue_refresh_token(
        &self,
        transaction: &mut DatabaseTransaction,
        grant: RefreshGrant<'_>,
    ) -> Result<Option<String>, Failure> {
        if grant.client.may_use(GrantType::RefreshToken).is_err() {
            return Ok(None);
        }
        let secret = self.app.random.secret();
        let row = NewRefreshToken {
            digest: secret_digest(&secret),
            client: grant.client.id.clone(),
            delegation: grant.delegation.id.clone(),
            binding: Binding::of(grant.client, grant.key),
            access_jti: None,
            created_at: self.now,
            expires_at: grant.delegation.expires_at,
        };
        transaction.insert_refresh_token(&row).await?;
        Ok(Some(secret))
    }

    /// The event of a token: with it alone an auditor knows who, for whom, what and under which limits.
    pub fn token_event(
        &self,
        name: EventName,
        minted: &MintedToken,
        task: &Task,
        delegation: &Delegation,
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

    /// The event of a token and the commit of its transaction; a refusal is `invalid_grant`.
    pub async fn record_and_commit(
        &self,
        mut transaction: DatabaseTransaction,
        issued: IssuedToken<'_>,
    ) -> Result<TokenResponse, Failure> {
        let IssuedToken {
            event,
            task,
            delegation,
            minted,
        } = issued;
        let event = self.token_event(event, &minted, task, delegation);
        transaction.insert_event(&event).await?;
        self.commit(transaction, &delegation.id, OAuthError::invalid_grant)
            .await?;
        Ok(minted.response)
    }

    /// A refusal after client authentication.
    pub fn refuse(&self, refusal: OAuthError) -> Failure {
        self.caller.refuse(self.app, refusal)
    }

    /// The same, when the task and the delegation are known.
    pub fn refuse_below(&self, refusal: OAuthError, lineage: &Lineage) -> Failure {
        self.caller.refuse_below(self.app, refusal, lineage)
    }

    fn stopped(&self, because: &str) -> Event {
        let id = self.app.event_id(self.now);
        Event::new(id, self.now, EventName::DelegationStopped)
            .by(&self.caller.client)
            .with(json!({ "because": because }))
    }

    /// Keys, then assertion and proof, in this order everywhere: used up in this transaction, or the request is refused.
    pub async fn claim(&self, transaction: &mut DatabaseTransaction) -> Result<(), Failure> {
        self.claim_keys(transaction).await?;
        let checks = self.caller.replay_checks();
        self.caller.claim(self.app, transaction, checks).await
    }

    /// The client's keys become its own, or the request is refused.
    pub async fn claim_keys(&self, transaction: &mut DatabaseTransaction) -> Result<(), Failure> {
        self.caller
            .claim_keys(self.app, transaction, self.now)
            .await
    }

    /// A stop never loses a race against an issuance. Unless no other transaction can have written in between, everything above
    /// is read again after the commit, and if it was stopped, or is more than its person may grant now, the token is not sent but refused
    /// with the code of the grant.
    pub async fn commit(
        &self,
        transaction: DatabaseTransaction,
        delegation: &DelegationId,
        refuse: fn(String) -> OAuthError,
    ) -> Result<(), Failure> {
        let committed = transaction.commit_reporting_isolation().await;
        let committed = committed.map_err(ServerFault::of_commit)?;
        self.caller.remember_keys(self.app);
        if committed == CommitIsolation::Serial {
            return Ok(());
        }
        let live = self.app.is_still_live(delegation, self.decision_context());
        if live.await.map_err(ServerFault::of_commit)? {
            return Ok(());
        }
        let mut transaction = self.app.begin().await?;
        // A role may come back; what is stopped above is stopped here too.
        let is_stopped = !transaction.is_live(delegation, self.now).await?;
        if is_stopped && transaction.stop_delegation(delegation, self.now).await? {
            let mut event = self.stopped("what it builds on was stopped while it was made");
            event.delegation = Some(delegation.to_string());
            transaction.insert_event(&event).await?;
        }
        transaction.commit().await?;
        Err(self.refuse(refuse("what this request builds on was stopped".to_owned())))
    }
}

fn token_data(minted: &MintedToken, delegation: &Delegation) -> Value {
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
