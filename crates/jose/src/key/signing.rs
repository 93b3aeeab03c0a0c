//! The server's signing key: ES256 (RFC 7518 section 3.4).

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde::Serialize;
use writ_wire::jwk::Jwk;
use zeroize::Zeroizing;

use super::{Algorithm, KeyError, PublicKey};
use crate::encoding::encode_onto;

/// A P-256 key pair, named by its thumbprint.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl SigningKey {
    pub fn generate() -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Self::from_pair(pair.map_err(|_| KeyError::Library)?)
    }

    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
        Self::from_pair(pair.map_err(|_| KeyError::Unreadable)?)
    }

    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The thumbprint of the public key (RFC 7638).
    pub fn kid(&self) -> &str {
        self.public.thumbprint().as_str()
    }

    /// As published at `/jwks`.
    pub fn public_jwk(&self) -> Jwk {
        Jwk {
            kid: Some(self.kid().to_owned()),
            alg: Some(Algorithm::Es256.as_str().to_owned()),
            public_key_use: Some("sig".to_owned()),
            ..self.public.to_jwk()
        }
    }

    /// A compact JWS of the claims, with `alg`, `typ` and `kid` in its header.
    pub fn sign_jwt<C: Serialize>(&self, typ: &str, claims: &C) -> Result<String, KeyError> {
        compact(Algorithm::Es256, self.kid(), typ, claims, |message| {
            let signature = self.pair.sign(&SystemRandom::new(), message);
            Ok(signature.map_err(|_| KeyError::Library)?.as_ref().to_vec())
        })
    }

    fn from_pair(pair: EcdsaKeyPair) -> Result<Self, KeyError> {
        let document = pair.to_pkcs8v1().map_err(|_| KeyError::Library)?;
        let public = PublicKey::from_p256_point(pair.public_key().as_ref())?;
        Ok(Self {
            pair,
            pkcs8: Zeroizing::new(document.as_ref().to_vec()),
            public,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}

/// A compact JWS (RFC 7515 section 7.1) of the claims, signed by `sign`.
pub(super) fn compact<C: Serialize>(
    algorithm: Algorithm,
    kid: &str,
    typ: &str,
    claims: &C,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, KeyError>,
) -> Result<String, KeyError> {
    let header = Header {
        alg: algorithm.as_str(),
        typ,
        kid,
    };
    let (header, claims) = (json(&header)?, json(claims)?);
    let mut text = String::with_capacity((header.len() + claims.len()) * 4 / 3 + 384);
    encode_onto(&header, &mut text);
    text.push('.');
    encode_onto(&claims, &mut text);
    let signature = sign(text.as_bytes())?;
    text.push('.');
    encode_onto(&signature, &mut text);
    Ok(text)
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'a str,
    kid: &'a str,
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, KeyError> {
    serde_json::to_vec(value).map_err(|e| KeyError::Claims(e.to_string()))
}
