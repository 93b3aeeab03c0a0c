//! A stored passkey: the record of webauthn-rs with its user handle; and its public key as a JWK (RFC 7517).

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{COSEAlgorithm, COSEKeyType, Passkey};

use crate::{BASE64URL, PasskeyError};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) user_handle: String,
    pub(crate) passkey: Passkey,
}

impl Key {
    pub(crate) fn read(text: &str) -> Result<Self, PasskeyError> {
        serde_json::from_str(text).map_err(|_| PasskeyError::Key)
    }

    pub(crate) fn write(&self) -> Result<String, PasskeyError> {
        serde_json::to_string(self).map_err(|_| PasskeyError::Key)
    }

    pub(crate) fn credential_id(&self) -> String {
        BASE64URL.encode(self.passkey.cred_id())
    }

    pub(crate) fn public(&self) -> Result<PublicKey, PasskeyError> {
        let key = self.passkey.get_public_key();
        match (&key.type_, &key.key) {
            (COSEAlgorithm::ES256, COSEKeyType::EC_EC2(point)) => Ok(PublicKey::Ec(EcKey {
                crv: P256.to_owned(),
                kty: "EC".to_owned(),
                x: BASE64URL.encode(&point.x),
                y: BASE64URL.encode(&point.y),
            })),
            (COSEAlgorithm::RS256, COSEKeyType::RSA(key)) => {
                let key = RsaKey {
                    e: BASE64URL.encode(key.e),
                    kty: "RSA".to_owned(),
                    n: BASE64URL.encode(&key.n),
                };
                key.modulus()?;
                Ok(PublicKey::Rsa(key))
            }
            _ => Err(PasskeyError::Algorithm),
        }
    }
}

/// Whether it can never leave the device on which it was made: not eligible for backup (WebAuthn section 6.1.3).
pub fn is_device_bound(passkey: &str) -> Result<bool, PasskeyError> {
    // The library says so in its serialised form alone.
    let key: serde_json::Value = serde_json::from_str(passkey).map_err(|_| PasskeyError::Key)?;
    let eligible = key.pointer("/passkey/cred/backup_eligible");
    let eligible = eligible.and_then(serde_json::Value::as_bool);
    eligible.map(|eligible| !eligible).ok_or(PasskeyError::Key)
}

/// The public key of a stored passkey as JWK text: a receipt holds it, so that it can be verified without this server.
pub fn public_key(passkey: &str) -> Result<String, PasskeyError> {
    let jwk = Key::read(passkey)?.public()?;
    serde_json::to_string(&jwk).map_err(|_| PasskeyError::Key)
}

/// ES256 or RS256, by key type. Members are in the order of RFC 7638 section 3.2, so that a key has one text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum PublicKey {
    Ec(EcKey),
    Rsa(RsaKey),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EcKey {
    crv: String,
    kty: String,
    x: String,
    y: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RsaKey {
    e: String,
    kty: String,
    n: String,
}

impl PublicKey {
    pub(crate) fn read(text: &str) -> Result<Self, PasskeyError> {
        serde_json::from_str(text).map_err(|_| PasskeyError::Key)
    }

    pub(crate) fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), PasskeyError> {
        match self {
            Self::Ec(key) => key.verify(signed, signature),
            Self::Rsa(key) => key.verify(signed, signature),
        }
    }
}

impl EcKey {
    /// ES256 with a DER signature (WebAuthn 6.5.5).
    fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), PasskeyError> {
        let signature = Signature::from_der(signature).map_err(|_| PasskeyError::Signature)?;
        self.point()?
            .verify(signed, &signature)
            .map_err(|_| PasskeyError::Signature)
    }

    fn point(&self) -> Result<VerifyingKey, PasskeyError> {
        if (self.kty.as_str(), self.crv.as_str()) != ("EC", P256) {
            return Err(PasskeyError::Key);
        }
        let mut bytes = vec![UNCOMPRESSED];
        for coordinate in [&self.x, &self.y] {
            bytes.extend(
                BASE64URL
                    .decode(coordinate)
                    .map_err(|_| PasskeyError::Key)?,
            );
        }
        VerifyingKey::from_sec1_bytes(&bytes).map_err(|_| PasskeyError::Key)
    }
}

impl RsaKey {
    /// RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8812 section 2, RFC 8017 section 8.2).
    fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), PasskeyError> {
        let modulus = self.modulus()?;
        let key = RsaPublicKeyComponents {
            n: modulus.as_slice(),
            e: EXPONENT.as_slice(),
        };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
            .map_err(|_| PasskeyError::Signature)
    }

    /// 2048 bits and the exponent 65537, as TPMs have them: all that webauthn-rs takes.
    fn modulus(&self) -> Result<Vec<u8>, PasskeyError> {
        let n = BASE64URL.decode(&self.n).map_err(|_| PasskeyError::Key)?;
        let is_long = n.len() == MODULUS_BYTES && n.first().is_some_and(|first| *first >= 0x80);
        let e = BASE64URL.decode(&self.e).ok();
        match self.kty == "RSA" && is_long && e.as_deref() == Some(EXPONENT.as_slice()) {
            true => Ok(n),
            false => Err(PasskeyError::Key),
        }
    }
}

/// SEC 1 section 2.3.3: the byte before two coordinates.
const UNCOMPRESSED: u8 = 4;
const P256: &str = "P-256";
/// 65537.
const EXPONENT: [u8; 3] = [1, 0, 1];
const MODULUS_BYTES: usize = 256;
