//! The transaction authorization challenge (draft-rosomakho-oauth-txn-challenge-00): a resource server signs the one operation that
//! a person must approve, and the client presents that to the issuer. Only for clients that say they can: `Accept-Txn-Challenge: ?1`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use writ_jose::key::{Algorithm, SigningKey};
use writ_wire::jwk::JwkSet;
use writ_wire::rar::Detail;
use writ_wire::structured;
use writ_wire::time::Timestamp;
use writ_wire::transaction::{
    ACCEPT_CHALLENGE, CHALLENGE_TYPE, ChallengeClaims, MAX_REASON, MAX_TXN, Requester,
};
use zeroize::Zeroizing;

use crate::caller::{Caller, CallerActor, CallerSubject};
use crate::config::ConfigError;
use crate::refused::Reason;

/// How long a client has to bring a challenge to the issuer.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_secs(300);

/// Whether a refusal that a person could lift is a signed challenge, for clients that take one.
#[derive(Clone, Debug, Default)]
pub enum Transactions {
    #[default]
    Off,
    Challenge(TransactionSigner),
}

impl Transactions {
    pub(crate) const fn signer(&self) -> Option<&TransactionSigner> {
        match self {
            Self::Off => None,
            Self::Challenge(signer) => Some(signer),
        }
    }
}

/// Signs challenges by a key that is registered at the issuer as `txn_challenge_jwks`.
#[derive(Clone)]
pub struct TransactionSigner {
    key: Arc<SigningKey>,
    reason: String,
    jwks_uri: Option<String>,
}

impl TransactionSigner {
    /// A fresh ES256 key; keep it by [`Self::to_pkcs8`].
    pub fn generate() -> Result<Self, ConfigError> {
        let key = SigningKey::generate();
        Ok(Self::of(key.map_err(|_| ConfigError::ChallengeKey)?))
    }

    /// A P-256 key in PKCS #8.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, ConfigError> {
        let key = SigningKey::from_pkcs8(der);
        Ok(Self::of(key.map_err(|_| ConfigError::ChallengeKey)?))
    }

    fn of(key: SigningKey) -> Self {
        Self {
            key: Arc::new(key),
            reason: USUAL_REASON.to_owned(),
            jwks_uri: None,
        }
    }

    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.key.to_pkcs8()
    }

    /// What people read as this resource's words, where [`Operation`] says nothing else.
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Where you serve [`Self::jwks`]; for the metadata of the resource.
    pub fn with_jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.jwks_uri = Some(url.into());
        self
    }

    /// `txn_challenge_jwks` of RESOURCE.json: the public key.
    pub fn jwks(&self) -> JwkSet {
        JwkSet {
            keys: vec![self.key.public_jwk()],
        }
    }

    pub(crate) fn jwks_uri(&self) -> Option<String> {
        self.jwks_uri.clone()
    }

    pub(crate) fn algorithms() -> Vec<String> {
        vec![Algorithm::Es256.as_str().to_owned()]
    }

    /// `None` where the issuer could ask nobody, or it would not fit into a header field.
    pub(crate) fn challenge(&self, caller: &Caller, wanted: &Wanted<'_>) -> Option<Challenged> {
        let CallerSubject::Person(person) = &caller.subject else {
            return None;
        };
        let (txn, reason) = match wanted.operation {
            Some(operation) => (operation.txn.clone(), operation.reason.as_str()),
            None => (wanted.identifier.to_owned(), self.reason.as_str()),
        };
        if !(1..=MAX_TXN).contains(&txn.len()) || reason.len() > MAX_REASON {
            return None;
        }
        let claims = ChallengeClaims {
            iss: wanted.resource.to_owned(),
            aud: wanted.issuer.into(),
            iat: wanted.now.seconds(),
            exp: wanted.now.plus(CHALLENGE_LIFETIME).seconds(),
            jti: wanted.identifier.to_owned(),
            txn: txn.clone(),
            authorization_details: vec![wanted.request.clone()],
            reason: reason.to_owned(),
            reason_uri: None,
            sub: Some(person.clone()),
            act: requester(&caller.actors),
        };
        let text = self.key.sign_jwt(CHALLENGE_TYPE, &claims).ok()?;
        (text.len() <= MAX_CHALLENGE_BYTES).then_some(Challenged { txn, text })
    }
}

impl fmt::Debug for TransactionSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionSigner")
            .field("kid", &self.key.kid())
            .finish_non_exhaustive()
    }
}

/// What the application knows of one operation: its own name of it, and why a person is wanted, in words for that person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Unique here as long as it may be asked for; comes back as [`Caller::transaction`]. At most [`MAX_TXN`] bytes.
    pub txn: String,
    /// At most [`MAX_REASON`] bytes; people see the first 140 characters.
    pub reason: String,
}

/// What one challenge is made of.
pub(crate) struct Wanted<'a> {
    pub(crate) resource: &'a str,
    pub(crate) issuer: &'a str,
    /// Without `ref` and `type_hash`.
    pub(crate) request: &'a Detail,
    pub(crate) operation: Option<&'a Operation>,
    /// Never drawn before.
    pub(crate) identifier: &'a str,
    pub(crate) now: Timestamp,
}

/// A signed challenge and the transaction that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenged {
    pub(crate) txn: String,
    pub(crate) text: String,
}

/// What the client of a request can do with a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepts {
    Challenges,
    Nothing,
}

impl Accepts {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_CHALLENGE).iter();
        match structured::boolean(lines.map(|line| line.as_bytes())) {
            Some(true) => Self::Challenges,
            Some(false) | None => Self::Nothing,
        }
    }
}

/// The request that a person could allow; `None` for every other reason.
pub(crate) fn wanted(reason: &Reason) -> Option<&Detail> {
    match reason {
        Reason::NotPermitted { asked, .. }
        | Reason::AlreadyUsed { asked }
        | Reason::NeedsPerson { asked, .. } => Some(asked.request()),
        _ => None,
    }
}

/// The chain of the refused request, outermost first, as it nests.
fn requester(actors: &[CallerActor]) -> Option<Requester> {
    actors.iter().rev().fold(None, |inner, actor| {
        Some(Requester {
            iss: Some(actor.iss.clone()),
            sub: actor.sub.clone(),
            act: inner.map(Box::new),
        })
    })
}

const USUAL_REASON: &str = "A person must agree to exactly this.";
/// Header fields in all are often limited to 8 KiB.
pub(crate) const MAX_CHALLENGE_BYTES: usize = 4096;
