//! Level `liveness`: a verifier saw the person, before this very screen, a moment ago (docs/liveness.md). What it said is judged
//! when it is used, and again by whoever holds the receipt.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_jose::assertion::{AssertionError, LivenessResult, LivenessRules};
use writ_jose::jws::UnverifiedJwt;
use writ_jose::key::{KeySet, PublicKey};
use writ_wire::jwk::{Jwk, JwkSet};
use writ_wire::liveness::{LIVE, LivenessResultClaims};
use writ_wire::time::Timestamp;

/// How long the verifier may take what we ask.
pub const REQUEST_LIFETIME: Duration = Duration::from_secs(300);

/// What a result must be about.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The verifier's `iss`.
    pub verifier: &'a str,
    /// Its `aud`: the issuer of this server.
    pub issuer: &'a str,
    /// The person's pseudonym at this verifier.
    pub subject: &'a str,
    /// The hash of the screen.
    pub challenge: &'a str,
    pub now: Timestamp,
}

/// The verifier's word as a receipt keeps it, with the key that it was verified by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    pub issuer: String,
    pub public_key: Jwk,
    /// The JWT.
    pub result: String,
}

/// A result that counts, once.
#[derive(Clone, Debug)]
pub struct Witnessed {
    pub seen: Seen,
    pub replay_digest: String,
    /// No node accepts the result after this.
    pub accepted_until: Timestamp,
}

/// Why a result does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSeen {
    #[error("the verifier saw nobody alive: `{0}`")]
    NotLive(String),
    #[error("the result is too old")]
    Old,
    #[error("the result is about another screen")]
    OtherScreen,
    #[error("the result is about another person")]
    OtherPerson,
    #[error("{0}")]
    Unproven(AssertionError),
}

/// Judges what came back.
pub fn judge(result: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<Witnessed, NotSeen> {
    let rules = LivenessRules {
        verifier: expected.verifier,
        issuer: expected.issuer,
        now: expected.now,
    };
    let said = said(result, keys, &rules, expected.challenge)?;
    if said.subject != expected.subject {
        return Err(NotSeen::OtherPerson);
    }
    Ok(Witnessed {
        replay_digest: said.replay_digest(),
        accepted_until: said.accepted_until,
        seen: Seen {
            issuer: said.verifier,
            public_key: Jwk {
                kid: said.signer.kid().map(str::to_owned),
                ..said.signer.to_jwk()
            },
            result: result.to_owned(),
        },
    })
}

impl Seen {
    /// Again, from what a receipt holds: by its key, for its screen, at its time. That the pseudonym is the person's, and the
    /// key the verifier's, is the word of who signed the receipt.
    pub fn prove(&self, issuer: &str, challenge: &str, at: Timestamp) -> Result<(), NotSeen> {
        let unproven = |_| NotSeen::Unproven(AssertionError::UnknownKey);
        let keys = vec![self.public_key.clone()];
        let keys = KeySet::from_jwks(&JwkSet { keys }).map_err(unproven)?;
        let rules = LivenessRules {
            verifier: &self.issuer,
            issuer,
            now: at,
        };
        said(&self.result, &keys, &rules, challenge).map(|_| ())
    }

    /// What names the verifier's key.
    pub fn thumbprint(&self) -> Option<String> {
        let key = PublicKey::from_jwk(&self.public_key).ok()?;
        Some(key.thumbprint().to_string())
    }

    /// The verifier's own name for what it keeps: text, or the JSON of what is none. True only after [`Self::prove`].
    pub fn evidence(&self) -> Option<String> {
        let jws = UnverifiedJwt::parse(&self.result).ok()?;
        let finding: LivenessResultClaims = jws.unverified_claims().ok()?;
        finding.evidence.map(|evidence| match evidence {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }
}

/// By a key of the verifier, in time, for us, live, and for this screen.
fn said(
    result: &str,
    keys: &KeySet,
    rules: &LivenessRules<'_>,
    challenge: &str,
) -> Result<LivenessResult, NotSeen> {
    let said = LivenessResult::verify(result, keys, rules).map_err(|error| match error {
        AssertionError::Expired => NotSeen::Old,
        other => NotSeen::Unproven(other),
    })?;
    if said.finding.result != LIVE {
        return Err(NotSeen::NotLive(said.finding.result));
    }
    if said.finding.challenge != challenge {
        return Err(NotSeen::OtherScreen);
    }
    Ok(said)
}
