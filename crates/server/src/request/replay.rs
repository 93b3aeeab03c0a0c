//! What a request uses up, in the transaction that it is used for (LESSONS 22, 23): assertion, proof, and the agent's own keys.

use writ_core::OAuthError;
use writ_core::id::ClientId;
use writ_jose::key::Thumbprint;
use writ_store::DatabaseTransaction;
use writ_store::replay::ReplayClaim;
use writ_store::write::{InsertBatch, InsertOutcome};
use writ_wire::error::ErrorCode;
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::request::caller::Caller;

/// Something that may be used once, and the refusal if it was used before.
pub struct Single {
    pub once: ReplayClaim,
    pub used: OAuthError,
}

/// A key that a request proves to be an agent's, and the refusal if it is another's.
pub struct Proved<'a> {
    pub key: &'a Thumbprint,
    pub agent: &'a ClientId,
    pub foreign: OAuthError,
}

impl Caller {
    /// What this request uses up: assertion and proof.
    pub fn singles(&self) -> Vec<Single> {
        let assertion = self.assertion.as_ref().map(|a| Single {
            once: ReplayClaim {
                digest: a.replay_digest(),
                expires_at: a.accepted_until,
            },
            used: OAuthError::invalid_client(
                "the client assertion was used before: make a new one with a fresh `jti`",
            ),
        });
        let proof = self.proof.as_ref().map(|p| Single {
            once: ReplayClaim {
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
    pub fn proved(&self) -> Vec<Proved<'_>> {
        let proved = |key| Proved {
            key,
            agent: &self.client.id,
            foreign: OAuthError::invalid_proof("this key belongs to another agent"),
        };
        let keys = self.keys().filter(|_| self.client.is_agent());
        keys.map(proved).collect()
    }

    /// The keys that this request proves to be the client's.
    fn keys(&self) -> impl Iterator<Item = &Thumbprint> {
        self.assertion
            .iter()
            .map(|a| &a.thumbprint)
            .chain(self.key())
    }
}

impl App {
    /// Claims everything that is used once; nothing is kept unless the caller commits.
    pub async fn claim(
        &self,
        session: &mut DatabaseTransaction,
        singles: Vec<Single>,
    ) -> Result<Option<OAuthError>, Failure> {
        self.write(session, singles, InsertBatch::default()).await
    }

    /// The same, and what is written with it; nothing is kept unless the caller commits.
    pub async fn write(
        &self,
        session: &mut DatabaseTransaction,
        singles: Vec<Single>,
        writes: InsertBatch<'_>,
    ) -> Result<Option<OAuthError>, Failure> {
        let (once, used): (Vec<ReplayClaim>, Vec<OAuthError>) = singles
            .into_iter()
            .map(|single| (single.once, single.used))
            .unzip();
        let claims = once.as_slice();
        match session
            .insert_batch(InsertBatch { claims, ..writes })
            .await?
        {
            InsertOutcome::All => Ok(None),
            InsertOutcome::Replayed(place) => match used.into_iter().nth(place) {
                Some(refusal) => Ok(Some(refusal)),
                None => Err(Failure::Broken(
                    "a claim was seen that was not made".to_owned(),
                )),
            },
            InsertOutcome::ClientStopped => Ok(Some(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "this client is stopped",
            ))),
        }
    }

    /// An agent's keys are its own: the first valid use writes the row, another agent's key is refused (DESIGN 8).
    pub async fn claim_keys(
        &self,
        session: &mut DatabaseTransaction,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Option<OAuthError>, Failure> {
        self.claim_proved(session, caller.proved(), now).await
    }

    /// In the order of their thumbprints: two requests that prove the same new keys never wait for each other in a circle.
    pub async fn claim_proved(
        &self,
        session: &mut DatabaseTransaction,
        mut proved: Vec<Proved<'_>>,
        now: Timestamp,
    ) -> Result<Option<OAuthError>, Failure> {
        proved.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
        for Proved {
            key,
            agent,
            foreign,
        } in proved
        {
            if !self.claim_key(session, key, agent, now).await? {
                return Ok(Some(foreign));
            }
        }
        Ok(None)
    }

    /// Whether the key is (now) the agent's.
    async fn claim_key(
        &self,
        session: &mut DatabaseTransaction,
        key: &Thumbprint,
        agent: &ClientId,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        if let Some(owner) = self.known_keys.get(key.as_str()) {
            return Ok(owner == *agent);
        }
        Ok(session.claim_key(key, agent, now).await? == *agent)
    }

    /// After the commit: these keys need no statement any more.
    pub fn remember_keys(&self, caller: &Caller) {
        if caller.client.is_agent() {
            for key in caller.keys() {
                self.remember_key(key, &caller.client.id);
            }
        }
    }

    pub fn remember_key(&self, key: &Thumbprint, agent: &ClientId) {
        if self.known_keys.peek(key.as_str()).is_none() {
            self.known_keys.insert(key.to_string(), agent.clone());
        }
    }
}
