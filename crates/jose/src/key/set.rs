//! A JWK Set of verified keys (RFC 7517 section 5).

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use writ_wire::jwk::{Jwk, JwkSet, MAX_KEYS};
use writ_wire::strict_json;

use super::{KeyError, PublicKey, RsaSignatures};
use crate::encoding::quoted;

/// At most [`MAX_KEYS`] keys. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Arc<[PublicKey]>);

impl KeySet {
    /// One bad key refuses the whole set, so that whoever registers it notices.
    pub fn from_jwks(jwks: &JwkSet) -> Result<Self, KeyError> {
        if jwks.keys.len() > MAX_KEYS {
            return Err(KeyError::TooMany);
        }
        let mut keys: Vec<PublicKey> = Vec::with_capacity(jwks.keys.len());
        for jwk in &jwks.keys {
            let key = PublicKey::from_jwk(jwk)?;
            refuse_repeated(&keys, &key)?;
            keys.push(key);
        }
        Ok(Self(keys.into()))
    }

    /// The keys that a client registers for its assertions. Keys of other kinds and for other uses are left out (RFC 7517 section 5); a
    /// private key, a shared secret or a `kid` twice refuses the set, so that whoever registers it notices.
    pub fn of_client(jwks: &JwkSet, signatures: RsaSignatures) -> Result<Self, KeyError> {
        if jwks.keys.len() > MAX_KEYS {
            return Err(KeyError::TooMany);
        }
        let (mut keys, mut first_fault) = (Vec::new(), None);
        for jwk in &jwks.keys {
            match PublicKey::from_jwk_with(jwk, signatures) {
                Ok(key) => {
                    refuse_repeated(&keys, &key)?;
                    keys.push(key);
                }
                Err(fault @ (KeyError::PrivateMember(_) | KeyError::Symmetric)) => {
                    return Err(fault);
                }
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        match (keys.as_slice(), first_fault) {
            ([], Some(fault)) => Err(fault),
            ([], None) => Err(KeyError::NoneUsable),
            _ => Ok(Self(keys.into())),
        }
    }

    /// The keys that a client publishes for its assertions. Whatever cannot be used is left out: an unknown kind, a weak key, one for
    /// encryption, a private one. Of the others at most [`MAX_KEYS`] are kept, in their order.
    pub fn published(json: &[u8], signatures: RsaSignatures) -> Result<Self, KeyError> {
        let keys = usable(json, signatures)?.into_iter().map(|(key, _)| key);
        let keys: Vec<PublicKey> = keys.collect();
        match keys.as_slice() {
            [] => Err(KeyError::NoneUsable),
            _ => Ok(Self(keys.into())),
        }
    }

    /// The JWKs of the same keys, for a library that reads them itself and would take others too.
    pub fn published_jwks(json: &[u8], signatures: RsaSignatures) -> Result<Vec<Value>, KeyError> {
        let keys = usable(json, signatures)?.into_iter();
        Ok(keys.map(|(_, jwk)| jwk).collect())
    }

    /// With a `kid` only keys that have it; without one all keys.
    pub fn candidates(&self, kid: Option<&str>) -> impl Iterator<Item = &PublicKey> {
        self.0
            .iter()
            .filter(move |key| kid.is_none() || key.kid() == kid)
    }

    pub fn keys(&self) -> &[PublicKey] {
        &self.0
    }
}

/// A set whose keys are read one by one.
#[derive(Deserialize)]
struct PublishedSet {
    keys: Vec<Value>,
}

/// Each with the JWK that it was read from.
fn usable(json: &[u8], signatures: RsaSignatures) -> Result<Vec<(PublicKey, Value)>, KeyError> {
    let set: PublishedSet = strict_json::read(json).map_err(|_| KeyError::NotASet)?;
    let usable = set.keys.into_iter().filter_map(|key| {
        let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
        let read = PublicKey::from_jwk_with(&jwk, signatures).ok()?;
        Some((read, key))
    });
    Ok(usable.take(MAX_KEYS).collect())
}

fn refuse_repeated(keys: &[PublicKey], key: &PublicKey) -> Result<(), KeyError> {
    match key.kid() {
        Some(kid) if keys.iter().any(|other| other.kid() == Some(kid)) => {
            Err(KeyError::RepeatedKid(quoted(kid)))
        }
        _ => Ok(()),
    }
}
