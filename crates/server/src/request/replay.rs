//! What a request uses up, in the database transaction that it is used for: assertion, proof, and the agent's own keys. Nothing
//! is kept unless that transaction is committed, so a refused request can be sent again as it is.

use std::time::Duration;

use writ_core::OAuthError;
use writ_core::id::ClientId;
use writ_jose::key::Thumbprint;
use writ_store::DatabaseTransaction;
use writ_store::replay::ReplayClaim;
use writ_store::write::{InsertBatch, InsertOutcome};
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::caller::Caller;

/// How long a node relies on what it knows of a key's owner; then its row notes that the key is in use.
const KNOWN_KEY_AGE: Duration = Duration::from_secs(24 * 3600);

/// Something that may be used once, and the refusal if it was used before.
pub struct ReplayCheck {
    pub claim: ReplayClaim,
    pub used: OAuthError,
}

/// A key that a request proves to be an agent's, and the refusal if it is another's.
pub struct KeyClaim<'a> {
    pub key: &'a Thumbprint,
    pub agent: &'a ClientId,
    pub foreign: OAuthError,
}

impl Caller {
    /// What this request uses up: assertion and proof.
    pub fn replay_checks(&self) -> Vec<ReplayCheck> {
        let assertion = self.assertion.as_ref().map(|a| ReplayCheck {
            claim: ReplayClaim {
                digest: a.replay_digest(),
                expires_at: a.accepted_until,
            },
            used: OAuthError::invalid_client(
                "the client assertion was used before: make a new one with a fresh `jti`",
            ),
        });
        let proof = self.proof.as_ref().map(|p| ReplayCheck {
            claim: ReplayClaim {
                digest: p.replay_digest(),
                expires_at: p.accepted_until,
            },
            used: OAuthError::invalid_proof(
                "the proof was used before: make a new one with a fresh `jti`",
            ),
        });
        assertion.into_iter().chain(proof).collect()
    }

    /// The keys that become the client's; only those of agents are kept.
    pub fn key_claims(&self) -> Vec<KeyClaim<'_>> {
        let claim = |key| KeyClaim {
            key,
            agent: &self.client.id,
            foreign: OAuthError::invalid_proof("this key belongs to another agent"),
        };
        let keys = self.keys().filter(|_| self.client.is_agent());
        keys.map(claim).collect()
    }

    /// The keys that this request proves to be the client's.
    fn keys(&self) -> impl Iterator<Item = &Thumbprint> {
        self.assertion
            .iter()
            .map(|a| &a.thumbprint)
            .chain(self.key())
    }

    /// Claims everything that is used once, or the request is refused.
    pub async fn claim(
        &self,
        app: &App,
        transaction: &mut DatabaseTransaction,
        checks: Vec<ReplayCheck>,
    ) -> Result<(), Failure> {
        self.write(app, transaction, checks, InsertBatch::default())
            .await
    }

    /// The same, and what is written with it, in one round trip.
    pub async fn write(
        &self,
        app: &App,
        transaction: &mut DatabaseTransaction,
        checks: Vec<ReplayCheck>,
        writes: InsertBatch<'_>,
    ) -> Result<(), Failure> {
        let (claims, used): (Vec<ReplayClaim>, Vec<OAuthError>) = checks
            .into_iter()
            .map(|check| (check.claim, check.used))
            .unzip();
        let claims = claims.as_slice();
        let refusal = match transaction
            .insert_batch(InsertBatch { claims, ..writes })
            .await?
        {
            InsertOutcome::All => return Ok(()),
            InsertOutcome::Replayed(place) => used.into_iter().nth(place).ok_or_else(|| {
                Failure::Broken("a replay was found of a claim that was not made".to_owned())
            })?,
            InsertOutcome::ClientStopped => OAuthError::client_stopped(),
        };
        Err(self.refuse(app, refusal))
    }

    /// An agent's keys are its own: the first valid use writes the row, another agent's key is refused.
    pub async fn claim_keys(
        &self,
        app: &App,
        transaction: &mut DatabaseTransaction,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.claim_these_keys(app, transaction, self.key_claims(), now)
            .await
    }

    /// In the order of their thumbprints: two requests that prove the same new keys never wait for each other in a circle.
    pub async fn claim_these_keys(
        &self,
        app: &App,
        transaction: &mut DatabaseTransaction,
        mut claims: Vec<KeyClaim<'_>>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        claims.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
        for claim in claims {
            if owner(app, transaction, &claim, now).await? != *claim.agent {
                return Err(self.refuse(app, claim.foreign));
            }
        }
        Ok(())
    }

    /// After the commit: these keys need no statement any more.
    pub fn remember_keys(&self, app: &App) {
        if self.client.is_agent() {
            for key in self.keys() {
                app.remember_key(key, &self.client.id);
            }
        }
    }
}

/// Whose the key is now.
async fn owner(
    app: &App,
    transaction: &mut DatabaseTransaction,
    claim: &KeyClaim<'_>,
    now: Timestamp,
) -> Result<ClientId, Failure> {
    if let Some((since, owner)) = app.known_keys.get(claim.key.as_str())
        && now < since.plus(KNOWN_KEY_AGE)
    {
        return Ok(owner);
    }
    Ok(transaction.claim_key(claim.key, claim.agent, now).await?)
}

impl App {
    pub fn remember_key(&self, key: &Thumbprint, agent: &ClientId) {
        let now = self.clock.now();
        let known = self.known_keys.peek(key.as_str());
        if known.is_none_or(|(since, _)| now >= since.plus(KNOWN_KEY_AGE)) {
            self.known_keys
                .insert(key.to_string(), (now, agent.clone()));
        }
    }
}
