//! ES256 key pairs (RFC 7518 section 3.4), their thumbprints (RFC 7638) and their PKCS #8 form (RFC 5958, 7468).
//! Signing is deterministic (RFC 6979): it needs no randomness.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::zeroize::Zeroizing;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use serde_json::Map;
use sha2::{Digest, Sha256};
use writ_platform::Random;
use writ_wire::jwk::Jwk;

use crate::secret::Secret;

/// An ES256 key pair. An agent has two: one for assertions, registered in its `jwks`, and one for DPoP.
#[derive(Clone)]
pub struct Key {
    signing: SigningKey,
    x: String,
    y: String,
    thumbprint: String,
    kid: String,
}

/// Why a private key cannot be read or written. It never carries key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    #[error(
        "no `PRIVATE KEY` block in PEM: a key in another form is converted by `openssl pkcs8 -topk8 -nocrypt`"
    )]
    NotPem,
    #[error("not the PKCS #8 form of a P-256 private key: make one with `Key::generate`")]
    NotP256,
    #[error("the key cannot be written as PKCS #8")]
    NotWritable,
}

impl Key {
    pub fn generate(random: &Random) -> Self {
        // Ends: a draw is zero or above the group's order once in four thousand million.
        loop {
            let scalar = Zeroizing::new(random.bytes::<32>());
            if let Ok(signing) = SigningKey::from_slice(scalar.as_slice()) {
                return Self::of(signing);
            }
        }
    }

    /// Reads the first `PRIVATE KEY` block (RFC 7468 section 10).
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, PrivateKeyError> {
        let (_, rest) = pem.split_once(PEM_BEGIN).ok_or(PrivateKeyError::NotPem)?;
        let (body, _) = rest.split_once(PEM_END).ok_or(PrivateKeyError::NotPem)?;
        let text: Zeroizing<String> =
            Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
        let der = STANDARD
            .decode(text.as_bytes())
            .map_err(|_| PrivateKeyError::NotPem)?;
        Self::from_pkcs8_der(&Zeroizing::new(der))
    }

    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let secret = SecretKey::from_pkcs8_der(der).map_err(|_| PrivateKeyError::NotP256)?;
        Ok(Self::of(SigningKey::from(secret)))
    }

    /// The private key in DER, wiped when dropped.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
        let document = SecretKey::from(self.signing.as_nonzero_scalar())
            .to_pkcs8_der()
            .map_err(|_| PrivateKeyError::NotWritable)?;
        Ok(document.to_bytes())
    }

    /// The private key in PEM.
    pub fn to_pkcs8_pem(&self) -> Result<Secret, PrivateKeyError> {
        let body = Zeroizing::new(STANDARD.encode(self.to_pkcs8_der()?.as_slice()));
        let mut pem = format!("{PEM_BEGIN}\n");
        for (place, character) in body.chars().enumerate() {
            if place > 0 && place % PEM_LINE == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str(&format!("\n{PEM_END}\n"));
        Ok(Secret::new(pem))
    }

    /// Uses the `kid` under which a key made elsewhere was registered; otherwise it is the thumbprint.
    pub fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = kid.into();
        self
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// SHA-256 thumbprint (RFC 7638) in base64url: the `jkt` of what is bound to this key.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The public key as it is registered: with `kid`, `alg` and `use`.
    pub fn public_jwk(&self) -> Jwk {
        Jwk {
            kid: Some(self.kid.clone()),
            alg: Some("ES256".to_owned()),
            public_key_use: Some("sig".to_owned()),
            ..self.bare_jwk()
        }
    }

    /// The public key as it stands in a proof (RFC 9449 section 4.2).
    pub(crate) fn bare_jwk(&self) -> Jwk {
        Jwk {
            kty: "EC".to_owned(),
            crv: Some("P-256".to_owned()),
            x: Some(self.x.clone()),
            y: Some(self.y.clone()),
            kid: None,
            alg: None,
            public_key_use: None,
            n: None,
            e: None,
            other: Map::new(),
        }
    }

    /// R and S, 32 bytes each (RFC 7518 section 3.4).
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.signing.sign(message);
        signature.to_bytes().to_vec()
    }

    fn of(signing: SigningKey) -> Self {
        let point = signing.verifying_key().to_sec1_bytes();
        // INVARIANT: an uncompressed point is 0x04 and two coordinates of 32 bytes (SEC 1 section 2.3.3).
        let coordinate =
            |from: usize| URL_SAFE_NO_PAD.encode(point.get(from..from + 32).unwrap_or_default());
        let (x, y) = (coordinate(1), coordinate(33));
        let thumbprint = thumbprint(&x, &y);
        Self {
            signing,
            x,
            y,
            kid: thumbprint.clone(),
            thumbprint,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("thumbprint", &self.thumbprint)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// RFC 7638 section 3.2: the required members in lexicographic order, without white space.
pub(crate) fn thumbprint(x: &str, y: &str) -> String {
    let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";
const PEM_LINE: usize = 64;
