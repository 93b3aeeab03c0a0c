//! The keys of the software authenticator: ES256 as phones have them, RS256 as the TPM of a Windows device has them.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

use super::cbor::Cbor;
use crate::PasskeyError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Es256,
    Rs256,
}

#[derive(Clone)]
pub(super) enum Key {
    Es256(SigningKey),
    Rs256(Arc<RsaKeyPair>),
}

impl Family {
    /// As a COSE algorithm.
    pub(super) const fn algorithm(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::Rs256 => -257,
        }
    }
}

impl Key {
    pub(super) fn es256(secret: &[u8]) -> Result<Self, PasskeyError> {
        let key = SigningKey::from_slice(secret);
        key.map(Self::Es256).map_err(|_| PasskeyError::Key)
    }

    /// A random key.
    pub(super) fn rs256() -> Result<Self, PasskeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| PasskeyError::Key)?;
        Ok(Self::Rs256(Arc::new(pair)))
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PasskeyError> {
        match self {
            Self::Es256(key) => {
                let signature: Signature = key.sign(message);
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| PasskeyError::Key)?;
                Ok(signature)
            }
        }
    }

    /// RFC 9053 section 7.1.1 and RFC 8230 section 4, in the canonical order of CTAP2.
    pub(super) fn cose(&self, algorithm: i64) -> Result<Vec<u8>, PasskeyError> {
        let algorithm = (Cbor::Integer(3), Cbor::Integer(algorithm));
        let members = match self {
            Self::Es256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                let coordinate = |bytes: Option<&p256::FieldBytes>| {
                    Cbor::Bytes(bytes.map(|bytes| bytes.to_vec()).unwrap_or_default())
                };
                vec![
                    (Cbor::Integer(1), Cbor::Integer(2)),
                    algorithm,
                    (Cbor::Integer(-1), Cbor::Integer(1)),
                    (Cbor::Integer(-2), coordinate(point.x())),
                    (Cbor::Integer(-3), coordinate(point.y())),
                ]
            }
            Self::Rs256(pair) => {
                let (n, e) = components(pair).ok_or(PasskeyError::Key)?;
                vec![
                    (Cbor::Integer(1), Cbor::Integer(3)),
                    algorithm,
                    (Cbor::Integer(-1), Cbor::Bytes(n)),
                    (Cbor::Integer(-2), Cbor::Bytes(e)),
                ]
            }
        };
        Ok(Cbor::Map(members).encode())
    }
}

/// Modulus and exponent of the DER `RSAPublicKey` (RFC 8017 appendix A.1.1), at the offsets for 2048 bits and 65537.
fn components(pair: &RsaKeyPair) -> Option<(Vec<u8>, Vec<u8>)> {
    let der = pair.public_key().as_ref();
    Some((der.get(9..265)?.to_vec(), der.get(267..270)?.to_vec()))
}
