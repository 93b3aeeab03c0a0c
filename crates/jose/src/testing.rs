//! Test keys, signed with p256, so that the tests compare two libraries.

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use writ_wire::jwk::{Jwk, JwkSet};

use crate::encoding::encode;
use crate::key::{KeySet, PublicKey};

/// A signer with a P-256 key.
pub(crate) struct Party(SigningKey);

impl Party {
    pub(crate) fn new(seed: u8) -> Self {
        Self(SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.0.verifying_key().to_sec1_point(false);
        json!({
            "kty": "EC", "crv": "P-256",
            "x": encode(point.x().unwrap()), "y": encode(point.y().unwrap()),
        })
    }

    pub(crate) fn public(&self) -> PublicKey {
        public(self.jwk())
    }

    /// A set of this one key.
    pub(crate) fn keys(&self) -> KeySet {
        key_set(&[self.jwk()])
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let signature: Signature = self.0.sign(input.as_bytes());
        format!("{input}.{}", encode(signature.to_bytes()))
    }
}

pub(crate) fn jwk(value: Value) -> Jwk {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn public(value: Value) -> PublicKey {
    PublicKey::from_jwk(&jwk(value)).unwrap()
}

pub(crate) fn key_set(keys: &[Value]) -> KeySet {
    let keys = keys.iter().cloned().map(jwk).collect();
    KeySet::from_jwks(&JwkSet { keys }).unwrap()
}

/// The object with one member set, or removed by `null`.
pub(crate) fn with(object: &Value, member: &str, value: Value) -> Value {
    let mut object = object.clone();
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(member);
    } else {
        members.insert(member.to_owned(), value);
    }
    object
}
