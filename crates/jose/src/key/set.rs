//! A JWK Set of verified keys (RFC 7517 section 5).

use writ_wire::jwk::{JwkSet, MAX_KEYS};

use super::{KeyError, PublicKey};
use crate::encoding::quoted;

/// At most [`MAX_KEYS`] keys, no `kid` twice.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<PublicKey>);

impl KeySet {
    /// One bad key refuses the whole set, so that whoever registers it notices.
    pub fn from_jwks(jwks: &JwkSet) -> Result<Self, KeyError> {
        if jwks.keys.len() > MAX_KEYS {
            return Err(KeyError::TooMany);
        }
        let mut keys: Vec<PublicKey> = Vec::with_capacity(jwks.keys.len());
        for jwk in &jwks.keys {
            let key = PublicKey::from_jwk(jwk)?;
            if let Some(kid) = key.kid()
                && keys.iter().any(|other| other.kid() == Some(kid))
            {
                return Err(KeyError::RepeatedKid(quoted(kid)));
            }
            keys.push(key);
        }
        Ok(Self(keys))
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
