//! The actor assertion: the `actor_token` (RFC 8693 section 2.1) by which an agent accepts a delegation. It names the agent's key,
//! to which the new token is bound, and the one client that may present it.

use std::time::Duration;

use writ_wire::claims::ACTOR_ASSERTION_TYPE;
use writ_wire::time::Timestamp;

use super::{AssertionError, UnverifiedAssertion};
use crate::encoding::quoted;
use crate::hash::digest_text;
use crate::key::{KeySet, Thumbprint};

/// The longest lifetime of an actor assertion, from `iat` to `exp`.
pub const MAX_ACTOR_ASSERTION_LIFE: Duration = Duration::from_secs(120);

/// What an actor assertion is verified against.
#[derive(Clone, Copy, Debug)]
pub struct ActorAssertionRules<'a> {
    /// The agent that signed it and becomes the current actor.
    pub agent: &'a str,
    pub issuer: &'a str,
    /// The authenticated client of the token exchange.
    pub presenter: &'a str,
    pub now: Timestamp,
}

/// A verified actor assertion. It may be used once: see [`Self::replay_digest`].
#[derive(Clone, Debug)]
pub struct ActorAssertion {
    pub agent: String,
    /// The key to bind the new token to.
    pub binds: Thumbprint,
    /// Thumbprint of the agent's registered key that verified.
    pub signer: Thumbprint,
    pub jti: String,
    /// Until then a replay must be detected; no node accepts the assertion later.
    pub accepted_until: Timestamp,
}

impl ActorAssertion {
    pub fn verify(
        text: &str,
        keys: &KeySet,
        rules: &ActorAssertionRules<'_>,
    ) -> Result<Self, AssertionError> {
        UnverifiedAssertion::parse(text)?.verify_actor(keys, rules)
    }

    /// What must be claimed once per assertion; by agent.
    pub fn replay_digest(&self) -> String {
        digest_text(&[
            b"actor-assertion",
            self.agent.as_bytes(),
            self.jti.as_bytes(),
        ])
    }
}

impl UnverifiedAssertion<'_> {
    pub fn verify_actor(
        self,
        keys: &KeySet,
        rules: &ActorAssertionRules<'_>,
    ) -> Result<ActorAssertion, AssertionError> {
        self.check_actor_type()?;
        let key = self.verify_signature(keys)?;
        self.check_subject(rules.agent)?;
        self.check_actor_audience(rules.issuer)?;
        self.check_presenter(rules.presenter)?;
        self.check_jti()?;
        self.claims.iat.ok_or(AssertionError::Missing("iat"))?;
        let accepted_until = self.check_time(rules.now, MAX_ACTOR_ASSERTION_LIFE)?;
        Ok(ActorAssertion {
            binds: self.binds()?,
            agent: self.claims.sub,
            signer: key.thumbprint().clone(),
            jti: self.claims.jti,
            accepted_until,
        })
    }

    fn check_actor_type(&self) -> Result<(), AssertionError> {
        match self.jws.header().typ.as_deref() {
            Some(ACTOR_ASSERTION_TYPE) => Ok(()),
            found => Err(AssertionError::Type {
                expected: ACTOR_ASSERTION_TYPE,
                found: quoted(found.unwrap_or_default()),
            }),
        }
    }

    fn check_actor_audience(&self, issuer: &str) -> Result<(), AssertionError> {
        self.audience_is_string(issuer)
            .then_some(())
            .ok_or_else(|| AssertionError::Audience {
                expected: issuer.to_owned(),
                form: "as a string, not a list",
            })
    }

    fn check_presenter(&self, presenter: &str) -> Result<(), AssertionError> {
        match self.claims.azp.as_deref() {
            None => Err(AssertionError::Missing("azp")),
            Some(azp) if azp == presenter => Ok(()),
            Some(_) => Err(AssertionError::Presenter(quoted(presenter))),
        }
    }

    fn binds(&self) -> Result<Thumbprint, AssertionError> {
        let cnf = self.claims.cnf.as_ref();
        let cnf = cnf.ok_or(AssertionError::Missing("cnf"))?;
        Thumbprint::parse(&cnf.jkt).ok_or(AssertionError::Confirmation)
    }
}
