//! The two assertions that an agent signs with its registered key: one to authenticate itself
//! (RFC 7523 with 7523bis) and one, the actor assertion, that lets another agent get a token for it by token exchange (RFC 8693).

use std::time::Duration;

use serde_json::{Value, json};
use writ_wire::claims::{
    ACTOR_ASSERTION_TYPE, AssertionClaims, CLIENT_ASSERTION_TYPE, ConfirmationClaim,
};

use crate::agent::{Agent, ClientAuthentication};
use crate::error::Error;
use crate::jwt;
use crate::key::Key;
use crate::secret::Secret;

/// The longest lifetime of an actor assertion: the server accepts no longer one.
pub const MAX_ACTOR_ASSERTION_LIFETIME: Duration = Duration::from_secs(120);

impl Agent {
    /// Made by the agent that is to receive a token: lets `presenter`, and nobody else, have one bound to this agent's
    /// DPoP key, once, within `lifetime` (1 to 120 seconds). Send the text to the presenter.
    pub fn actor_assertion(&self, presenter: &str, lifetime: Duration) -> Result<Secret, Error> {
        let ClientAuthentication::PrivateKey(key) = &self.config.authentication else {
            return Err(usage(
                "an actor assertion needs `ClientAuthentication::PrivateKey`",
            ));
        };
        let bound = self.bound_key()?;
        if lifetime < Duration::from_secs(1) || lifetime > MAX_ACTOR_ASSERTION_LIFETIME {
            return Err(usage("an actor assertion lives 1 to 120 seconds"));
        }
        if presenter.is_empty() || presenter == self.client_id() {
            return Err(usage(
                "the presenter of an actor assertion is another agent",
            ));
        }
        let claims = AssertionClaims {
            azp: Some(presenter.to_owned()),
            cnf: Some(ConfirmationClaim {
                jkt: bound.thumbprint().to_owned(),
            }),
            ..self.assertion_claims(lifetime)
        };
        jwt::sign(key, &header(ACTOR_ASSERTION_TYPE, key), &claims).map(Secret::new)
    }

    /// A fresh client assertion: one per request, because its `jti` is consumed.
    pub(crate) fn client_assertion(&self, key: &Key) -> Result<String, Error> {
        let claims = self.assertion_claims(CLIENT_ASSERTION_LIFETIME);
        jwt::sign(key, &header(CLIENT_ASSERTION_TYPE, key), &claims)
    }

    /// `aud` is the issuer as a string, never an endpoint (7523bis, FAPI 2.0).
    fn assertion_claims(&self, lifetime: Duration) -> AssertionClaims {
        let now = self.environment.clock.now();
        AssertionClaims {
            iss: self.client_id().to_owned(),
            sub: self.client_id().to_owned(),
            aud: Value::String(self.issuer().to_owned()),
            exp: now.plus(lifetime).seconds(),
            iat: Some(now.seconds()),
            nbf: None,
            jti: self.environment.random.identifier(),
            azp: None,
            cnf: None,
        }
    }
}

fn header(typ: &str, key: &Key) -> Value {
    json!({ "typ": typ, "alg": "ES256", "kid": key.kid() })
}

fn usage(text: &str) -> Error {
    Error::Usage(text.to_owned())
}

const CLIENT_ASSERTION_LIFETIME: Duration = Duration::from_secs(60);
